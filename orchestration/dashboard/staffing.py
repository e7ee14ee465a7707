"""Staffing on the support page: calls foreseen and come, agents needed and on the roster, and how good the forecast is."""

from __future__ import annotations

from typing import Any

from orchestration.dashboard.blocks import Block, Chart, Table, not_given
from orchestration.dashboard.charts import bars, lines
from orchestration.published.marts import Marts, Row, View

_ERRORS = "How good the forecast of calls is"
_METHODS = {"model": "weekday, trend, holidays", "naive": "the week before"}


def staffing(marts: Marts, view: View) -> list[Block]:
    """Nothing where no team takes calls and is on a roster; single half hours are for analysts."""
    if not marts.has("fct_staffing_half_hours"):
        return [not_given(_ERRORS)]
    team = view.member if view.dimension == "team" else None
    cut = "" if view.dimension in ("all", "team") else f" Of all: it is not measured by {view.dimension}."
    return [*_calls(marts, view, team, cut), *_agents(marts, team, cut), *_lacking(marts), *_errors(marts, team)]


def _clock(rows: list[Row]) -> list[str]:
    return [f"{row['half_hour'] // 2:02d}:{row['half_hour'] % 2 * 30:02d}" for row in rows]


def _calls(marts: Marts, view: View, team: str | None, cut: str) -> list[Block]:
    """Means over the days whose half hours have a forecast; half hours of fewer calls than may be shown are left out."""
    found = marts.rows(
        """
        with half_hours as (
            select * from fct_staffing_half_hours
            where
                calls_offered is not null and calls_forecast is not null and ($team is null or team = $team)
                and ($first_on is null or date_day >= $first_on) and ($last_on is null or date_day <= $last_on)
        )
        select
            half_hour,
            sum(calls_forecast) / (select count(distinct date_day) from half_hours) as foreseen,
            sum(calls_offered) / (select count(distinct date_day) from half_hours) as came
        from half_hours
        group by half_hour
        having sum(calls_offered) >= $least
        order by half_hour
        """,
        team=team, first_on=view.first_on, last_on=view.last_on, least=marts.least,
    )  # fmt: skip
    if not found:
        return []
    series = {"forecast": [row["foreseen"] for row in found], "offered": [row["came"] for row in found]}
    note = f"Mean number in half an hour, over the days with a forecast; each as it was a week before.{cut}"
    figure = lines(_clock(found), series, yaxis={"title": {"text": "calls"}})
    return [Chart("Calls foreseen and offered, by the time of day", figure, note)]


def _agents(marts: Marts, team: str | None, cut: str) -> list[Block]:
    """Means over the half hours ahead of which both are known."""
    found = marts.rows(
        """
        select half_hour, sum(agents_required) / count(distinct date_day) as required,
            sum(agents_rostered) / count(distinct date_day) as rostered
        from fct_staffing_half_hours
        where is_ahead and agents_gap is not null and ($team is null or team = $team)
        group by half_hour
        order by half_hour
        """,
        team=team,
    )  # fmt: skip
    if not found:
        return []
    series = {"required": [row["required"] for row in found], "on the roster": [row["rostered"] for row in found]}
    figure = lines(_clock(found), series, yaxis={"title": {"text": "agents"}})
    note = f"Mean number over the days ahead that the roster reaches; required by Erlang C, with shrinkage.{cut}"
    return [Chart("Agents required and on the roster in the next weeks, by the time of day", figure, note)]


def _lacking(marts: Marts) -> list[Block]:
    found = marts.rows(
        """
        select date_day, team, sum(agents_gap) / 2 as lacking_hours
        from fct_staffing_half_hours
        where is_ahead and agents_gap > 0
        group by all
        order by date_day, team
        """
    )
    if not found:
        return []
    days = sorted({row["date_day"] for row in found})
    teams = sorted({row["team"] for row in found})
    gaps = {(row["team"], row["date_day"]): row["lacking_hours"] for row in found}
    series = {team: [gaps.get((team, day)) for day in days] for team in teams}
    chart = bars([day.isoformat() for day in days], series, stacked=True, yaxis={"title": {"text": "agent hours"}})
    return [
        Chart(
            "Agent hours that the next weeks' calls need beyond the roster",
            chart,
            "Forecast: see fct_staffing_half_hours.",
            is_whole=True,
        )
    ]


def _errors(marts: Marts, team: str | None) -> list[Block]:
    found = marts.rows(
        """
        select * from call_forecast_backtest
        where ($team is null or team = $team) and calls_offered >= $least
        order by team, horizon_weeks
        """,
        team=team, least=marts.least,
    )  # fmt: skip
    if not found:
        return []
    rows = [
        [
            row["team"], str(row["horizon_weeks"]), f"{row['calls_offered']:,.0f}", _share(row["model_wape"]),
            _share(row["naive_wape"]), _share(row["model_bias"]), _METHODS[row["forecast_method"]], row["forecast_reason"],
        ]
        for row in found
    ]  # fmt: skip
    columns = ["team", "weeks ahead", "calls", "error", "error of the week before", "bias", "used", "why"]
    numbers = ("weeks ahead", "calls", "error", "error of the week before", "bias")
    days = found[0]
    note = (
        f"Tried on {days['held_back_from_on']} to {days['held_back_until_on']}, which it did not know. Error: absolute errors of "
        "the half hours out of the calls. Bias: calls foreseen in excess. Used is what has the smaller squared errors: see "
        "call_forecast_backtest."
    )
    return [Table(_ERRORS, columns, rows, numbers=numbers, note=note, is_whole=True)]


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.0%}"
