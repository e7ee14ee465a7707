"""The cases of the KPIs of site, journey, marketplaces, feedback and orders, from the raw rows."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from independent import CAME_TO_AGENTS, Company, Row
from support_cases import Cases, is_satisfied

DAY = timedelta(days=1)
STAGES = ("awareness", "consideration", "signup", "purchase", "delivery", "usage", "support", "feedback", "loyalty")


def is_cancelled(o: Row) -> bool:
    return o["status"] == "cancelled" or o["cancelled_at"] is not None


def is_refunded(o: Row) -> bool:
    """Was all of it paid back?"""
    if o["refund_amount"]:
        return o["refund_amount"] >= o["total_amount"]
    return o["status"] in ("refunded", "returned") or o["refunded_at"] is not None


def bought(c: Company) -> dict[str, list[Row]]:
    """The purchases of each known person, in the order of time."""
    persons: dict[str, list[Row]] = defaultdict(list)
    for o in sorted(c.orders, key=lambda o: (o["ordered_at"], o["order_id"])):
        person = c.person(o)
        if person and not is_cancelled(o) and not is_refunded(o):
            persons[person].append(o)
    return persons


def contact_times(c: Company) -> dict[str, list[datetime]]:
    times: dict[str, list[datetime]] = defaultdict(list)
    for t in c.tickets:
        if t["counts"] and (person := c.person(t)):
            times[person].append(t["created_at"])
    for k in c.calls:
        if k["disposition"] in CAME_TO_AGENTS and (person := c.person(k)):
            times[person].append(k["started_at"])
    return {person: sorted(found) for person, found in times.items()}


def orders_from(c: Company) -> date:
    """The day from which on orders are known: whether one was placed before nobody knows."""
    return min(c.day(o["ordered_at"]) for o in c.orders)


def contacts_from(c: Company) -> date:
    """The same of contacts."""
    calls = [*c.calls, *c.calls_out, *c.menu_calls]
    return min([c.day(t["created_at"]) for t in c.tickets] + [c.day(k["started_at"]) for k in calls])


# -- what was felt


def overall_satisfied(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "csat" and s["mode"] == "relational" and s["score"] is not None:
            yield s["responded_at"], is_satisfied(s)


def employees(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "enps" and s["score"] is not None:
            yield s["responded_at"], 100 if s["score"] >= 9 else 0 if s["score"] >= 7 else -100


def attributes(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "brand":
            for name in s["attributes_asked"].split(";"):
                yield s["responded_at"], name in (s["attributes"] or "").split(";")


def gaps_to_competitors(c: Company) -> Cases:
    """Benchmarks of the sample are those of calendar months."""
    stars = defaultdict(list)
    for r in c.reviews:
        if 1 <= r["rating"] <= 5:
            stars[c.month(r["created_at"])].append(r["rating"])
    for row in c.competitors:
        own = stars[row["period_start"]]
        if own:
            # At noon, so that it falls on this day in any zone.
            yield datetime.combine(row["period_start"], datetime.min.time()) + DAY / 2, sum(own) / len(own) - row["rating"]


# -- the site


def visitors(c: Company) -> dict[str, str]:
    """Visitors who are one known person."""
    seen: dict[str, set[str]] = defaultdict(set)
    for row in [*c.sessions, *c.signups]:
        if row["visitor_id"] and (person := c.person(row)):
            seen[row["visitor_id"]].add(person)
    return {visitor: next(iter(persons)) for visitor, persons in seen.items() if len(persons) == 1}


def times_on_site(c: Company) -> Cases:
    for s in c.sessions:
        if s["ended_at"] and s["started_at"] <= s["ended_at"] <= c.as_of:
            yield s["started_at"], (s["ended_at"] - s["started_at"]).total_seconds()


def pages(c: Company) -> Cases:
    for s in c.sessions:
        if s["page_views"] is not None:
            yield s["started_at"], s["page_views"]


def help_pages(c: Company) -> Cases:
    for s in c.sessions:
        if s["help_page_views"]:
            yield s["started_at"], s["help_page_views"]


def bounces(c: Company) -> Cases:
    for at, count in pages(c):
        yield at, count <= 1


def past_pricing(c: Company) -> Cases:
    for s in c.sessions:
        if s["pricing_page_viewed"] or s["pricing_page_clicked"]:
            yield s["started_at"], bool(s["pricing_page_clicked"])


def failed_self_service(c: Company) -> Cases:
    known, times, since = visitors(c), contact_times(c), contacts_from(c)
    for s in c.sessions:
        person = c.person(s) or known.get(s["visitor_id"])
        if s["help_page_views"] and person and s["started_at"] + DAY <= c.as_of and c.day(s["started_at"]) >= since:
            yield s["started_at"], any(s["started_at"] < at < s["started_at"] + DAY for at in times.get(person, []))


def accounts(c: Company) -> Cases:
    for s in c.signups:
        yield s["started_at"], s["completed_at"] is not None and s["completed_at"] <= c.as_of


# -- orders and marketplaces


def shipped_on_time(c: Company) -> Cases:
    for o in c.orders:
        if not is_cancelled(o) and o["promised_ship_at"] and o["promised_ship_at"] <= c.as_of:
            yield o["promised_ship_at"], o["shipped_whole_at"] is not None and o["shipped_whole_at"] <= o["promised_ship_at"]


def answered_within(hours: int, wanted: Callable[[Row], bool]) -> Callable[[Company], Cases]:
    def cases(c: Company) -> Cases:
        limit = timedelta(hours=hours)
        for t in c.tickets:
            if t["counts"] and wanted(t):
                if t["first_response"]:
                    yield t["created_at"], t["first_response"] - t["created_at"] <= limit
                elif t["is_response_tracked"] and c.as_of - t["created_at"] > limit:
                    yield t["created_at"], False

    return cases


def paid(c: Company) -> Cases:
    for o in c.orders:
        yield o["ordered_at"], o["paid_at"] is not None


def repaid(c: Company) -> Cases:
    for o in c.orders:
        yield o["ordered_at"], o["refunded_at"] is not None or is_refunded(o)


def by_affiliates(c: Company) -> Cases:
    for o in c.orders:
        yield o["ordered_at"], o["affiliate_code"] is not None


def won_by_referral(c: Company) -> Cases:
    sent = {c.person(row) for row in c.customers if row["referred_by"]}
    for person, orders in bought(c).items():
        yield orders[0]["ordered_at"], orders[0]["affiliate_code"] is not None or person in sent


# -- feedback


def reviewed(asked: bool | None) -> Callable[[Company], Cases]:
    """Delivered orders and whether they were reviewed in thirty days; of those asked, of the others, or of all (None)."""

    def cases(c: Company) -> Cases:
        first: dict[str, datetime] = {}
        for r in c.reviews:
            if r["order_id"]:
                first[r["order_id"]] = min(r["created_at"], first.get(r["order_id"], r["created_at"]))
        invited = defaultdict(list)
        for i in c.invitations:
            if i["kind"] != "enps" and (person := c.person(i)):
                invited[person].append(i["sent_at"])
        for o in c.orders:
            at = o["delivered_at"]
            if at is None or at + 30 * DAY > c.as_of:
                continue
            was_asked = any(at <= sent < at + 30 * DAY for sent in invited.get(c.person(o) or "", []))
            if asked is None or was_asked == asked:
                yield at, o["order_id"] in first and first[o["order_id"]] < at + 30 * DAY

    return cases


def answered_reviews(c: Company) -> Cases:
    for r in c.reviews:
        if r["text"] or r["title"]:
            yield r["created_at"], r["replied_at"] is not None


def reply_times(c: Company) -> Cases:
    for r in c.reviews:
        if (r["text"] or r["title"]) and r["replied_at"] and r["replied_at"] >= r["created_at"]:
            yield r["created_at"], (r["replied_at"] - r["created_at"]).total_seconds()


def answered_invitations(c: Company) -> Cases:
    for i in c.invitations:
        yield i["sent_at"], i["response_id"] is not None


# -- the journey


def travels(c: Company) -> dict[str, list[tuple[datetime, str]]]:
    """Each traveller's (instant, stage), in the order of time."""
    known = visitors(c)
    repeats = {o["order_id"] for orders in bought(c).values() for o in orders if o["ordered_at"] > orders[0]["ordered_at"]}
    parcels = {s["order_id"] for s in c.shipments}
    points: dict[str, list[tuple[datetime, str]]] = defaultdict(list)

    def add(row: Row, at: datetime | None, stage: str, person: str | None = None) -> None:
        visitor = row.get("visitor_id")
        who = person or c.person(row) or known.get(visitor or "") or (f"visitor {visitor}" if visitor else None)
        if who and at:
            points[who].append((at, stage))

    for s in c.sessions:
        add(s, s["started_at"], "consideration" if s["pricing_page_viewed"] or s["pricing_page_clicked"] else "awareness")
    for s in c.signups:
        add(s, s["started_at"], "signup")
    orders = {o["order_id"]: o for o in c.orders}
    for o in c.orders:
        add(o, o["ordered_at"], "loyalty" if o["order_id"] in repeats else "purchase")
        if o["order_id"] not in parcels:
            add(o, o["shipped_at"], "delivery")
    for s in c.shipments:
        if s["order_id"] in orders:
            add(s, s["shipped_at"], "delivery", c.person(orders[s["order_id"]]))
    for u in c.usage:
        add(u, u["used_at"], "usage")
    for t in c.tickets:
        add(t, t["created_at"], "support")
    for k in [*c.calls, *c.menu_calls, *c.calls_out]:
        add(k, k["started_at"], "support")
    by_order = {o["order_id"]: c.person(o) for o in c.orders}
    for r in c.reviews:
        add(r, r["created_at"], "feedback", c.person(r) or by_order.get(r["order_id"]))
    for s in c.surveys:
        add(s, s["responded_at"], "feedback")
    return {who: sorted(found) for who, found in points.items()}


def entries(c: Company, whole: bool = False) -> list[Row]:
    """Entries into stages whose window has closed, and what became of them."""
    window = 30 * DAY
    found = []
    for points in travels(c).values():
        for stage in STAGES[:1] if whole else STAGES[:-1]:
            wanted = STAGES[-1] if whole else STAGES[STAGES.index(stage) + 1]
            span = window * (len(STAGES) - 1) if whole else window
            last_seen = None
            for at, seen in points:
                if seen != stage:
                    continue
                if last_seen is None or at >= last_seen + window:
                    later = [(then, where) for then, where in points[bisect_left(points, (at, "")) :] if then < at + span]
                    reached = [then for then, where in later if where == wanted]
                    gone_on = any(STAGES.index(where) > STAGES.index(stage) for _, where in later)
                    if at + span <= c.as_of:
                        found.append({"at": at, "stage": stage, "reached": min(reached, default=None), "gone_on": gone_on})
                last_seen = at
    return found


def conversions(c: Company) -> Cases:
    for entry in entries(c):
        yield entry["at"], entry["reached"] is not None


def drop_offs(c: Company) -> Cases:
    for entry in entries(c):
        yield entry["at"], entry["reached"] is None and not entry["gone_on"]


def times_to_next(c: Company) -> Cases:
    for entry in entries(c):
        if entry["reached"]:
            yield entry["at"], int((entry["reached"] - entry["at"]).total_seconds())


def whole_journeys(c: Company) -> Cases:
    for entry in entries(c, whole=True):
        yield entry["at"], entry["reached"] is not None


def _orders_of(c: Company) -> dict[str, list[datetime]]:
    times: dict[str, list[datetime]] = defaultdict(list)
    for o in c.orders:
        if not is_cancelled(o) and (person := c.person(o)):
            times[person].append(o["ordered_at"])
    return {person: sorted(found) for person, found in times.items()}


def orders_after_contacts(c: Company) -> Cases:
    orders, since = _orders_of(c), orders_from(c)
    for person, times in contact_times(c).items():
        for at in times:
            if at + 7 * DAY <= c.as_of and c.day(at) >= since:
                yield at, any(at < then < at + 7 * DAY for then in orders.get(person, []))


def base_shares(c: Company) -> Cases:
    """The share of a life that an order follows in a week, by adding up the pieces of time before each order."""
    orders, since = _orders_of(c), orders_from(c)
    for person, found in contact_times(c).items():
        own, times = orders.get(person, []), [at for at in found if c.day(at) >= since]
        if not times:
            continue
        start, end = min([*times, *own]), c.as_of - 7 * DAY
        covered, upto = timedelta(), start
        for then in own:
            begin, stop = max(then - 7 * DAY, upto), min(then, end)
            covered += max(stop - begin, timedelta())
            upto = max(upto, then)
        for at in times:
            if at <= end and end > start:
                yield at, covered / (end - start)


MEANS: dict[str, Callable[[Company], Cases]] = {
    "overall_satisfaction": overall_satisfied,
    "enps": employees,
    "brand_attributes": attributes,
    "competitor_gap": gaps_to_competitors,
    "time_on_site": times_on_site,
    "pages_per_session": pages,
    "help_pages_per_session": help_pages,
    "bounce_rate": bounces,
    "pricing_page_ctr": past_pricing,
    "self_service_failure_rate": failed_self_service,
    "account_creation_rate": accounts,
    "on_time_shipping_rate": shipped_on_time,
    "message_response_24h": answered_within(24, lambda t: t["channel"] == "marketplace" and t["type"] != "return_request"),
    "return_response_48h": answered_within(48, lambda t: t["type"] == "return_request"),
    "checkout_completion_rate": paid,
    "refund_rate": repaid,
    "referral_rate": by_affiliates,
    "referred_customers_rate": won_by_referral,
    "review_rate": reviewed(None),
    "review_rate_asked": reviewed(True),
    "review_rate_unasked": reviewed(False),
    "review_response_rate": answered_reviews,
    "review_response_time": reply_times,
    "survey_response_rate": answered_invitations,
    "stage_conversion": conversions,
    "stage_drop_off": drop_offs,
    "journey_conversion": whole_journeys,
    "conversion_after_contact": orders_after_contacts,
    "conversion_base_rate": base_shares,
}
MEDIANS: dict[str, Any] = {
    "time_on_site_median": (times_on_site, 0.5),
    "review_response_time_median": (reply_times, 0.5),
    "stage_time_to_next": (times_to_next, 0.5),
}
#: Neither mean nor median of cases: computed in test_loyalty_independently.py.
OTHERS = {
    "satisfaction_change", "satisfaction_change_year", "competitor_gap_nps", "review_steadiness", "review_burst",
    "order_defect_rate", "facebook_responsiveness", "facebook_response_time", "cross_sell_rate", "up_sell_rate", "churn_rate",
    "churn_rate_paying", "cohort_retention", "cohort_revenue", "clv_historic", "clv_predicted", "p_alive", "product_usage",
    "churn_risk", "high_churn_risk_rate",
    "retention_rate",
    "active_days_per_user", "feature_adoption", "cash_flow", "cost_per_contact",
}  # fmt: skip


def customers_on(c: Company, morning: date, trials: bool = True) -> set[str]:
    """Who is a customer on a morning: bought in the 365 days before, or has a subscription that runs (or is paid for)."""
    found = set()
    for person, orders in bought(c).items():
        if any(timedelta(1) <= morning - c.day(o["ordered_at"]) <= timedelta(365) for o in orders):
            found.add(person)
    for s in c.subscriptions:
        starts = s["started_at"]
        if not trials and s["is_trial"]:
            starts = s["trial_ends_at"]
            if starts > c.as_of or (s["ended_at"] and s["ended_at"] <= starts):
                continue
        if c.day(starts) < morning and (s["ended_at"] is None or c.day(s["ended_at"] - timedelta(seconds=1)) >= morning):
            found.add(c.person(s))
    return found
