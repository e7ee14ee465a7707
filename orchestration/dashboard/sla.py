"""Blocks of the support page about targets by policy: which are kept, and which are due next."""

from __future__ import annotations

from orchestration.dashboard.blocks import Block, Table, not_given
from orchestration.dashboard.journey import rate_in_words
from orchestration.dashboard.kpi import kpis_of
from orchestration.published.display import format_value
from orchestration.published.marts import ALL, Marts, View

#: The fact of the KPIs, and what fits on a page.
_FACT, _DUE = "fct_sla_targets", 20


def sla_blocks(marts: Marts, view: View) -> list[Block]:
    """Attainment by policy and metric, and the open targets whose time is up next; nothing where no policy sets a target."""
    kept = _by_policy(marts)
    return [kept, _due_next(marts)] if kept.rows else []


def _by_policy(marts: Marts) -> Table:
    """The shares of the fact, those of all metrics first, by policy."""
    kpis = [
        kpi
        for kpi in kpis_of(marts, marts.view).values()
        if kpi.definition["fact"] == _FACT and kpi.unit == "rate" and not kpi.missing_export
    ]
    kpis.sort(key=lambda kpi: ("metric" not in kpi.dimensions, str(kpi.definition["label"])))
    by_policy = [(kpi, {row["member"]: row for row in marts.by_member(kpi.id, ALL, None, "policy")}) for kpi in kpis]
    policies = sorted({policy for _, members in by_policy for policy in members})
    return Table(
        "Targets kept, by policy, over all time",
        ["policy", *(str(kpi.definition["label"]) for kpi in kpis)],
        [[policy, *(rate_in_words(kpi, members.get(policy)) for kpi, members in by_policy)] for policy in policies],
        note="In brackets the 95 % interval and the targets that were decided.",
        is_whole=True,
    )


def _due_next(marts: Marts) -> Table:
    title = "Open targets that are due next"
    if not marts.has("tickets_due"):
        return not_given(title)
    states = {row["state"]: row["n"] for row in marts.rows("select state, count(*) as n from tickets_due group by state")}
    found = marts.rows(
        """
        select * from tickets_due
        where state = 'active'
        order by due_at nulls last, ticket_id, metric, occurrence
        limit $most
        """,
        most=_DUE,
    )  # fmt: skip
    rows = [
        [
            f"{row['due_at']:%Y-%m-%d %H:%M}" if row["due_at"] else "beyond the known hours",
            format_value(row["remaining_seconds"], "seconds"),
            row["ticket_id"],
            row["metric"].replace("_", " "),
            row["policy"],
            row["team"],
            row["priority"],
            "–" if row["highest_risk"] is None else format_value(row["highest_risk"], "rate"),
        ]
        for row in found
    ]
    words = {"active": "running", "paused": "paused", "missed": "overdue"}
    counts = ", ".join(f"{states.get(state, 0):,} {word}" for state, word in words.items())
    return Table(
        title,
        ["due (UTC)", "left", "ticket", "metric", "policy", "team", "priority", "highest risk"],
        rows,
        numbers=("left", "highest risk"),
        note=f"As of the run; {counts}. Left: by the clock of the target. The table tickets_due has all.",
        empty="No open target's clock runs.",
        is_whole=True,
    )
