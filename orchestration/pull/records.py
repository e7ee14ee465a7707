"""The rows of a file, whatever its format: text columns and ``_row``, and the rows that could not be read at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.errors import RefusedFileError
from orchestration.pull.headers import ROW, column_names

#: Rows times columns of one file: each takes memory, even an empty one.
MAX_CELLS = 5 * 10**8
CHUNK_CELLS = 2 * 10**6
#: From here on a number is written with an exponent.
_POSITIONAL = 1e21
#: From here on a floating-point number may be another one than was written.
EXACT = 1e15
#: What the numbers are called as long as a record's own key may be called like them.
_NUMBERS = "\0_row"


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be split into columns."""

    row: int
    reason: str
    text: str


@dataclass
class FileContent:
    """A file's rows: text columns and ``_row``; those that are not even rows; and what its reader has to say."""

    table: pa.Table
    broken: list[BrokenRow] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        return [name for name in self.table.column_names if name != "_row"]


def flatten(record: dict[str, Any]) -> dict[str, str | None]:
    """Nested keys joined with dots; where two meet, the second ends in ``_2``."""
    flat: dict[str, str | None] = {}
    _flatten_into(flat, record, "")
    return flat


def _flatten_into(flat: dict[str, str | None], record: dict[str, Any], prefix: str) -> None:
    for key, value in record.items():
        name = prefix + key
        if isinstance(value, dict):
            _flatten_into(flat, value, f"{name}.")
        else:
            while name in flat:
                name += "_2"
            flat[name] = text_of(value)


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
    if rows * columns > MAX_CELLS:
        raise RefusedFileError(
            f"has {columns:,} different columns over {rows:,} rows, more than {MAX_CELLS:,} cells; split the export"
        )


def from_records(records: Iterable[tuple[int, dict[str, str | None]]], broken: list[BrokenRow]) -> FileContent:
    """Chunked, so that only one chunk is held as Python objects."""
    tables: list[pa.Table] = []
    rows: list[tuple[int, dict[str, str | None]]] = []
    names: dict[str, None] = {}
    known: dict[str, None] = {}

    def flush() -> None:
        columns = {name: _texts([record.get(name) for _, record in rows]) for name in names}
        numbers = pa.array([number for number, _ in rows], pa.int64())
        tables.append(pa.table([numbers, *columns.values()], [_NUMBERS, *columns]))
        rows.clear()
        names.clear()

    for total, (number, record) in enumerate(records, start=1):
        rows.append((number, record))
        names.update(dict.fromkeys(record))
        known.update(dict.fromkeys(record))
        require_cells(total, len(known))
        if len(rows) * len(names) > CHUNK_CELLS:
            flush()
    if rows or not tables:
        flush()
    table = pa.concat_tables(tables, promote_options="default").select([*known, _NUMBERS])
    return FileContent(table.rename_columns([*column_names(list(known)), ROW]), broken)


def _texts(values: list[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        # Half a character, which JSON can hold: it shows, and the row stays.
        return pa.array([v and v.encode("utf-8", "backslashreplace").decode() for v in values], pa.string())
