"""Agents' time: the KPIs of the sample by month, and the models' SQL over random logs of odd zones, painted second by second."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from agent_time import Row, Timeline, contacts_by_kind, reach_of, shared, timelines
from compared import published
from homes import ANY_INSTANT, ANY_ZONE, AS_OF, LAST_DAY, Home
from independent import UTC, Company, newest_of, read_raw

CHAIN = (
    "int_agent_state_spans",
    "int_agent_state_contracts",
    "int_agent_log_days",
    "int_agent_log_weeks",
    "fct_agent_half_hours",
    "fct_agent_contact_half_hours",
)
WEEKS = [("Europe/Berlin", "2026-10-23"), ("Australia/Lord_Howe", "2026-04-03"), ("Asia/Kathmandu", "2026-06-01")]
STATES = ("logged_in", "available", "available", "busy", "busy", "busy", "after_call", "break", "other_work", "offline")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC).replace(tzinfo=None)


def local(at: datetime, zone: ZoneInfo) -> date:
    return at.replace(tzinfo=UTC).astimezone(zone).date()


def known_shifts(roster: list[Row], rows: list[Row], as_of: datetime, zone: ZoneInfo) -> list[tuple[str, datetime, datetime]]:
    """The parts of shifts of which the log tells whether they were worked: day by day, and agent by week."""
    days = {local(row["started_at"], zone) for row in rows}
    weeks = {(row["agent_id"], local(row["started_at"], zone).isocalendar()[:2]) for row in rows}
    reach = reach_of(rows, as_of)
    found = []
    for row in roster:
        start, end = row["shift_starts_at"], row["shift_ends_at"]
        if row["absence"] or not start or not end or not timedelta() < end - start <= timedelta(days=1):
            continue
        day = local(start, zone)
        while day <= local(end, zone):
            if day in days and (row["agent_id"], day.isocalendar()[:2]) in weeks:
                begins = max(start, midnight(day, zone))
                until = min(end, midnight(day + timedelta(days=1), zone), reach)
                if begins < until:
                    found.append((row["agent_id"], begins, until))
            day += timedelta(days=1)
    return found


@pytest.mark.ci
def test_kpis_by_month(company: Company, sample_home: Home) -> None:
    raw = [row for row in read_raw(sample_home.path, "agent_states") if row["started_at"] <= AS_OF]
    rows = newest_of(raw, lambda r: (r["agent_id"], r["started_at"], r["state"], r["contact_id"]), "", None)
    assert len(raw) > len(rows) > 20_000, "the sample repeats some rows"
    zone = company.timezone
    first = midnight(local(min(row["started_at"] for row in rows), zone).replace(day=1), zone)
    lines = timelines(rows, known_shifts(company.roster, rows, AS_OF, zone), AS_OF, first)
    totals: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    month = local(first, zone)
    while month <= LAST_DAY:
        then = (month + timedelta(days=31)).replace(day=1)
        place = slice(*(int((midnight(day, zone) - first).total_seconds()) for day in (month, then)))
        for line in lines.values():
            for state in ("available", "busy", "after_call"):
                totals[month][state] += line.of(state, place)
            totals[month]["logged_in"] += line.logged_in(place)
            totals[month]["contacts"] += int(line.contacts[place].sum())
            totals[month]["scheduled"] += line.scheduled(place)
            totals[month]["adherent"] += line.adherent(place)
        month = then
    assert len(totals) >= 3

    def expected(part: Any, whole: Any) -> dict[date, float]:
        return {month: part(of) / whole(of) for month, of in totals.items() if whole(of)}

    def handling(of: dict[str, int]) -> int:
        return of["busy"] + of["after_call"]

    checked = {
        "occupancy_rate": expected(handling, lambda of: handling(of) + of["available"]),
        "utilisation_rate": expected(handling, lambda of: of["logged_in"]),
        "after_call_work_rate": expected(lambda of: of["after_call"], handling),
        "concurrent_contacts": expected(lambda of: of["contacts"], lambda of: of["busy"]),
        "schedule_adherence_rate": expected(lambda of: of["adherent"], lambda of: of["scheduled"]),
    }
    for kpi, months in checked.items():
        assert {m: v for m, (v, _) in published(sample_home, kpi).items()} == pytest.approx(months, rel=1e-9), kpi
    # What a desk is like: neither idle nor without a breath, with chats that overlap.
    assert all(0.7 < value < 0.85 for value in checked["occupancy_rate"].values())
    assert all(0.8 < value < 0.95 for value in checked["schedule_adherence_rate"].values())
    assert all(1 < value < 1.5 for value in checked["concurrent_contacts"].values())
    # -- by channel and queue: of several contacts at once each takes as much of the agent
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0])
    for _, counts in contacts_by_kind(rows, AS_OF, first):
        for kind, (lasted, took) in shared(counts, slice(None)).items():
            for cut in zip(("channel", "queue"), kind, strict=True):
                sums[cut][0] += lasted
                sums[cut][1] += took
    found = sample_home.query(
        "select dimension, member, value from kpis "
        "where kpi_id = 'concurrent_contacts' and grain = 'all' and dimension in ('channel', 'queue')"
    )
    by_kind = {(dimension, member): value for dimension, member, value in found}
    assert by_kind == pytest.approx({cut: lasted / took for cut, (lasted, took) in sums.items()}, rel=1e-6)
    assert by_kind["channel", "chat"] > 1.1 > by_kind["channel", "phone"] == 1


def test_nobody_is_shown_alone(sample_home: Home) -> None:
    """Half hours of single agents are in the analysis, under keys; the marts have none of a single agent."""
    (kpis,) = sample_home.shown("select count(*) from kpis where kpi_id = 'occupancy_rate' and dimension = 'agent'")[0]
    assert kpis == 0
    columns = {name for name, in sample_home.shown(
        "select column_name from duckdb_columns() where table_name = 'fct_agent_half_hours'"
    )}  # fmt: skip
    assert "agent_key" in columns
    assert "agent_id" not in columns


def log(seed: str, first: datetime) -> tuple[list[Row], list[Row], datetime]:
    """A log of four days that overlaps, repeats, forgets ends and goes on beyond the date of the run; and shifts."""
    draw = random.Random(seed)
    as_of = first + timedelta(days=4, hours=draw.randrange(12), seconds=draw.randrange(3600))
    rows = {}
    for _ in range(500):
        start = first + timedelta(seconds=draw.randrange(4 * 86400))
        state = draw.choice(STATES)
        length = draw.choice([0, 30, 600, 1800, 5400, 5400, 40_000, 43_201, -5, -60])
        end = draw.choice([None, start + timedelta(seconds=length), start + timedelta(seconds=length)])
        row = {"agent_id": draw.choice("xyz"), "started_at": start, "state": state, "ended_at": end}
        row["duration_seconds"] = draw.choice([None, abs(length)]) if end is None else None
        contact = draw.randrange(40) if state == "busy" else None
        row["contact_id"] = None if contact is None else f"k{contact}"
        row["channel"] = None if contact is None else ("chat", "phone", None)[contact % 3]
        row["queue"] = None if contact is None else ("a", "b")[contact % 2]
        rows[row["agent_id"], start, state, row["contact_id"]] = row
    roster = []
    for number in range(-1, 6):
        for agent in "xyw":
            start = first + timedelta(days=number, hours=draw.randrange(24), seconds=draw.choice([0, 900, 17]))
            end = start + timedelta(hours=draw.choice([-1, 4, 9, 9, 24, 25]))
            day = {"agent_id": agent, "work_date": start.date(), "absence": draw.choice([None, None, "sick"])}
            roster.append({**day, "shift_starts_at": start, "shift_ends_at": end})
    return [row for row in rows.values() if row["started_at"] <= as_of], roster, as_of


@pytest.mark.parametrize(("zone", "first"), WEEKS)
def test_half_hours_of_random_logs(compiled: dict[str, str], zone: str, first: str) -> None:
    rows, roster, as_of = log(zone, datetime.fromisoformat(first))
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        for schema in ("staging", "conformed", "journey"):
            con.execute(f"create schema {schema}")
        con.execute(
            "create table staging.stg_agent_states (agent_id text, started_at timestamp, state text, ended_at timestamp, "
            "duration_seconds bigint, contact_id text, channel text, queue text, _contract text)"
        )
        con.executemany(
            "insert into staging.stg_agent_states values (?, ?, ?, ?, ?, ?, ?, ?, 'one')", [list(row.values()) for row in rows]
        )
        con.execute(
            "create table staging.stg_agents (agent_id text, work_date date, absence text, shift_starts_at timestamp, "
            "shift_ends_at timestamp, team text)"
        )
        con.executemany("insert into staging.stg_agents values (?, ?, ?, ?, ?, null)", [list(row.values()) for row in roster])
        con.execute("create table conformed.dim_agents (agent_id text, team text)")
        for name in CHAIN:
            assert name.startswith("int_agent_state") or ANY_ZONE in compiled[name]
            query = compiled[name].replace(ANY_ZONE, zone).replace(ANY_INSTANT, str(as_of))
            con.execute(f"create table journey.{name} as {query}")
        found = con.execute(
            "select agent_id, starts_at, logged_in_seconds, available_seconds, busy_seconds, after_call_seconds, break_seconds, "
            "other_work_seconds, contact_seconds, contacts_max, scheduled_seconds, adherent_seconds "
            "from journey.fct_agent_half_hours"
        ).fetchall()
        parts = con.execute(
            "select agent_id, starts_at, channel, queue, contact_seconds, busy_time from journey.fct_agent_contact_half_hours"
        ).fetchall()
    place = ZoneInfo(zone)
    begin = midnight(local(min(row["started_at"] for row in rows) - timedelta(days=2), place), place)
    lines = timelines(rows, known_shifts(roster, rows, as_of, place), as_of, begin)
    expected = {}
    for agent, line in lines.items():
        day = local(begin, place)
        while midnight(day, place) <= as_of:
            at, end = midnight(day, place), midnight(day + timedelta(days=1), place)
            while at < end:
                offset = int((at - begin).total_seconds())
                if figures := half_hour(line, slice(offset, offset + 1800)):
                    expected[agent, at] = figures
                at += timedelta(minutes=30)
            day += timedelta(days=1)
    assert {row[:2]: row[2:] for row in found} == expected
    assert len(found) == len(expected) > 300
    taken = {
        (agent, begin + timedelta(seconds=at), *kind): figures
        for agent, counts in contacts_by_kind(rows, as_of, begin)
        for at in range(0, int((as_of - begin).total_seconds()), 1800)
        for kind, figures in shared(counts, slice(at, at + 1800)).items()
    }
    assert {row[:4]: row[4:] for row in parts} == {key: pytest.approx(figures, abs=1e-3) for key, figures in taken.items()}
    assert len({row[2:4] for row in parts}) == 6


def half_hour(line: Timeline, part: slice) -> tuple[int | None, ...] | None:
    """What the table says of a half hour; nothing where the agent is neither logged in nor on a shift."""
    logged_in, scheduled = line.logged_in(part), line.scheduled(part)
    if not logged_in and not scheduled:
        return None
    states: list[int | None] = [None] * 5
    contacts: list[int | None] = [None, None]
    if logged_in:
        states = [line.of(state, part) for state in ("available", "busy", "after_call", "break", "other_work")]
        if states[1]:
            contacts = [int(line.contacts[part].sum()), int(line.contacts[part].max())]
    shift = (scheduled, line.adherent(part)) if scheduled else (None, None)
    return (logged_in, *states, *contacts, *shift)
