"""Retention, cohorts, sales, windows, usage, money and lifetime value against a second computation over the sample's raw rows."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from compared import by_month, published
from homes import AS_OF, LAST_DAY, Home
from independent import CAME_TO_AGENTS, Company, Row
from journey_cases import DAY, bought, contact_times, customers_on, is_cancelled, orders_from
from scipy import stats
from support_cases import satisfied

FIRST_DAY = date(2025, 1, 7)


def following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def test_retention_and_churn(company: Company, sample_home: Home) -> None:
    retained = published(sample_home, "retention_rate")
    lost, lost_paying = published(sample_home, "churn_rate"), published(sample_home, "churn_rate_paying")
    assert len(retained) > 12
    for month, (value, n) in retained.items():
        start, end = customers_on(company, month), customers_on(company, following(month))
        assert n == len(start)
        assert value == pytest.approx(len(start & end) / len(start)), month
        assert lost[month] == (pytest.approx(len(start - end) / len(start)), len(start)), month
        paying, still = (customers_on(company, day, trials=False) for day in (month, following(month)))
        if paying:
            assert lost_paying[month] == (pytest.approx(len(paying - still) / len(paying)), len(paying)), month
    assert any(lost[month] != lost_paying.get(month) for month in lost), "the sample has trials that end"


def test_cohorts(company: Company, sample_home: Home) -> None:
    seen, again, revenue = Counter(), Counter(), defaultdict(float)
    by_age: Counter[tuple[int, bool]] = Counter()
    for orders in bought(company).values():
        of_month: dict[date, float] = defaultdict(float)
        for o in orders:
            of_month[company.month(o["ordered_at"])] += float(o["total_amount"])
        cohort = min(of_month)
        month, age = following(cohort), 1
        while following(month) <= date(2026, 7, 1):
            seen[cohort] += 1
            again[cohort] += month in of_month
            by_age[age, month in of_month] += 1
            revenue[cohort] += of_month.get(month, 0)
            month, age = following(month), age + 1
    found, worth = published(sample_home, "cohort_retention"), published(sample_home, "cohort_revenue")
    assert len(found) > 12
    assert {m: v for m, (v, _) in found.items()} == pytest.approx({m: again[m] / n for m, n in seen.items()})
    assert {m: v for m, (v, _) in worth.items()} == pytest.approx({m: revenue[m] / n for m, n in seen.items()})
    rows = sample_home.query(
        "select cast(member as int), value from kpis where kpi_id = 'cohort_retention' and grain = 'all' "
        "and dimension = 'age_months' and denominator > 0"
    )
    expected = {age: by_age[age, True] / (by_age[age, True] + by_age[age, False]) for age, _ in by_age}
    assert dict(rows) == pytest.approx(expected)


def _margins(company: Company) -> dict[str, float]:
    margins: dict[str, float] = defaultdict(float)
    for line in company.items:
        margins[line["order_id"]] += line["quantity"] * float(line["unit_price"] - line["unit_cost"]) * line["in_euros"]
    for o in company.orders:
        margins[o["order_id"]] -= o["refund_amount"] or 0
    return margins


def test_historic_value(company: Company, sample_home: Home) -> None:
    margins = _margins(company)
    found = published(sample_home, "clv_historic")
    assert len(found) > 12
    for month, (value, _) in found.items():
        until = following(month)
        persons = {
            person: sum(margins[o["order_id"]] for o in orders if company.day(o["ordered_at"]) < until)
            for person, orders in bought(company).items()
            if company.day(orders[0]["ordered_at"]) < until
        }
        assert value == pytest.approx(statistics.fmean(persons.values())), month


def test_cross_and_up_sell(company: Company, sample_home: Home) -> None:
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in company.items:
        lines[line["order_id"]].append(line)
    again, crossed, upped = defaultdict(set), defaultdict(set), defaultdict(set)
    for person, orders in bought(company).items():
        dearest: dict[str, float] = {}
        products: set[str] = set()
        for o in orders:
            month = company.month(o["ordered_at"])
            own = lines[o["order_id"]]
            if o is not orders[0]:
                again[month].add(person)
                if any(line["category"] not in dearest for line in own):
                    crossed[month].add(person)
                if any(
                    line["product_id"] not in products and float(line["unit_price"]) > dearest.get(line["category"], math.inf)
                    for line in own
                ):
                    upped[month].add(person)
            for line in own:
                products.add(line["product_id"])
                dearest[line["category"]] = max(dearest.get(line["category"], 0), float(line["unit_price"]))
    for kpi, hits in (("cross_sell_rate", crossed), ("up_sell_rate", upped)):
        found = published(sample_home, kpi)
        assert {m: v for m, (v, _) in found.items()} == pytest.approx({m: len(hits[m]) / len(p) for m, p in again.items()})
        assert sum(map(len, hits.values())) > 20


def test_defects_in_sliding_windows(company: Company, sample_home: Home) -> None:
    ill = {r["order_id"] for r in company.reviews if r["order_id"] and r["rating"] <= 2}
    orders = [(company.day(o["ordered_at"]), o["order_id"] in ill or o["claim_type"] is not None) for o in company.orders]
    found = published(sample_home, "order_defect_rate", "day")
    assert len(found) > 300
    for day in list(found)[::17]:
        window = [bad for at, bad in orders if timedelta(0) <= day - at < timedelta(60)]
        assert found[day] == (pytest.approx(sum(window) / len(window)), len(window)), day
    assert sum(bad for _, bad in orders) >= 15


def test_conversations_on_facebook(company: Company, sample_home: Home) -> None:
    found, times = (
        published(sample_home, "facebook_responsiveness", "day"),
        published(sample_home, "facebook_response_time", "day"),
    )
    assert len(found) > 50
    for day in list(found)[::5]:
        window = [
            t for t in company.tickets
            if t["counts"] and t["is_response_tracked"] and t["channel"] == "facebook"
            and timedelta(0) <= day - company.day(t["created_at"]) < timedelta(7)
        ]  # fmt: skip
        answered = [t for t in window if t["first_response"] and company.day(t["first_response"]) <= day]
        assert found[day] == (pytest.approx(len(answered) / len(window)), len(window)), day
        if answered:
            seconds = [(t["first_response"] - t["created_at"]).total_seconds() for t in answered]
            assert times[day][0] == pytest.approx(statistics.fmean(seconds)), day


def test_product_usage(company: Company, sample_home: Home) -> None:
    used, days, users, features = defaultdict(set), defaultdict(set), defaultdict(set), defaultdict(set)
    for row in company.usage:
        month, user = company.month(row["used_at"]), (row["customer_id"], row["user_id"])
        used[month].add(company.person(row))
        users[month].add(user)
        days[month].add((user, company.day(row["used_at"])))
        features[month, row["feature"]].add(user)
    shares, spread = published(sample_home, "product_usage"), published(sample_home, "active_days_per_user")
    assert len(shares) > 12
    for month, (value, n) in shares.items():
        last = min(following(month) - timedelta(days=1), LAST_DAY)
        licensed = {
            company.person(s)
            for s in company.subscriptions
            if company.day(s["started_at"]) <= last
            and (s["ended_at"] is None or company.day(s["ended_at"] - timedelta(seconds=1)) >= last)
        }
        assert (value, n) == (pytest.approx(len(licensed & used[month]) / len(licensed)), len(licensed)), month
        assert spread[month][0] == pytest.approx(len(days[month]) / len(users[month])), month
    rows = sample_home.query(
        "select period_start, member, value from kpis "
        "where kpi_id = 'feature_adoption' and grain = 'month' and dimension = 'feature'"
    )
    assert len(rows) > 30
    for month, feature, value in rows:
        assert value == pytest.approx(len(features[month, feature]) / len(users[month]))


def test_money(company: Company, sample_home: Home) -> None:
    cash: dict[date, float] = defaultdict(float)
    costs: dict[date, float] = defaultdict(float)
    for o in company.orders:
        cash[company.month(o["paid_at"])] += o["total_amount"] - (o["gift_card_amount"] or 0)
        if o["refunded_at"]:
            cash[company.month(o["refunded_at"])] -= float(o["refund_amount"])
    for row in company.costs:
        cash[row["cost_date"].replace(day=1)] -= float(row["amount"])
        costs[row["cost_date"].replace(day=1)] += float(row["amount"])
    assert {m: v for m, (v, _) in published(sample_home, "cash_flow").items()} == pytest.approx(cash)
    contacts = Counter(company.month(t["created_at"]) for t in company.tickets if t["counts"])
    contacts += Counter(company.month(k["started_at"]) for k in company.calls if k["disposition"] in CAME_TO_AGENTS)
    found = published(sample_home, "cost_per_contact")
    assert {m: v for m, (v, _) in found.items()} == pytest.approx({m: costs[m] / n for m, n in contacts.items() if m in costs})
    # A quarter of which a month has contacts or payments and no cost has none.
    quarters = {m.replace(month=(m.month - 1) // 3 * 3 + 1) for m in contacts}
    months = {q: [m for m in {*contacts, *cash} if m.replace(month=(m.month - 1) // 3 * 3 + 1) == q] for q in quarters}
    expected = {
        q: sum(costs[m] for m in months[q]) / sum(contacts[m] for m in months[q])
        for q in quarters
        if all(m in costs for m in months[q])
    }
    assert {q: v for q, (v, _) in published(sample_home, "cost_per_contact", "quarter").items()} == pytest.approx(expected)


def test_changes_of_satisfaction(company: Company, sample_home: Home) -> None:
    answers = by_month(company, satisfied(company))
    for kpi, back in (("satisfaction_change", 1), ("satisfaction_change_year", 12)):
        expected = {}
        for month, values in answers.items():
            year, place = divmod(month.year * 12 + month.month - 1 - back, 12)
            earlier = answers.get(date(year, place + 1, 1))
            if earlier:
                expected[month] = statistics.fmean(values) - statistics.fmean(earlier)
        found = published(sample_home, kpi)
        assert {m: v for m, (v, _) in found.items()} == pytest.approx(expected)
        assert len(expected) >= 5


def test_gap_to_the_competitors_score(company: Company, sample_home: Home) -> None:
    points: dict[date, list[int]] = defaultdict(list)
    for s in company.surveys:
        if s["kind"] == "nps" and s["mode"] == "relational" and s["score"] is not None:
            points[company.month(s["responded_at"])].append(100 if s["score"] >= 9 else 0 if s["score"] >= 7 else -100)
    expected = {
        row["period_start"]: statistics.fmean(points[row["period_start"]]) - row["nps"]
        for row in company.competitors
        if row["nps"] is not None and points[row["period_start"]]
    }
    assert {m: v for m, (v, _) in published(sample_home, "competitor_gap_nps").items()} == pytest.approx(expected)
    assert len(expected) > 12


def test_steadiness_and_bursts_of_reviews(company: Company, sample_home: Home) -> None:
    days = Counter(company.day(r["created_at"]) for r in company.reviews)
    weeks: dict[date, int] = defaultdict(int)
    for day, count in days.items():
        weeks[day - timedelta(days=day.weekday())] += count
    week, quarters = min(weeks), defaultdict(list)
    while week <= max(weeks) and week + timedelta(days=7) <= date(2026, 7, 1):
        quarters[week.replace(month=(week.month - 1) // 3 * 3 + 1, day=1)].append(weeks.get(week, 0))
        week += timedelta(days=7)
    found = published(sample_home, "review_steadiness", "quarter")
    expected = {q: statistics.stdev(counts) / statistics.fmean(counts) for q, counts in quarters.items() if len(counts) > 1}
    assert {q: v for q, (v, _) in found.items()} == pytest.approx(expected)

    # The sample's reviews speak of no product: they are the seller's, on one site.
    first, bursts = min(days), set()
    for day, count in days.items():
        span = min((day - first).days, 365)
        before = sum(n for then, n in days.items() if timedelta(0) < day - then <= timedelta(365))
        if span >= 28 and count > 1 and stats.poisson.sf(count - 1, before / span) < 0.001:
            bursts.add(day)
    listed = {row[0] for row in sample_home.query("select reviewed_on from audit_review_bursts")}
    assert listed == bursts
    assert sum(v for v, _ in published(sample_home, "review_burst").values()) == len(bursts)


# -- lifetime value, by adding up over a grid of rates instead of closed forms


def _histories(company: Company) -> Iterator[tuple[int, float, float, float]]:
    """(repeat days, weeks from the first to the last, weeks from the first to now, mean spent on a repeat day)"""
    for orders in bought(company).values():
        days: dict[date, float] = defaultdict(float)
        for o in orders:
            days[company.day(o["ordered_at"])] += float(o["total_amount"])
        first, last = min(days), max(days)
        spent = [amount for day, amount in days.items() if day > first]
        yield len(days) - 1, (last - first).days / 7, (date(2026, 7, 1) - first).days / 7, statistics.fmean(spent or [0])


def _parameters(home: Home, model: str) -> dict[str, float]:
    return dict(home.query("select parameter, estimate from clv_parameters where model = ? and has_converged", model))


@pytest.mark.ci
def test_predicted_value(company: Company, sample_home: Home) -> None:
    buying, spending = _parameters(sample_home, "bg_nbd"), _parameters(sample_home, "gamma_gamma")
    assert buying, "the sample's purchases can be fitted"
    assert spending
    rates = np.exp(np.linspace(np.log(1e-8), np.log(5), 4000))
    prior = stats.gamma.pdf(rates, buying["r"], scale=1 / buying["alpha"])
    leaving = np.array([buying["p"]]) if "p" in buying else np.linspace(0.0005, 0.9995, 1000)
    chances = np.ones(1) if "p" in buying else stats.beta.pdf(leaving, buying["a"], buying["b"])
    margin_share = sum(_margins(company)[o["order_id"]] for orders in bought(company).values() for o in orders) / sum(
        float(o["total_amount"]) for orders in bought(company).values() for o in orders
    )
    alive, values = [], []
    for x, recency, age, spent in _histories(company):
        here = np.average((1 - leaving) ** x, weights=chances)
        gone = np.average(leaving * (1 - leaving) ** (x - 1), weights=chances) if x else 0
        of_rate = prior * rates**x
        stayed = here * np.trapezoid(of_rate * np.exp(-rates * age), rates)
        left = gone * np.trapezoid(of_rate * np.exp(-rates * recency), rates)
        p = stayed / (stayed + left)
        alive.append(p)
        posterior = of_rate * np.exp(-rates * age)
        posterior /= np.trapezoid(posterior, rates)
        of_leaving = chances * (1 - leaving) ** x
        total, before = 0.0, 0.0
        for month in range(1, 13):
            weeks = month * 365.25 / 12 / 7
            each = [np.trapezoid(posterior * (1 - np.exp(-rates * q * weeks)) / q, rates) for q in leaving]
            so_far = p * np.average(each, weights=of_leaving)
            total += (so_far - before) / 1.1 ** (month / 12)
            before = so_far
        shape, scale = spending["p"] * (x if spent else 0) + spending["q"], spending["gamma"] + (x * spent if spent else 0)
        values.append(total * spending["p"] * scale / (shape - 1) * margin_share)
    assert sample_home.kpi("p_alive") == pytest.approx(statistics.fmean(alive), rel=1e-4)
    assert sample_home.kpi("clv_predicted") == pytest.approx(statistics.fmean(values), rel=1e-3)
    assert sample_home.kpi("p_alive", "n") == len(alive)


def _subscribers(c: Company, morning: date) -> set[str]:
    """Whose subscription ran into the morning; or began at its midnight, in the place of one that ended there."""
    second = timedelta(seconds=1)
    lasting = (s for s in c.subscriptions if not s["ended_at"] or s["started_at"] < s["ended_at"])
    renewed = {(c.person(s), s["started_at"]) for s in lasting}
    found = set()
    for s in c.subscriptions:
        person, ended_at = c.person(s), s["ended_at"]
        ends_on = ended_at and c.day(ended_at if (person, ended_at) in renewed else ended_at - second)
        if person and c.day(s["started_at"]) < morning and not (ends_on and ends_on < morning):
            found.add(person)
    return found


def _chance_to_be_there(parameters: list[float] | None, days: list[date], morning: date) -> float:
    """BG/NBD's P(alive) by its formula; (r, alpha, p) with one chance to leave for all, else (r, alpha, a, b)."""
    x, first, last = len(days) - 1, days[0], days[-1]
    if parameters is None or not x:
        return 1.0
    r, alpha, *leaving = parameters
    odds = leaving[0] / (1 - leaving[0]) if len(leaving) == 1 else leaving[0] / (leaving[1] + x - 1)
    return 1 / (1 + odds * ((alpha + (morning - first).days / 7) / (alpha + (last - first).days / 7)) ** (r + x))


def test_risks_are_of_the_customers_of_today(company: Company, sample_home: Home) -> None:
    """Who is a customer, what is known of each, and the mean of their risks."""
    morning = LAST_DAY + timedelta(1)
    parameters = json.loads((sample_home.path / "risks" / "rule.json").read_text())["found"]
    subscribers, contacts = _subscribers(company, morning), contact_times(company)
    for t in company.tickets:  # one that was merged since was a contact when it came
        if not t["counts"] and not t["is_spam"] and not t["is_deleted"] and (person := company.person(t)):
            contacts.setdefault(person, []).append(t["created_at"])
    orders = {person: [company.day(o["ordered_at"]) for o in found] for person, found in bought(company).items()}
    late: Counter[str] = Counter()
    for o in company.orders:
        promised, person = o["promised_delivery_at"], company.person(o)
        if person and promised and promised <= company.as_of and not is_cancelled(o) and company.day(promised) < morning:
            is_late = not (o["delivered_at"] and o["delivered_at"] <= promised)
            late[person] += is_late and (morning - company.day(promised)).days <= 180
    known, buyers = [], set()
    for person in customers_on(company, morning):
        days = orders.get(person, [])
        asked = [(morning - company.day(at)).days for at in contacts.get(person, [])]
        known.append((
            person in subscribers, len(set(days)), sum((morning - day).days <= 365 for day in days), sum(d <= 90 for d in asked),
            sum(d <= 365 for d in asked), late[person], (morning - days[-1]).days if days else -1,
        ))  # fmt: skip
        if person not in subscribers and _chance_to_be_there(parameters, sorted(set(days)), morning) >= 0.5:
            buyers.add(person)
    columns = (
        "is_subscriber, purchase_days, purchases_365, contacts_90, contacts_365, late_180, coalesce(days_since_purchase, -1)"
    )
    with duckdb.connect(str(sample_home.path.parent / "warehouse.duckdb"), read_only=True) as con:
        assert sorted(con.execute(f"select {columns} from journey.int_churn_today").fetchall()) == sorted(known)
        of_then = con.execute(
            "select on_date, count(*), sum(is_subscriber_then::int) from journey.int_churn_history where is_subscriber group by 1"
        )
        ends = {day: (count, int(still)) for day, count, still in of_then.fetchall()}
    for day, found in ends.items():
        before, after = _subscribers(company, day), _subscribers(company, day + timedelta(90))
        assert found == (len(before), len(before & after)), day
    counts = dict(sample_home.query("select basis, count(*) from customer_risks group by 1"))
    assert counts == {"subscription": len(subscribers), "purchases": len(buyers)}
    risks = pd.concat(map(pd.read_parquet, (sample_home.path / "raw" / "risk_customers").glob("*.parquet")))["risk"].dropna()
    assert len(risks) > 100
    assert sample_home.kpi("churn_risk") == pytest.approx(risks.mean())
    assert sample_home.kpi("churn_risk", "n_pending") == len(subscribers) + len(buyers) - len(risks)
    assert sample_home.kpi("high_churn_risk_rate") == pytest.approx((risks >= 0.5).mean())
    at_stake = dict(sample_home.query("select model, auc from churn_models where is_used"))
    assert all(0.5 < area < 0.95 for area in at_stake.values())


def test_what_is_waited_for_is_in_no_rate(company: Company, sample_home: Home) -> None:
    """Cases whose window is open are pending, not left out."""
    times = [at for found in contact_times(company).values() for at in found]
    young = sum(at + 7 * DAY > AS_OF or company.day(at) < orders_from(company) for at in times)
    assert sample_home.kpi("conversion_after_contact", "n_pending") == young > 0
    undecided = [o for o in company.orders if o["delivered_at"] and o["delivered_at"] + 30 * DAY > AS_OF]
    assert sample_home.kpi("review_rate", "n_pending") == len(undecided) > 0
    assert all(isinstance(o["ordered_at"], datetime) and not (is_cancelled(o) and o["delivered_at"]) for o in undecided)
