"""Agents by Erlang C and A: the models' own SQL against the recursion of Erlang B, published values, and a Markov chain."""

from __future__ import annotations

import math

import duckdb
import pytest
from erlang import SERVICE_SECONDS, erlang_agents, waiting_share
from erlang_a import abandoned, answered_in_time
from homes import ANY_INSTANT, ANY_ZONE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("agents", "traffic", "share"),
    # M/M/1: the load itself. M/M/2 and M/M/3 at a load of a half and of two thirds: closed forms of the textbooks.
    [(1, 0.5, 0.5), (1, 0.9, 0.9), (2, 1, 1 / 3), (3, 2, 4 / 9), (5, 4, 0.5541), (14, 10, 0.1741)],
)
def test_published_shares(agents: int, traffic: float, share: float) -> None:
    assert waiting_share(agents, traffic) == pytest.approx(share, abs=0.00005)


@pytest.fixture(scope="module")
def solved(compiled: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """A database with the tables that the model reads, and its compiled SQL as the macro `required()`."""
    query = compiled["fct_staffing_half_hours"].replace(ANY_INSTANT, "2026-07-01 00:00:00").replace(ANY_ZONE, "UTC")
    con = duckdb.connect()
    con.execute(
        "attach ':memory:' as warehouse; use warehouse; create schema seeds; create schema staging; create schema journey"
    )
    con.execute(
        "create table seeds.kpi_targets (kpi_id text, dimension text, member text, target double); "
        "create table staging.stg_agents (team text, work_date date, scheduled_minutes int, worked_minutes int, absence text, "
        "shift_starts_at timestamp, shift_ends_at timestamp); "
        "create table journey.int_team_shifts (team text, starts_at timestamp, agents double); "
        "create table journey.int_team_shrinkage (team text, date_day date, shrinkage double); "
        "create table journey.int_call_forecasts (team text, date_day date, half_hour int, starts_at timestamp, "
        "open_seconds int, calls_offered double, calls_forecast double, forecast_method text, forecast_reason text, "
        "handle_seconds_forecast double, is_seasonal_peak boolean); "
        "create table journey.int_call_patience (team text, patience_seconds double); "
        "create table journey.int_erlang_a (team text, calls_forecast double, agents int, answered_in_time double, "
        "abandoned double)"
    )
    con.execute(f"create macro required() as table {query}")
    return con


loads = st.tuples(st.floats(0.01, 800), st.floats(5, 1800)).filter(lambda load: load[0] * load[1] / 1800 < 400)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(loads, min_size=1, max_size=30, unique=True))
def test_agents_equal_the_recursion(solved: duckdb.DuckDBPyConnection, cases: list[tuple[float, float]]) -> None:
    solved.execute("delete from journey.int_call_forecasts")
    solved.executemany(
        "insert into journey.int_call_forecasts by name "
        "select 'desk' as team, date '2026-06-01' as date_day, ? as half_hour, timestamp '2026-06-01' as starts_at, "
        "1800 as open_seconds, ? as calls_forecast, ? as handle_seconds_forecast",
        [[number, *load] for number, load in enumerate(cases)],
    )
    found = dict(solved.execute("select half_hour, agents_required from required()").fetchall())
    assert found == {number: erlang_agents(*load) for number, load in enumerate(cases)}


def test_a_textbook_s_hundred_calls(solved: duckdb.DuckDBPyConnection) -> None:
    """100 calls of 180 s in half an hour are 10 Erlang: 14 agents, of whom 13 do not quite suffice."""
    solved.execute("delete from journey.int_call_forecasts")
    solved.execute(
        "insert into journey.int_call_forecasts by name select 'desk' as team, date '2026-06-01' as date_day, "
        "timestamp '2026-06-01' as starts_at, 1800 as open_seconds, 100 as calls_forecast, 180 as handle_seconds_forecast"
    )
    assert solved.execute("select agents_required from required()").fetchall() == [(14,)]
    assert 1 - waiting_share(13, 10) * math.exp(-3 * 20 / 180) < 0.8 < 1 - waiting_share(14, 10) * math.exp(-4 * 20 / 180)


#: Calls of a half hour, seconds that one takes, seconds that callers wait: desks small and large, callers patient and not.
IMPATIENT = [
    (100, 180, 120), (10, 300, 60), (0.5, 300, 200), (400, 300, 600), (3, 600, 10), (30, 240, 5), (1, 60, 3000), (250, 200, 90),
    (48 * 30, 60, 120),
]  # fmt: skip


@pytest.fixture(scope="module")
def impatient(compiled: dict[str, str]) -> dict[tuple[int, int], tuple[float, float]]:
    """Share answered in time and share that hangs up, by case of IMPATIENT and number of agents."""
    query = compiled["int_erlang_a"].replace(ANY_INSTANT, "2026-07-01 00:00:00").replace(ANY_ZONE, "UTC")
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse; use warehouse; create schema journey")
        con.execute(
            "create table journey.int_call_forecasts (team text, date_day date, calls_forecast double, "
            "handle_seconds_forecast double); create table journey.int_call_patience (team text, patience_seconds double)"
        )
        for number, (calls, handle, patience) in enumerate(IMPATIENT):
            con.execute("insert into journey.int_call_forecasts values (?, '2026-07-01', ?, ?)", [str(number), calls, handle])
            con.execute("insert into journey.int_call_patience values (?, ?)", [str(number), patience])
        rows = con.execute(f"select cast(team as int), agents, answered_in_time, abandoned from ({query})").fetchall()
    return {(case, agents): (in_time, gone) for case, agents, in_time, gone in rows}


@pytest.mark.ci
def test_callers_who_hang_up_as_a_markov_chain(impatient: dict[tuple[int, int], tuple[float, float]]) -> None:
    checked = 0
    for (case, agents), found in impatient.items():
        # Of large desks every seventh: the chain's matrix takes its time.
        if agents % 7 and IMPATIENT[case][0] > 50:
            continue
        expected = answered_in_time(*IMPATIENT[case], agents, SERVICE_SECONDS), abandoned(*IMPATIENT[case], agents)
        assert found == pytest.approx(expected, abs=2e-9), (IMPATIENT[case], agents)
        checked += 1
    assert checked > 80


def test_more_agents_answer_more_and_lose_fewer(impatient: dict[tuple[int, int], tuple[float, float]]) -> None:
    for (case, agents), (in_time, gone) in impatient.items():
        if (case, agents + 1) in impatient:
            more_in_time, fewer_gone = impatient[case, agents + 1]
            assert more_in_time >= in_time
            assert fewer_gone <= gone


def test_callers_who_hardly_ever_hang_up_are_those_of_erlang_c(impatient: dict[tuple[int, int], tuple[float, float]]) -> None:
    """One call of a minute, of somebody who waits fifty: with one agent Erlang C's load is 1/30."""
    case = IMPATIENT.index((1, 60, 3000))
    in_time = 1 - waiting_share(1, 1 / 30) * math.exp(-(1 - 1 / 30) * SERVICE_SECONDS / 60)
    assert impatient[case, 1][0] == pytest.approx(in_time, abs=0.001)
