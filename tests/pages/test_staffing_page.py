"""Staffing on the support page against the half hours that analysts see."""

from __future__ import annotations

from collections import defaultdict

import pytest
from homes import Home

from orchestration.dashboard.blocks import Chart, Table
from orchestration.dashboard.staffing import staffing
from orchestration.published.marts import Marts, View


def test_half_hours_of_the_page_are_those_of_the_table(sample_home: Home) -> None:
    with sample_home.published() as con:
        marts = Marts(con)
        blocks = {block.title: block for block in staffing(marts, View())}
        least = marts.least
    rows = sample_home.query(
        "select half_hour, date_day, calls_forecast, calls_offered, agents_required, agents_rostered, is_ahead "
        "from fct_staffing_half_hours"
    )
    past = [row for row in rows if row[2] is not None and row[3] is not None]
    days = len({row[1] for row in past})
    came: dict[int, float] = defaultdict(float)
    foreseen: dict[int, float] = defaultdict(float)
    for clock, _, forecast, offered, *_ in past:
        came[clock] += offered
        foreseen[clock] += forecast
    shown = sorted(clock for clock, calls in came.items() if calls >= least)
    chart = blocks["Calls foreseen and offered, by the time of day"]
    assert isinstance(chart, Chart)
    series = {trace["name"]: trace["y"] for trace in chart.figure["data"]}
    assert chart.figure["data"][0]["x"] == [f"{clock // 2:02d}:{clock % 2 * 30:02d}" for clock in shown]
    assert series["offered"] == pytest.approx([came[clock] / days for clock in shown])
    assert series["forecast"] == pytest.approx([foreseen[clock] / days for clock in shown])
    assert len(shown) > 10

    ahead = [row for row in rows if row[6] and row[4] is not None and row[5] is not None]
    chart = blocks["Agents required and on the roster in the next weeks, by the time of day"]
    assert isinstance(chart, Chart)
    for place, name in ((4, "required"), (5, "on the roster")):
        sums: dict[int, float] = defaultdict(float)
        on: dict[int, set[object]] = defaultdict(set)
        for row in ahead:
            sums[row[0]] += row[place]
            on[row[0]].add(row[1])
        drawn = next(trace["y"] for trace in chart.figure["data"] if trace["name"] == name)
        assert drawn == pytest.approx([sums[clock] / len(on[clock]) for clock in sorted(sums)])


def test_a_team_has_its_own(sample_home: Home) -> None:
    with sample_home.published() as con:
        found = [block for block in staffing(Marts(con), View(dimension="team", member="Logistics")) if isinstance(block, Table)]
    assert [row[0] for table in found for row in table.rows] == ["Logistics"] * 4


def test_readers_of_the_marts_alone_are_informed(sample_home: Home) -> None:
    with sample_home.published() as con:
        marts = Marts(con)
        marts.has = lambda name: False  # type: ignore[method-assign]
        assert [block.title for block in staffing(marts, View())] == ["How good the forecast of calls is"]
