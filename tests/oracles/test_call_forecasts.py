"""The forecast of calls: the models' SQL over invented histories, against a second computation and against what was invented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from call_forecasts import Calls
from homes import ANY_INSTANT, ANY_ZONE, REPOSITORY

CHAIN = ("int_call_half_hours", "int_call_days", "int_call_forecast_candidates", "int_call_forecast_errors", "int_call_forecasts")
FIRST, CLOCK_TIMES = date(2025, 1, 6), range(18, 30)
#: Share of the calls of a mean day, from Monday to Sunday.
WEEKDAYS = (1.6, 1.2, 1.1, 1.0, 1.0, 0.6, 0.5)
Rate = Callable[[int, int], float]


def drawn(rate: Rate, weeks: int, seed: int) -> dict[tuple[date, int], int]:
    """Calls by day and clock time: Poisson around a rate of the day's number and the clock time's."""
    rng = np.random.default_rng(seed)
    days = [(n, FIRST + timedelta(days=n)) for n in range(7 * weeks)]
    return {(day, clock): int(rng.poisson(rate(n, clock))) for n, day in days for clock in CLOCK_TIMES}


def of_a_desk(growth: float, season: float, holidays: dict[date, str]) -> Rate:
    """A weekday profile, growth by the week, a season of the year, and few calls on holidays."""

    def rate(number: int, clock: int) -> float:
        day = FIRST + timedelta(days=number)
        level = WEEKDAYS[number % 7] * (1 + growth) ** (number / 7) * (1 + season * np.sin(2 * np.pi * number / 364))
        return 10 * level * (1 + (clock % 6) / 6) * {"closed holiday": 0.2, "open holiday": 0.6}.get(holidays.get(day, ""), 1)

    return rate


def wandering(weeks: int, seed: int) -> Rate:
    """Each clock time of the week by itself goes up and down by chance, from where it was the week before."""
    steps = np.random.default_rng(seed).normal(0, 0.5, (weeks, 7, len(CLOCK_TIMES)))
    levels = 20 * np.exp(np.clip(np.cumsum(steps, axis=0), -2, 2))
    return lambda number, clock: float(levels[number // 7, number % 7, clock - CLOCK_TIMES[0]])


def tables(compiled: dict[str, str], calls: dict[tuple[date, int], int], holidays: dict[date, str]) -> duckdb.DuckDBPyConnection:
    """A database with the models' tables of one team whose desk never closes."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
    for schema in ("staging", "conformed", "journey", "practices", "seeds"):
        con.execute(f"create schema {schema}")
    times = [
        datetime.combine(day, time()) + timedelta(minutes=30 * clock)
        for (day, clock), count in calls.items()
        for _ in range(count)
    ]
    frame = pd.DataFrame({"team": "desk", "queued_at": times, "handle_seconds": 300, "is_offered": True})
    con.register("frame", frame)
    con.execute("create table journey.fct_calls as select * from frame")
    con.execute("create table staging.stg_agents as select 'desk' as team")
    con.execute("create table seeds.calendar_assignments as select 'desk' as calendar, null::text as channel, null::text as team")
    con.execute("create table seeds.business_hours (calendar text)")
    con.execute(
        "create table conformed.int_calendar_segments (calendar text, utc_day date, starts_at timestamp, ends_at timestamp, "
        "is_open boolean, open_seconds_before bigint)"
    )
    con.execute("create table seeds.business_holidays (calendar text, holiday_on date, opens_at text)")
    for day, kind in holidays.items():
        con.execute("insert into seeds.business_holidays values ('desk', ?, ?)", [day, "10:00" if kind[0] == "o" else None])
    seed = REPOSITORY / "dbt_project" / "seeds" / "student_t.csv"
    con.execute(f"create table seeds.student_t as select * from read_csv('{seed}')")
    after = max(day for day, _ in calls) + timedelta(days=1)
    for name in (*CHAIN, "call_forecast_backtest"):
        query = compiled[name].replace(ANY_ZONE, "UTC").replace(ANY_INSTANT, f"{after} 00:00:00")
        con.execute(f"create table {'journey' if name in CHAIN else 'practices'}.{name} as {query}")
    return con


def second(calls: dict[tuple[date, int], int], holidays: dict[date, str]) -> Calls:
    by_day: dict[date, int] = {}
    for (day, _), count in calls.items():
        by_day[day] = by_day.get(day, 0) + count
    return Calls(FIRST, max(by_day), dict(calls), by_day, lambda _: set(range(48)), holidays)


def monday(week: int, weekday: int = 0) -> date:
    return FIRST + timedelta(weeks=week, days=weekday)


#: Two kinds of holidays, some of them in the weeks held back and in those ahead.
HOLIDAYS = {
    monday(9, 1): "closed holiday", monday(12, 3): "open holiday", monday(17, 4): "closed holiday",
    monday(25, 2): "closed holiday", monday(27, 3): "open holiday", monday(30, 1): "closed holiday",
}  # fmt: skip
TOLD = """
    select horizon_weeks, forecast_method, forecast_reason, model_wape, naive_wape, model_rmse, naive_rmse, model_bias,
        trend_per_week, has_season, closed_holiday_factor, open_holiday_factor
    from practices.call_forecast_backtest
    order by horizon_weeks
"""


def near(number: float | None) -> Any:
    return None if number is None else pytest.approx(number, rel=1e-7)


def check_second_way(con: duckdb.DuckDBPyConnection, other: Calls, least: int) -> None:
    """Each candidate, and each forecast that staffing goes by."""
    found = con.execute(
        "select date_day, half_hour, horizon_weeks, calls_naive, calls_model from journey.int_call_forecast_candidates"
    ).fetchall()
    assert len(found) > least
    sampled = found[:: len(found) // least]
    for day, clock, horizon, naive, model in sampled:
        expected = other.forecasts(day, clock, horizon)
        assert [naive, model] == [near(number) for number in expected[:2]], (day, clock, horizon)
    assert sum(model is not None for *_, model in sampled) > least / 2
    chosen = con.execute(
        "select date_day, half_hour, calls_forecast, forecast_method, forecast_reason from journey.int_call_forecasts"
    ).fetchall()
    for day, clock, forecast, method, reason in chosen[:: len(chosen) // least]:
        number, *words = other.expected(day, clock)
        assert forecast == near(number), (day, clock)
        assert [method, reason] == words, (day, clock)
    backtest = con.execute("select horizon_weeks, forecast_reason from practices.call_forecast_backtest").fetchall()
    assert dict(backtest) == {horizon: other.choice(other.last, horizon) for horizon in (1, 2, 3, 4)}


@pytest.mark.ci
def test_weekdays_trend_and_holidays_beat_the_naive_forecast(compiled: dict[str, str]) -> None:
    calls = drawn(of_a_desk(0.02, 0, HOLIDAYS), 30, 1)
    with tables(compiled, calls, HOLIDAYS) as con:
        rows = con.execute(TOLD).fetchall()
        assert [row[:3] for row in rows] == [(horizon, "model", "smaller error") for horizon in (1, 2, 3, 4)]
        for _, _, _, wape, naive_wape, rmse, naive_rmse, bias, trend, has_season, closed, opened in rows:
            # Two Poisson errors against one and an eighth, holidays, and growth that the naive one is behind.
            assert wape < 0.85 * naive_wape
            assert rmse < 0.75 * naive_rmse
            assert abs(bias) < 0.03
            assert trend == pytest.approx(0.02, abs=0.01)
            assert not has_season
            assert closed == pytest.approx(0.2, abs=0.05)
            assert opened == pytest.approx(0.6, abs=0.1)
        check_second_way(con, second(calls, HOLIDAYS), 400)


@pytest.mark.ci
def test_days_after_the_end_of_the_export_are_unknown(compiled: dict[str, str]) -> None:
    calls = drawn(of_a_desk(0.02, 0, HOLIDAYS), 30, 1)
    ends = max(day for day, _ in calls) - timedelta(days=10)
    told = {at: count if at[0] <= ends else 0 for at, count in calls.items()}
    with tables(compiled, told, HOLIDAYS) as con:
        rows = con.execute(
            "select date_day > ?, count(calls_offered) = count(*), count(calls_offered) from journey.int_call_half_hours "
            "where date_day <= ? group by 1 order by 1",
            [ends, max(day for day, _ in calls)],
        ).fetchall()
        assert [row[:2] for row in rows] == [(False, True), (True, False)]
        assert rows[1][2] == 0
        other = second(told, HOLIDAYS)
        other.ends = ends
        check_second_way(con, other, 400)


@pytest.mark.slow
def test_the_season_of_last_year(compiled: dict[str, str]) -> None:
    calls = drawn(of_a_desk(0, 0.5, {}), 72, 12)
    with tables(compiled, calls, {}) as con:
        rows = con.execute(TOLD).fetchall()
        assert [(row[1], row[9]) for row in rows] == [("model", True)] * 4
        assert all(abs(row[7]) < 0.03 for row in rows), "what the year before did leaves no bias"
        check_second_way(con, second(calls, {}), 400)


@pytest.mark.ci
def test_what_nothing_can_be_learnt_from(compiled: dict[str, str]) -> None:
    """Where next week is this one and chance, the newest week is the best forecast, and the table says so."""
    calls = drawn(wandering(30, 3), 30, 3)
    with tables(compiled, calls, {}) as con:
        rows = con.execute(TOLD).fetchall()
        assert rows[0][1:3] == ("naive", "no smaller error")
        assert rows[0][6] < rows[0][5]
        check_second_way(con, second(calls, {}), 400)


@pytest.mark.ci
def test_chance_around_one_level_is_no_trend(compiled: dict[str, str]) -> None:
    """The mean of eight weeks beats one of them, and by no more than chance explains: the root of 9/8 to the root of 2."""
    calls = drawn(lambda number, clock: 20, 30, 4)
    with tables(compiled, calls, {}) as con:
        rows = con.execute(TOLD).fetchall()
        assert all(row[8] == 0 for row in rows)
        assert all(row[5] / row[6] == pytest.approx(0.75, abs=0.06) for row in rows)
        trends = con.execute("select avg(case when trend_per_week <> 0 then 1 else 0 end) from journey.int_call_days").fetchall()
        assert trends[0][0] < 0.15


def test_short_histories_have_no_forecast_or_the_naive_one(compiled: dict[str, str]) -> None:
    calls = drawn(of_a_desk(0, 0, {}), 6, 5)
    with tables(compiled, calls, {}) as con:
        reasons = con.execute(
            "select date_day < ?, calls_forecast is null, forecast_method, forecast_reason, count(*) "
            "from journey.int_call_forecasts group by all order by 1",
            [FIRST + timedelta(days=7)],
        ).fetchall()
        assert [row[:4] for row in reasons] == [
            (False, False, "naive", "too few weeks tested"),
            (True, True, None, "no week before"),
        ]
