"""Many small files of one form, read as one: to plan a statement takes longer than to type a few rows with it.

What comes of each is what reading it alone would give, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.core.errors import ConfigurationError
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.headers import ROW
from orchestration.pull.files.records import Block, Rows, place_after
from orchestration.pull.home.tables import RowGroups
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.canonical import Canonical, canonicalise
from orchestration.pull.rows.sorting import QUARANTINE_SCHEMA, Origin

#: The numbers of a file's rows begin so far above those of the one before it: more than a workbook of many sheets has.
_FILE_ROWS = 2**40
_ALL_ROWS = re.compile(r"\b(over|select|_row)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """One of the files: its rows, where they come from, and where those go that are loaded, and those that are not."""

    rows: Rows
    origin: Origin
    loaded: Path
    rejected: Path


def can_be_together(contract: Contract) -> bool:
    """Is each row of a file what it is, whatever other rows there are?"""
    by_rows = all_kinds()[contract.kind].in_row_order is not None
    sql = " ".join(mapping.sql or "" for mapping in contract.columns.values())
    return not (by_rows or contract.looks_around or contract.where or contract.also_reads or _ALL_ROWS.search(sql))


def canonicalise_together(members: Sequence[Member], contract: Contract, scratch: Path) -> list[Canonical]:
    """The same as ``canonicalise`` of each file; all have one header.

    Raises:
        RefusedFileError: one of them cannot be read.
        ConfigurationError: the contract's SQL does not run.
    """
    first = members[0]
    loaded, rejected = (scratch / f"together_{part}.parquet" for part in ("loaded", "rejected"))
    every = Rows(first.rows.header, lambda: _one_after_the_other(members))
    whole = canonicalise(every, contract, first.origin, loaded, rejected)
    good, bad = (pq.ParquetFile(path).read() for path in (loaded, rejected))
    loaded.unlink()
    rejected.unlink()
    found = []
    for place, member in enumerate(members):
        origin = member.origin
        lineage: dict[str, str | int | None] = {
            "_source": origin.source, "_file": origin.file, "_batch": origin.batch, "_contract": origin.contract,
            "_series": origin.series, "_delivery": origin.delivery,
        }  # fmt: skip
        counts = [
            _write(_of_file(table, place), lineage, path, schema)
            for table, path, schema in (
                (good, member.loaded, all_kinds()[contract.kind].arrow_schema),
                (bad, member.rejected, QUARANTINE_SCHEMA),
            )
        ]
        read = sum(block.table.num_rows + len(block.broken) for block in member.rows.blocks())
        if sum(counts) != read:
            raise ConfigurationError(f"contract {contract.name!r}: {sum(counts):,} rows came of the {read:,} of {origin.file}")
        found.append(replace(whole, rows_loaded=counts[0], rows_quarantined=counts[1]))
    return found


def held(rows: Rows) -> Rows:
    """The same rows, all in memory."""
    blocks = list(rows.blocks())
    return Rows(rows.header, lambda: iter(blocks), rows.messages)


def _one_after_the_other(members: Sequence[Member]) -> Iterator[Block]:
    for place, member in enumerate(members):
        for block in member.rows.blocks():
            numbers = pc.add(block.table[ROW], place * _FILE_ROWS)
            table = block.table.set_column(block.table.column_names.index(ROW), ROW, numbers)
            yield Block(table, [replace(row, row=row.row + place * _FILE_ROWS) for row in block.broken])


def _of_file(table: pa.Table, place: int) -> pa.Table:
    start, end = (place_after(table[ROW], at * _FILE_ROWS - 1) for at in (place, place + 1))
    return table.slice(start, end - start)


def _write(table: pa.Table, lineage: dict[str, str | int | None], path: Path, schema: pa.Schema) -> int:
    with RowGroups(path, schema) as file:
        if table.num_rows:
            columns = [_column(table, field, lineage) for field in schema]
            file.write(pa.table(columns, names=schema.names).cast(schema))
    return int(table.num_rows)


def _column(table: pa.Table, field: pa.Field, lineage: dict[str, str | int | None]) -> pa.Array | pa.ChunkedArray:
    if field.name == ROW:
        return pc.bit_wise_and(table[ROW], _FILE_ROWS - 1)
    if field.name in lineage:
        return pa.array([lineage[field.name]] * table.num_rows, field.type)
    return table[field.name]
