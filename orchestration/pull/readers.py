"""Read a landed file of any supported format into text columns, losing no row.

Every reader gives an Arrow table whose columns are all text, plus ``_row`` (in CSV and workbooks as a spreadsheet
counts, the header being row 1; in NDJSON the line; elsewhere the record), and the rows that could not be read at all.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import zstandard

from orchestration.errors import RefusedFileError
from orchestration.pull import unpacking
from orchestration.pull.records import BrokenRow, FileContent, flatten, from_records, require_cells, text_of
from orchestration.pull.unpacking import COMPRESSIONS, lines_of, open_bytes, require_zip_size

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json",
    ".parquet": "parquet", ".xlsx": "xlsx", ".xls": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CSV_BLOCK_BYTES = 2**24
MAX_CSV_BLOCK_BYTES = 2**28
#: A list of JSON records is parsed whole, which takes many times its size.
MAX_JSON_BYTES = 2**28


@dataclass(frozen=True)
class ReadOptions:
    """What a contract says about the form of a file."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | int = 0
    records: str | None = None


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
    readers = {"csv": _read_csv, "ndjson": _read_ndjson, "json": _read_json, "parquet": _read_parquet, "xlsx": _read_xlsx}
    kind = file_format(name)
    if kind is None:
        raise RefusedFileError(f"unknown format; known endings: {', '.join(FORMATS)} (also .gz, .zst)")
    try:
        return readers[kind](path, name, options)
    except RefusedFileError:
        raise
    except (EOFError, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise RefusedFileError(f"is truncated or not packed as its name says ({error}); export it again") from error
    except (
        csv.Error,
        LookupError,
        pa.ArrowInvalid,
        pa.ArrowKeyError,
        UnicodeError,
        ValueError,
        RecursionError,
        OSError,
    ) as error:
        raise RefusedFileError(f"cannot be read as {kind}: {error}") from error


def read_header(path: Path, name: str, options: ReadOptions | None = None) -> list[str]:
    """Names of the file's columns (of the first record, where the format has no header)."""
    options = options or ReadOptions()
    kind = file_format(name)
    try:
        if kind == "csv":
            with open_bytes(path, name) as stream:
                encoding = options.encoding or _encoding(stream)
            with open_bytes(path, name) as stream:
                return _csv_header(stream, encoding, options)[0]
        if kind == "parquet":
            return pq.ParquetFile(path).schema_arrow.names
        if kind == "ndjson":
            with open_bytes(path, name) as stream:
                for line in lines_of(stream):
                    if line.strip():
                        record = json.loads(line)
                        return list(flatten(record)) if isinstance(record, dict) else []
            return []
        return read(path, name, options).header if kind else []
    except (RefusedFileError, csv.Error, ValueError, EOFError, OSError, zstandard.ZstdError, RecursionError, pa.ArrowInvalid):
        # A header that cannot be read claims nothing; reading the file whole will say why.
        return []


def _encoding(stream: BinaryIO) -> str:
    start = stream.read(4)
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def _csv_header(stream: BinaryIO, encoding: str, options: ReadOptions) -> tuple[list[str], str]:
    start = stream.read(2**16)
    if not start.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise RefusedFileError("is empty: not even a header line")
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    line = text.splitlines()[0] if text.splitlines() else ""
    counts = Counter({mark: line.count(mark) for mark in (",", ";", "\t", "|")})
    delimiter = options.delimiter or (counts.most_common(1)[0][0] if counts.total() else ",")
    header = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter), [])]
    return header, delimiter


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
    with open_bytes(path, name) as stream:
        encoding = options.encoding or _encoding(stream)
    _require_decodable(path, name, encoding)
    with open_bytes(path, name) as stream:
        header, delimiter = _csv_header(stream, encoding, options)
    twice = [column for column, count in Counter(column.lower() for column in header).items() if count > 1]
    if twice:
        raise RefusedFileError(f"names column(s) {', '.join(twice)} more than once; rename them in the export")
    block = CSV_BLOCK_BYTES
    while True:
        try:
            return _parse_csv(path, name, header, delimiter, encoding, block)
        except pa.ArrowInvalid as error:
            # A record longer than a block: read in larger blocks before giving up.
            if block >= MAX_CSV_BLOCK_BYTES or "straddl" not in str(error):
                raise RefusedFileError(f"cannot be split into rows ({error}); look for an unclosed quote") from error
            block *= 4


def _parse_csv(path: Path, name: str, header: list[str], delimiter: str, encoding: str, block_bytes: int) -> FileContent:
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
                column_names=header, skip_rows=0,
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )  # fmt: skip
    # The header was read as the first record, so that numbers count it.
    broken = [
        BrokenRow(row.number, f"has {row.actual_columns} fields where the header has {row.expected_columns}", row.text)
        for row in skipped
    ]
    _require_closed_quotes(path, name, encoding, delimiter, table, broken)
    bad_rows = {row.row for row in broken}
    total = table.num_rows + len(broken)
    numbers = [number for number in range(1, total + 1) if number not in bad_rows] if bad_rows else range(1, total + 1)
    table = table.append_column("_row", pa.array(numbers, pa.int64()))
    return FileContent(table.slice(1), broken)


def _require_closed_quotes(
    path: Path, name: str, encoding: str, delimiter: str, table: pa.Table, broken: list[BrokenRow]
) -> None:
    """Refuse a file whose last record is open: a quote that nobody closes takes all the rows after it into one field."""
    last = [str(value) for value in table.slice(table.num_rows - 1).to_pylist()[0].values()] if table.num_rows else []
    if not any("\n" in text for text in [*last, *(row.text for row in broken[-1:])]):
        return
    csv.field_size_limit(sys.maxsize)
    with open_bytes(path, name) as stream:
        lines = csv.reader(io.TextIOWrapper(stream, encoding, newline=""), delimiter=delimiter, strict=True)
        records = 0
        try:
            for _ in lines:
                records += 1
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise RefusedFileError(
                    f"opens a quote in row {records + 1} that is never closed: the rows after it would be lost in one field"
                ) from error


def _read_ndjson(path: Path, name: str, options: ReadOptions) -> FileContent:
    broken: list[BrokenRow] = []
    with open_bytes(path, name) as stream:
        encoding = options.encoding or _encoding(stream)
    _require_decodable(path, name, encoding)

    def records() -> Iterator[tuple[int, dict[str, str | None]]]:
        with open_bytes(path, name) as stream:
            # Only "\n" ends a record: other line separators can stand inside of a text.
            for number, line in enumerate(io.TextIOWrapper(stream, encoding, newline="\n"), start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise ValueError("not an object")
                    yield number, flatten(record)
                except (ValueError, RecursionError) as error:
                    broken.append(BrokenRow(number, f"is not a JSON object ({error})", line.rstrip("\n")))

    return from_records(records(), broken)


def _read_json(path: Path, name: str, options: ReadOptions) -> FileContent:
    with open_bytes(path, name) as stream:
        data_bytes = stream.read(MAX_JSON_BYTES + 1)
    if len(data_bytes) > MAX_JSON_BYTES:
        raise RefusedFileError(f"is a list of more than {MAX_JSON_BYTES:,} bytes; export it as NDJSON, or split it")
    text = data_bytes.decode(options.encoding or "utf-8-sig")
    data = json.loads(text)
    for key in (options.records or "").split(".") if options.records else []:
        data = data[key] if isinstance(data, dict) and key in data else None
    if not isinstance(data, list):
        where = f"under {options.records!r}" if options.records else "at the top (or name `records` in the contract)"
        raise RefusedFileError(f"holds no list of records {where}")
    broken: list[BrokenRow] = []

    def records() -> Iterator[tuple[int, dict[str, str | None]]]:
        for number, record in enumerate(data, start=1):
            if isinstance(record, dict):
                yield number, flatten(record)
            else:
                broken.append(BrokenRow(number, "is not an object", json.dumps(record, ensure_ascii=False)))

    return from_records(records(), broken)


def _read_parquet(path: Path, name: str, options: ReadOptions) -> FileContent:
    with open_bytes(path, name) as stream:
        packed = pq.ParquetFile(stream)
        require_cells(packed.metadata.num_rows, packed.metadata.num_columns)
        if sum(packed.metadata.row_group(i).total_byte_size for i in range(packed.num_row_groups)) > unpacking.MAX_BYTES:
            raise RefusedFileError(f"unpacks to more than {unpacking.MAX_BYTES:,} bytes; split the export")
        table = packed.read()
    columns: dict[str, pa.Array] = {}
    for column in table.column_names:
        values = table[column]
        nested = pa.types.is_nested(values.type) or pa.types.is_binary(values.type)
        texts = pa.array([text_of(v) for v in values.to_pylist()], pa.string()) if nested else values.cast(pa.string())
        columns[column] = texts
    columns["_row"] = pa.array(range(1, table.num_rows + 1), pa.int64())
    return FileContent(pa.table(columns))


def _read_xlsx(path: Path, name: str, options: ReadOptions) -> FileContent:
    import pandas as pd
    from python_calamine import CalamineError

    with open_bytes(path, name) as stream:
        data = io.BytesIO(stream.read())
    if not name.lower().removesuffix(".gz").removesuffix(".zst").endswith(".xls"):
        require_zip_size(data)
    try:
        frame = pd.read_excel(data, sheet_name=options.sheet, dtype=object, engine="calamine")
    except CalamineError as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error
    columns = {str(c).strip(): pa.array([text_of(v) for v in frame[c].tolist()], pa.string()) for c in frame.columns}
    return FileContent(pa.table({**columns, "_row": pa.array(range(2, len(frame) + 2), pa.int64())}))
