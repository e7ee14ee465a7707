"""In one sentence, what drives a number: which members miss a target, and what moved a change."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from orchestration.dashboard.kpi import Kpi
from orchestration.published.marts import ALL, Marts, Row
from orchestration.query.change import LEVEL, adjusted, p_of_shares
from orchestration.query.explain import explain

#: A member's part of the shortfall must be so much larger than its part of the cases to be called what drives it.
_BEYOND_ITS_SHARE = 0.15


@dataclass(frozen=True)
class _Part:
    """A member and all others, in the newest period."""

    row: Row
    rest: float
    #: Its part of the shortfall less its part of the cases.
    beyond: float
    p: float | None


def change_driver(marts: Marts, kpi: Kpi) -> str:
    """What moved a KPI against the period before; empty of a cut, of which the marts hold no further one."""
    if not kpi.now or kpi.view.dimension != ALL:
        return ""
    explanation = explain(marts, kpi.id, kpi.view.grain, kpi.now["period_start"])
    return _sentence(explanation.sentence) if explanation and explanation.movers else ""


def miss_driver(marts: Marts, kpi: Kpi) -> str:
    """The member that a missed target is mostly due to, with the rest; of a share only, and empty where there are no members.

    Looks at the members that the marts hold in the newest whole period: the one whose part of the shortfall is most beyond its
    part of the cases, where its difference from the rest is more than chance, corrected for all members.
    """
    now = kpi.now
    if not now or kpi.view.dimension != ALL or not now["denominator"] or now["target"] is None or kpi.unit != "rate":
        return ""
    rows = marts.rows(
        """
        select * from kpis
        where kpi_id = $kpi_id and grain = $grain and period_start = $start and dimension <> 'all' and denominator > 0
            and member <> 'unknown'
        order by dimension, member
        """,
        kpi_id=kpi.id, grain=kpi.view.grain, start=now["period_start"],
    )  # fmt: skip
    parts = [part for _, found in groupby(rows, key=lambda row: row["dimension"]) for row in found if (part := _part(now, row))]
    able = [
        part for part, p in zip(parts, adjusted([part.p for part in parts]), strict=True)
        if part.beyond > _BEYOND_ITS_SHARE and p is not None and p < LEVEL
    ]  # fmt: skip
    if not able:
        return "No channel, team or other group stands out." if len(parts) > 1 else ""
    worst = max(able, key=lambda part: part.beyond)
    whom = f"{worst.row['dimension'].replace('_', ' ')} {worst.row['member']}"
    value, rest = kpi.formatted(worst.row["value"]), kpi.formatted(worst.rest)
    return f"Mostly {whom}: {value} of {worst.row['n']:,} cases; the rest {rest}."


def _part(now: Row, row: Row) -> _Part | None:
    """A member against the rest of the whole; None where there is no rest, or lists make members overlap."""
    cases, hits = now["denominator"] - row["denominator"], now["numerator"] - row["numerator"]
    if cases <= 0 or hits < 0 or hits > cases:
        return None
    target = now["target"]
    shortfall = now["denominator"] * (target - now["value"])
    own = row["denominator"] * (target - row["value"])
    p = p_of_shares(row["numerator"], row["denominator"], hits, cases)
    return _Part(row, hits / cases, own / shortfall - row["denominator"] / now["denominator"], p) if shortfall else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
