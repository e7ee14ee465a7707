"""Each KPI, by month, against a second computation over the raw rows of the sample."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

import call_cases
import conversation_cases
import journey_cases
import pytest
import sla_cases
import support_cases
from compared import by_month, published
from homes import AS_OF, Home
from independent import CAME_TO_AGENTS, Company, Row, holds, percentile, read_seed, topic_of
from support_cases import FCR_WINDOW, Cases, counted, satisfied


def seconds(start: datetime, end: datetime) -> float:
    return (end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds()


# Each function yields (instant that dates the case, its value); None as the value is a pending case.


def first_responses(c: Company) -> Cases:
    for t in counted(c):
        if t["first_response"]:
            yield t["created_at"], seconds(t["created_at"], t["first_response"])


def first_responses_business(c: Company) -> Cases:
    for t in counted(c):
        if t["first_response"]:
            yield t["created_at"], c.calendars(t).seconds(t["created_at"], t["first_response"])


def resolutions(c: Company) -> Cases:
    for t in counted(c):
        if t["last_solved"]:
            yield t["last_solved"], seconds(t["created_at"], t["last_solved"])


def resolutions_business(c: Company) -> Cases:
    for t in counted(c):
        if t["last_solved"]:
            yield t["last_solved"], c.calendars(t).seconds(t["created_at"], t["last_solved"])


def first_resolutions(c: Company) -> Cases:
    for t in counted(c):
        if t["last_solved"]:
            yield t["last_solved"], seconds(t["created_at"], t["first_solved"])


def first_resolutions_business(c: Company) -> Cases:
    for t in counted(c):
        if t["last_solved"]:
            yield t["last_solved"], c.calendars(t).seconds(t["created_at"], t["first_solved"])


def responses_in_target(c: Company) -> Cases:
    policies = read_seed(c.seeds / "sla_policies.csv")
    targets = {
        row["member"]: float(row["target"])
        for row in read_seed(c.seeds / "kpi_targets.csv")
        if row["kpi_id"] == "first_response_time"
    }
    for t in counted(c):
        fitting = [
            (not row["priority"], not row["channel"], float(row["target_seconds"]), row["clock"])
            for row in policies
            if row["channel"] in ("", t["channel"]) and row["priority"] in ("", t["priority"])
            and holds(row, c.day(t["created_at"]))
        ]  # fmt: skip
        *_, target, clock = min(fitting) if fitting else (targets.get(t["channel"], targets["all"]), "calendar")
        elapsed = c.calendars(t).seconds if clock == "business" else seconds
        if t["first_response"]:
            yield t["created_at"], elapsed(t["created_at"], t["first_response"]) <= target
        elif t["is_response_tracked"] and elapsed(t["created_at"], AS_OF) > target:
            yield t["created_at"], False


def resolved_of_created(c: Company) -> Cases:
    for t in counted(c):
        yield t["created_at"], t["is_solved"]


def reopened(c: Company) -> Cases:
    for t in counted(c):
        # Open again by the list alone: by the last solving that it tells.
        once = t["first_solved"] or (t["reopened"] and (t["solved_at"] or t["closed_at"]))
        if once:
            yield once, t["reopened"] > 0
        elif t["is_solved"] or t["reopened"]:
            yield t["created_at"], None


def contacts(c: Company) -> list[tuple[datetime, str | None, str, bool, bool]]:
    """(instant, person, topic, solved, one interaction)"""
    tickets = [
        (t["created_at"], c.person(t), topic_of(t), t["is_solved"], t["replies"] == 1 and t["reopened"] == 0) for t in counted(c)
    ]
    calls = [
        (k["started_at"], c.person(k), topic_of(k), bool(k["resolved"]), k["disposition"] == "answered" and not k["transferred"])
        for k in c.calls
    ]
    return tickets + calls


def first_contact(c: Company) -> Cases:
    everyone = contacts(c)
    by_person = defaultdict(list)
    for at, person, topic, _, _ in everyone:
        by_person[person, topic].append(at)
    for at, person, topic, solved, single in everyone:
        if solved and person and at + FCR_WINDOW <= AS_OF:
            again = any(at < other < at + FCR_WINDOW for other in by_person[person, topic])
            twice = by_person[person, topic].count(at) > 1
            yield at, single and not again and not twice


def offered(c: Company) -> list[Row]:
    return [k for k in c.calls if k["disposition"] in CAME_TO_AGENTS]


def waits(c: Company) -> Cases:
    for k in offered(c):
        if k["disposition"] == "answered":
            yield k["queued_at"], k["wait_seconds"]


def waits_abandoned(c: Company) -> Cases:
    for k in offered(c):
        if k["disposition"] == "abandoned":
            yield k["queued_at"], k["wait_seconds"]


def long_enough(c: Company) -> list[Row]:
    return [k for k in offered(c) if k["disposition"] != "abandoned" or k["wait_seconds"] > 5]


def abandoned(c: Company) -> Cases:
    for k in long_enough(c):
        yield k["queued_at"], k["disposition"] == "abandoned"


def within_service_level(c: Company) -> Cases:
    for k in long_enough(c):
        yield k["queued_at"], k["disposition"] == "answered" and k["wait_seconds"] <= 20


def handle_times(c: Company) -> Cases:
    for k in offered(c):
        if k["disposition"] == "answered" and k["talk_seconds"] is not None:
            yield k["answered_at"], k["talk_seconds"] + (k["hold_seconds"] or 0) + (k["wrap_up_seconds"] or 0)


def recommendations(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "nps" and s["mode"] == "relational" and s["score"] is not None:
            yield s["responded_at"], 100 if s["score"] >= 9 else 0 if s["score"] >= 7 else -100


def efforts(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "ces" and s["score"] is not None:
            yield s["responded_at"], (s["score"] - 1) / 6 * 100


def low_efforts(c: Company) -> Cases:
    for at, effort in efforts(c):
        yield at, effort <= 33.34


def stars(c: Company) -> Cases:
    for r in c.reviews:
        yield r["created_at"], r["rating"]


def negative(c: Company) -> Cases:
    for at, count in stars(c):
        yield at, count <= 2


def positive(c: Company) -> Cases:
    for at, count in stars(c):
        yield at, count >= 4


def live_orders(c: Company) -> list[Row]:
    return [o for o in c.orders if o["status"] != "cancelled" and not o["cancelled_at"]]


def order_values(c: Company) -> Cases:
    for o in live_orders(c):
        yield o["ordered_at"], float(o["total_amount"])


def order_items(c: Company) -> Cases:
    items: dict[str, float] = defaultdict(float)
    for line in c.items:
        items[line["order_id"]] += line["quantity"]
    for o in live_orders(c):
        if o["order_id"] in items:
            yield o["ordered_at"], items[o["order_id"]]


def on_time(c: Company) -> Cases:
    for o in live_orders(c):
        if o["promised_delivery_at"] and o["promised_delivery_at"] <= AS_OF:
            yield o["promised_delivery_at"], bool(o["delivered_at"]) and o["delivered_at"] <= o["promised_delivery_at"]


def cancelled_by_seller(c: Company) -> Cases:
    for o in c.orders:
        yield o["ordered_at"], o["status"] == "cancelled" and o["cancelled_by"] == "seller"


def purchases(c: Company) -> list[tuple[Row, bool]]:
    """Purchases of known customers in the order of time; had the customer bought before?"""
    first: dict[str, datetime] = {}
    result = []
    for o in sorted(live_orders(c), key=lambda o: o["ordered_at"]):
        person = c.person(o)
        if journey_cases.is_refunded(o) or not person:
            continue
        result.append((o, o["ordered_at"] > first.setdefault(person, o["ordered_at"])))
    return result


def repeats(c: Company) -> Cases:
    for o, again in purchases(c):
        yield o["ordered_at"], again


MEANS: dict[str, Callable[[Company], Cases]] = {
    "first_response_time": first_responses,
    "first_response_time_business": first_responses_business,
    "resolution_time": resolutions,
    "resolution_time_business": resolutions_business,
    "first_resolution_time": first_resolutions,
    "first_resolution_time_business": first_resolutions_business,
    "response_sla_rate": responses_in_target,
    "issue_resolution_rate": resolved_of_created,
    "reopen_rate": reopened,
    "fcr_observed": first_contact,
    "call_wait_time": waits,
    # The sample's calls are in one queue each.
    "queue_wait_time": waits,
    "call_total_wait_time": waits,
    "call_wait_time_abandoned": waits_abandoned,
    "call_abandonment_rate": abandoned,
    "call_service_level": within_service_level,
    "average_handle_time": handle_times,
    "csat": satisfied,
    "nps": recommendations,
    "ces": efforts,
    "low_effort_share": low_efforts,
    "review_score": stars,
    "negative_feedback_rate": negative,
    "positive_review_rate": positive,
    "order_size": order_values,
    "order_size_items": order_items,
    "on_time_delivery_rate": on_time,
    "cancellation_rate": cancelled_by_seller,
    "repeat_sales_share": repeats,
    **support_cases.MEANS,
    **call_cases.MEANS,
    **conversation_cases.MEANS,
    **journey_cases.MEANS,
    **sla_cases.MEANS,
}
MEDIANS = {
    "first_response_time_median": (first_responses, 0.5),
    "first_response_time_p90": (first_responses, 0.9),
    "first_response_time_business_median": (first_responses_business, 0.5),
    "first_response_time_business_p90": (first_responses_business, 0.9),
    "resolution_time_median": (resolutions, 0.5),
    "resolution_time_p90": (resolutions, 0.9),
    "resolution_time_business_median": (resolutions_business, 0.5),
    "resolution_time_business_p90": (resolutions_business, 0.9),
    "first_resolution_time_median": (first_resolutions, 0.5),
    "first_resolution_time_p90": (first_resolutions, 0.9),
    "first_resolution_time_business_median": (first_resolutions_business, 0.5),
    "first_resolution_time_business_p90": (first_resolutions_business, 0.9),
    "call_wait_time_p90": (waits, 0.9),
    "order_size_median": (order_values, 0.5),
    "order_size_items_median": (order_items, 0.5),
    **support_cases.MEDIANS,
    **journey_cases.MEDIANS,
    **sla_cases.MEDIANS,
}


@pytest.mark.parametrize("kpi", MEANS)
def test_mean_or_rate_by_month(kpi: str, company: Company, sample_home: Home) -> None:
    expected = by_month(company, MEANS[kpi](company))
    found = published(sample_home, kpi)
    assert found.keys() == expected.keys()
    assert sum(map(len, expected.values())) > 10, "too few cases to prove anything"
    for month, values in expected.items():
        # Sums are decimals of nine places.
        assert found[month][0] == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-8), month
        assert found[month][1] == len(values), month


@pytest.mark.parametrize("kpi", MEDIANS)
def test_percentile_by_month(kpi: str, company: Company, sample_home: Home) -> None:
    cases, share = MEDIANS[kpi]
    expected = by_month(company, cases(company))
    found = published(sample_home, kpi)
    assert found.keys() == expected.keys()
    for month, values in expected.items():
        assert found[month][0] == pytest.approx(percentile(values, share), rel=1e-9), month


def test_flow_and_volumes(company: Company, sample_home: Home) -> None:
    created = by_month(company, ((t["created_at"], 1) for t in counted(company)))
    solved = by_month(company, ((t["last_solved"], 1) for t in counted(company) if t["last_solved"]))
    volumes = published(sample_home, "resolved_issues")
    flow = published(sample_home, "issue_resolution_rate_flow")
    assert {month: value for month, (value, _) in volumes.items()} == {m: len(v) for m, v in solved.items()} | dict.fromkeys(
        created.keys() - solved.keys(), 0
    )
    for month, tickets in created.items():
        assert flow[month][0] == pytest.approx(len(solved.get(month, [])) / len(tickets))
    reviews = by_month(company, stars(company))
    assert {m: v for m, (v, _) in published(sample_home, "review_volume").items()} == {m: len(v) for m, v in reviews.items()}


def test_repeat_sales(company: Company, sample_home: Home) -> None:
    again = by_month(company, ((o["ordered_at"], o["total_amount"]) for o, repeat in purchases(company) if repeat))
    every = by_month(company, ((o["ordered_at"], o["total_amount"]) for o, _ in purchases(company)))
    count, value = published(sample_home, "repeat_sales"), published(sample_home, "repeat_sales_value")
    share = published(sample_home, "repeat_sales_value_share")
    assert sample_home.kpi("repeat_sales_value", "n_pending") == sample_home.kpi("repeat_sales_value_share", "n_pending") == 0
    for month, amounts in every.items():
        assert count[month][0] == len(again.get(month, []))
        assert share[month][0] == pytest.approx(sum(again.get(month, [])) / sum(amounts))
        if month in again:
            assert value[month][0] == pytest.approx(sum(again[month]))


def test_repeat_sales_by_category(company: Company, sample_home: Home) -> None:
    largest: dict[str, tuple[float, str, str]] = {}
    for line in sorted(company.items, key=lambda line: line["line_id"]):
        amount = line["quantity"] * float(line["unit_price"])
        if line["order_id"] not in largest or amount > largest[line["order_id"]][0]:
            largest[line["order_id"]] = (amount, line["line_id"], line["category"])
    expected: dict[str, int] = defaultdict(int)
    for order, again in purchases(company):
        expected[largest[order["order_id"]][2]] += again
    rows = sample_home.query(
        "select member, value from kpis where kpi_id = 'repeat_sales' and grain = 'all' and dimension = 'category'"
    )
    assert dict(rows) == expected
    assert len(expected) > 3


def test_active_issues_by_day(company: Company, sample_home: Home) -> None:
    tickets = [t for t in company.tickets if not t["is_spam"]]
    found = {day: value for day, (value, _) in published(sample_home, "active_issues", "day").items()}
    assert len(found) > 300

    def is_open(ticket: Row, day: date) -> bool:
        if company.day(ticket["created_at"]) > day:
            return False
        solvings = sum(company.day(at) <= day for at in ticket["solvings"])
        return solvings <= sum(company.day(at) <= day for at in ticket["reopenings"])

    for day in list(found)[::9]:
        assert found[day] == sum(is_open(ticket, day) for ticket in tickets), day


def test_every_kpi_is_computed_twice(sample_home: Home) -> None:
    others = {
        "active_issues", "resolved_issues", "issue_resolution_rate_flow", "review_volume", "repeat_sales",
        "repeat_sales_value", "repeat_sales_value_share",
        *support_cases.OTHERS, *conversation_cases.OTHERS, *journey_cases.OTHERS,
    }  # fmt: skip
    known = {row[0] for row in sample_home.query("select kpi_id from kpi_definitions")}
    computed = MEANS.keys() | MEDIANS.keys() | others
    assert known <= computed, f"no second computation: add to a MEANS or MEDIANS here or in a file of cases: {known - computed}"
    assert computed <= known, f"of a KPI that is gone: {computed - known}"


def test_pending_cases(company: Company, sample_home: Home) -> None:
    unanswered = [t for t in counted(company) if not t["first_response"] and t["is_response_tracked"]]
    assert sample_home.kpi("first_response_time", "n_pending") == len(unanswered)
    assert sample_home.kpi("resolution_time", "n_pending") == sum(not t["is_solved"] for t in counted(company))


@pytest.mark.parametrize(("dimension", "column"), [("channel", "channel"), ("team", "team"), ("agent", "agent_id")])
def test_dimensions_add_up(dimension: str, column: str, company: Company, sample_home: Home) -> None:
    groups: dict[str, list[float]] = defaultdict(list)
    for ticket in counted(company):
        if ticket["first_response"]:
            groups[ticket[column] or "unknown"].append(seconds(ticket["created_at"], ticket["first_response"]))
    rows = sample_home.query(
        "select member, numerator, denominator from kpis "
        "where kpi_id = 'first_response_time' and grain = 'all' and dimension = ? and denominator > 0",
        dimension,
    )
    assert {member: (total, n) for member, total, n in rows} == {m: (sum(v), len(v)) for m, v in groups.items()}
