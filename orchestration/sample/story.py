"""What goes wrong at the sample company: one plain problem a month, in its last half year.

Each chapter changes what its month's customers meet, and nothing else; earlier months are plain. The effects are so large that
the overview finds a problem among the few hundred cases of a month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.sample.company import Scope

STAFF_ILL, SIGN_IN, PAYMENTS, BAD_BATCH, CHAT, CARRIER = "staff ill", "sign-in", "payments", "bad batch", "chat", "carrier"


@dataclass(frozen=True)
class Chapter:
    """A problem of one month: what happened, in which KPI it shows, and whom it is mostly due to."""

    key: str
    #: Months before the one that begins when the sample ends.
    months_ago: int
    text: str
    kpi_id: str
    dimension: str
    member: str
    #: Days of the month, from 1; none: all.
    days: tuple[int, int] | None = None

    def month(self, scope: Scope) -> np.datetime64:
        """The month that it is about (datetime64[M])."""
        return np.datetime64(scope.ends_at, "M") - self.months_ago


#: The newest last.
CHAPTERS = (
    Chapter(
        STAFF_ILL, 6, "Flu in the first line: half of it is away, and callers of that team wait ten times as long.",
        "call_service_level", "team", "First line",
    ),
    Chapter(
        SIGN_IN, 5, "A release breaks the sign-in: many more ask about their account, and most have to ask again.",
        "fcr_observed", "topic", "account",
    ),
    Chapter(
        PAYMENTS, 4, "The card processor fails from the 9th to the 19th: two of five orders of the webshop are cancelled.",
        "cancellation_rate", "channel", "webshop", days=(9, 19),
    ),
    Chapter(
        BAD_BATCH, 3, "A bad batch of the best-selling kitchen item: it arrives broken, and most of the money is paid back.",
        "refund_rate", "category", "kitchen",
    ),
    Chapter(
        CHAT, 2, "A spring offer brings many more chats, and two who answer them have left: they wait for half an hour.",
        "response_sla_rate", "channel", "chat",
    ),
    Chapter(
        CARRIER, 1, "The carrier's depot in France is on strike: parcels take three times as long.",
        "on_time_delivery_rate", "country", "FR",
    ),
)  # fmt: skip
BAD_PRODUCT = "P000"
_BY_KEY = {chapter.key: chapter for chapter in CHAPTERS}


def during(scope: Scope, key: str, times: np.ndarray) -> np.ndarray:
    """Which of the instants (UTC, datetime64[s]) lie in a chapter's days."""
    chapter = _BY_KEY[key]
    first, last = chapter.days or (1, 31)
    times = np.asarray(times).astype("datetime64[s]")
    day = (times.astype("datetime64[D]") - times.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    return np.asarray((times.astype("datetime64[M]") == chapter.month(scope)) & (day >= first) & (day <= last))


def transit_factor(scope: Scope, orders: pd.DataFrame) -> np.ndarray:
    """How many times as long as usual the parcels of orders take."""
    is_hit = during(scope, CARRIER, orders["ordered_at"].to_numpy()) & (orders["country"] == "FR").to_numpy()
    return np.where(is_hit, 3.2, 1.0)


def cancelling(scope: Scope, orders: pd.DataFrame) -> np.ndarray:
    """The chance that an order is cancelled."""
    return np.where(_is_unpaid(scope, orders), 0.4, 0.02)


def cancelled_by(rng: np.random.Generator, scope: Scope, orders: pd.DataFrame, cancelled: np.ndarray) -> np.ndarray:
    """Who cancels: the shop what cannot be paid, otherwise mostly the buyer; none of orders that are not cancelled."""
    usual = rng.choice(np.array(["seller", "buyer", "buyer", "buyer"], dtype=object), len(orders))
    return np.where(cancelled, np.where(_is_unpaid(scope, orders), "seller", usual), None)


def _is_unpaid(scope: Scope, orders: pd.DataFrame) -> np.ndarray:
    return during(scope, PAYMENTS, orders["ordered_at"].to_numpy()) & (orders["channel"] == "webshop").to_numpy()


def with_bad_product(scope: Scope, orders: pd.DataFrame, items: pd.DataFrame) -> np.ndarray:
    """Which orders hold an item of the bad batch."""
    held = np.isin(np.arange(len(orders)), items.loc[items["product_id"] == BAD_PRODUCT, "order_row"].to_numpy())
    return during(scope, BAD_BATCH, orders["ordered_at"].to_numpy()) & held


def asking(scope: Scope, times: np.ndarray) -> np.ndarray:
    """The chance that who orders at an instant has a question of another kind than about the parcel."""
    return np.where(during(scope, SIGN_IN, times), 0.5, 0.2)


def topics(rng: np.random.Generator, scope: Scope, times: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """What questions are about: as usual, or about the account."""
    return np.where(during(scope, SIGN_IN, times) & (rng.random(len(times)) < 0.6), "account", usual)


def asking_again(scope: Scope, times: np.ndarray, topic: np.ndarray) -> np.ndarray:
    """The chance that a contact is followed by another one, since it was not solved."""
    return np.where(during(scope, SIGN_IN, times) & (topic == "account"), 0.9, 0.12)


def ways(rng: np.random.Generator, scope: Scope, times: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """By which way people write."""
    return np.where(during(scope, CHAT, times) & (rng.random(len(times)) < 0.3), "Live chat", usual)


def answer_factor(scope: Scope, times: np.ndarray, via: np.ndarray) -> np.ndarray:
    """How many times as long as usual tickets wait for an answer."""
    return np.where(during(scope, CHAT, times) & (via == "Live chat"), 80.0, 1.0)


def queue_factor(scope: Scope, times: np.ndarray, team: np.ndarray) -> np.ndarray:
    """How many times as long as usual callers wait."""
    return np.where(during(scope, STAFF_ILL, times) & (team == "First line"), 12.0, 1.0)


def is_ill(rng: np.random.Generator, scope: Scope, days: np.ndarray, team: np.ndarray) -> np.ndarray:
    """Who is away on which day beyond what is usual."""
    return during(scope, STAFF_ILL, days) & (team == "First line") & (rng.random(len(days)) < 0.5)
