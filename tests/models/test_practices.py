"""Practice tables: what is unusual is found, every alert leads to its cases, and nobody hears of one twice."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from homes import ANY_INSTANT, ANY_ZONE, Home
from independent import CAME_TO_AGENTS, Company
from journey_cases import is_cancelled
from scipy import stats

from orchestration.published.cases import cases_behind
from orchestration.published.marts import Marts

DAYS = [date(2024, 4, 21) + timedelta(days=n) for n in range(800)]
SHIFTED = 20  # of the last days
WEEKDAYS = np.array([1, 1.1, 1, 0.9, 1.2, 0.5, 0.4])[[day.weekday() for day in DAYS]]
SEASON = 1 + 0.3 * np.cos(2 * np.pi * np.array([day.timetuple().tm_yday for day in DAYS]) / 365)


@pytest.fixture(scope="module")
def baselines(compiled: dict[str, str]) -> str:
    """The model's own query, as of the end of DAYS."""
    end = f"{DAYS[-1] + timedelta(days=1)} 00:00:00"
    assert ANY_INSTANT in compiled["quality_baselines"]
    return compiled["quality_baselines"].replace(ANY_INSTANT, end).replace(ANY_ZONE, "UTC")


def judged(query: str, series: dict[str, tuple[str, bool, np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """What the model says of daily and weekly values: kpi -> (unit, is a share or mean, totals, cases)."""
    rows: list[tuple[Any, ...]] = []
    for kpi, (_, is_ratio, totals, cases) in series.items():
        frame = pd.DataFrame({"day": pd.to_datetime(DAYS), "total": totals, "n": cases})
        weeks = frame.groupby(frame["day"].dt.to_period("W").dt.start_time)[["total", "n"]].sum().reset_index()
        for grain, points in (("day", frame), ("week", weeks)):
            values = points["total"] / points["n"] if is_ratio else points["total"]
            rows += zip([kpi] * len(points), [grain] * len(points), points["day"].dt.date, values, points["n"], strict=False)
    kpis = pd.DataFrame(rows, columns=["kpi_id", "grain", "period_start", "value", "n"])
    definitions = pd.DataFrame(
        [(kpi, unit, "cases" if is_ratio else None) for kpi, (unit, is_ratio, *_) in series.items()],
        columns=["kpi_id", "unit", "denominator_measure"],
    )
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse")
        con.execute("create schema warehouse.kpis")
        con.register("points", kpis)
        con.register("given", definitions)
        con.execute("create table warehouse.kpis.kpis as select *, 'all' as dimension from points")
        con.execute(
            "create table warehouse.kpis.kpi_definitions as select kpi_id, unit, "
            "cast(denominator_measure as varchar) as denominator_measure, false as is_percentile from given"
        )
        return con.execute(query).df()


def simulated(rng: np.random.Generator, shift: float, level: int) -> dict[str, tuple[str, bool, np.ndarray, np.ndarray]]:
    """A count, a rate, a rare rate and a time, with weekdays and a season; in the last days moved by a factor."""
    moved = np.where(np.arange(len(DAYS)) >= len(DAYS) - SHIFTED, shift, 1.0)
    cases = np.maximum(rng.poisson(level * WEEKDAYS * SEASON), 1)
    hits = rng.binomial(cases, np.clip(0.6 * moved, 0, 1))
    rare = rng.binomial(cases, np.clip(0.03 * moved**2, 0, 1))
    seconds = np.array([rng.lognormal(8, 1, n).sum() for n in cases]) * moved
    return {
        "count": ("count", False, rng.poisson(level * WEEKDAYS * SEASON * moved), cases),
        "rate": ("rate", True, hits, cases),
        "rare": ("rate", True, rare, cases),
        "time": ("seconds", True, seconds, cases),
    }


def many(shift: float, seed: int) -> dict[str, tuple[str, bool, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return {f"{kind}-{n}": series for n in range(12) for kind, series in simulated(rng, shift, (60, 200, 600)[n % 3]).items()}


def test_a_stable_series_seldom_alarms(baselines: str) -> None:
    found = judged(baselines, many(shift=1.0, seed=1))
    known = found[found["is_anomaly"].notna()]
    assert len(known) > 10_000
    alarms = known["is_anomaly"].astype(bool)
    assert alarms.mean() < 0.003, "about one in a thousand is what docs/decisions.md says"
    assert (known["value"].between(known["expected_low"], known["expected_high"]) == ~alarms).mean() > 0.999


def test_a_shift_is_found_within_days(baselines: str) -> None:
    found = judged(baselines, many(shift=1.4, seed=2))
    begun = pd.Timestamp(DAYS[-SHIFTED])
    outside = found[found["is_anomaly"].fillna(False).astype(bool)]
    ended = pd.to_datetime(outside["period_start"]) + pd.to_timedelta(outside["grain"].map({"day": 1, "week": 7}), unit="D")
    late = outside.assign(ended=ended)[ended > begun]
    first = late.groupby("kpi_id")["ended"].min()
    days = (first - begun).dt.days
    # Of 48 series that moved by two fifths; with sixty cases a day that is hardly more than chance.
    assert len(days) >= 36
    assert days.median() <= 4
    busy = days[[int(kpi.split("-")[1]) % 3 > 0 for kpi in days.index]]
    assert len(busy) >= 28, "of 32 series of 200 cases a day and more"
    assert busy.median() <= 2


def test_chances_agree_with_another_library(compiled: dict[str, str]) -> None:
    """The approximation of the normal tail, in the SQL of rate_changes."""
    points = pd.DataFrame({"z": np.linspace(-6, 6, 241)})
    with duckdb.connect() as con:
        con.register("points", points)
        p = con.execute(compiled["two_sided_p"]).df()["p"].to_numpy()
    assert p == pytest.approx(2 * stats.norm.sf(np.abs(points["z"])), abs=2e-7)


def test_every_alert_leads_to_its_cases(sample_home: Home) -> None:
    """The query of each KPI with a published fact runs, for the whole and for a member of each dimension."""
    facts = set()
    with sample_home.published() as marts:
        templates = marts.execute("select kpi_id, dimension, member_column, template from kpi_cases").fetchall()
        for kpi, dimension, column, template in templates:
            member = "" if dimension == "all" else f" and coalesce(cast({column} as varchar), 'unknown') = 'O''Neill'"
            filled = template.replace("{from}", "2026-06-01").replace("{to}", "2026-07-01").replace("{grain}", "month")
            rows = marts.execute(filled.replace("{filter}", member)).fetchall()
            assert dimension == "all" or not rows, (kpi, dimension)
            facts.add(kpi)
        known = {row[0] for row in marts.execute("select kpi_id from kpi_definitions").fetchall()}
        alerts = marts.execute("select case_query, affected_rows, kind from alerts where case_query is not null").fetchall()
        for query, _, _ in alerts:
            marts.execute(query)
        assert any(kind == "breach" for *_, kind in alerts)
    private = known - facts
    assert len(private) < 10, private


def test_the_cases_are_those_behind_the_value(company: Company, sample_home: Home) -> None:
    with sample_home.published() as marts:
        late_ones = cases_behind(Marts(marts), "on_time_delivery_rate", "month", date(2026, 6, 1), only_bad=True)
    assert late_ones
    late = {
        o["order_id"]
        for o in company.orders
        if not is_cancelled(o) and o["promised_delivery_at"] and o["promised_delivery_at"] <= company.as_of
        and company.month(o["promised_delivery_at"]) == date(2026, 6, 1)
        and not (o["delivered_at"] and o["delivered_at"] <= o["promised_delivery_at"])
    }  # fmt: skip
    assert {row[0] for row in sample_home.query(f"select order_id from ({late_ones.query})")} == late
    assert late


def test_nobody_is_asked_who_waits(company: Company, sample_home: Home) -> None:
    rows = sample_home.query(
        "select count(*) from survey_eligibility as asked where is_eligible and (customer_key in (select customer_key from "
        "fct_tickets where is_contact and not is_solved) or customer_key in (select customer_key from fct_orders where "
        "delivered_at is null and not is_cancelled and not is_refunded and status in ('created', 'paid', 'shipped')) or "
        "customer_key in (select customer_key from dim_customers where marketing_opt_in = false))"
    )
    assert rows == [(0,)]
    counts = dict(sample_home.query("select coalesce(reason, 'asked'), count(*) from survey_eligibility group by 1"))
    assert min(counts["asked"], counts["opted out"], counts["open ticket"], counts["asked lately"]) > 0
    known = {company.person(c) for c in company.customers if company.person(c)}
    assert sum(counts.values()) >= len(known)


def test_a_customer_on_one_row(company: Company, sample_home: Home) -> None:
    columns = sample_home.query("select column_name from duckdb_columns() where table_name = 'customer_360'")
    assert len(columns) < 50
    totals = sample_home.query(
        "select sum(tickets), sum(calls), sum(purchases), sum(reviews), sum(tickets_open) from customer_360"
    )[0]
    counted = [t for t in company.tickets if t["counts"] and company.person(t)]
    assert totals[0] == len(counted)
    assert totals[1] == sum(k["disposition"] in CAME_TO_AGENTS and bool(company.person(k)) for k in company.calls)
    assert totals[4] == sum(not t["is_solved"] for t in counted)
    behaviours = dict(sample_home.query("select behaviour, count(*) from customer_360 group by 1"))
    assert len(behaviours) >= 6
