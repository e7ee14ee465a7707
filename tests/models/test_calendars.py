"""Opening hours: the models' own SQL over random calendars, against a walk through the days of each span."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from time_zones import databases_agree

from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.warehouse.warehouse import Warehouse

FIRST, LAST = date(2015, 1, 1), date(2035, 12, 31)
SPANS = 40


@dataclass(frozen=True)
class Hours:
    """One row of `business_hours` or, with a day, of `business_holidays`; minutes of the day, none for a closed day."""

    weekday: int | None
    opens: int | None
    closes: int | None
    valid_from: date | None = None
    valid_to: date | None = None
    day: date | None = None

    def holds_on(self, day: date) -> bool:
        if self.day:
            return self.day == day
        return (
            self.weekday == day.isoweekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day < self.valid_to)
        )


def clock(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def open_seconds(zone: ZoneInfo, hours: list[Hours], start: datetime, end: datetime) -> int:
    """Walk the days around a span and add up what is open of each; instants are aware, openings may overlap."""

    def instant(day: date, minute: int) -> datetime:
        return (datetime.combine(day, time()) + timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(UTC)

    pieces = []
    day = start.date() - timedelta(days=3)
    while day <= end.date() + timedelta(days=2):
        holding = [row for row in hours if row.holds_on(day)]
        for row in [row for row in holding if row.day] or holding:
            if row.opens is not None and row.closes is not None:
                closes = row.closes + (1440 if row.closes <= row.opens else 0)
                low, high = max(instant(day, row.opens), start), min(instant(day, closes), end)
                if low < high:
                    pieces.append((low, high))
        day += timedelta(days=1)
    total, reached = 0, start
    for low, high in sorted(pieces):
        total += max(int((high - max(low, reached)).total_seconds()), 0)
        reached = max(reached, high)
    return total


minutes = st.integers(0, 287).map(lambda five: five * 5) | st.sampled_from([0, 120, 150, 180, 1440])
days = st.dates(FIRST, LAST)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[ZoneInfo, list[Hours]]:
    zone = ZoneInfo(draw(st.sampled_from(sorted(ENGINE_ZONES & available_timezones()))))
    if draw(st.integers(0, 9)) == 0:
        return zone, [Hours(weekday, 0, 1440) for weekday in range(1, 8)]
    rows = []
    for _ in range(draw(st.integers(1, 9))):
        bounds = sorted(draw(st.tuples(days, days))) if draw(st.booleans()) else [None, None]
        opens = draw(minutes.filter(lambda minute: minute < 1440))
        weekday = draw(st.integers(1, 7))
        # Hours that are put back twice, or skipped, are the hard ones.
        rows.append(Hours(draw(st.sampled_from([weekday, 7])), opens, draw(minutes), bounds[0], bounds[1]))
    return zone, rows


@st.composite
def cases(draw: st.DrawFn) -> tuple[ZoneInfo, list[Hours], list[tuple[datetime, datetime]]]:
    zone, rows = draw(calendars())
    centre = datetime.combine(draw(days), time(), UTC)
    spans = []
    for _ in range(SPANS):
        start = centre + timedelta(seconds=draw(st.integers(-200 * 86400, 200 * 86400)))
        length = draw(st.integers(0, 3 * 86400) | st.integers(0, 3 * 365 * 86400))
        spans.append((start, start + timedelta(seconds=length)))
    for day in draw(st.lists(st.integers(-200, 200).map(lambda n: centre.date() + timedelta(days=n)), max_size=4, unique=True)):
        if draw(st.booleans()):
            rows.append(Hours(None, None, None, day=day))
        else:
            rows += [Hours(None, 540, 720, day=day), Hours(None, draw(minutes), draw(minutes), day=day)]
            assume(all(row.opens != 1440 for row in rows))
    return zone, rows, spans


ENGINE_ZONES = {row[0] for row in duckdb.execute("select name from pg_timezone_names()").fetchall() if "/" in row[0]}


@pytest.fixture(scope="module")
def business_seconds(compiled: dict[str, str]) -> Callable:
    """The compiled SQL of the models, run over given calendars and spans in memory."""

    def run(zone: ZoneInfo, hours: list[Hours], spans: list[tuple[datetime, datetime]]) -> list[int]:
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
            for schema in ("seeds", "staging", "conformed", "journey"):
                con.execute(f"create schema {schema}")
            con.execute(
                "create table seeds.business_hours (calendar text, weekday int, opens_at text, closes_at text, timezone text, "
                "valid_from date, valid_to date); create table seeds.business_holidays (calendar text, holiday_on date, "
                "opens_at text, closes_at text); create table seeds.calendar_assignments as "
                "select 'it' as calendar, null::text as channel, null::text as team; "
                "create table staging.stg_tickets (ticket_id int, created_at timestamp, channel text, team text); "
                "create table journey.int_ticket_life (ticket_id int, created_at timestamp, response_starts_at timestamp, "
                "first_response_at timestamp, first_solved_at timestamp, solved_at timestamp, is_response_tracked boolean); "
                "create table journey.int_response_targets (ticket_id int, clock text); "
                "create table conformed.dim_dates (date_day date)"
            )
            for row in hours:
                if row.day:
                    values = [row.day, clock(row.opens), clock(row.closes)]
                    con.execute("insert into seeds.business_holidays values ('it', ?, ?, ?)", values)
                else:
                    values = [row.weekday, clock(row.opens), clock(row.closes), zone.key, row.valid_from, row.valid_to]
                    con.execute("insert into seeds.business_hours values ('it', ?, ?, ?, ?, ?, ?)", values)
            naive = [[at.replace(tzinfo=None) for at in span] for span in spans]
            con.executemany(
                "insert into staging.stg_tickets values (?, ?, 'email', null)", [[n, s] for n, (s, _) in enumerate(naive)]
            )
            con.executemany(
                "insert into journey.int_ticket_life values (?, ?, ?, null, null, ?, false)",
                [[n, s, s, e] for n, (s, e) in enumerate(naive)],
            )
            con.execute(
                "insert into conformed.dim_dates select unnest(generate_series(?::date, ?::date, interval 1 day))",
                [min(s for s, _ in naive).date(), max(e for _, e in naive).date()],
            )
            con.execute(f"create table conformed.int_openings as {compiled['int_openings']}")
            con.execute(f"create table conformed.int_calendar_segments as {compiled['int_calendar_segments']}")
            rows = con.execute(
                "select ticket_id, full_resolution_business_seconds "
                f"from ({compiled['int_ticket_business_seconds']}) order by ticket_id"
            ).fetchall()
        assert [row[0] for row in rows] == list(range(len(spans)))
        return [row[1] for row in rows]

    return run


def check(business_seconds: Callable, case: tuple) -> None:
    zone, hours, spans = case
    # A calendar that never had hours of its own is none.
    assume(any(row.weekday for row in hours))
    assume(databases_agree(zone, spans))
    assert business_seconds(zone, hours, spans) == [open_seconds(zone, hours, *span) for span in spans]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_open_seconds_equal_a_walk_through_the_days(business_seconds: Callable, case: tuple) -> None:
    check(business_seconds, case)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_open_seconds_of_thousands_of_spans(business_seconds: Callable, case: tuple) -> None:
    check(business_seconds, case)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hours", "start", "end", "expected"),
    [
        # Berlin, Sunday 2026-03-29: the clocks go from 02:00 to 03:00, so 01:00 to 04:00 lasts two hours.
        ("Europe/Berlin", [Hours(7, 60, 240)], "2026-03-28T12:00", "2026-03-29T12:00", 7200),
        # 2026-10-25: they go back from 03:00 to 02:00, so 01:00 to 04:00 lasts four; 02:30 is the first of two.
        ("Europe/Berlin", [Hours(7, 60, 240)], "2026-10-24T12:00", "2026-10-25T12:00", 14400),
        ("Europe/Berlin", [Hours(7, 60, 150)], "2026-10-24T12:00", "2026-10-25T12:00", 5400),
        # Sydney's change lies on the other side of the year; Lord Howe changes by half an hour.
        ("Australia/Sydney", [Hours(7, 60, 240)], "2026-04-04T12:00", "2026-04-05T12:00", 14400),
        ("Australia/Lord_Howe", [Hours(7, 60, 240)], "2026-04-04T12:00", "2026-04-05T12:00", 12600),
        # Wednesday 2015-03-25 to Wednesday, over the change, around the clock: a week less an hour of the clock, not of time.
        ("Europe/Berlin", [Hours(day, 0, 1440) for day in range(1, 8)], "2015-03-25T00:00", "2015-04-01T00:00", 604800),
        # A night shift, Monday 22:00 to 06:00; a span in the middle of it, to the second.
        ("UTC", [Hours(1, 1320, 360)], "2026-06-29T23:59:59", "2026-06-30T00:00:01", 2),
        ("UTC", [Hours(1, 1320, 360)], "2026-06-29T00:00", "2026-07-01T00:00", 28800),
        # Hours that change on a Wednesday: Tuesdays to noon, from July on to one o'clock.
        (
            "UTC", [Hours(2, 540, 720, None, date(2026, 7, 1)), Hours(2, 540, 780, date(2026, 7, 1))],
            "2026-06-30T00:00", "2026-07-08T00:00", 10800 + 14400,
        ),
        # A short Christmas Eve (a Thursday), and a closed Christmas Day.
        (
            "UTC", [Hours(4, 540, 1080), Hours(5, 540, 1080), Hours(None, 540, 720, day=date(2026, 12, 24)),
                    Hours(None, None, None, day=date(2026, 12, 25))],
            "2026-12-21T00:00", "2026-12-28T00:00", 10800,
        ),
        # A calendar that begins later than the span is closed until then, and one that ended is closed from then on.
        ("UTC", [Hours(1, 540, 600, date(2030, 1, 1))], "2026-06-01T00:00", "2026-07-01T00:00", 0),
        ("UTC", [Hours(1, 540, 600, None, date(2026, 6, 8))], "2026-06-01T00:00", "2028-07-01T00:00", 3600),
        # Overlapping openings count once.
        ("UTC", [Hours(1, 540, 720), Hours(1, 600, 780), Hours(1, 600, 660)], "2026-06-29T00:00", "2026-06-30T00:00", 14400),
    ],
)  # fmt: skip
def test_open_seconds_by_hand(
    business_seconds: Callable, zone: str, hours: list[Hours], start: str, end: str, expected: int
) -> None:
    assert business_seconds(ZoneInfo(zone), hours, [(at(start), at(end))]) == [expected]


@pytest.mark.slow
def test_clock_times_that_are_none_are_refused(tmp_path: Path) -> None:
    wrong = ["9", "25:00", "24:01", "12:60", "noon", "-1:00"]
    (tmp_path / "config" / "seeds").mkdir(parents=True)
    rows = ["desk,1,09:00,24:00,UTC", *(f"desk,2,{clock_time},18:00,UTC" for clock_time in wrong)]
    (tmp_path / "config" / "seeds" / "business_hours.csv").write_text(
        "\n".join(["calendar,weekday,opens_at,closes_at,timezone", *rows])
    )
    chosen = Settings(home=tmp_path / "home", config_dir=tmp_path / "config", as_of=date(2026, 7, 1))
    prepare_home(chosen)
    results = Warehouse(chosen).build(["--select", "business_hours"])
    failed = {result.name.split("_business")[0]: result.failures for result in results if result.failed}
    assert failed == {"clock_times": len(wrong)}
