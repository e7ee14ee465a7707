"""Exports that always hold everything (`mode: full`): what the next one lacks of the one before.

What a snapshot no longer holds counts as gone, so that one that was cut short would empty the marts without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.connections import connect
from orchestration.pull.collisions import record_key
from orchestration.pull.jobs import Job
from orchestration.pull.kinds import Kind

#: So many records may always be gone.
MIN_GONE_TO_BLOCK = 20


@dataclass(frozen=True)
class Gone:
    """Records of the snapshot before, and how many of them are not in the next one."""

    records: int
    gone: int

    def blocks(self, limit: float) -> bool:
        """Is it more than a share of the records, so that the file may be a part of what it should be?"""
        return self.gone >= MIN_GONE_TO_BLOCK and self.gone > limit * self.records


def snapshots_before(jobs: Iterable[Job], standing: dict[str, Path]) -> dict[str, Path]:
    """For each snapshot the loaded one before it in its series, both by their stem.

    Args:
        jobs: of one kind, in the order of their arrival.
        standing: stem of a loaded file -> its rows as Parquet.
    """
    newest: dict[str, Path] = {}
    found = {}
    for job in jobs:
        series = job.origin.series
        if series is None:
            continue
        if series in newest:
            found[job.stem] = newest[series]
        if job.stem in standing:
            newest[series] = standing[job.stem]
    return found


def gone_since(kind: Kind, before: Path, new: Path) -> Gone:
    """Hold a snapshot against the one before it, by the keys of their records; deleted ones were gone already."""
    there = "where not coalesce(is_deleted, false)" if "is_deleted" in kind.columns else ""
    with connect() as con:
        ((records, gone),) = con.execute(
            f"""
            with earlier as (select distinct {record_key(kind)} as record from read_parquet(?) {there}),
            later as (select distinct {record_key(kind)} as record from read_parquet(?))
            select count(*), count(*) filter (record not in (select record from later)) from earlier
            """,
            [str(before), str(new)],
        ).fetchall()
    return Gone(records, gone)
