"""Calls by interval: the model's SQL over random calls of zones whose clocks change, against plain Python over the same rows."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from homes import ANY_ZONE

Row = dict[str, Any]
#: The defaults of interval_minutes, short_abandon_seconds and service_level_seconds.
MINUTES, SHORT, WITHIN = 30, 5, 20
#: Zones and a week in which their clocks change: by an hour, by half of one, at quarters.
WEEKS = [
    ("Europe/Berlin", "2026-10-23"),
    ("Australia/Lord_Howe", "2026-04-02"),
    ("Pacific/Chatham", "2026-09-24"),
    ("UTC", "2026-06-01"),
]
FLAGS = ("is_offered", "is_answered", "is_abandoned", "is_short_abandon", "is_within_service_level")
COLUMNS = ("queued_at", "team", "queue", "disposition", *FLAGS, "wait_seconds", "handle_seconds")


def calls(seed: str, first: datetime) -> list[Row]:
    """Calls of five days, with all ends and with waits around both limits; few a queue and interval."""
    draw = random.Random(seed)
    found = []
    for _ in range(1500):
        end = draw.choice(["answered", "answered", "abandoned", "voicemail", "callback", "unknown"])
        wait = draw.choice([None, 0, SHORT, SHORT + 1, WITHIN, WITHIN + 1, 90])
        answered, abandoned = end == "answered", end == "abandoned"
        in_time = None if end == "unknown" or (answered and wait is None) else answered and wait is not None and wait <= WITHIN
        row = {
            "queued_at": first + timedelta(seconds=draw.randrange(5 * 86400)),
            "team": draw.choice("xy"),
            "queue": draw.choice("ab"),
        }
        row |= {"disposition": end, "is_offered": draw.random() < 0.9, "is_answered": answered}
        row |= {"is_abandoned": None if end == "unknown" else abandoned, "is_within_service_level": in_time, "wait_seconds": wait}
        row |= {"is_short_abandon": abandoned and wait is not None and wait <= SHORT}
        row["handle_seconds"] = draw.choice([None, draw.randint(1, 900)]) if answered else None
        found.append(row)
    return found


def interval(queued_at: datetime, zone: ZoneInfo) -> datetime:
    """Start of a call's interval: real half hours from its day's local midnight on."""
    day = queued_at.replace(tzinfo=UTC).astimezone(zone).date()
    midnight = datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
    return midnight + (queued_at - midnight) // timedelta(minutes=MINUTES) * timedelta(minutes=MINUTES)


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def report(rows: list[Row]) -> tuple[Any, ...]:
    """What the table says of the calls of one interval, from the ends and waits alone."""
    ends = [(row["disposition"], row["wait_seconds"]) for row in rows]
    waits = [wait for end, wait in ends if end == "answered" and wait is not None]
    hung_up = [wait for end, wait in ends if end == "abandoned"]
    short = sum(wait is not None and wait <= SHORT for wait in hung_up)
    early = sum(wait is not None and wait <= WITHIN for wait in hung_up)
    others = sum(end in ("voicemail", "callback") for end, _ in ends)
    in_time = sum(wait <= WITHIN for wait in waits)
    handled = [row["handle_seconds"] for row in rows if row["handle_seconds"] is not None]
    known = len(waits) + len(hung_up) + others
    return (
        len(rows),
        sum(end == "answered" for end, _ in ends),
        in_time,
        short,
        len(hung_up) - short,
        share(sum(waits), len(waits)),
        share(sum(handled), len(handled)),
        share(in_time, known - short),
        share(in_time, known),
        share(in_time, len(waits)),
        share(in_time + early, known - hung_up.count(None)),
        share(len(hung_up) - short, sum(end != "unknown" for end, _ in ends) - short),
    )


@pytest.mark.parametrize(("zone", "first"), WEEKS)
def test_calls_by_interval(compiled: dict[str, str], zone: str, first: str) -> None:
    rows = calls(zone, datetime.fromisoformat(first))
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute("attach ':memory:' as warehouse; use warehouse; create schema journey")
        flags = ", ".join(f"{flag} boolean" for flag in FLAGS)
        con.execute(
            f"create table journey.fct_calls (queued_at timestamp, team text, queue text, disposition text, {flags}, "
            "wait_seconds bigint, handle_seconds bigint)"
        )
        con.executemany(
            f"insert into journey.fct_calls ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})",
            [[row[column] for column in COLUMNS] for row in rows],
        )
        query = compiled["call_intervals"]
        assert ANY_ZONE in query
        found = con.execute(
            "select team, queue, starts_at, calls_offered, calls_answered, calls_answered_in_time, calls_abandoned_short, "
            "calls_abandoned_long, answer_seconds_mean, handle_seconds_mean, service_level_rate, service_level_of_offered_rate, "
            "service_level_of_answered_rate, service_level_with_early_abandons_rate, abandonment_rate "
            f"from ({query.replace(ANY_ZONE, zone)})"
        ).fetchall()
    groups = defaultdict(list)
    for row in rows:
        if row["is_offered"]:
            groups[row["team"], row["queue"], interval(row["queued_at"], ZoneInfo(zone))].append(row)
    assert {row[:3]: row[3:] for row in found} == {key: pytest.approx(report(of)) for key, of in groups.items()}
    assert len(found) == len(groups) > 500
