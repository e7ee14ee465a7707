"""Half hours of staffing: the model's own SQL over random instants of odd zones, against zoneinfo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest
from homes import ANY_ZONE
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from time_zones import databases_agree

#: Offsets of quarters, changes by half an hour and by two, changes at midnight and in the middle of a half hour.
ZONES = [
    "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "America/St_Johns", "America/Havana", "Asia/Beirut",
    "America/Sao_Paulo", "Africa/Casablanca", "Antarctica/Troll", "Pacific/Apia", "Asia/Kolkata", "Europe/Berlin", "UTC",
]  # fmt: skip

Slot = tuple[datetime, datetime, int]


@pytest.fixture(scope="module")
def half_hours(compiled: dict[str, str]) -> Callable[[ZoneInfo, list[datetime]], list[tuple[Slot, list[Slot]]]]:
    """For each instant the half hour that the model counts it in, and all of that day."""
    model = compiled["int_call_half_hours"]

    def part(name: str, end: str) -> str:
        text = model[model.index(f"{name} as (") :]
        return text[: text.index(f"{end} as (")].rpartition(",")[0]

    calls = part("with calls", "teams").replace('"warehouse"."journey"."fct_calls"', "calls_in").removeprefix("with ")
    query = f"""
        with {calls},
        days as (select distinct team, date_day, 1 as weekday from calls),
        {part("midnights", "timed")},
        {part("counted", "holidays")}
        select calls.queued_at, slots.starts_at, slots.ends_at, slots.half_hour, slots.number = counted.number
        from calls
        inner join slots on calls.team = slots.team and calls.date_day = slots.date_day
        left join counted
            on calls.team = counted.team and calls.date_day = counted.date_day and slots.number = counted.number
        order by calls.team, slots.starts_at
    """
    assert query.count(ANY_ZONE) > 5

    def run(zone: ZoneInfo, instants: list[datetime]) -> list[tuple[Slot, list[Slot]]]:
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            con.execute("create table calls_in (team int, queued_at timestamp, handle_seconds int, is_offered boolean)")
            con.executemany("insert into calls_in values (?, ?, 1, true)", list(enumerate(instants)))
            rows = con.execute(query.replace(ANY_ZONE, zone.key)).fetchall()
        found = []
        for instant in instants:
            of_day = [row for row in rows if row[0] == instant]
            (own,) = {row[1:4] for row in of_day if row[4]}
            found.append((own, sorted({row[1:4] for row in of_day})))
        return found

    return run


def at(text: str) -> list[datetime]:
    return [datetime.fromisoformat(text)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    zone=st.sampled_from(ZONES),
    instants=st.lists(
        st.datetimes(datetime(2005, 1, 2), datetime(2030, 12, 30)), min_size=1, max_size=5, unique_by=lambda found: found.date()
    ),
)
# The quarters of Chatham in the half hour in which its clocks change; Lord Howe's half hour that comes twice; midnights that
# come twice or never.
@example(zone="Pacific/Chatham", instants=at("2026-09-26T14:05:00"))
@example(zone="Australia/Lord_Howe", instants=at("2026-04-04T14:45:00"))
@example(zone="Australia/Lord_Howe", instants=at("2026-10-03T15:40:00"))
@example(zone="America/Havana", instants=at("2026-11-01T04:30:00"))
@example(zone="Asia/Beirut", instants=at("2026-03-28T22:10:00"))
@example(zone="Asia/Kathmandu", instants=at("2026-06-01T18:15:00"))
def test_the_half_hour_of_an_instant_holds_it(half_hours: Callable, zone: str, instants: list[datetime]) -> None:
    place = ZoneInfo(zone)

    def local(instant: datetime) -> datetime:
        return instant.replace(tzinfo=UTC).astimezone(place)

    def label(instant: datetime) -> int:
        return local(instant).hour * 2 + local(instant).minute // 30

    assume(all(databases_agree(place, [(t.replace(tzinfo=UTC),) * 2]) for t in instants))
    for instant, ((starts_at, ends_at, half_hour), of_day) in zip(instants, half_hours(place, instants), strict=True):
        assert starts_at <= instant < ends_at
        assert half_hour == label(starts_at)
        # The clock of the instant says the same, unless it was changed in between.
        if local(starts_at).utcoffset() == local(instant).utcoffset():
            assert half_hour == label(instant)
            assert local(starts_at).minute in (0, 30)
        # The half hours of a day are thirty minutes each, and are that day: none is left out, none belongs to another.
        day = local(instant).date()
        assert all(end - start == timedelta(minutes=30) for start, end, _ in of_day)
        assert all(one[1] == other[0] for one, other in pairwise(of_day))
        second = timedelta(seconds=1)
        assert (local(of_day[0][0]).date(), local(of_day[-1][1] - second).date()) == (day, day)
        assert local(of_day[0][0] - second).date() < day < local(of_day[-1][1]).date()
