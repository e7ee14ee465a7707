"""Doubts about files beside each other: records that two files have, a constant time apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import duckdb

from orchestration.check.doubts_common import hours
from orchestration.check.report import Doubt
from orchestration.check.trial import Tried
from orchestration.core.connections import connect
from orchestration.core.literals import identifier, literal
from orchestration.pull.kinds import all_kinds

#: So many records that two files share, and this share of them, lie at one distance.
MIN_RECORDS = 3
MIN_SHARE = 0.9
#: Quarter hours up to the most that two zones can be apart.
_LEAST, _MOST = 900, 93_600
#: By so much two clocks may differ.
_SKEW = 10


def doubts_between(tried: list[Tried]) -> list[Doubt]:
    """Files of one kind, and lists of tickets and their logs, whose times lie whole quarter hours apart."""
    loaded = [one for one in tried if one.loaded is not None]
    if len(loaded) < 2:
        return []
    # One for all: to open a database takes longer than to compare two small files.
    with connect() as con:
        return list(_doubts(con, loaded))


def _doubts(con: duckdb.DuckDBPyConnection, loaded: list[Tried]) -> Iterator[Doubt]:
    for one, other in combinations(loaded, 2):
        kinds = {one.job.contract.kind, other.job.contract.kind}
        if len(kinds) == 1:
            when = next((c.name for c in all_kinds()[kinds.pop()].columns.values() if c.required and c.type == "instant"), None)
            queries = [_of(both, when) for both in (one, other)] if when else []
            what = when
        elif kinds == {"tickets", "ticket_events"}:
            queries, what = [_creations(both) for both in (one, other)], "the creation of tickets"
        else:
            continue
        if queries and (apart := _apart(con, *queries)) is not None:
            seconds, at_it, shared = apart
            yield Doubt(
                None,
                f"{one.job.file.file} and {other.job.file.file} tell {what} {hours(abs(seconds))} apart in {at_it:,} of "
                f"{shared:,} records: is one of the two in another time zone? (`timezone`)",
            )


def _file(tried: Tried) -> str:
    return f"read_parquet({literal(str(tried.loaded))})"


def _of(tried: Tried, when: str) -> str:
    key = ", ".join(identifier(name) for name in all_kinds()[tried.job.contract.kind].key)
    return f"select row({key}) as record, min({identifier(when)}) as at from {_file(tried)} group by all"


def _creations(tried: Tried) -> str:
    if tried.job.contract.kind == "tickets":
        return f"select ticket_id as record, min(created_at) as at from {_file(tried)} group by all"
    return f"select ticket_id as record, min(event_at) as at from {_file(tried)} where event_type = 'created' group by all"


def _apart(con: duckdb.DuckDBPyConnection, one: str, other: str) -> tuple[int, int, int] | None:
    """The distance in seconds at which most shared records lie, how many do, and how many are shared."""
    rows = con.execute(
        f"""
        with differences as (
            select epoch(o.at) - epoch(t.at) as seconds
            from ({one}) as o inner join ({other}) as t on o.record is not distinct from t.record
        ),
        rounded as (select cast(900 * round(seconds / 900) as bigint) as quarters, seconds from differences)
        select quarters, count(*) filter (abs(seconds - quarters) <= {_SKEW}), sum(count(*)) over ()
        from rounded group by quarters order by 2 desc, 1 limit 1
        """
    ).fetchall()
    if not rows:
        return None
    seconds, at_it, shared = int(rows[0][0]), int(rows[0][1]), int(rows[0][2])
    return (
        (seconds, at_it, shared)
        if at_it >= MIN_RECORDS and at_it >= MIN_SHARE * shared and _LEAST <= abs(seconds) <= _MOST
        else None
    )
