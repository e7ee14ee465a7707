"""Read a landed file of any supported format into text columns, losing no row.

Every reader gives an Arrow table whose columns are all text, plus ``_row`` (in CSV and workbooks as a spreadsheet
counts, the header being row 1; in NDJSON the line; elsewhere the record), and the rows that could not be read at all.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import zstandard

from orchestration.errors import RefusedFileError
from orchestration.pull.headers import ROW, Header, column_names, find_header, no_header, text_header
from orchestration.pull.json_files import first_ndjson_record, read_json, read_ndjson
from orchestration.pull.parquet_files import parquet_header, read_parquet
from orchestration.pull.records import (
    EXACT,
    BrokenRow,
    FileContent,
    inexact,
    require_cells,
    text_of,
    with_nulls,
    without_blank_rows,
)
from orchestration.pull.unpacking import COMPRESSIONS, lines_of, open_bytes, require_sheets

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json",
    ".parquet": "parquet", ".xlsx": "xlsx", ".xls": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
#: Those of UTF-32 first: they begin like those of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CSV_BLOCK_BYTES = 2**24
MAX_CSV_BLOCK_BYTES = 2**28
#: The header is looked for so far into a file.
HEAD_BYTES = 2**20


csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True)
class ReadOptions:
    """What a contract says about the form of a file."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | int = 0
    records: str | None = None
    skip_rows: int = 0
    #: Names that the header must hold, by which it is told from what stands above it.
    columns: tuple[str, ...] = ()


def file_format(name: str) -> str | None:
    """Format by the name's ending (csv, ndjson, json, parquet, xlsx), or None for a file that is no export."""
    path = Path(name.lower())
    if path.suffix in COMPRESSIONS:
        path = path.with_suffix("")
    return FORMATS.get(path.suffix)


def read(path: Path, name: str, options: ReadOptions) -> FileContent:
    """Read a whole file.

    Raises:
        RefusedFileError: the file as a whole is unreadable; the message says why and what to do.
    """
    kind = file_format(name)
    if kind is None:
        raise RefusedFileError(f"unknown format; known endings: {', '.join(FORMATS)} (also .gz, .zst)")
    try:
        content = _read_as(kind, path, name, options)
        # An empty cell is null, whatever the format: a contract's SQL may say `is null`.
        return FileContent(with_nulls(content.table), content.broken, content.messages)
    except RefusedFileError:
        raise
    except (EOFError, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise RefusedFileError(f"is truncated or not packed as its name says ({error}); export it again") from error
    except (
        csv.Error,
        LookupError,
        pa.ArrowException,
        OverflowError,
        UnicodeError,
        ValueError,
        RecursionError,
        OSError,
    ) as error:
        raise RefusedFileError(f"cannot be read as {kind}: {error}") from error


def _read_as(kind: str, path: Path, name: str, options: ReadOptions) -> FileContent:
    if kind == "csv":
        return _read_csv(path, name, options)
    if kind == "xlsx":
        return _read_xlsx(path, name, options)
    if kind == "parquet":
        return read_parquet(path, name)
    if kind == "json":
        return read_json(path, name, options.encoding, options.records)
    encoding = _encoding_of(path, name, options)
    _require_decodable(path, name, encoding)
    return read_ndjson(path, name, encoding)


def read_header(path: Path, name: str, options: ReadOptions | None = None) -> list[str]:
    """Names of the file's columns (of the first record, where the format has no header)."""
    options = options or ReadOptions()
    kind = file_format(name)
    try:
        if kind == "csv":
            return _csv_header(path, name, _encoding_of(path, name, options), options).names
        if kind == "parquet":
            return parquet_header(path, name)
        if kind == "ndjson":
            return column_names(first_ndjson_record(path, name, _encoding_of(path, name, options)))
        return read(path, name, options).header if kind else []
    except (RefusedFileError, csv.Error, ValueError, EOFError, OSError, zstandard.ZstdError, RecursionError, pa.ArrowException):
        # A header that cannot be read claims nothing; reading the file whole will say why.
        return []


def _encoding_of(path: Path, name: str, options: ReadOptions) -> str:
    """A byte-order mark says it, whatever the contract does; else the contract; else UTF-8."""
    with open_bytes(path, name) as stream:
        start = stream.read(4)
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if marked is None and not options.encoding and len(start) == 4:
        # UTF-16 without its mark: each second byte of a header is zero.
        pattern = "".join("0" if byte == 0 else "x" for byte in start)
        marked = {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(pattern)
    return marked or options.encoding or "utf-8"


def _csv_header(path: Path, name: str, encoding: str, options: ReadOptions) -> Header:
    with open_bytes(path, name) as stream:
        start = stream.read(HEAD_BYTES)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    otherwise = "\t" if ".tsv" in Path(name.lower()).suffixes[-2:] else ","
    return text_header(text, options.delimiter, options.columns, options.skip_rows, otherwise)


def _require_decodable(path: Path, name: str, encoding: str) -> None:
    """Refuse a file that is not in its encoding, before a parser drops a row that it cannot show."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise RefusedFileError(f"is said to be in {encoding!r}, which is no encoding; such as utf-8 or cp1252") from error
    with open_bytes(path, name) as stream:
        for line_number, line in enumerate(lines_of(stream), start=1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                bad = line[error.start : error.start + 1].hex()
                raise RefusedFileError(
                    f"line {line_number} is not {encoding} (byte 0x{bad}); "
                    "name the right `encoding` in the contract (often cp1252), or export as UTF-8"
                ) from error


def _read_csv(path: Path, name: str, options: ReadOptions) -> FileContent:
    encoding = _encoding_of(path, name, options)
    _require_decodable(path, name, encoding)
    header = _csv_header(path, name, encoding, options)
    block = CSV_BLOCK_BYTES
    while True:
        try:
            return _parse_csv(path, name, header, encoding, block)
        except pa.ArrowInvalid as error:
            # A record longer than a block: read in larger blocks before giving up.
            if block >= MAX_CSV_BLOCK_BYTES or "straddl" not in str(error):
                raise RefusedFileError(f"cannot be split into rows ({error}); look for an unclosed quote") from error
            block *= 4


def _parse_csv(path: Path, name: str, header: Header, encoding: str, block_bytes: int) -> FileContent:
    skipped: list[pa_csv.InvalidRow] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    with open_bytes(path, name) as stream:
        table = pa_csv.read_csv(
            stream,
            # One thread: only then does a broken row carry its number.
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=block_bytes, encoding=encoding.removesuffix("-sig"),
                column_names=header.names, skip_rows=header.above,
            ),
            # A blank line counts, as it does in a spreadsheet, and gives a row without any value.
            parse_options=pa_csv.ParseOptions(
                delimiter=header.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header.names, pa.string()), strings_can_be_null=False
            ),
        )  # fmt: skip
    _require_closed_quotes(path, name, encoding, header, table, skipped)
    # The header was read as the first record, so that numbers count it.
    first, others = header.above + 1, {row.number for row in skipped}
    numbers: list[int] | range = range(first, first + table.num_rows + len(skipped))
    if others:
        numbers = [number for number in numbers if number not in others]
    table = table.append_column(ROW, pa.array(numbers, pa.int64())).slice(0 if first in others else 1)
    fitted, broken = _sorted_out([row for row in skipped if row.number != first], header)
    if broken and broken[-1].row == first + table.num_rows + len(skipped) - (first in others):
        last = broken.pop()
        broken.append(replace(last, reason=f"{last.reason}; it is the last row: a footer, or the file was cut off"))
    if fitted:
        further = pa.Table.from_pylist(fitted, schema=table.schema)
        table = pa.concat_tables([table, further]).sort_by(ROW)
    return FileContent(_with_named_columns(without_blank_rows(with_nulls(table)), header), broken, header.messages)


def _sorted_out(rows: list[pa_csv.InvalidRow], header: Header) -> tuple[list[dict[str, object]], list[BrokenRow]]:
    """Rows with too many fields or too few, of which nothing is lost or guessed; and those that are broken.

    A field too many holds nothing, or one that is not there has no name in the header. Any other row that is too short may
    be one that a line break cut in two.
    """
    fitted: list[dict[str, object]] = []
    broken = []
    for row in rows:
        text = row.text or ""
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=header.delimiter), []) if text.strip() else []
        if cells and not any(cell.strip() for cell in [*cells[len(header.cells) :], *header.cells[len(cells) :]]):
            fitted.append({**dict(zip(header.names, cells, strict=False)), ROW: row.number})
        elif cells:
            reason = f"has {row.actual_columns} fields where the header has {row.expected_columns}"
            broken.append(BrokenRow(row.number, reason, text))
    return fitted, broken


def _with_named_columns(table: pa.Table, header: Header) -> pa.Table:
    """The same without columns that have neither a name nor a value."""
    nameless = [name for cell, name in zip(header.cells, header.names, strict=True) if not cell.strip()]
    return table.drop_columns([name for name in nameless if table[name].null_count == table.num_rows])


def _require_closed_quotes(
    path: Path, name: str, encoding: str, header: Header, table: pa.Table, skipped: list[pa_csv.InvalidRow]
) -> None:
    """Refuse a file whose last record is open: a quote that nobody closes takes all the rows after it into one field."""
    last = [str(value) for value in table.slice(table.num_rows - 1).to_pylist()[0].values()] if table.num_rows else []
    if not any("\n" in text for text in [*last, *(row.text or "" for row in skipped[-1:])]):
        return
    with open_bytes(path, name) as stream:
        lines = islice(io.TextIOWrapper(stream, encoding, newline=""), header.above, None)
        row = header.above
        try:
            for _ in csv.reader(lines, delimiter=header.delimiter, strict=True):
                row += 1
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise RefusedFileError(
                    f"opens a quote in row {row + 1} that is never closed: the rows after it would be lost in one field"
                ) from error


def _read_xlsx(path: Path, name: str, options: ReadOptions) -> FileContent:
    from python_calamine import CalamineError, CalamineWorkbook

    with open_bytes(path, name) as stream:
        data = io.BytesIO(stream.read())
    if not name.lower().removesuffix(".gz").removesuffix(".zst").endswith(".xls"):
        require_sheets(data)
        data.seek(0)
    try:
        with CalamineWorkbook.from_filelike(data) as book:
            names = book.sheet_names
            if options.sheet not in (names if isinstance(options.sheet, str) else range(len(names))):
                raise RefusedFileError(f"has no sheet {options.sheet!r}; its sheets: {', '.join(names)}")
            sheet = names.index(options.sheet) if isinstance(options.sheet, str) else options.sheet
            cells = book.get_sheet_by_index(sheet)
            require_cells(cells.total_height, cells.total_width)
            rows, rounded = [], False
            for above, row in enumerate(cells.iter_rows()):
                rounded = rounded or any(isinstance(value, float) and abs(value) >= EXACT for value in row)
                rows.append((above, [text_of(value) or "" for value in row]))
    except CalamineError as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error
    content = _from_sheet(rows, options)
    return replace(content, messages=[*content.messages, *([inexact("its cells hold")] if rounded else [])])


def _from_sheet(rows: list[tuple[int, list[str]]], options: ReadOptions) -> FileContent:
    found = find_header(rows, options.columns, options.skip_rows)
    if found is None:
        raise RefusedFileError(no_header(options.skip_rows))
    header = Header(list(found[1]), found[0])
    below = [(above, cells) for above, cells in rows if above > header.above]
    columns = {name: pa.array([cells[place] for _, cells in below], pa.string()) for place, name in enumerate(header.names)}
    table = pa.table({**columns, ROW: pa.array([above + 1 for above, _ in below], pa.int64())})
    return FileContent(_with_named_columns(without_blank_rows(with_nulls(table)), header), [], header.messages)
