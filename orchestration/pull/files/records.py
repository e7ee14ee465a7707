"""The rows of a file, whatever its format: text columns and ``_row``, and the rows that could not be read at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.core.errors import LimitExceededError
from orchestration.core.limits import limits
from orchestration.pull.files.headers import ROW, column_names

#: Cells and broken rows that are held as Python objects at a time.
CHUNK_CELLS = 2**19
CHUNK_BROKEN = 2**14
#: From here on a number is written with an exponent.
_POSITIONAL = 1e21
#: From here on a floating-point number may be another one than was written.
EXACT = 1e15
#: What the numbers are called as long as a record's own key may be called like them.
NUMBERS = "\0_row"


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be split into columns."""

    row: int
    reason: str
    text: str


@dataclass(frozen=True)
class Block:
    """Some rows of a file, one after the other: text columns and ``_row``; and those among them that are not even rows."""

    table: pa.Table
    broken: list[BrokenRow] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Number of the last row."""
        rows = self.table[ROW]
        return max([rows[-1].as_py() if len(rows) else 0, *(row.row for row in self.broken[-1:])])


def place_after(numbers: pa.ChunkedArray, number: int) -> int:
    """How many of the ascending numbers of a block's rows are not above a number."""
    return pc.sum(pc.less_equal(numbers, number)).as_py() or 0


@dataclass
class Rows:
    """A file's rows, block after block in the order of their numbers: no one holds them all. They can be read more than once."""

    header: list[str]
    blocks: Callable[[], Iterator[Block]]
    #: What the reader has to say, once all blocks were read.
    messages: list[str] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*((name, pa.string()) for name in self.header), (ROW, pa.int64())])


def flatten(record: dict[str, Any], decimal: str = ".") -> dict[str, str | None]:
    """Nested keys joined with dots; where two meet, the second ends in ``.2``."""
    flat: dict[str, str | None] = {}
    _flatten_into(flat, record, "", decimal)
    return flat


def _flatten_into(flat: dict[str, str | None], record: dict[str, Any], prefix: str, decimal: str) -> None:
    for key, value in record.items():
        name = prefix + key
        if isinstance(value, dict):
            _flatten_into(flat, value, f"{name}.", decimal)
        else:
            while name in flat:
                name += ".2"
            flat[name] = text_with(decimal, value)


def text_of(value: Any) -> str | None:
    """A value as text, as a CSV would hold it: the same in every format."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _POSITIONAL:
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return _clock(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=text_of)
    # A byte that is no text shows, and the row stays.
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def text_with(decimal: str, value: Any) -> str | None:
    """A value as the contract's CSV would hold it: 19.125 read with a decimal comma would be thousands."""
    text = text_of(value)
    is_written_so = decimal == "." or text is None or not isinstance(value, float | Decimal)
    return text if is_written_so else str(text).replace(".", decimal)


def inexact(what: str) -> str:
    """What is said of numbers that their format may have rounded."""
    return f"{what} numbers of more than 15 digits, which a floating-point number does not hold exactly: export ids as text"


def _clock(duration: timedelta) -> str:
    """Hours, minutes and seconds; a day has 24 of the hours."""
    microseconds = round(abs(duration) / timedelta(microseconds=1))
    seconds, rest = divmod(microseconds, 10**6)
    sign = "-" if duration < timedelta() else ""
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


def with_nulls(table: pa.Table) -> pa.Table:
    """The same with null for every cell that holds nothing, or nothing but blanks."""
    for place, name in enumerate(table.column_names):
        if name != ROW:
            values = table[name]
            empty = pc.or_(pc.equal(values, ""), pc.utf8_is_space(values))
            if pc.any(empty).as_py():
                table = table.set_column(place, name, pc.if_else(empty, pa.scalar(None, pa.string()), values))
    return table


def without_blank_rows(table: pa.Table) -> pa.Table:
    """The same without the rows that hold no value."""
    held = [pc.is_valid(table[name]) for name in table.column_names if name != ROW]
    if not held:
        return table
    some = held[0]
    for mask in held[1:]:
        some = pc.or_(some, mask)
    return table if pc.all(some).as_py() else table.filter(some)


def require_cells(rows: int, columns: int) -> None:
    """Refuse a table of more cells than the limits allow.

    Raises:
        LimitExceededError: it has more.
    """
    if rows * columns > limits().cells:
        raise LimitExceededError(
            f"has {columns:,} different columns over {rows:,} rows, more than {limits().cells:,} cells; split the export"
        )


def from_records(
    records: Iterable[tuple[int, dict[str, str | None]]], broken: list[BrokenRow], scratch: Path | None = None
) -> Rows:
    """Rows of records, of which any may bring further columns; ``broken`` grows while they are read."""
    spool = Spool(scratch)
    rows: list[tuple[int, dict[str, str | None]]] = []
    names: dict[str, None] = {}

    def flush() -> None:
        columns = {name: texts([record.get(name) for _, record in rows]) for name in names}
        numbers = pa.array([number for number, _ in rows], pa.int64())
        spool.add(pa.table([numbers, *columns.values()], [NUMBERS, *columns]), broken)
        for held in (rows, names, broken):
            held.clear()

    for total, (number, record) in enumerate(records, start=1):
        rows.append((number, record))
        names.update(dict.fromkeys(record))
        require_cells(total, len(spool.names | names))
        if len(rows) * len(names) > CHUNK_CELLS or len(broken) > CHUNK_BROKEN:
            flush()
    flush()
    known = list(spool.names)
    return spool.rows(dict(zip(known, column_names(known), strict=True)))


def texts(values: list[str | None]) -> pa.Array:
    """Texts as an Arrow array; half a character, which no UTF-8 holds, is written as its escape."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        # Half a character, which JSON can hold: it shows, and the row stays.
        return pa.array([v and v.encode("utf-8", "backslashreplace").decode() for v in values], pa.string())


class Spool:
    """Blocks of rows put aside on disk, until all columns are known."""

    def __init__(self, scratch: Path | None) -> None:
        self._scratch = scratch
        self._file: IO[bytes] | None = None
        self._starts: list[int] = []
        #: What is not worth a file.
        self._first: Block | None = None
        #: All columns, in the order in which they came.
        self.names: dict[str, None] = {}
        #: Those that hold any value.
        self.filled: set[str] = set()

    def add(self, table: pa.Table, broken: Sequence[BrokenRow] = ()) -> None:
        """Put a block aside; its column of numbers is called NUMBERS."""
        columns = [name for name in table.column_names if name != NUMBERS]
        self.names.update(dict.fromkeys(columns))
        self.filled.update(name for name in columns if table[name].null_count < table.num_rows)
        block = Block(table, list(broken))
        if self._file is None and self._first is None:
            self._first = block
            return
        if self._first is not None:
            first, self._first = self._first, None
            self._file = tempfile.TemporaryFile(dir=self._scratch)
            self._write(first)
        self._write(block)

    def _write(self, block: Block) -> None:
        assert self._file is not None
        self._starts.append(self._file.seek(0, os.SEEK_END))
        broken = pa.Table.from_pylist([asdict(row) for row in block.broken], schema=_BROKEN)
        for table in (block.table, broken):
            with pa.ipc.new_stream(self._file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
                writer.write_table(table)

    def _blocks(self) -> Iterator[Block]:
        if self._first is not None:
            yield self._first
        for start in self._starts:
            assert self._file is not None
            self._file.seek(start)
            table, broken = (pa.ipc.open_stream(self._file).read_all() for _ in range(2))
            yield Block(table, [BrokenRow(**row) for row in broken.to_pylist()])

    def rows(self, columns: dict[str, str]) -> Rows:
        """All of it, with columns of the spool under their final names; a block that has not one of them holds null there."""

        def blocks() -> Iterator[Block]:
            for block in self._blocks():
                there = set(block.table.column_names)
                values = [block.table[name] if name in there else pa.nulls(block.table.num_rows, pa.string()) for name in columns]
                named = pa.table([*values, block.table[NUMBERS]], [*columns.values(), ROW])
                yield Block(with_nulls(named), block.broken)

        return Rows(list(columns.values()), blocks)


_BROKEN = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("text", pa.string())])
