"""Amounts in several currencies, net revenue and profit: a second computation from the rows; restated as by a rebuild."""

from __future__ import annotations

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest
from comparing import differences

from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull
from orchestration.warehouse.warehouse import Warehouse

Row = dict[str, str]
FIRST = datetime(2026, 5, 1)
#: What is built: all that reads money, without the KPIs.
ONLY = "+customer_profit +fct_cash_movements +marketplace_health +segments"
#: Days on which a bank publishes; between them are gaps longer than a rate serves (7 days).
PUBLISHED = [FIRST.date() + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 20, 21, 30)]
MAX_DAYS = 7
CONTACT_COSTS = {"default": 2, "phone": 3}


class World:
    """A home without gates and publications, whose tables of money are brought up to date."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "home"
        (root / "exports").mkdir()

    def play(self, exports: dict[str, Iterable[Row]], as_of: datetime, full_refresh: bool = False) -> None:
        """Write a file of each kind, pull and build."""
        for kind, rows in exports.items():
            number = len(list((self.root / "exports").glob(f"{kind}_*")))
            pd.DataFrame(list(rows)).to_csv(self.root / "exports" / f"{kind}_{number}.csv", index=False)
        settings = Settings(
            exports=str(self.root / "exports"), home=self.home, as_of=as_of, full_refresh=full_refresh,
            reporting_timezone="Europe/Berlin", vars={"contact_costs": CONTACT_COSTS},
        )  # fmt: skip
        prepare_home(settings)
        for _ in Pull(settings, lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
            pass
        results = Warehouse(settings).build(["--exclude-resource-type", "test", "--select", *ONLY.split()])
        assert not [f"{result.name}: {result.message}" for result in results if result.failed]

    def tables(self, name: str) -> Path:
        """A copy of the warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as con:
            con.execute("checkpoint")
        shutil.copyfile(self.home / "warehouse.duckdb", self.root / name)
        return self.root / name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    before = dict(os.environ)
    yield World(tmp_path_factory.mktemp("money"))
    os.environ.clear()
    os.environ.update(before)


class Shop:
    """Rows of a shop, and what they come to."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.orders: dict[str, Row] = {}
        self.lines: dict[str, list[Row]] = {}
        self.rates: dict[tuple[date, str, str], Row] = {}
        self.costs: dict[str, Row] = {}
        self.returns: dict[str, Row] = {}
        self.tickets: dict[str, Row] = {}

    def order(self, name: str) -> Row:
        pick = self.random.choice
        at = FIRST + timedelta(days=self.random.randrange(40), hours=pick([3, 21, 23]))
        row = {
            "order_id": name, "ordered_at": at.isoformat(), "status": pick(["paid", "paid", "refunded", "cancelled"]),
            "customer_id": pick(["c1", "c2", "c3"]), "total_amount": pick(["119", "59.99", "1000"]),
            "currency": pick(["", "EUR", "USD", "usd", "GBP", "CAD", "XYZ"]), "tax_amount": pick(["", "19", "3.5"]),
            "discount_amount": pick(["", "10"]), "refund_amount": pick(["", "", "20", "1000"]),
            "is_tax_in_total": pick(["", "true", "false"]), "gift_card_amount": pick(["", "15"]),
            "gift_card_sold_amount": pick(["", "", "30"]), "paid_at": at.isoformat(),
            "marketplace": pick(["", "amazon", "ebay", "etsy"]), "claim_type": pick(["", "", "guarantee", "chargeback"]),
            "cancelled_by": pick(["", "seller", "buyer"]), "fulfilled_by": pick(["", "seller", "marketplace"]),
            "promised_ship_at": (at + timedelta(days=2, hours=1)).isoformat(),
            "shipped_at": pick(["", (at + timedelta(days=1)).isoformat(), (at + timedelta(days=4)).isoformat()]),
        }  # fmt: skip
        if row["status"] == "cancelled":
            row["shipped_at"] = ""
        else:
            row["cancelled_by"] = ""
        self.orders[name] = row
        self.lines[name] = [
            {
                "order_id": name, "line_id": str(line), "product_id": "p1", "quantity": pick(["1", "2"]), "unit_price": "25",
                "unit_cost": pick(["10", "10", "7.25", ""]),
            }
            for line in range(self.random.randrange(3))
        ]  # fmt: skip
        return row

    def rate(self, day: date, base: str, currency: str, rate: float) -> Row:
        row = {"rate_date": day.isoformat(), "base_currency": base, "currency": currency, "rate": repr(rate)}
        self.rates[day, base, currency] = row
        return row

    # -- the second computation ---------------------------------------------------------------------------------------

    def exchange_rate(self, currency: str, day: date) -> float | None:
        """The newest day first; on it a base that is one of the two currencies, else the first by name."""
        currency = (currency or "EUR").upper()
        if currency == "EUR":
            return 1.0
        quotes: dict[date, dict[str, dict[str, float]]] = defaultdict(dict)
        for (published, base, quoted), row in self.rates.items():
            quotes[published].setdefault(base, {base: 1.0})[quoted] = float(str(row["rate"]))
        for back in range(MAX_DAYS + 1):
            bases = quotes.get(day - timedelta(days=back), {})
            usable = [base for base, rates in bases.items() if currency in rates and "EUR" in rates]
            for base in sorted(usable, key=lambda base: (base not in (currency, "EUR"), base)):
                return bases[base]["EUR"] / bases[base][currency]
        return None

    def refund(self, row: Row) -> float | None:
        """What was paid back: as the order says, else its returns, else all of what is refunded; None: nobody knows."""
        if row["refund_amount"]:
            return float(str(row["refund_amount"]))
        repaid = [r for r in self.returns.values() if r["order_id"] == row["order_id"] and r.get("outcome") == "refund"]
        if repaid and all(r["refund_amount"] for r in repaid):
            return sum(float(str(r["refund_amount"])) for r in repaid)
        if row["status"] == "refunded":
            return float(str(row["total_amount"]))
        return None if repaid else 0.0

    def values(self, row: Row) -> dict[str, float | None]:
        """What an order comes to in the reporting currency."""
        total = float(str(row["total_amount"]))
        rate = self.exchange_rate(str(row["currency"]), local_day(str(row["ordered_at"])))
        value, net = None if rate is None else total * rate, None
        refund = self.refund(row)
        if refund is not None and rate is not None and row["status"] != "cancelled":
            left = max(total - refund, 0) / total
            tax = float(str(row["tax_amount"] or 0)) if row["is_tax_in_total"] != "false" else 0.0
            net = rate * (total - refund - round(left * (tax + float(str(row["gift_card_sold_amount"] or 0))), 4))
        return {"rate": rate, "value": value, "net": net}

    def is_purchase(self, row: Row) -> bool:
        return row["status"] != "cancelled" and (self.refund(row) or 0) < float(str(row["total_amount"]))

    def profit(self, customer: str) -> float | None:
        """Net revenue less goods, contacts and returns; contacts are by e-mail."""
        sum_of: float = 0
        mine = [row for row in self.orders.values() if row["customer_id"] == customer and row["status"] != "cancelled"]
        for row in mine:
            net, rate = self.values(row)["net"], self.values(row)["rate"]
            lines = self.lines[str(row["order_id"])]
            if net is None or rate is None:
                return None
            sum_of += net
            if self.is_purchase(row):
                if not lines or any(line["unit_cost"] == "" for line in lines):
                    return None
                sum_of -= rate * sum(float(str(line["quantity"])) * float(str(line["unit_cost"])) for line in lines)
        for returned in self.returns.values():
            owner = self.orders.get(str(returned["order_id"]))
            if owner is not None and owner["customer_id"] == customer:
                rate = self.values(owner)["rate"]
                if rate is None or returned["return_shipping_amount"] == "":
                    return None
                sum_of -= rate * float(str(returned["return_shipping_amount"]))
        return sum_of - sum(CONTACT_COSTS["default"] for ticket in self.tickets.values() if ticket["customer_id"] == customer)

    def faults(self, measure: str, row: Row, as_of: datetime) -> tuple[date, bool | None] | None:
        """The day of a case and whether it is a fault (None: nobody knows); nothing for an order that is no case."""
        is_cancelled = row["status"] == "cancelled"
        ordered_on = local_day(str(row["ordered_at"]))
        is_seller = row["fulfilled_by"] != "marketplace"
        by_seller = is_cancelled and row["cancelled_by"] == "seller"
        if measure in ("guarantee_claim_rate", "unresolved_case_rate"):
            return ordered_on, row["claim_type"] == "guarantee"
        if measure == "chargeback_rate":
            return ordered_on, row["claim_type"] == "chargeback"
        if measure == "transaction_defect_rate":
            return ordered_on, by_seller or row["claim_type"] == "guarantee"
        if measure == "cancellation_rate":
            return (ordered_on, by_seller) if is_seller else None
        if measure in ("orders", "sales"):
            return None if is_cancelled else (ordered_on, False)
        if measure in ("order_defect_rate", "negative_feedback_rate"):
            return ordered_on, None  # no review names an order
        assert measure == "late_shipment_rate"
        promised = datetime.fromisoformat(str(row["promised_ship_at"]))
        if is_cancelled or promised > as_of or not is_seller:
            return None
        if row["shipped_at"]:
            return local_day(promised.isoformat()), datetime.fromisoformat(str(row["shipped_at"])) > promised
        return local_day(promised.isoformat()), True if row["status"] == "paid" else None


def local_day(text: str) -> date:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Europe/Berlin")).date()


def close(one: float | None, other: float | None) -> bool:
    return (one is None) == (other is None) and abs((one or 0) - (other or 0)) < 0.001


def hold(world: World, shop: Shop) -> dict[str, int]:
    """Hold the tables against the second computation; how many values of each sort were known."""
    with duckdb.connect(str(world.home / "warehouse.duckdb")) as con:
        orders = con.execute(
            "select order_id, exchange_rate, order_value, net_value, total_amount, gross_amount, net_amount, is_purchase, "
            "has_refund from journey.fct_orders"
        ).fetchall()
        cash = dict(con.execute("select source_id, amount from journey.fct_cash_movements where movement <> 'refund'").fetchall())
        profits = con.execute(
            "select customer_id, contribution from practices.customer_profit "
            "inner join (select distinct customer_key, customer_id from conformed.int_orders) using (customer_key)"
        ).fetchall()
        ((unbalanced,),) = con.execute(
            "select count(*) from journey.fct_orders where not is_cancelled and "
            "abs(gross_amount - discount_amount - refund_amount - not_revenue_amount - net_amount) > 0.0001"
        ).fetchall()
    assert {row[0] for row in orders} == set(shop.orders)
    assert unbalanced == 0
    known = {"rates": 0, "nets": 0, "profits": 0, "unknown rates": 0}
    for name, rate, value, net, total, gross, _, is_purchase, has_refund in orders:
        row, wanted = shop.orders[name], shop.values(shop.orders[name])
        assert close(rate, wanted["rate"]), (row, rate, wanted)
        assert close(value, wanted["value"]), (row, value, wanted)
        assert close(net, wanted["net"]), (row, net, wanted)
        assert close(gross, total + float(str(row["discount_amount"] or 0)))
        assert is_purchase == shop.is_purchase(row), row
        assert has_refund == (shop.refund(row) != 0), row
        known["rates"] += rate not in (None, 1.0)
        known["unknown rates"] += rate is None
        known["nets"] += net is not None
        # What was paid with a gift card came in before.
        paid = None if rate is None else rate * (total - float(str(row["gift_card_amount"] or 0)))
        assert close(cash[name], paid), (row, cash[name], paid)
    for name, cost in shop.costs.items():
        rate = shop.exchange_rate(str(cost["currency"]), date.fromisoformat(str(cost["cost_date"])))
        assert close(cash[name], None if rate is None else -rate * float(str(cost["amount"])))
    for customer, contribution in profits:
        assert close(contribution, shop.profit(customer)), (customer, contribution, shop.profit(customer))
        known["profits"] += contribution is not None
    return known


#: Measures of other records than orders.
ELSEWHERE = {
    "tracking_rate", "on_time_delivery_rate", "on_time_tracked_rate", "message_response_rate", "average_rating",
    "return_dissatisfaction_rate",
}  # fmt: skip


def hold_health(world: World, shop: Shop, as_of: datetime, months: dict[str, tuple[date, date]]) -> int:
    """Hold cases and faults of each measure against the rows; ``months``: the window of who looks once a month."""
    today = local_day((as_of - timedelta(seconds=1)).isoformat())
    with duckdb.connect(str(world.home / "warehouse.duckdb")) as con:
        rows = con.execute(
            "select marketplace, measure, window_from, window_to, currency, cases, faults, unknown_cases, status, "
            "oldest_fault_expires_on, review_on from practices.marketplace_health"
        ).fetchall()
    held = 0
    for marketplace, measure, first, last, currency, cases, faults, unknown, status, forgotten_on, review_on in rows:
        if review_on is None:
            assert last in (today, today - timedelta(days=7)), (measure, last)
        elif measure not in ("orders", "sales") or marketplace == "etsy":
            assert (first, last) == months[marketplace], (measure, first, last)
        if measure in ELSEWHERE:
            continue
        mine = [row for row in shop.orders.values() if row["marketplace"] == marketplace]
        if currency:
            mine = [row for row in mine if (row["currency"] or "EUR").upper() == currency]
        found = [case for row in mine if (case := shop.faults(measure, row, as_of)) and first <= case[0] <= last]
        known = [is_fault for _, is_fault in found if is_fault is not None]
        assert (cases, faults, unknown) == (len(known), sum(known), len(found) - len(known)), (marketplace, measure)
        if measure == "order_defect_rate":
            assert status == "not_available"
        if any(known) and review_on is None:
            oldest = min(day for day, is_fault in found if is_fault)
            assert forgotten_on == oldest + (last - first) + timedelta(days=1) + (today - last)
        held += len(found) > 0
    return held


@pytest.mark.ci
def test_money_is_what_the_rows_come_to_and_is_restated(world: World) -> None:
    shop = Shop(7)
    for number in range(90):
        shop.order(f"o{number}")
    # One customer of whom all is known.
    for name in ("known1", "known2"):
        row = shop.order(name)
        row.update(
            customer_id="c9", currency="USD", status="paid", ordered_at=FIRST.isoformat(), refund_amount="", total_amount="119"
        )
        shop.lines[name] = [
            {"order_id": name, "line_id": "1", "product_id": "p1", "quantity": "2", "unit_price": "25", "unit_cost": "10"}
        ]
    for day in PUBLISHED:
        for base, currency, around in (("EUR", "USD", 1.1), ("EUR", "GBP", 0.85), ("USD", "CAD", 1.35), ("USD", "EUR", 0.93)):
            if shop.random.random() < 0.8 or day == PUBLISHED[0]:
                shop.rate(day, base, currency, round(around * shop.random.uniform(0.95, 1.05), 4))
    for number, currency in enumerate(["", "EUR", "USD", "CAD", "XYZ"]):
        day = (FIRST + timedelta(days=2 + number)).date()
        shop.costs[f"k{number}"] = {
            "cost_id": f"k{number}", "cost_date": day.isoformat(), "amount": "10.5", "currency": currency,
        }  # fmt: skip
    for number, order in enumerate(["known1", "o3", "o4", "o5"]):
        shop.returns[f"r{number}"] = {
            "return_id": f"r{number}", "order_id": order, "requested_at": (FIRST + timedelta(days=41)).isoformat(),
            "return_shipping_amount": "4.99" if number < 3 else "",
        }  # fmt: skip
    # Orders of which only returns say that they were refunded: in part, nobody knows how much, in full, in goods.
    for name, *parts in (("o10", "20", "2.5"), ("o11", "20", ""), ("o12", "59", "60"), ("o13",)):
        shop.orders[name].update(status="paid", refund_amount="", total_amount="119", currency="")
        for number, part in enumerate(parts or ["7"]):
            shop.returns[f"{name}-{number}"] = {
                "return_id": f"{name}-{number}", "order_id": name, "requested_at": (FIRST + timedelta(days=41)).isoformat(),
                "received_at": (FIRST + timedelta(days=45)).isoformat(), "outcome": "refund" if parts else "exchange",
                "refund_amount": part, "return_shipping_amount": "4.99",
            }  # fmt: skip
    shop.tickets["t1"] = {
        "ticket_id": "t1", "created_at": FIRST.isoformat(), "status": "open", "customer_id": "c9", "channel": "email",
    }  # fmt: skip
    exports: dict[str, Iterable[Row]] = {
        "orders": shop.orders.values(), "exchange_rates": shop.rates.values(), "costs": shop.costs.values(),
        "order_items": [line for lines in shop.lines.values() for line in lines], "returns": shop.returns.values(),
        "tickets": shop.tickets.values(),
    }  # fmt: skip
    as_of = FIRST + timedelta(days=50)
    world.play(exports, as_of)
    known = hold(world, shop)
    assert known["rates"] > 20
    assert known["unknown rates"] > 10
    assert known["nets"] > 30
    assert known["profits"] >= 1
    # On 20 June: eBay looks today, at the twelve months before June; Etsy on 1 July.
    windows = {"ebay": (date(2025, 6, 1), date(2026, 5, 31)), "etsy": (date(2026, 4, 1), date(2026, 6, 20))}
    assert hold_health(world, shop, as_of, windows) >= 14

    # A later file corrects a day, takes a rate back and brings a day that was not there; an order turns out to be in dollars.
    corrected = [shop.rate(PUBLISHED[0], "EUR", "USD", 2.0), shop.rate(FIRST.date() + timedelta(days=15), "USD", "EUR", 0.5)]
    gone = dict(shop.rates.pop((PUBLISHED[0], "EUR", "GBP")), is_deleted="true")
    shop.orders["o7"] = {**shop.orders["o7"], "currency": "USD"}
    later = FIRST + timedelta(days=52)
    changed = [{"is_deleted": "", **row} for row in corrected]
    world.play({"exchange_rates": [*changed, gone], "orders": [shop.orders["o7"]]}, later)
    again = hold(world, shop)
    assert again["rates"] != known["rates"]
    windows = {"ebay": (date(2025, 7, 1), date(2026, 6, 22)), "etsy": (date(2026, 4, 1), date(2026, 6, 22))}
    assert hold_health(world, shop, later, windows) >= 14
    incremental = world.tables("incremental.duckdb")
    world.play({}, later, full_refresh=True)
    rebuilt = world.tables("full.duckdb")
    assert differences(incremental, rebuilt, ("staging", "conformed", "journey", "practices")) == {}
