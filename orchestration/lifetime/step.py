"""What the lifetime models say of each customer, with their parameters and a check on a period held back, as Parquet."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.configuration import known_vars
from orchestration.lifetime import models
from orchestration.lifetime.models import Fit, Histories
from orchestration.lifetime.tables import TABLES
from orchestration.pull.home.tables import put_table
from orchestration.settings.model import Settings

#: The last group of the calibration takes all who bought on more days.
_GROUPS = 5


def write_lifetime_tables(settings: Settings, purchases: pd.DataFrame) -> dict[str, int]:
    """Fit, and write the tables; returns their rows.

    ``purchases`` has a row for each customer and day with a purchase: ``customer_key``, ``purchased_on``, ``revenue``,
    ``margin``, ordered by both.
    """
    knobs = {**known_vars(), **settings.vars}
    today = settings.reporting_day
    keys, histories = histories_of(purchases, today)
    buying, spending = models.fit_purchases(histories), models.fit_spending(histories)
    rows = {
        "lifetime_parameters": _parameters("bg_nbd", buying) + _parameters("gamma_gamma", spending),
        "lifetime_calibration": _calibration(purchases, today, int(knobs["lifetime_holdout_days"])),
        "lifetime_predictions": _predictions(keys, histories, buying, spending, _margin_share(purchases), knobs),
    }
    for name, found in rows.items():
        put_table(pa.Table.from_pylist(found, schema=TABLES[name][1]), name, settings.raw, settings.scratch)
    return {name: len(found) for name, found in rows.items()}


def histories_of(purchases: pd.DataFrame, today: date) -> tuple[list[str], Histories]:
    """Customers, and their histories up to the day before ``today``."""
    days = pd.to_datetime(purchases["purchased_on"])
    known = purchases.assign(day=days)[days < pd.Timestamp(today)]
    if known.empty:
        nothing = np.array([])
        return [], Histories(nothing, nothing, nothing, nothing)
    groups = known.groupby("customer_key", sort=True)["day"]
    first, last, count = groups.min(), groups.max(), groups.count()
    repeated = known[known["day"] > known["customer_key"].map(first)]
    spent = repeated.groupby("customer_key")["revenue"].mean().reindex(first.index)
    week = pd.Timedelta(days=7)
    histories = Histories(
        frequency=(count - 1).to_numpy(float),
        recency=((last - first) / week).to_numpy(float),
        age=((pd.Timestamp(today) - first) / week).to_numpy(float),
        spent=spent.to_numpy(float),
    )
    return list(first.index), histories


def _margin_share(purchases: pd.DataFrame) -> float:
    """Margin out of revenue, over all purchases that have both."""
    both = purchases.dropna(subset=["revenue", "margin"])
    revenue = float(both["revenue"].sum())
    return float(both["margin"].sum()) / revenue if revenue > 0 else math.nan


def _parameters(model: str, fit: Fit) -> list[dict[str, Any]]:
    return [
        {
            "model": model, "parameter": name, "estimate": _number(value), "standard_error": _number(error),
            "log_likelihood": _number(fit.log_likelihood), "customers": fit.cases, "has_converged": fit.has_converged,
            "problem": fit.problem,
        }
        for name, value, error in zip(fit.names, fit.values, fit.standard_errors, strict=True)
    ]  # fmt: skip


def _predictions(
    keys: list[str], histories: Histories, buying: Fit, spending: Fit, margin_share: float, knobs: dict[str, Any]
) -> list[dict[str, Any]]:
    """Nothing is predicted by a model that did not converge."""
    nothing = np.full(len(keys), np.nan)
    alive = expected = value = margin = nothing
    if buying.has_converged:
        alive = models.p_alive(buying.values, histories)
        expected = models.expected_purchases(buying.values, histories, 12 * models.WEEKS_OF_MONTH)
        if spending.has_converged:
            value = models.expected_spending(spending.values, histories)
            discounted = models.discounted_purchases(buying.values, histories, 12, float(knobs["discount_rate"]))
            margin = discounted * value * margin_share
    return [
        {
            "customer_key": key, "purchase_days": int(frequency) + 1, "p_alive": _number(p),
            "expected_purchases": _number(e), "expected_value": _number(v), "predicted_margin": _number(m),
        }
        for key, frequency, p, e, v, m in zip(keys, histories.frequency, alive, expected, value, margin, strict=True)
    ]  # fmt: skip


def _calibration(purchases: pd.DataFrame, today: date, holdout_days: int) -> list[dict[str, Any]]:
    """Fit to what was known ``holdout_days`` ago, and compare what that foresaw with what came."""
    then = today - timedelta(days=holdout_days)
    keys, histories = histories_of(purchases, then)
    fit = models.fit_purchases(histories)
    if not fit.has_converged:
        return [{"purchase_days_before": "all", "customers": len(keys), "held_back_days": holdout_days, "problem": fit.problem}]
    days = pd.to_datetime(purchases["purchased_on"])
    later = purchases[(days >= pd.Timestamp(then)) & (days < pd.Timestamp(today))]
    frame = pd.DataFrame(
        {
            "before": histories.frequency + 1,
            "predicted": models.expected_purchases(fit.values, histories, holdout_days / 7),
            "actual": later["customer_key"].value_counts().reindex(keys, fill_value=0).to_numpy(),
        }
    )
    groups = [("all", frame)]
    groups += [(str(n), frame[frame["before"] == n]) for n in range(1, _GROUPS)]
    groups.append((f"{_GROUPS} or more", frame[frame["before"] >= _GROUPS]))
    return [
        {
            "purchase_days_before": name, "customers": len(group), "held_back_days": holdout_days,
            "predicted_per_customer": _number(group["predicted"].mean()), "actual_per_customer": _number(group["actual"].mean()),
        }
        for name, group in groups
        if len(group)
    ]  # fmt: skip


def _number(value: float) -> float | None:
    """A number to nine digits after the point (so that it is the same wherever it is computed); none for what is no number."""
    return round(float(value), 9) if math.isfinite(value) else None
