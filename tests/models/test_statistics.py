"""Intervals of the mart against SciPy and statsmodels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from homes import Home
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


def rows(home: Home, interval: str) -> Iterator[tuple]:
    found = home.query(
        "select k.kpi_id, k.numerator, k.denominator, k.value, k.n, k.ci_low, k.ci_high from kpis k "
        "join kpi_definitions d using (kpi_id) where d.interval_kind = ? and k.n > 1 and k.ci_low is not null",
        interval,
    )
    assert len(found) > 500
    yield from found


def test_wilson(sample_home: Home) -> None:
    _, good, seen, _, n, low, high = map(np.array, zip(*rows(sample_home, "wilson"), strict=True))
    assert (n == seen).all()
    expected = proportion_confint(good.astype(float), seen.astype(float), alpha=0.05, method="wilson")
    assert low == pytest.approx(expected[0], abs=1e-9)
    assert high == pytest.approx(expected[1], abs=1e-9)


def test_nps_from_its_multinomial_variance(sample_home: Home) -> None:
    for month, promoters, detractors, n in sample_home.query(
        "select date_trunc('month', responded_at + interval 2 hour), count(*) filter (recommendation = 1), "
        "count(*) filter (recommendation = -1), count(*) from fct_survey_responses "
        "where kind = 'nps' and mode = 'relational' and recommendation is not null "
        # Months of summer time only, so that two hours are the offset.
        "and month(responded_at) in (5, 6, 7, 8) and responded_at < '2026-06-30' and day(responded_at) < 30 group by 1"
    ):
        share_up, share_down = promoters / n, detractors / n
        half = 100 * 1.959963984540054 * math.sqrt((share_up + share_down - (share_up - share_down) ** 2) / n)
        found = sample_home.query(
            "select value, ci_low, ci_high, n from kpis where kpi_id = 'nps' and grain = 'month' and dimension = 'all' "
            "and period_start = ?", month,
        )  # fmt: skip
        if found[0][3] != n:
            continue  # answers on the last days, which the query leaves out
        value = 100 * (share_up - share_down)
        assert found[0][:3] == pytest.approx((value, value - half, value + half), abs=1e-9)


def test_changes_of_two_shares(sample_home: Home) -> None:
    of_months = "and grain = 'month' and dimension = 'all' and value is not null"
    rows = sample_home.query(f"select period_start, numerator, denominator from kpis where kpi_id = 'csat' {of_months}")
    answers = {month: (good, seen) for month, good, seen in rows}
    found = sample_home.query(f"select period_start, ci_low, ci_high from kpis where kpi_id = 'satisfaction_change' {of_months}")
    assert len(found) > 10
    for month, low, high in found:
        before = (month - timedelta(days=1)).replace(day=1)
        expected = confint_proportions_2indep(*answers[month], *answers[before], method="wald", compare="diff")
        assert (low, high) == pytest.approx(expected, abs=1e-9)


def test_t_intervals(sample_home: Home) -> None:
    """The quantile is tabulated up to 30 degrees of freedom, and expanded beyond: both against SciPy."""
    values = [row[0] for row in sample_home.query(
        "select stars from fct_reviews"
    )]  # fmt: skip
    low, high = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=stats.sem(values))
    assert sample_home.kpi("review_score", "ci_low") == pytest.approx(low, rel=1e-9)
    assert sample_home.kpi("review_score", "ci_high") == pytest.approx(high, rel=1e-9)
    for member in ("DE", "FR", "PL", "AT", "NL"):
        for grain, start in (("week", "2026-06-01"), ("month", "2026-06-01"), ("quarter", "2026-04-01")):
            column = f"date_trunc('{grain}', created_at at time zone 'UTC' at time zone 'Europe/Berlin')"
            stars = [row[0] for row in sample_home.query(
                f"select stars from fct_reviews where country = ? and {column} = cast(? as date)", member, start
            )]  # fmt: skip
            found = sample_home.query(
                "select ci_low, ci_high from kpis where kpi_id = 'review_score' and grain = ? and dimension = 'country' "
                "and member = ? and period_start = cast(? as date)", grain, member, start,
            )  # fmt: skip
            if len(stars) < 2:
                assert found in ([], [(None, None)])
                continue
            sem = stats.sem(stars)
            mean, half = sum(stars) / len(stars), float(stats.t.ppf(0.975, len(stars) - 1) * sem)
            assert found[0] == pytest.approx((mean - half, mean + half), abs=1e-7)
