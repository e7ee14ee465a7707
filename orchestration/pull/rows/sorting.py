"""Typed rows on their way out: those that can be loaded into one file, those that cannot into another, with the reason."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.pull.files.headers import ROW
from orchestration.pull.files.records import Block, Rows
from orchestration.pull.home.tables import RowGroups
from orchestration.pull.kinds import Kind
from orchestration.pull.rows.carrying import KEPT_BACK
from orchestration.pull.rows.statement import LATER, PROBLEM_COLUMNS, PROBLEM_REASONS

QUARANTINE_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("_source", pa.string()),
        ("_file", pa.string()),
        ("_row", pa.int64()),
        ("_batch", pa.int64()),
        ("_contract", pa.string()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
        ("record", pa.string()),
    ]
)


@dataclass(frozen=True)
class Origin:
    """Where rows come from: the source's name, the file in it, the number of its landing, and the contract.

    ``series`` and ``delivery`` are explained with LINEAGE.
    """

    source: str
    file: str
    batch: int
    contract: str
    series: str | None = None
    delivery: int | None = None


class Feed:
    """The blocks of a file on their way into DuckDB, and once more for the rows that DuckDB rejects.

    ``keeps``: rows come out as they went in, so that a block is kept until its rows have come out. Else the file is read again.
    """

    def __init__(self, rows: Rows, further: list[str], keeps: bool) -> None:
        self._rows, self._further, self.keeps = rows, further, keeps
        self._read: deque[Block] = deque()
        self._again: Iterator[Block] | None = None
        self.header = [*rows.header, *further]
        self.count = self.broken = 0
        #: What reading the file ended with; DuckDB hands on no more than its text.
        self.error: Exception | None = None

    def reader(self) -> pa.RecordBatchReader:
        """All rows, from the first."""
        self.count = self.broken = 0
        self._read.clear()
        fields = [*self._rows.schema, *(pa.field(name, pa.string()) for name in self._further)]
        return pa.RecordBatchReader.from_batches(pa.schema(fields), self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for block in self._rows.blocks():
                self.count += block.table.num_rows
                self.broken += len(block.broken)
                if self.keeps:
                    self._read.append(block)
                table = block.table
                for name in self._further:
                    table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
                yield from table.to_batches()
        except Exception as error:
            self.error = error
            raise

    def rewind(self) -> None:
        """Let the blocks come once more from the first."""
        self._again = None

    def until(self, row: int | None) -> Iterator[Block]:
        """The next blocks that end at a row or before; all of them without one."""
        if not self.keeps and self._again is None:
            self._read.clear()
            self._again = self._rows.blocks()
        while True:
            if not self._read and self._again is not None and (further := next(self._again, None)) is not None:
                self._read.append(further)
            if not self._read or (row is not None and self._read[0].last > row):
                return
            yield self._read.popleft()


@dataclass(frozen=True)
class Sorter:
    """Sorts the typed rows of one file into two files of Parquet."""

    kind: Kind
    origin: Origin
    loaded: Path
    rejected: Path
    #: Of the rows loaded whose clock time happens twice: ``_row`` and the later instant.
    twice: list[pa.Table] = field(default_factory=list)
    #: Of the rows loaded: extra column -> values that were left out because they look like a person's.
    kept_back: Counter[str] = field(default_factory=Counter)

    def sort(self, typed: pa.RecordBatchReader, feed: Feed) -> tuple[int, int]:
        """Write all rows; returns how many were loaded, and how many were not."""
        waiting: deque[tuple[int, str, str]] = deque()
        self.twice.clear()
        self.kept_back.clear()
        feed.rewind()
        with RowGroups(self.loaded, self.kind.arrow_schema) as good, RowGroups(self.rejected, QUARANTINE_SCHEMA) as bad:

            def settle(row: int | None) -> None:
                if feed.keeps or waiting or feed.broken:
                    for block in feed.until(row):
                        bad.write(self._rejected(block, waiting))

            for batch in typed:
                if batch.num_rows:
                    table = pa.Table.from_batches([batch])
                    good.write(self._once(self._counted(_accepted(table, waiting))).cast(self.kind.arrow_schema))
                    settle(table[ROW][-1].as_py())
            settle(None)
        return good.rows, bad.rows

    def _counted(self, table: pa.Table) -> pa.Table:
        """The rows without the names of what was left out of them."""
        if KEPT_BACK not in table.column_names:
            return table
        for counted in pc.value_counts(table[KEPT_BACK]).to_pylist():
            self.kept_back.update(dict.fromkeys(filter(None, counted["values"].split(",")), counted["counts"]))
        return table.drop_columns([KEPT_BACK])

    def _once(self, table: pa.Table) -> pa.Table:
        """The rows without the later instants of clock times that happen twice, which are kept apart."""
        if self.kind.in_row_order is None:
            return table
        if table[LATER].null_count < table.num_rows:
            self.twice.append(table.select([ROW, LATER]).filter(pc.is_valid(table[LATER])))
        return table.drop_columns([LATER])

    def _rejected(self, block: Block, waiting: deque[tuple[int, str, str]]) -> pa.Table:
        """What of a block is rejected, in the order of its rows."""
        reasons: dict[int, tuple[str, str]] = {}
        while waiting and waiting[0][0] <= block.last:
            row, columns, reason = waiting.popleft()
            reasons[row] = (columns, reason)
        rows: list[tuple[int, str | None, str, str]] = [(b.row, None, b.reason, b.text) for b in block.broken]
        if reasons:
            numbers = pa.array(list(reasons), pa.int64())
            for record in block.table.filter(pc.is_in(block.table[ROW], value_set=numbers)).to_pylist():
                row = record.pop(ROW)
                rows.append((row, *reasons[row], json.dumps(record, ensure_ascii=False)))
        return pa.Table.from_pylist([self._entry(*row) for row in sorted(rows, key=lambda row: row[0])], QUARANTINE_SCHEMA)

    def _entry(self, row: int, columns: str | None, reason: str, record: str) -> dict[str, Any]:
        return {
            "kind": self.kind.name, "_source": self.origin.source, "_file": self.origin.file, "_row": row,
            "_batch": self.origin.batch, "_contract": self.origin.contract, "column_name": columns, "reason": reason,
            "record": record,
        }  # fmt: skip


def _accepted(table: pa.Table, waiting: deque[tuple[int, str, str]]) -> pa.Table:
    """The rows without a problem; what is said of the others goes to those that wait for their originals."""
    problems = [ROW, PROBLEM_COLUMNS, PROBLEM_REASONS]
    if table[PROBLEM_COLUMNS].null_count < table.num_rows:
        rejected = table.select(problems).filter(pc.is_valid(table[PROBLEM_COLUMNS]))
        waiting.extend(zip(*(rejected[name].to_pylist() for name in problems), strict=True))
        table = table.filter(pc.is_null(table[PROBLEM_COLUMNS]))
    return table.drop_columns(problems[1:])
