"""Read delimited text in blocks of rows, of which a broken one shows, and none is lost."""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from orchestration.core.errors import RefusedFileError
from orchestration.core.limits import limits
from orchestration.pull.files.headers import ROW, Header
from orchestration.pull.files.records import Block, BrokenRow, Rows, place_after, with_nulls, without_blank_rows
from orchestration.pull.files.unpacking import lines_of, open_bytes

#: A block is parsed at a time, and a few are under way; one holds at least a record.
BLOCK_BYTES = 2**21
MAX_BLOCK_BYTES = 2**28
_CHUNK = 2**20
#: How files begin that are no text -> what they are.
_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PK\x05\x06": "a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"%PDF-": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\x7fELF": "a program",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"SQLite format 3\0": "a SQLite database",
}

csv.field_size_limit(sys.maxsize)


def require_text(start: bytes, encoding: str) -> None:
    """Refuse a file whose beginning is no text: garbage would be taken for a header and rows.

    Raises:
        RefusedFileError: it begins like a known binary format, or holds NUL bytes where its encoding has none.
    """
    found = next((what for mark, what in _BEGINNINGS.items() if start.startswith(mark)), None)
    if found:
        raise RefusedFileError(f"is no text: it begins like {found}; give it its own ending, or export it as CSV")
    is_wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf16", "utf-32", "utf32"))
    if not is_wide and b"\0" in start:
        raise RefusedFileError("is no text: it holds NUL bytes; give it its own ending, or export it as CSV")


def require_decodable(path: Path, name: str, encoding: str) -> None:
    """Refuse a file that is not in its encoding, before a parser drops a row that it cannot show."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise RefusedFileError(f"is said to be in {encoding!r}, which is no encoding; such as utf-8 or cp1252") from error
    length = 0
    with open_bytes(path, name) as stream:
        while chunk := stream.read(_CHUNK):
            end = chunk.rfind(b"\n")
            length = len(chunk) - end - 1 if end >= 0 else length + len(chunk)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                break
            if length > limits().line:
                break
        else:
            return
    _explain(path, name, encoding)


def _explain(path: Path, name: str, encoding: str) -> None:
    """Which line is not as it should be."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_bytes(path, name) as stream:
        for line_number, line in enumerate(lines_of(stream), start=1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                bad = line[error.start : error.start + 1].hex()
                raise RefusedFileError(
                    f"cannot be read: line {line_number} is not {encoding} (byte 0x{bad}); "
                    "name the right `encoding` in the contract (often cp1252), or export as UTF-8"
                ) from error


def read_csv(path: Path, name: str, encoding: str, header: Header) -> Rows:
    """The rows below a header."""
    nameless = [column for cell, column in zip(header.cells, header.names, strict=True) if not cell.strip()]
    filled = _filled(path, name, encoding, header, nameless) if nameless else set()
    names = [column for column in header.names if column not in nameless or column in filled]
    return Rows(names, lambda: _blocks(path, name, encoding, header, names), header.messages)


def _filled(path: Path, name: str, encoding: str, header: Header, nameless: list[str]) -> set[str]:
    """Columns without a name that hold a value; the others are no columns."""
    filled: set[str] = set()
    for block in _blocks(path, name, encoding, header, nameless):
        filled.update(column for column in nameless if block.table[column].null_count < block.table.num_rows)
    return filled


def _blocks(path: Path, name: str, encoding: str, header: Header, names: list[str]) -> Iterator[Block]:
    """Parse in larger blocks where a record is longer than a block, from the row on that came last."""
    size, last = BLOCK_BYTES, header.above + min(header.height, 1)
    while True:
        try:
            for block in _parsed(path, name, encoding, header, names, size):
                if block.last > last:
                    yield _below(block, last)
                    last = block.last
            return
        except pa.ArrowInvalid as error:
            if size >= MAX_BLOCK_BYTES or "straddl" not in str(error):
                raise RefusedFileError(f"cannot be split into rows ({error}); look for an unclosed quote") from error
            size *= 4


def _below(block: Block, last: int) -> Block:
    """What of a block comes after a row."""
    return Block(block.table.slice(place_after(block.table[ROW], last)), [row for row in block.broken if row.row > last])


def _parsed(path: Path, name: str, encoding: str, header: Header, names: list[str], size: int) -> Iterator[Block]:
    skipped: deque[pa_csv.InvalidRow] = deque()

    def skip(row: pa_csv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    # The header, where there is one, is read as the first record, so that numbers count it.
    after, ragged = header.above, list[pa_csv.InvalidRow]()
    table = pa.schema([*((column, pa.string()) for column in header.names), (ROW, pa.int64())]).empty_table()
    # A block is held until it is known whether another one follows.
    held = Block(table.select([*names, ROW]))
    with open_bytes(path, name) as stream:
        reader = pa_csv.open_csv(
            stream,
            # One thread: only then does a broken row carry its number.
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=size, encoding=encoding.removesuffix("-sig"),
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
        torn: dict[int, str] | None = None
        for batch in reader:
            numbers, ragged = _numbered(batch.num_rows, after, skipped)
            after += batch.num_rows + len(ragged)
            table = pa.Table.from_batches([batch]).append_column(ROW, numbers)
            yield held
            held = _block(table, ragged, header, names)
            if _may_hold_rows(table, header):
                torn = _torn(path, name, encoding, header) if torn is None else torn
                held = _without(held, torn)
    _require_closed_quotes(path, name, encoding, header, table, [*ragged, *skipped])
    if not skipped:
        yield _ended(held, after)
        return
    yield held
    yield _ended(_block(table.slice(table.num_rows), list(skipped), header, names), after + len(skipped))


def _ended(block: Block, last: int) -> Block:
    """The last block of a file; a broken row at its end may be cut off."""
    if not block.broken or block.broken[-1].row != last:
        return block
    cut = replace(block.broken[-1], reason=f"{block.broken[-1].reason}; it is the last row: a footer, or the file was cut off")
    return Block(block.table, [*block.broken[:-1], cut])


def _numbered(count: int, after: int, skipped: deque[pa_csv.InvalidRow]) -> tuple[pa.Array, list[pa_csv.InvalidRow]]:
    """Numbers of the next rows, and the skipped ones among them and right below, which are taken out of ``skipped``."""
    among: list[pa_csv.InvalidRow] = []
    while skipped and skipped[0].number <= after + count + len(among) + 1:
        among.append(skipped.popleft())
    numbers = pa.arange(after + 1, after + count + len(among) + 1)
    if among:
        numbers = numbers.filter(pc.invert(pc.is_in(numbers, pa.array([row.number for row in among], pa.int64()))))
    return numbers, among


def _block(table: pa.Table, ragged: list[pa_csv.InvalidRow], header: Header, names: list[str]) -> Block:
    fitted, broken = _sorted_out([row for row in ragged if row.number > header.above + min(header.height, 1)], header)
    if fitted:
        further = pa.Table.from_pylist(fitted, schema=table.schema)
        table = pa.concat_tables([table, further]).sort_by(ROW)
    return Block(without_blank_rows(with_nulls(table)).select([*names, ROW]), broken)


def _sorted_out(rows: list[pa_csv.InvalidRow], header: Header) -> tuple[list[dict[str, object]], list[BrokenRow]]:
    """Rows with too many fields or too few, of which nothing is lost or guessed; and those that are broken.

    A field too many holds nothing, or one that is not there has no name in the header. Any other row that is too short may
    be one that a line break cut in two.
    """
    fitted: list[dict[str, object]] = []
    broken = []
    # Without a header no column is known to be one that a row need not have.
    named = header.cells if header.height else header.names
    for row in rows:
        text = row.text or ""
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=header.delimiter), []) if text.strip() else []
        if cells and not any(cell.strip() for cell in [*cells[len(named) :], *named[len(cells) :]]):
            fitted.append({**dict(zip(header.names, cells, strict=False)), ROW: row.number})
        elif cells:
            reason = f"has {row.actual_columns} fields where the header has {row.expected_columns}"
            broken.append(BrokenRow(row.number, reason, text))
    return fitted, broken


def _may_hold_rows(table: pa.Table, header: Header) -> bool:
    """Does a cell look like the end of a row, and further rows up to the same column?"""
    last = len(header.names) - 1
    for place, column in enumerate(header.names if last else ()):
        breaks = pc.count_substring(table[column], "\n")
        # Each row that is in the cell brings the delimiters of one.
        alike = pc.equal(pc.count_substring(table[column], header.delimiter), pc.multiply(breaks, last))
        for text in table[column].filter(pc.and_(pc.greater(breaks, 0), alike)).to_pylist():
            first, *between, end = (line.count(header.delimiter) for line in text.split("\n"))
            if first == last - place and end == place and all(count == last for count in between):
                return True
    return False


def _torn(path: Path, name: str, encoding: str, header: Header) -> dict[int, str]:
    """Records over several lines whose quoted field goes on after its closing quote, or whose lines are rows: row -> text.

    A cell that only begins with a quote took the rows below into it, up to the next quote that there is.
    """
    torn, taken = dict[int, str](), list[str]()
    with open_bytes(path, name) as stream:

        def lines() -> Iterator[str]:
            for line in islice(io.TextIOWrapper(stream, encoding, newline=""), header.above, None):
                taken.append(line)
                yield line

        for row, _ in enumerate(csv.reader(lines(), delimiter=header.delimiter), start=header.above + 1):
            if len(taken) > 1 and (not _is_strict(taken, header.delimiter) or _is_several_rows(taken, header)):
                torn[row] = "".join(taken).rstrip("\r\n")
            taken.clear()
    return torn


def _is_strict(lines: list[str], delimiter: str) -> bool:
    try:
        return bool(list(csv.reader(lines, delimiter=delimiter, strict=True)))
    except csv.Error:
        return False


def _is_several_rows(lines: list[str], header: Header) -> bool:
    """Is a record of several lines as many rows, each of the form of the first, with quotes only where one cell begins and ends?

    A quote that begins a cell met another one that ends one. Of two rows of one form at least two cells with digits are alike.
    """
    text = "".join(lines).rstrip("\r\n")
    rows = [line.split(header.delimiter) for line in re.split(r"\r?\n", text)]
    if text.count('"') != 2 or any(len(row) != len(header.cells) for row in rows):
        return False
    first, *others = ([_form(cell) for cell in row] for row in rows)
    telling = [place for place, form in enumerate(first) if "0" in form and '"' not in form]
    return len(telling) > 1 and all(row[place] == first[place] for row in others for place in telling)


def _form(cell: str) -> str:
    """A cell with one digit for each number and one letter for each word: of '2026-06-01' it is '0-0-0'."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell.strip()))


def _without(block: Block, torn: dict[int, str]) -> Block:
    """A block whose torn records are broken ones."""
    is_torn = pc.is_in(block.table[ROW], pa.array(list(torn), pa.int64()))
    reason = "has a cell that begins with a quote and holds the rows below: export it with quotes doubled"
    broken = [BrokenRow(row, reason, torn[row]) for row in block.table[ROW].filter(is_torn).to_pylist()]
    both = sorted([*block.broken, *broken], key=lambda found: found.row)
    return Block(block.table.filter(pc.invert(is_torn)), both)


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
