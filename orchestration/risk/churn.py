"""Which customers are lost within the horizon: what was known of them on past mornings, and what had become of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.lifetime.models import Histories, fit_purchases, p_alive
from orchestration.risk.features import Feature, counted, hours_in_words
from orchestration.risk.judging import Array

SUBSCRIPTION, PURCHASES = "subscription", "purchases"
Days = NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """When a customer is lost: the variables, and BG/NBD's parameters (none where it could not be fitted)."""

    horizon: int
    window: int
    least_alive: float
    parameters: tuple[float, ...] | None

    @classmethod
    def of(cls, knobs: dict[str, float], purchases: pd.DataFrame, before: int) -> Rule:
        """``purchases``: a row for each customer and day with a purchase; those of before a day (a number of days) count."""
        own = purchases[purchases["day"] < before]
        days = own.groupby("customer_key")["day"].agg(["min", "max", "count"])
        first, last = days["min"].to_numpy(np.int64), days["max"].to_numpy(np.int64)
        found = fit_purchases(histories(days["count"].to_numpy(np.int64), first, last, before))
        return cls(
            horizon=int(knobs["churn_horizon_days"]),
            window=int(knobs["activity_window_days"]),
            least_alive=float(knobs["churn_p_alive"]),
            parameters=found.values if found.has_converged else None,
        )

    def is_there(self, count: Days, first: Days, last: Days, on: Days) -> NDArray[np.bool_]:
        """Is somebody with these purchases (days with one, first and last) a customer on the morning of a day?"""
        there = (count > 0) & (last >= on - self.window)
        return there & (self.alive(count, first, last, on) >= self.least_alive)

    def alive(self, count: Days, first: Days, last: Days, on: Days) -> Array:
        """The chance to be a customer still; 1 without a fit: then only the window counts."""
        if self.parameters is None:
            return np.ones(len(count))
        some = count > 0
        found = np.zeros(len(count))
        found[some] = p_alive(self.parameters, histories(count[some], first[some], last[some], on[some]))
        return found


def histories(count: Days, first: Days, last: Days, on: Days | int) -> Histories:
    """Purchases as the lifetime model takes them: repeats, and weeks to the last one and to the day `on`."""
    age = np.asarray((on - first) / 7.0)
    return Histories((count - 1).astype(float), (last - first) / 7.0, age, np.full(len(count), np.nan))


def days_of(frame: pd.DataFrame, name: str) -> Days:
    """Dates as numbers of days; 0 for none."""
    found = pd.to_datetime(frame[name])
    return np.asarray(found.to_numpy("datetime64[D]").astype(np.int64) * found.notna().to_numpy())


def _number(frame: pd.DataFrame, name: str) -> Array:
    return np.asarray(pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan))


def basis_of(frame: pd.DataFrame, rule: Rule) -> NDArray[np.object_]:
    """By what each snapshot is a customer on its morning; empty for who is none by the rule."""
    is_subscriber = frame["is_subscriber"].to_numpy(bool)
    buys = rule.is_there(*(_days_of(frame, "")), days_of(frame, "on_date"))
    return np.select([is_subscriber, buys], [SUBSCRIPTION, PURCHASES], "").astype(object)


def is_lost(frame: pd.DataFrame, rule: Rule, basis: str) -> NDArray[np.bool_]:
    """Who was lost by the horizon: a subscriber without a subscription; a buyer without one who is no customer by purchases."""
    subscribes = frame["is_subscriber_then"].to_numpy(bool)
    if basis == SUBSCRIPTION:
        return ~subscribes
    return ~subscribes & ~rule.is_there(*_days_of(frame, "_then"), days_of(frame, "judged_on"))


def _days_of(frame: pd.DataFrame, when: str) -> tuple[Days, Days, Days]:
    count = frame[f"purchase_days{when}"].to_numpy(np.int64)
    return count, days_of(frame, f"first_purchase{when}_on"), days_of(frame, f"last_purchase{when}_on")


def is_at_stake(frame: pd.DataFrame, rule: Rule, basis: str) -> NDArray[np.bool_]:
    """Can each be lost by the horizon? By the rule a buyer who would be a customer then without another purchase cannot."""
    if basis == SUBSCRIPTION:
        return np.ones(len(frame), bool)
    return ~rule.is_there(*_days_of(frame, ""), days_of(frame, "on_date") + rule.horizon)


def columns_of(frame: pd.DataFrame, rule: Rule, basis: str) -> dict[str, Array]:
    """The features of snapshots, by name; nan where nothing is known."""
    found = {f.name: _number(frame, f.name) for f in FEATURES[basis] if f.name in frame.columns}
    count, first, last = _days_of(frame, "")
    on = days_of(frame, "on_date")
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(count > 1, (last - first) / (count - 1), np.nan)
        found["overdue"] = np.where(gap > 0, np.minimum((on - last) / gap, 20.0), np.nan)
    found["alive"] = rule.alive(count, first, last, on)
    return {f.name: found[f.name] for f in FEATURES[basis]}


_SERVICE: Sequence[Feature] = (
    Feature("contacts_90", counted("contact in 90 days", "contacts in 90 days")),
    Feature("contacts_365", counted("contact in a year", "contacts in a year")),
    Feature("complaints_365", counted("complaint in a year", "complaints in a year")),
    Feature("reopens_365", counted("reopened ticket in a year", "reopened tickets in a year")),
    Feature("open_tickets", counted("open ticket", "open tickets")),
    Feature("response_hours_180", lambda v: f"first responses after {hours_in_words(v)} on average"),
    Feature("call_wait_180", lambda v: f"waits of {v / 60:.1f} minutes on the phone on average"),
    Feature("abandoned_180", counted("call given up in 180 days", "calls given up in 180 days")),
    Feature("scores_365", counted("score given in a year", "scores given in a year")),
    Feature("bad_share_365", lambda v: f"{v:.0%} of the scores given are bad", is_amount=False),
    Feature("nps_365", lambda v: f"recommends us with {v:.0f} of 10", is_amount=False),
    Feature("bad_reviews_365", counted("bad review in a year", "bad reviews in a year")),
    Feature("sentiment_180", lambda v: f"a sentiment of {v:+.2f} in texts of 180 days (-1 is worst)", is_amount=False),
)
_BUYING: Sequence[Feature] = (
    Feature("purchases_90", counted("purchase in 90 days", "purchases in 90 days")),
    Feature("purchases_365", counted("purchase in a year", "purchases in a year")),
    Feature("spent_365", lambda v: f"purchases of {v:,.0f} in a year"),
    Feature("late_180", counted("late parcel in 180 days", "late parcels in 180 days")),
    Feature("refunds_365", counted("refund in a year", "refunds in a year")),
)
_USE: Sequence[Feature] = (
    Feature("use_days_30", counted("day of use in 30 days", "days of use in 30 days")),
    Feature("use_days_60", counted("day of use in 60 days", "days of use in 60 days")),
    Feature("days_since_use", counted("day since the last use", "days since the last use")),
)
FEATURES: dict[str, Sequence[Feature]] = {
    SUBSCRIPTION: (
        Feature("subscribed_days", counted("day of subscription", "days of subscription")),
        Feature("tenure_days", counted("day as a customer", "days as a customer")),
        Feature("monthly_amount", lambda v: f"{v:,.2f} a month"),
        Feature("is_on_trial", lambda v: "on trial" if v else "not on trial", is_amount=False),
        *_USE, *_SERVICE, *_BUYING,
    ),
    PURCHASES: (
        Feature("days_since_purchase", counted("day since the last purchase", "days since the last purchase")),
        Feature("tenure_days", counted("day as a customer", "days as a customer")),
        Feature("purchase_days", counted("day with a purchase ever", "days with a purchase ever")),
        Feature("overdue", lambda v: f"the last purchase is {v:.1f} times as long ago as usual"),
        Feature("alive", lambda v: f"still a customer with a chance of {v:.0%} by past purchases", is_amount=False),
        *_BUYING, *_SERVICE, *_USE,
    ),
}  # fmt: skip
