"""What agents' time goes to, by team and by the time of day, from the log of their states: never of single agents."""

from __future__ import annotations

from typing import Any

from orchestration.dashboard.blocks import Block, Chart, not_given
from orchestration.dashboard.charts import BLUE, GREEN, GREY, ORANGE, bars, lines
from orchestration.published.marts import Marts, Row, View

_BY_TEAM, _BY_CLOCK = "What agents' time goes to", "Agents logged in, and busy, by the time of day"
#: Columns of seconds by their names on the page; they add up to the time logged in, as far as the log distinguishes them.
_STATES = {
    "busy": ("busy_seconds", BLUE),
    "after-call work": ("after_call_seconds", GREEN),
    "available": ("available_seconds", GREY),
    "break": ("break_seconds", ORANGE),
    "other work": ("other_work_seconds", "#8e6bbf"),
    "not known": ("unclear_seconds", "#b59d2b"),
}
_WITHIN = """
    ($first_on is null or date_day >= $first_on) and ($last_on is null or date_day <= $last_on)
    and ($team is null or team = $team)
"""


def agent_time(marts: Marts, view: View) -> list[Block]:
    """The two charts; nothing where no log of states has arrived."""
    if not marts.has("fct_agent_half_hours"):
        return [not_given(_BY_TEAM)]
    chosen = {
        "first_on": view.first_on, "last_on": view.last_on, "team": view.member if view.dimension == "team" else None,
        "least": marts.least,
    }  # fmt: skip
    cut = "" if view.dimension in ("all", "team") else f" Of all: it is not measured by {view.dimension}."
    return [*_by_team(marts, chosen, cut), *_by_clock(marts, chosen, cut)]


def _by_team(marts: Marts, chosen: dict[str, Any], cut: str) -> list[Block]:
    sums = ", ".join(f"sum({column}) as {column}" for column, _ in _STATES.values())
    teams = marts.rows(
        f"""
        select team, count(distinct agent_key) as agents, sum(logged_in_seconds) as logged_in_seconds, {sums}
        from fct_agent_half_hours
        where logged_in_seconds > 0 and {_WITHIN}
        group by team
        order by team
        """,
        **{name: value for name, value in chosen.items() if name != "least"},
    )
    found = [row for row in teams if row["agents"] >= chosen["least"]]
    hidden = sum(row["agents"] for row in teams if row not in found)
    # The whole less the teams that are shown must not be a team of few.
    if len(teams) > 1 and (not hidden or hidden >= chosen["least"]):
        found.append({"team": "everybody", **{name: _sum(teams, name) for name in teams[0] if name != "team"}})
    if not found:
        return []
    series: dict[str, list[Any]] = {name: [_share(row, column) for row in found] for name, (column, _) in _STATES.items()}
    with_values = {name: shares for name, shares in series.items() if any(shares)}
    figure = bars(
        [row["team"] for row in found],
        with_values,
        {name: _STATES[name][1] for name in with_values},
        stacked=True,
        lying=True,
        xaxis={"tickformat": ".0%"},
    )
    return [Chart(_BY_TEAM, figure, f"Share of the time logged in.{cut}")]


def _sum(rows: list[Row], column: str) -> int | None:
    values = [row[column] for row in rows if row[column] is not None]
    return sum(values) if values else None


def _share(row: Row, column: str) -> float | None:
    return None if row[column] is None else row[column] / row["logged_in_seconds"]


def _by_clock(marts: Marts, chosen: dict[str, Any], cut: str) -> list[Block]:
    """Means over the days on which anybody was logged in; half hours of fewer agents than may be shown are left out."""
    found = marts.rows(
        f"""
        with half_hours as (
            select * from fct_agent_half_hours where logged_in_seconds > 0 and {_WITHIN}
        )
        select
            half_hour,
            sum(logged_in_seconds) / 1800.0 / (select count(distinct date_day) from half_hours) as logged_in,
            sum(handling_seconds) / 1800.0 / (select count(distinct date_day) from half_hours) as handling
        from half_hours
        group by half_hour
        having count(distinct agent_key) >= $least
        order by half_hour
        """,
        **chosen,
    )
    if not found:
        return []
    clock = [f"{row['half_hour'] // 2:02d}:{row['half_hour'] % 2 * 30:02d}" for row in found]
    series = {
        "logged in": [row["logged_in"] for row in found],
        "handling": [row["handling"] for row in found],
    }
    note = f"Mean number of agents over the days of the log; handling is busy or in after-call work.{cut}"
    return [Chart(_BY_CLOCK, lines(clock, series, yaxis={"title": {"text": "agents"}}), note)]
