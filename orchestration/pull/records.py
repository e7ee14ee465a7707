"""The rows of a file, whatever its format: text columns and ``_row``, and the rows that could not be read at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from orchestration.errors import RefusedFileError

#: Rows times columns of one file: each takes memory, even an empty one.
MAX_CELLS = 5 * 10**8
CHUNK_CELLS = 2 * 10**6


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be split into columns."""

    row: int
    reason: str
    text: str


@dataclass
class FileContent:
    """A file's rows: text columns and ``_row``; and those that are not even rows."""

    table: pa.Table
    broken: list[BrokenRow] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        return [name for name in self.table.column_names if name != "_row"]


def flatten(record: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    flat: dict[str, str | None] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = text_of(value)
    return flat


def text_of(value: Any) -> str | None:
    """A value as text, as a CSV would hold it."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


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
    known: set[str] = set()

    def flush() -> None:
        columns = {name: pa.array([record.get(name) for _, record in rows], pa.string()) for name in names}
        tables.append(pa.table({**columns, "_row": pa.array([number for number, _ in rows], pa.int64())}))
        rows.clear()
        names.clear()

    for total, (number, record) in enumerate(records, start=1):
        rows.append((number, record))
        names.update(dict.fromkeys(record))
        known.update(record)
        require_cells(total, len(known))
        if len(rows) * len(names) > CHUNK_CELLS:
            flush()
    if rows or not tables:
        flush()
    return FileContent(pa.concat_tables(tables, promote_options="default"), broken)
