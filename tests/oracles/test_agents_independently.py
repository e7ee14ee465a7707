"""Complaints, agents and staffing against a second computation over the raw rows of the sample."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from call_forecasts import Calls
from compared import published
from erlang import erlang_agents
from homes import LAST_DAY, Home, check_that_spans_add_up
from independent import UTC, Company, Row
from journey_cases import customers_on
from support_cases import contact_rows

HANDLING = ("talk_seconds", "hold_seconds", "wrap_up_seconds")
HISTORY_WEEKS, SHRINKAGE = 8, 0.3


def months(first: date) -> list[tuple[date, date]]:
    """First day of each month, and that of the next."""
    bounds = []
    while first <= LAST_DAY:
        then = (first + timedelta(days=31)).replace(day=1)
        bounds.append((first, then))
        first = then
    return bounds


def test_complaints_per_thousand(company: Company, sample_home: Home) -> None:
    complaints, of_customers, orders = defaultdict(int), defaultdict(int), defaultdict(int)
    # What was complained of before anything is known of orders, or of customers, is held against none.
    orders_from = min(company.day(order["ordered_at"]) for order in company.orders)
    customers_from = min([orders_from, *(company.day(row["started_at"]) for row in company.subscriptions)])
    for row in contact_rows(company):
        complaints[company.month(row["at"])] += row["is_complaint"] and company.day(row["at"]) >= orders_from
        of_customers[company.month(row["at"])] += row["is_complaint"] and company.day(row["at"]) >= customers_from
    for order in company.orders:
        orders[company.month(order["ordered_at"])] += 1
    found = published(sample_home, "complaint_rate")
    assert len(found) > 12
    assert {m: v for m, (v, _) in found.items()} == pytest.approx({m: 1000 * complaints[m] / n for m, n in orders.items()})

    rates = published(sample_home, "complaint_rate_customers")
    assert len(rates) > 12
    for month, (value, _) in rates.items():
        end = (month + timedelta(days=31)).replace(day=1)
        assert value == pytest.approx(1000 * of_customers[month] / len(customers_on(company, end))), month


def test_complaints_by_country_only_where_both_sides_have_one(sample_home: Home) -> None:
    rows = sample_home.query("select distinct dimension from kpis where kpi_id = 'complaint_rate'")
    assert {row[0] for row in rows} == {"all", "country", "segment"}


def on_roster(company: Company) -> dict[str, tuple[date, date]]:
    """First and last day of each agent on the roster."""
    days = defaultdict(list)
    for row in company.roster:
        days[row["agent_id"]].append(row["work_date"])
    return {agent: (min(dates), max(dates)) for agent, dates in days.items()}


def roster_until_now(company: Company) -> list[Row]:
    return [row for row in company.roster if row["work_date"] <= LAST_DAY]


def solved_by_agent(company: Company) -> list[tuple[str, date, float, int, float]]:
    """(agent, day, weight, tickets, handle seconds) of each ticket solved and call answered."""
    replies = sorted(t["replies"] for t in company.tickets if t["is_solved"])

    def tercile(share: float) -> float:
        place = (len(replies) - 1) * share
        low, high = replies[math.floor(place)], replies[math.ceil(place)]
        return low + (high - low) * (place - math.floor(place))

    low_up_to, medium_up_to = tercile(1 / 3), tercile(2 / 3)
    rows = []
    for t in company.tickets:
        if t["counts"] and t["last_solved"]:
            weight = 1 if t["replies"] <= low_up_to else 2 if t["replies"] <= medium_up_to else 3
            rows.append((t["agent_id"] or "unknown", company.day(t["last_solved"]), weight, 1, 0.0))
    for k in company.calls:
        if k["disposition"] == "answered" or k["returned_at"]:
            spoken = k["callback"] or k
            handled = sum(spoken[part] or 0 for part in HANDLING) if spoken["talk_seconds"] is not None else 0
            rows.append((k["agent_id"] or "unknown", company.day(k["answered_at"]), int(bool(k["resolved"])), 0, handled))
    return rows


def test_work_of_agents(company: Company, sample_home: Home) -> None:
    spans = on_roster(company)
    tickets, handled, minutes, days = (defaultdict(float) for _ in range(4))
    for agent, day, _, ticket, handle in solved_by_agent(company):
        if agent in spans and spans[agent][0] <= day <= spans[agent][1]:
            tickets[day.replace(day=1)] += ticket
            handled[day.replace(day=1)] += handle
    for row in roster_until_now(company):
        minutes[row["work_date"].replace(day=1)] += row["worked_minutes"]
        days[row["work_date"].replace(day=1)] += row["worked_minutes"] > 0
    per_day = {m: v for m, (v, _) in published(sample_home, "tickets_per_agent_day").items()}
    assert per_day == pytest.approx({m: tickets[m] / n for m, n in days.items()})
    occupancy = {m: v for m, (v, _) in published(sample_home, "agent_occupancy").items()}
    assert occupancy == pytest.approx({m: handled[m] / (60 * n) for m, n in minutes.items()})


def test_productivity_is_relative_to_the_team(company: Company, sample_home: Home) -> None:
    teams = {(row["agent_id"], row["work_date"]): row["team"] for row in company.roster}
    usual = {row["agent_id"]: row["team"] for row in sorted(company.roster, key=lambda row: row["work_date"])}
    done, worked, spans = defaultdict(float), defaultdict(float), on_roster(company)
    for agent, day, weight, _, _ in solved_by_agent(company):
        if agent in spans and spans[agent][0] <= day <= spans[agent][1]:
            done[teams.get((agent, day), usual[agent]), day.replace(day=1), agent] += weight
    for row in roster_until_now(company):
        worked[row["team"], row["work_date"].replace(day=1), row["agent_id"]] += row["worked_minutes"]
    rows = sample_home.query(
        "select period_start, member, value from kpis where kpi_id = 'agent_productivity' and grain = 'month' "
        "and dimension = 'agent' and value is not null"
    )
    assert len(rows) > 50
    for month, agent, value in rows:
        team = usual[agent]
        pace = sum(v for (t, m, _), v in done.items() if (t, m) == (team, month)) / sum(
            v for (t, m, _), v in worked.items() if (t, m) == (team, month)
        )
        assert value == pytest.approx(done[team, month, agent] / (pace * worked[team, month, agent])), (month, agent)


def test_headcount_turnover_and_pay(company: Company, sample_home: Home) -> None:
    people = {row["agent_id"]: (row["hired_on"], row["left_on"]) for row in company.roster}
    first = min(hired for hired, _ in people.values())

    def employed(hired: date, left: date | None, day: date) -> bool:
        return hired <= day and (left is None or day <= left)

    turnover, retention = published(sample_home, "employee_turnover"), published(sample_home, "employee_retention")
    pay = published(sample_home, "employee_pay")
    left_at_all = 0
    for month, then in months(first.replace(day=1)):
        days = [month + timedelta(days=n) for n in range((then - month).days)]
        days = [day for day in days if first <= day <= LAST_DAY]
        heads = statistics.fmean(sum(employed(*who, day) for who in people.values()) for day in days)
        leavers = sum(left is not None and month <= left < then and left <= LAST_DAY for _, left in people.values())
        left_at_all += leavers
        start = [who for who in people.values() if who[0] < month and (who[1] is None or who[1] >= month)]
        assert turnover[month][0] == pytest.approx(leavers / heads), month
        if start:
            assert retention[month][0] == pytest.approx(sum(who[1] is None or who[1] >= then for who in start) / len(start))
        newest: dict[str, float] = {}
        for row in sorted(roster_until_now(company), key=lambda row: row["work_date"]):
            if month <= row["work_date"] < then:
                newest[row["agent_id"]] = float(row["monthly_pay"])
        assert pay[month][0] == pytest.approx(statistics.fmean(newest.values()))
    assert left_at_all > 0, "nobody left: nothing was proven"


@cache
def half_hours(day: date, zone: ZoneInfo) -> list[tuple[int, datetime]]:
    """Clock time in half hours and start in UTC of each real half hour of a day, by walking from midnight to midnight."""
    at = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    found = []
    while (local := at.astimezone(zone)).date() == day:
        found.append((local.hour * 2 + local.minute // 30, at.replace(tzinfo=None)))
        at += timedelta(minutes=30)
    return found


def test_real_half_hours_of_a_day() -> None:
    zone = ZoneInfo("Europe/Berlin")
    lengths = [len(half_hours(day, zone)) for day in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))]
    assert lengths == [46, 48, 50]


def calls_of(company: Company, team: str, zone: ZoneInfo, openings: dict[date, dict[tuple[int, datetime], float]]) -> Calls:
    """A team's calls by clock time, for the second computation of the forecast."""
    counts: dict[tuple[date, int], int] = defaultdict(int)
    by_day: dict[date, int] = defaultdict(int)
    for k in company.calls:
        local = k["queued_at"].replace(tzinfo=UTC).astimezone(zone)
        if k["team"] == team and local.date() <= LAST_DAY:
            counts[local.date(), local.hour * 2 + local.minute // 30] += 1
            by_day[local.date()] += 1
    first = min(by_day)
    used = {(day.weekday(), clock) for day, clock in counts}
    for day, slots in openings.items():
        if day >= first:
            used |= {(day.weekday(), clock) for (clock, _), seconds in slots.items() if seconds}

    def clock_times(day: date) -> set[int]:
        return {clock for clock, _ in half_hours(day, zone) if (day.weekday(), clock) in used}

    # Clock times that come twice count with their mean.
    by_clock = {
        (day, clock): count / sum(other == clock for other, _ in half_hours(day, zone)) for (day, clock), count in counts.items()
    }
    special = company.calendars({"channel": "phone"}).special
    holidays = {day: "open holiday" if hours else "closed holiday" for day, hours in special.items()}
    return Calls(first, LAST_DAY, by_clock, dict(by_day), clock_times, holidays)


def measured_shrinkage(home: Home, team: str, until: date) -> float:
    """Part of the shifts of the weeks until a day in which agents were not ready, by the log of states; else the setting."""
    rows = home.query(
        "select scheduled_seconds, logged_in_seconds, available_seconds, handling_seconds from fct_agent_half_hours "
        "where team = ? and date_day between ? and ? and scheduled_seconds > 0",
        team, until - timedelta(days=7 * HISTORY_WEEKS - 1), until,
    )  # fmt: skip
    by_day = [
        (scheduled, min(available + handling, scheduled) if logged_in else 0)
        for scheduled, logged_in, available, handling in rows
        if not logged_in or (available is not None and handling is not None)
    ]
    ready = sum(seconds for _, seconds in by_day)
    return 1 - ready / sum(seconds for seconds, _ in by_day) if len(by_day) >= 30 and ready else SHRINKAGE


def on_shift(company: Company, team: str, start: datetime) -> float:
    """Agents of a team on a shift in the half hour from an instant on, by parts."""
    end = start + timedelta(minutes=30)
    parts = [
        (min(row["shift_ends_at"], end) - max(row["shift_starts_at"], start)).total_seconds()
        for row in company.roster
        if row["team"] == team and row["absence"] is None and row["shift_starts_at"]
    ]
    return sum(part for part in parts if part > 0) / 1800


@pytest.mark.ci
def test_staffing_of_sampled_days(company: Company, sample_home: Home) -> None:
    zone = ZoneInfo("Europe/Berlin")
    handled: dict[tuple[str, date], list[float]] = defaultdict(list)
    firsts: dict[str, date] = {}
    for k in company.calls:
        local = k["queued_at"].replace(tzinfo=UTC).astimezone(zone)
        firsts[k["team"]] = min(firsts.get(k["team"], LAST_DAY), local.date())
        if k["disposition"] == "answered" and k["talk_seconds"] is not None:
            spent = sum(k[part] or 0 for part in HANDLING)
            handled[k["team"], local.date()].append(spent)
    desk = company.calendars({"channel": "phone"})
    first_day = min(firsts.values())
    openings = {
        day: {(slot, start): desk.seconds(start, start + timedelta(minutes=30)) for slot, start in half_hours(day, zone)}
        for day in (first_day + timedelta(days=n) for n in range((LAST_DAY - first_day).days + 29))
    }
    checked, methods, sources = 0, set(), set()
    for team, first in firsts.items():
        calls = calls_of(company, team, zone, openings)
        # A day in each part of the year, holidays, the last day, and two ahead.
        sampled = [first + timedelta(days=n) for n in range(70, 400, 23)] + [LAST_DAY + timedelta(days=n) for n in (0, 1, 16)]
        # Days on which clocks change, and those that learn from them.
        changes = [day + timedelta(weeks=n) for day in (date(2025, 10, 26), date(2026, 3, 29)) for n in (0, 1)]
        # Days of whose forecast too little is known, and holidays.
        changes += [first + timedelta(days=2), first + timedelta(days=37), date(2026, 1, 1), date(2026, 5, 1)]
        for day in [*sampled, *(day for day in changes if day > first)]:
            known_until = min(day - timedelta(days=1), LAST_DAY)
            history = [known_until - timedelta(days=n) for n in range(7 * HISTORY_WEEKS)]
            times = [seconds for d in history for seconds in handled[team, d]]
            open_seconds = openings[day]
            shrinkage = measured_shrinkage(sample_home, team, known_until)
            sources.add(shrinkage == SHRINKAGE)
            expected = {}
            # Where no call has shown how long one takes, nobody knows how many agents are needed: there is no row.
            for (slot, start), seconds in open_seconds.items() if times else ():
                forecast, method, reason = calls.expected(day, slot) if slot in calls.clock_times(day) else (0, None, "unused")
                if not seconds and not forecast:
                    continue
                methods.add((method, reason))
                agents = erlang_agents(forecast, statistics.fmean(times)) if forecast else 0
                rostered = on_shift(company, team, start)
                required = None if forecast is None else math.ceil(round(agents / (1 - shrinkage), 6))
                forecast_columns = forecast and pytest.approx(forecast, rel=1e-6), method, reason
                expected[start] = (slot, *forecast_columns, required, pytest.approx(rostered))
            rows = sample_home.query(
                "select starts_at, half_hour, calls_forecast, forecast_method, forecast_reason, agents_required, "
                "agents_rostered, is_ahead from fct_staffing_half_hours where team = ? and date_day = ?",
                team, day,
            )  # fmt: skip
            assert {row[0]: row[1:7] for row in rows} == expected, (team, day)
            assert all(row[7] == (day > LAST_DAY) for row in rows)
            checked += sum(bool(required) for *_, required, _ in expected.values())
    assert checked > 40
    assert {"model", "naive"} <= {method for method, _ in methods}
    assert sources == {True, False}, "shrinkage by the setting before there is a log, and measured"


def test_staffing_gap_by_month(sample_home: Home) -> None:
    rows = sample_home.query(
        "select date_trunc('month', date_day)::date, avg(agents_required - agents_rostered) "
        "from fct_staffing_half_hours where not is_ahead group by 1"
    )
    assert {m: v for m, (v, _) in published(sample_home, "staffing_gap").items()} == pytest.approx(dict(rows))


def test_scorecards_show_the_mart(sample_home: Home) -> None:
    rows = sample_home.query(
        "select card.csat, kpis.value, card.csat_ci_low, kpis.ci_low, card.csat_n, kpis.n from agent_scorecard as card "
        "inner join kpis on card.grain = kpis.grain and card.period_start is not distinct from kpis.period_start "
        "and card.agent_id = kpis.member and kpis.dimension = 'agent' where kpis.kpi_id = 'csat'"
    )
    assert len(rows) > 50
    assert all(row[0] == row[1] and row[2] == row[3] and row[4] == row[5] for row in rows)
    columns = {
        row[0] for row in sample_home.query("select column_name from duckdb_columns() where table_name = 'team_scorecard'")
    }
    assert {"csat", "nps_transactional", "fcr_observed", "first_response_time", "resolution_time", "resolved_issues"} <= columns
    assert not [name for name in columns if "rank" in name or name == "score"]


def test_discrepancies_are_listed(company: Company, sample_home: Home) -> None:
    expected = {
        row["id"]: (row["answer"] is False, row["is_repeated"])
        for row in contact_rows(company)
        if row["is_claimed"] and (row["answer"] is False or row["is_repeated"])
    }
    rows = sample_home.query(
        "select contact_type, contact_id, is_contradicted_by_survey, is_contradicted_by_repeat_contact "
        "from audit_fcr_discrepancies"
    )
    assert {(kind, record): values for kind, record, *values in map(list, rows)} == {k: list(v) for k, v in expected.items()}
    assert len(expected) > 20


def test_states_add_up_to_the_resolution(sample_home: Home) -> None:
    check_that_spans_add_up(sample_home, 500)
