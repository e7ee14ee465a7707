"""A KPI of each member of a dimension, within what a reader chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from orchestration.core.errors import ConfigurationError
from orchestration.dashboard.kpi import Kpi
from orchestration.published.marts import ALL, Marts, Row, View
from orchestration.query.asking import Question, answer


@dataclass(frozen=True)
class Members:
    """Rows as those of ``kpis``, most cases first; the members that are of too few people to show; what the rows are of."""

    rows: list[Row] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    note: str = ""


def chosen(view: View) -> str:
    """What a view is cut to, as a condition of a question; empty of the whole."""
    if view.dimension == ALL:
        return ""
    quoted = view.member.replace("'", "''")
    return f"{view.dimension} = '{quoted}'"


def members_of(marts: Marts, kpi: Kpi, view: View, period: date | None, dimension: str) -> Members:
    """The members in a period (none: over all time), of the cases that the view is cut to.

    Where these cannot be cut once more, of all cases, and `note` says so.
    """
    grain = view.grain if period else ALL
    whole = (kpi.id, grain, period, dimension)
    if view.dimension in (ALL, dimension):
        note = "" if view.dimension == ALL else f"All of them, so that {view.member} is seen beside the others."
        return Members(marts.by_member(*whole), marts.hidden_members(*whole), note)
    where = f"Only {view.dimension.replace('_', ' ')} {view.member}."
    try:
        found = answer(marts, Question((kpi.id,), (dimension,), chosen(view), grain, period, period))
    except ConfigurationError:
        note = f"Of all cases, not only of {view.dimension.replace('_', ' ')} {view.member}: both together are not to be had."
        return Members(marts.by_member(*whole), marts.hidden_members(*whole), note)
    rows = [{**row, "member": row[dimension]} for row in found]
    shown = sorted((row for row in rows if row["value"] is not None), key=lambda row: (-row["n"], row["member"]))
    return Members(shown, [row["member"] for row in rows if row["status"] == "suppressed"], where)
