"""From a number to the cases behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

from orchestration.published.marts import ALL, Marts, period_end

#: The environment variable that holds the setting `record_links` as JSON.
RECORD_LINKS = "CXHOUSE_RECORD_LINKS"
#: The environment variable that names the home, which remembers the owner and state of alerts.
ALERTS_HOME = "CXHOUSE_ALERTS_HOME"
#: Whose a case is: shown before the rest of its columns.
_WHOSE = ("channel", "team", "agent_key", "queue", "marketplace", "country", "segment", "topic", "status")
#: Of the grain `all`, which has no periods: before and after everything.
_ALWAYS = (date(1900, 1, 1), date(9999, 1, 1))


@dataclass(frozen=True)
class Cases:
    """A query of cases with the values that are bound to it."""

    query: str
    values: dict[str, Any] = field(default_factory=dict)
    #: The KPI is a share, so that its cases have a bad side.
    has_bad_side: bool = False
    #: What the KPI is computed of, as SQL: its columns are shown first.
    formula: str = ""

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
    case_query = found[0]
    first, end = (period_start, period_end(grain, period_start)) if period_start else _ALWAYS
    conditions, values = "", {}
    if only_bad and case_query["failing_condition"]:
        conditions += f" and {case_query['failing_condition']}"
    if dimension != ALL:
        conditions += f" and coalesce(cast({case_query['member_column']} as varchar), 'unknown') = $member"
        values["member"] = member
    query = case_query["template"]
    for mark, text in {"{from}": first.isoformat(), "{to}": end.isoformat(), "{grain}": grain, "{filter}": conditions}.items():
        query = query.replace(mark, text)
    formula = f"{marts.definitions[kpi_id]['formula']} {case_query['failing_condition'] or ''}"
    return Cases(query, values, case_query["failing_condition"] is not None, formula)


def what_matters_first(columns: Iterable[str], formula: str = "") -> list[str]:
    """Columns of cases in the order in which people read them: which record, when, what the KPI looks at, whose, the rest."""
    names = list(columns)
    ids = [name for name in names if name.endswith("_id")][:1]
    times = [name for name in names if name.endswith(("_at", "_on"))][:1]
    looked_at = [name for name in names if re.search(rf"\b{re.escape(name)}\b", formula)]
    whose = [name for name in names if name in _WHOSE]
    return list(dict.fromkeys([*ids, *times, *looked_at, *whose, *names]))


def record_links(templates: Mapping[str, str], columns: Iterable[str], rows: list[dict[str, Any]]) -> list[str | None] | None:
    """For each row the address of its record in the vendor's tool; None where no template is of a column that the rows have.

    Args:
        templates: by column, such as `ticket_id`, an address with the column's name in braces.
    """
    column = next((name for name in columns if name in templates), None)
    if column is None:
        return None
    mark = "{" + column + "}"
    return [
        templates[column].replace(mark, quote(str(row[column]), safe="")) if row[column] is not None else None for row in rows
    ]
