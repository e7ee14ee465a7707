"""From a number to the cases behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from orchestration.dashboard.marts import ALL, Marts, period_end

#: Of the grain `all`, which has no periods: before and after everything.
_ALWAYS = (date(1900, 1, 1), date(9999, 1, 1))


@dataclass(frozen=True)
class Cases:
    """A query of cases with the values that are bound to it."""

    query: str
    values: dict[str, Any] = field(default_factory=dict)
    #: The KPI is a share, so that its cases have a bad side.
    has_bad_side: bool = False

    def count(self, marts: Marts) -> int:
        return int(marts.rows(f"select count(*) as cases from ({self.query})", **self.values)[0]["cases"])

    def all(self, marts: Marts) -> list[dict[str, Any]]:
        return marts.rows(self.query, **self.values)

    def first(self, marts: Marts, limit: int) -> list[dict[str, Any]]:
        return marts.rows(f"{self.query} limit {limit:d}", **self.values)


def cases_behind(
    marts: Marts,
    kpi_id: str,
    grain: str,
    period_start: date | None,
    dimension: str = ALL,
    member: str = ALL,
    only_bad: bool = False,
) -> Cases | None:
    """The cases behind a KPI's value in a period, of the whole or of a member; with `only_bad` those that lower a share.

    None where the KPI's fact is not published, or has no such dimension.
    """
    found = marts.rows(
        "select * from kpi_cases where kpi_id = $kpi_id and dimension = $dimension", kpi_id=kpi_id, dimension=dimension
    )
    if not found:
        return None
    told = found[0]
    first, end = (period_start, period_end(grain, period_start)) if period_start else _ALWAYS
    conditions, values = "", {}
    if only_bad and told["bad_side"]:
        conditions += f" and {told['bad_side']}"
    if dimension != ALL:
        conditions += f" and coalesce(cast({told['member_column']} as varchar), 'unknown') = $member"
        values["member"] = member
    query = told["template"]
    for mark, text in {"{from}": first.isoformat(), "{to}": end.isoformat(), "{grain}": grain, "{filter}": conditions}.items():
        query = query.replace(mark, text)
    return Cases(query, values, told["bad_side"] is not None)
