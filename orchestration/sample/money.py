"""The sample's money: prices in zloty for Poland, discounts, gift cards, money back in part, returns, and the rates of exchange.

From random numbers of its own, so that the rest of the sample is the same without it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.sample.company import Scope, pick
from orchestration.sample.dirt import text_times
from orchestration.sample.life import Life, until

#: Currency of countries that do not pay in euros, and what the shop asks there for what costs one euro elsewhere.
CURRENCIES = {"PL": ("PLN", 4.4)}
#: What one euro costs, around which the rates move.
RATES = {"USD": 1.13, "JPY": 163.0, "GBP": 0.855, "CHF": 0.94, "PLN": 4.27}
VAT = {"DE": 0.19, "AT": 0.20, "FR": 0.20, "NL": 0.21, "PL": 0.23}
#: Off, for who comes with the code of a partner.
DISCOUNT = 0.1
REASONS = {"does not fit": 0.4, "not as described": 0.3, "no longer needed": 0.3}
DAY = np.timedelta64(1, "D")


def _rng(life: Life) -> np.random.Generator:
    return np.random.default_rng([life.scope.seed, life.first, 301])


def priced_items(life: Life) -> pd.DataFrame:
    """The lines of orders, with the prices that were paid, and costs, in the order's currency."""
    orders = life.orders.iloc[life.items["order_row"].to_numpy()]
    factor = _factor(orders["country"].to_numpy())
    items = life.items.copy()
    for column in ("unit_price", "unit_cost"):
        items[column] = (items[column] * factor).round(2)
    items["full_amount"] = items["unit_price"] * items["quantity"]
    items["unit_price"] = (items["unit_price"] * np.where(orders["affiliate"].isna(), 1, 1 - DISCOUNT)).round(2)
    items["amount"] = items["unit_price"] * items["quantity"]
    return items


def _factor(country: np.ndarray) -> np.ndarray:
    return pd.Series(country).map({name: factor for name, (_, factor) in CURRENCIES.items()}).fillna(1.0).to_numpy()


def amounts(life: Life) -> pd.DataFrame:
    """What each order came to, in its currency: charged, off, tax within, paid by gift card, and paid back."""
    rng, orders = _rng(life), life.orders
    size = len(orders)
    goods = priced_items(life).groupby("order_row")[["full_amount", "amount"]].sum().reindex(orders.index, fill_value=0).round(2)
    frame = pd.DataFrame(
        {"currency": orders["country"].map({name: code for name, (code, _) in CURRENCIES.items()}).fillna("EUR")}
    )
    frame["discount"] = (goods["full_amount"] - goods["amount"]).round(2).where(~orders["affiliate"].isna())
    frame["total"] = goods["amount"]
    rate = orders["country"].map(VAT)
    frame["tax"] = (frame["total"] * rate / (1 + rate)).round(2)
    card = np.minimum(25 * np.round(_factor(orders["country"].to_numpy())), frame["total"])
    frame["gift_card"] = pd.Series(card).where(orders["channel"].eq("webshop") & (rng.random(size) < 0.04))
    # A scratch, or one of three items: the customer keeps the rest.
    partly = ~orders["refunded_at"].isna() & ~orders["is_bad"] & (rng.random(size) < 0.4)
    share = np.where(partly, rng.uniform(0.2, 0.6, size), 1.0)
    frame["is_kept"] = partly
    frame["refund"] = (frame["total"] * share).round(2).where(~orders["refunded_at"].isna())
    return frame


def returns(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """What came back: of most orders whose money was paid back whole."""
    money = amounts(life)
    back = ~life.orders["refunded_at"].isna() & ~money["is_kept"] & (rng.random(len(money)) < 0.8)
    orders, money = life.orders[back], money[back]
    delivered = orders["delivered_at"].to_numpy().astype("datetime64[s]")
    frame = pd.DataFrame(
        {
            "return_id": "RMA-" + orders["order_id"],
            "order_id": orders["order_id"],
            "requested_at": delivered + 2 * DAY,
            "received_at": until(life.scope, delivered + 7 * DAY),
            "reason": np.where(orders["is_bad"], "damaged", pick(rng, REASONS, len(orders))),
            "outcome": "refund",
            "refund_amount": money["refund"],
            "return_shipping_amount": np.round(4.9 * _factor(orders["country"].to_numpy()), 2),
        }
    )
    return text_times(frame, ["requested_at", "received_at"])


def exchange_rates(scope: Scope) -> str:
    """The history of euro rates as the European Central Bank writes it: newest first, days on which banks are open."""
    rng = np.random.default_rng([scope.seed, 302])
    days = np.arange(np.datetime64(scope.starts_at, "D") - 14 * DAY, np.datetime64(scope.day_after, "D"))
    days = days[np.is_busday(days)]
    moved = np.zeros((len(days), len(RATES)))
    for place in range(1, len(days)):
        moved[place] = 0.98 * moved[place - 1] + rng.normal(0, 0.003, len(RATES))
    rates = np.array(list(RATES.values())) * np.exp(moved)
    lines = [f"{day}," + "".join(f"{rate:.5g}," for rate in row) for day, row in zip(days[::-1], rates[::-1], strict=True)]
    return "\n".join(["Date," + "".join(f"{code}," for code in RATES), *lines]) + "\n"
