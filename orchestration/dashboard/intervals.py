"""Calls by the time of day: how many come and are answered, and where in the day the service level breaks."""

from __future__ import annotations

from typing import Any

from orchestration.dashboard.blocks import Block, Chart
from orchestration.dashboard.charts import lines
from orchestration.published.marts import Marts, View

#: Dimensions that the table of intervals has; a page of another cut shows the whole.
_CUTS = ("team", "queue")


def calls_by_clock(marts: Marts, view: View) -> list[Block]:
    """Means over the days with calls, by the local time of the interval; times of fewer calls than may be shown are left out."""
    if not marts.has("call_intervals"):
        return []
    cut = f"{view.dimension} = $member" if view.dimension in _CUTS else "$member = $member"
    found = marts.rows(
        f"""
        with intervals as (
            select *, timezone($zone, timezone('UTC', starts_at)) as local_at
            from call_intervals
            where
                {cut} and ($first_on is null or date_day >= $first_on) and ($last_on is null or date_day <= $last_on)
        ),
        days as (
            select count(distinct date_day) as days from intervals
        )
        select
            strftime(local_at, '%H:%M') as clock,
            any_value(interval_minutes) as minutes,
            any_value(days.days) as days,
            sum(calls_offered) as offered,
            sum(calls_answered) as answered,
            sum(calls_abandoned_long) as abandoned,
            sum(calls_answered_in_time) as in_time,
            -- Of the others nobody knows whether they were answered in time; short abandons are no miss.
            sum(calls_offered - calls_answered_wait_unknown - calls_of_unknown_end - calls_abandoned_short) as measured
        from intervals
        cross join days
        group by clock
        having sum(calls_offered) >= $least
        order by clock
        """,
        member=view.member, first_on=view.first_on, last_on=view.last_on, least=marts.least,
        zone=marts.publication.reporting_timezone,
    )  # fmt: skip
    if not found:
        return []
    clock = [row["clock"] for row in found]
    flows: dict[str, list[Any]] = {
        name: [None if 0 < row[name] < marts.least else row[name] / row["days"] for row in found]
        for name in ("offered", "answered", "abandoned")
    }
    levels = [row["in_time"] / row["measured"] if row["measured"] >= marts.least else None for row in found]
    other = "" if view.dimension in ("all", *_CUTS) else f" Of all: it is not measured by {view.dimension}."
    note = f"Mean number in {found[0]['minutes']} minutes, over the days with calls; a call counts when it was queued.{other}"
    return [
        Chart("Calls by the time of day", lines(clock, flows, yaxis={"title": {"text": "calls"}}), note),
        Chart(
            "Service level by the time of day",
            lines(clock, {"answered in time": levels}, yaxis={"tickformat": ".0%"}),
            f"Answered in time, out of the calls offered less short abandons, as call_service_level.{other}",
        ),
    ]
