"""The lifetime models: the estimates that the papers publish, simulated customers, and data that no model fits."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import betaln, gammaln

from orchestration.lifetime import keeping, models
from orchestration.lifetime.models import Histories
from orchestration.lifetime.step import histories_of, write_lifetime_tables
from orchestration.lifetime.tables import ensure_lifetime_tables
from orchestration.settings.model import Settings

#: 2,357 customers of a music shop, as Fader and Hardie published them: repeat purchases, weeks of the last one and of the
#: observation, mean value of a repeat purchase.
CDNOW = Path(__file__).parent / "golden" / "cdnow.csv"


def _cdnow() -> Histories:
    frame = pd.read_csv(CDNOW)
    return Histories(*(frame[column].to_numpy(float) for column in ("x", "t_x", "T", "zbar")))


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    return _cdnow()


def _log_likelihood(params: np.ndarray, h: Histories) -> float:
    """Equation 6 of BG/NBD's paper, customer by customer; for (r, alpha, odds) with one chance for all."""
    r, alpha = params[:2]
    x = h.frequency
    if len(params) == 3:
        p = params[2] / (1 + params[2])
        stays, leaves = x * np.log(1 - p), np.log(p) + (x - 1) * np.log(1 - p)
    else:
        a, b = params[2:]
        stays, leaves = betaln(a, b + x) - betaln(a, b), betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    left = np.where(x > 0, np.exp(leaves - (r + x) * np.log(alpha + h.recency)), 0)
    return float((common + np.log(np.exp(stays - (r + x) * np.log(alpha + h.age)) + left)).sum())


def _spending_log_likelihood(params: np.ndarray, x: np.ndarray, spent: np.ndarray) -> float:
    """Equation 1a of Gamma-Gamma's note, customer by customer."""
    p, q, gamma = params
    constant = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
    return float((constant + (p * x - 1) * np.log(spent) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * spent)).sum())


#: A logarithm of a parameter, as far as the plain formulas stay within the range of a double.
_log = st.floats(-3, 3)
_few = Histories(*(column[::40] for column in vars(_cdnow()).values()))


@given(st.lists(_log, min_size=3, max_size=4))
def test_gradient_of_purchases(logs: list[float]) -> None:
    """One for each customer, and by differences; for customers who differ in the chance to leave, and for one chance."""
    alike = models.AlikeCustomers.of(_few)
    value, gradient = models.purchases_log_likelihood(np.exp(logs), alike)
    assert value == pytest.approx(_log_likelihood(np.exp(logs), _few), rel=1e-9)
    by_differences = approx_fprime(np.array(logs), lambda at: _log_likelihood(np.exp(at), _few), 1e-6)
    assert gradient * np.exp(logs) == pytest.approx(by_differences, rel=1e-4, abs=1e-2)


@given(st.lists(_log, min_size=3, max_size=3))
def test_gradient_of_spending(logs: list[float]) -> None:
    chosen = (_few.frequency > 0) & (_few.spent > 0)
    x, spent = _few.frequency[chosen], _few.spent[chosen] / 30
    value, gradient = models.spending_log_likelihood(np.exp(logs), models.RepeatedSpending.of(x, spent))
    assert value == pytest.approx(_spending_log_likelihood(np.exp(logs), x, spent), rel=1e-9, abs=1e-9)
    by_differences = approx_fprime(np.array(logs), lambda at: _spending_log_likelihood(np.exp(at), x, spent), 1e-6)
    assert gradient * np.exp(logs) == pytest.approx(by_differences, rel=1e-4, abs=1e-2)


def test_customers_who_never_leave_have_no_maximum() -> None:
    """Neither a and b nor the one chance has one: it is 0, which no search reaches."""
    rng = np.random.default_rng(2)
    age = rng.uniform(20, 100, 300)
    frequency = rng.poisson(rng.gamma(2, 0.1, 300) * age).astype(float)
    fit = models.fit_purchases(Histories(frequency, np.where(frequency > 0, age, 0), age, np.full(300, np.nan)))
    assert fit.problem is not None
    assert "no maximum" in fit.problem


def test_many_customers_are_fitted_as_few_are() -> None:
    """Fifty times each customer: the same estimates, and errors that shrink by the root of fifty."""
    cdnow = _cdnow()
    many = Histories(*(np.tile(column, 50) for column in vars(cdnow).values()))
    for fit in (models.fit_purchases, models.fit_spending):
        of_few, of_many = fit(cdnow), fit(many)
        assert of_many.values == pytest.approx(of_few.values, rel=1e-7)
        assert of_many.standard_errors == pytest.approx(np.array(of_few.standard_errors) / math.sqrt(50), rel=1e-6)


def test_published_estimates_of_purchases(cdnow: Histories) -> None:
    """Fader, Hardie & Lee 2005, table 2: r = .243, alpha = 4.414, a = .793, b = 2.426, LL = -9582.4."""
    fit = models.fit_purchases(cdnow)
    assert fit.has_converged
    assert fit.values == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=1e-3)
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert fit.cases == 2357
    # The observed information a second way: the curvature of the likelihood in the parameters themselves.
    steps = np.diag(np.array(fit.values) * 1e-3)

    def total(values: np.ndarray) -> float:
        return _log_likelihood(values, cdnow)

    def second(i: int, j: int) -> float:
        at, h, k = np.array(fit.values), steps[i], steps[j]
        return (total(at + h + k) - total(at + h - k) - total(at - h + k) + total(at - h - k)) / (4 * h[i] * k[j])

    information = -np.array([[second(i, j) for j in range(4)] for i in range(4)])
    assert fit.standard_errors == pytest.approx(np.sqrt(np.diag(np.linalg.inv(information))), rel=1e-2)


def test_published_forecast_of_one_customer() -> None:
    """Two purchases, the last in week 30.43 of 38.86: 1.226 more in the next 39 weeks (Hardie's note on the spreadsheet)."""
    one = Histories(*(np.array([value]) for value in (2.0, 30.43, 38.86, math.nan)))
    params = (0.243, 4.414, 0.793, 2.426)
    assert models.expected_purchases(params, one, 39)[0] == pytest.approx(1.226, abs=5e-4)
    assert models.expected_purchases((0.243, 4.414, 1.0, 2.426), one, 39)[0] == pytest.approx(
        models.expected_purchases((0.243, 4.414, 1.0001, 2.426), one, 39)[0], rel=1e-3
    ), "the formula's pole at a = 1 is removable"


def test_published_estimates_of_spending(cdnow: Histories) -> None:
    """Fader & Hardie 2013: p = 6.25, q = 3.74, gamma = 15.44, from the 946 who bought again."""
    fit = models.fit_spending(cdnow)
    assert fit.has_converged
    assert fit.cases == 946
    assert fit.values == pytest.approx((6.25, 3.74, 15.44), abs=0.02)


def _simulated(rng: np.random.Generator, size: int, leaving: np.ndarray, weeks: float) -> tuple[Histories, np.ndarray]:
    """Customers who buy and leave as the model says; and what they bought in the year after."""
    rate, age = rng.gamma(0.8, 1 / 6.0, size), rng.uniform(20, 100, size)
    frequency, recency, later = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(size):
        at = 0.0
        while True:
            at += rng.exponential(1 / rate[i])
            if at > age[i] + weeks:
                break
            if at <= age[i]:
                frequency[i], recency[i] = frequency[i] + 1, at
            else:
                later[i] += 1
            if rng.random() < leaving[i]:
                break
    return Histories(frequency, recency, age, np.full(size, np.nan)), later


@pytest.mark.parametrize("is_same_for_all", [False, True])
def test_simulated_customers_come_back_as_foreseen(is_same_for_all: bool) -> None:
    rng = np.random.default_rng(5)
    leaving = np.full(4000, 0.25) if is_same_for_all else rng.beta(0.7, 2.0, 4000)
    histories, later = _simulated(rng, 4000, leaving, 52)
    fit = models.fit_purchases(histories)
    assert fit.has_converged
    if is_same_for_all:
        assert dict(zip(fit.names, fit.values, strict=True)).get("p", 0.25) == pytest.approx(0.25, abs=0.05)
    true = (0.8, 6.0)
    for value, error, expected in zip(fit.values[:2], fit.standard_errors[:2], true, strict=True):
        assert abs(value - expected) < 4 * error
    foreseen = models.expected_purchases(fit.values, histories, 52)
    for chosen in (histories.frequency == 0, histories.frequency == 1, histories.frequency > 3):
        spread = later[chosen].std() / math.sqrt(chosen.sum())
        assert abs(foreseen[chosen].mean() - later[chosen].mean()) < 4 * spread + 0.02


@pytest.mark.parametrize(
    ("frequency", "recency", "said"),
    [
        (np.zeros(200), np.zeros(200), "only 0 customers bought again"),
        # Everybody bought until the last day: nobody ever left.
        (np.arange(200) % 12 + 5.0, np.full(200, 52.0), ""),
        # All alike.
        (np.full(200, 3.0), np.full(200, 30.0), ""),
    ],
)
def test_what_cannot_be_fitted_is_said(frequency: np.ndarray, recency: np.ndarray, said: str) -> None:
    """Either a fit that is one, or none and the reason; never numbers that mean nothing."""
    histories = Histories(frequency, recency, np.full(200, 52.0), np.full(200, 10.0))
    fit = models.fit_purchases(histories)
    if fit.has_converged:
        foreseen = models.expected_purchases(fit.values, histories, 52)
        assert np.all((foreseen >= 0) & (foreseen < 100))
    else:
        assert fit.problem is not None
        assert said in fit.problem
        assert all(math.isnan(value) for value in (*fit.values, *fit.standard_errors))
    # Spending that never varies tells nothing of how it varies.
    assert models.fit_spending(histories).problem


def test_random_histories_are_fitted_or_refused() -> None:
    rng = np.random.default_rng(11)
    converged = 0
    for _ in range(25):
        size = int(rng.integers(1, 300))
        age = rng.uniform(0.2, 200, size)
        frequency = rng.poisson(rng.gamma(rng.uniform(0.1, 4), 2, size)).astype(float)
        recency = np.where(frequency > 0, age * rng.beta(rng.uniform(0.3, 5), 1, size), 0)
        spent = np.where(frequency > 0, rng.lognormal(3, rng.uniform(0, 2), size), np.nan)
        histories = Histories(frequency, recency, age, spent)
        fit = models.fit_purchases(histories)
        if fit.has_converged:
            converged += 1
            assert all(0 < value < math.inf for value in fit.values)
            assert all(0 < error < math.inf for error in fit.standard_errors)
            alive, foreseen = models.p_alive(fit.values, histories), models.expected_purchases(fit.values, histories, 52)
            assert np.all((alive >= 0) & (alive <= 1))
            assert np.all(np.isfinite(foreseen) & (foreseen >= -1e-9))
        spending = models.fit_spending(histories)
        if spending.has_converged:
            assert np.all(models.expected_spending(spending.values, histories) > 0)
    assert converged > 3


def test_histories_count_days_and_not_orders() -> None:
    purchases = pd.DataFrame(
        {
            "customer_key": ["k", "k", "k", "l", "m"],
            "purchased_on": [date(2026, 1, 1), date(2026, 1, 8), date(2026, 1, 22), date(2026, 1, 1), date(2026, 2, 1)],
            "revenue": [99.0, 10.0, 30.0, 5.0, 5.0],
            "margin": [1.0, 1.0, 1.0, 1.0, 1.0],
        }
    )
    keys, histories = histories_of(purchases, date(2026, 1, 29))
    assert keys == ["k", "l"], "who comes later is not known yet"
    assert histories.frequency.tolist() == [2, 0]
    assert histories.recency.tolist() == [3, 0]
    assert histories.age.tolist() == [4, 4]
    assert histories.spent[0] == 20, "of the repeat days"
    assert math.isnan(histories.spent[1])


def test_nobody_bought_anything(tmp_path: Path) -> None:
    purchases = pd.DataFrame({"customer_key": [], "purchased_on": pd.to_datetime([]), "revenue": [], "margin": []})
    rows = write_lifetime_tables(Settings(home=tmp_path), purchases)
    assert rows == {"lifetime_parameters": 7, "lifetime_calibration": 1, "lifetime_predictions": 0}
    parameters = pd.read_parquet(next((tmp_path / "raw" / "lifetime_parameters").glob("*.parquet")))
    assert parameters["problem"].notna().all()
    assert parameters["estimate"].isna().all()


def test_tables_stay_where_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And are made again after a change of anything that they are made of, or where one of them is not there as it was."""
    fits = []
    fit_purchases = models.fit_purchases
    monkeypatch.setattr(models, "fit_purchases", lambda h: (fits.append(len(h)), fit_purchases(h))[1])
    rng = np.random.default_rng(4)
    purchases = pd.DataFrame(
        {
            "customer_key": rng.integers(0, 90, 300).astype(str),
            "purchased_on": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, 300), unit="D"),
            "revenue": rng.gamma(5, 10, 300),
            "margin": rng.gamma(5, 3, 300),
        }
    ).drop_duplicates(["customer_key", "purchased_on"])
    settings = Settings(home=tmp_path, as_of=datetime(2026, 1, 1, 5))

    def is_made(chosen: Settings, of: pd.DataFrame) -> bool:
        before = len(fits)
        rows = keeping.lifetime_tables(chosen, of)
        tables = {name: pd.read_parquet(tmp_path / "raw" / name) for name in rows}
        assert rows == {name: len(table) for name, table in tables.items()}
        assert rows["lifetime_predictions"] == of["customer_key"].nunique()
        return len(fits) > before

    assert is_made(settings, purchases)
    assert not is_made(settings, purchases)
    assert not is_made(settings, purchases.sample(frac=1, random_state=1)), "the order of rows is no change"
    assert not is_made(settings.model_copy(update={"as_of": datetime(2026, 1, 1, 23)}), purchases), "the same day"

    changed = purchases.copy()
    changed.iloc[7, 2] += 0.01
    swapped = purchases.copy()
    swapped.iloc[[7, 8], 2] = purchases.iloc[[8, 7], 2].to_numpy()
    later = settings.model_copy(update={"as_of": datetime(2026, 1, 2, 5)})
    elsewhere = settings.model_copy(update={"as_of": datetime(2026, 1, 1, 23), "reporting_timezone": "Asia/Tokyo"})
    others = [settings.model_copy(update={"vars": {name: 0.5 if name == "discount_rate" else 90}}) for name in keeping.KNOBS]
    whole = settings.model_copy(update={"full_refresh": True})
    for chosen, of in [
        (settings, changed),
        (settings, swapped),
        *((chosen, purchases) for chosen in (later, elsewhere, *others, whole)),
    ]:
        keeping.lifetime_tables(settings, purchases)
        assert is_made(chosen, of)

    for name in ("lifetime_parameters", "lifetime_calibration", "lifetime_predictions"):
        keeping.lifetime_tables(settings, purchases)
        next((tmp_path / "raw" / name).glob("*.parquet")).unlink()
        ensure_lifetime_tables(settings)
        assert is_made(settings, purchases), "an empty table in the place of one that was lost is not it"
    settings.lifetime_record.write_text("[]", encoding="utf-8")
    assert is_made(settings, purchases)
