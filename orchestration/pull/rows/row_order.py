"""Clock times that happen twice, in files whose rows follow each other: the rows around it show which of the two is meant.

Where clocks are put back, a local time without an offset may be either of two instants. The pull takes the earlier one; in a
kind whose rows of one record are in the order in which they happened (``in_row_order`` in ``kinds.yml``: a log), it is
corrected here, after the file was typed, for the records that have such a time at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.core.connections import connect
from orchestration.core.literals import identifier
from orchestration.pull.files.headers import ROW
from orchestration.pull.home.tables import RowGroups
from orchestration.pull.kinds import Kind
from orchestration.pull.rows.statement import LATER


@dataclass(frozen=True)
class Moment:
    """What a row may mean: one instant, or one of two."""

    row: int
    earlier: datetime
    later: datetime | None = None

    @property
    def latest(self) -> datetime:
        return self.later or self.earlier


def put_in_order(kind: Kind, loaded: Path, twice: list[pa.Table]) -> int:
    """Let the clock times that happen twice follow the rows around them; returns how many became the later instant.

    Args:
        kind: with ``in_row_order``.
        loaded: typed rows of one file, which is replaced where a time changes.
        twice: of the rows with two instants their ``_row`` and ``LATER``.
    """
    if kind.in_row_order is None or not twice:
        return 0
    with connect() as con:
        con.register("twice", pa.concat_tables(twice))
        chosen = pa.array(list(_later_rows(con, loaded, kind.in_row_order.of, kind.in_row_order.instant)), pa.int64())
        if len(chosen):
            con.register("chosen", pa.table({ROW: chosen}))
            _rewrite(kind, loaded, con.sql("select twice.* from twice semi join chosen using (_row)").to_arrow_table())
    return len(chosen)


def _later_rows(con: duckdb.DuckDBPyConnection, loaded: Path, of: str, instant: str) -> Iterator[int]:
    """The rows whose clock time is the later of its two."""
    query = f"""
        with rows_of_file as (
            select {identifier(of)} as record, {identifier(instant)} as earlier, _row from read_parquet($loaded)
        ),
        touched as (select distinct record from rows_of_file semi join twice using (_row))
        select record, _row, earlier, {LATER} from rows_of_file semi join touched using (record) left join twice using (_row)
        order by record, _row
    """
    reader = con.sql(query, params={"loaded": str(loaded)}).to_arrow_reader(2**15)
    rows = (row for batch in reader for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    for _, found in groupby(rows, key=lambda row: row[0]):
        yield from later_of([Moment(row, earlier, later) for _, row, earlier, later in found])


def later_of(moments: list[Moment]) -> list[int]:
    """Of one record's rows, in the order of the file: those whose time is the later of its two.

    A time keeps the order of the rows around it. Where both do, it is the earlier, unless the later is closer than clocks were
    put back to what comes next, and the earlier not so to what came before: a wait is not an hour long because of the clocks.
    Rows that no choice brings into an order say nothing of each other.
    """
    known = [moment.earlier for moment in moments if moment.later is None]
    steps = {(after > before) - (after < before) for before, after in pairwise(known)} - {0}
    if len(steps) > 1:
        return []
    ordered = moments[::-1] if steps == {-1} else moments
    bounds: list[datetime | None] = [None] * len(ordered)
    nexts: list[datetime | None] = [None] * len(ordered)
    bound = following = None
    for place in range(len(ordered) - 1, -1, -1):
        bounds[place], nexts[place] = bound, following
        moment = ordered[place]
        bound = moment.latest if bound is None else min(bound, moment.latest)
        following = moment.earlier if moment.later is None else following
    found: list[int] = []
    before = None
    is_in_order = True
    for moment, limit, coming in zip(ordered, bounds, nexts, strict=True):
        is_later = moment.later is not None and _is_later(moment.earlier, moment.later, before, limit, coming)
        chosen = moment.latest if is_later else moment.earlier
        is_in_order = is_in_order and (before is None or before <= chosen)
        before = chosen
        if is_later:
            found.append(moment.row)
    return found if is_in_order else []


def _is_later(
    earlier: datetime, later: datetime, before: datetime | None, bound: datetime | None, following: datetime | None
) -> bool:
    if bound is not None and later > bound:
        return False
    if before is not None and earlier < before:
        return later >= before
    put_back = later - earlier
    return following is not None and following - later < put_back and (before is None or earlier - before >= put_back)


def _rewrite(kind: Kind, loaded: Path, chosen: pa.Table) -> None:
    assert kind.in_row_order is not None
    name = kind.in_row_order.instant
    draft = loaded.with_suffix(".ordered")
    rows, times = chosen[ROW].combine_chunks(), chosen[LATER].cast(pa.timestamp("us")).combine_chunks()
    with pq.ParquetFile(loaded) as file, RowGroups(draft, kind.arrow_schema) as ordered:
        place = file.schema_arrow.get_field_index(name)
        for batch in file.iter_batches():
            table = pa.Table.from_batches([batch])
            later = times.take(pc.index_in(table[ROW], value_set=rows))
            ordered.write(table.set_column(place, table.schema.field(name), pc.coalesce(later, table[name])))
    draft.replace(loaded)
