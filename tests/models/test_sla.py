"""SLA targets of tickets: cases by hand, and random tickets against a walk through the opening hours that shares no code."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from homes import Cxhouse, Home

# A home of its own takes most of a minute.
pytestmark = pytest.mark.ci

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = 3600
HOURS = {"desk": (9, 17), "late": (12, 20)}
COLUMNS_OF_TARGETS = "policy,position,channel,team,segment,tag,priority,metric,target_seconds,clock,paused_in,valid_from,valid_to"
TARGETS = [
    ("chat", 1, "chat", "", "", "", "", "first_reply", 60, "", "", "", ""),
    ("vip", 2, "email", "", "", "vip", "", "first_reply", HOUR, "business", "", "", ""),
    ("late_mail", 3, "email", "late", "", "", "", "first_reply", 4 * HOUR, "business", "", "2026-05-01", ""),
    ("late_mail", 3, "email", "late", "", "", "", "next_reply", 3 * HOUR, "business", "", "2026-05-01", ""),
    ("late_mail", 3, "email", "late", "", "", "", "periodic_update", 5 * HOUR, "business", "", "2026-05-01", ""),
    ("late_mail", 3, "email", "late", "", "", "", "resolution", 10 * HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "urgent", "first_reply", HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "first_reply", 4 * HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "next_reply", 2 * HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "periodic_update", 4 * HOUR, "business", "pending on_hold", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "resolution", 16 * HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "requester_wait", 6 * HOUR, "business", "", "2026-05-01", ""),
    ("mail", 4, "email", "", "", "", "", "agent_work", 4 * HOUR, "calendar", "", "2026-05-01", ""),
    # Never reached by mail and chat: the first policy holds.
    ("others", 5, "", "", "", "", "", "resolution", 1, "calendar", "", "", "2026-06-30"),
]
#: By policy, metric and priority: seconds, and the states in which the clock stands.
ALLOWED = {(row[0], row[7], row[6]): (row[8], str(row[10]).split()) for row in TARGETS}
TEAMS = ("day", "late")

#: Ticket: priority and team in the end, and its log: instant, event (a state, `message`, `reply`, or the priority or team that it
#: gets).
Log = list[tuple[str, str]]
BY_HAND: dict[str, tuple[str, str, Log]] = {
    # Over a night and a weekend.
    "night": ("normal", "day", [("2026-06-05 20:00", "new"), ("2026-06-08 12:30", "reply")]),
    "late": ("normal", "late", [("2026-06-05 19:00", "new"), ("2026-06-08 16:00", "reply")]),
    "urgent": ("urgent", "day", [("2026-06-02 10:00", "new"), ("2026-06-02 12:00", "reply")]),
    "twice": (
        "normal", "day",
        [
            ("2026-06-02 09:00", "new"), ("2026-06-02 10:00", "reply"), ("2026-06-02 11:00", "message"),
            ("2026-06-02 11:30", "message"), ("2026-06-02 14:00", "reply"), ("2026-06-03 10:00", "message"),
            ("2026-06-03 11:00", "reply"),
        ],
    ),
    "states": (
        "normal", "day",
        [
            ("2026-06-02 09:00", "new"), ("2026-06-02 10:00", "open"), ("2026-06-02 11:00", "pending"),
            ("2026-06-03 09:00", "open"), ("2026-06-03 12:00", "solved"),
        ],
    ),
    "reopened": (
        "normal", "day",
        [
            ("2026-06-02 09:00", "new"), ("2026-06-02 11:00", "solved"), ("2026-06-04 09:00", "open"),
            ("2026-06-04 17:00", "solved"),
        ],
    ),
    "before": ("normal", "day", [("2026-04-20 09:00", "new"), ("2026-04-20 10:00", "reply")]),
    "unanswered": ("normal", "day", [("2026-06-30 15:00", "new")]),
    "paused": (
        "normal", "day",
        [
            ("2026-06-29 09:00", "new"), ("2026-06-29 10:00", "open"), ("2026-06-29 10:30", "reply"),
            ("2026-06-29 11:00", "pending"),
        ],
    ),
    # The list tells the priority of now. Raised before the reply, after it, and while it is owed.
    "raised_before": (
        "urgent", "day", [("2026-06-02 10:00", "new"), ("2026-06-02 11:30", "urgent"), ("2026-06-02 12:00", "reply")],
    ),
    "raised_after": (
        "urgent", "day", [("2026-06-02 10:00", "new"), ("2026-06-02 12:00", "reply"), ("2026-06-02 12:30", "urgent")],
    ),
    "raised_owed": ("urgent", "day", [("2026-06-30 15:00", "new"), ("2026-06-30 15:30", "urgent")]),
    "updated": (
        "normal", "day",
        [
            ("2026-06-02 09:00", "new"), ("2026-06-02 09:30", "reply"), ("2026-06-02 10:00", "pending"),
            ("2026-06-02 13:00", "open"), ("2026-06-02 16:30", "reply"), ("2026-06-03 09:00", "solved"),
        ],
    ),
    # The day's team has an hour for what is urgent, the late one four for everything.
    "moved_before": (
        "urgent", "late", [("2026-06-02 12:00", "new"), ("2026-06-02 12:30", "late"), ("2026-06-02 14:00", "reply")],
    ),
    "moved_after": (
        "urgent", "late", [("2026-06-02 12:00", "new"), ("2026-06-02 14:00", "reply"), ("2026-06-02 15:00", "late")],
    ),
    "moved_owed": ("urgent", "late", [("2026-06-30 18:00", "new"), ("2026-06-30 18:30", "late")]),
    "tagged": ("normal", "day", [("2026-06-02 10:00", "new"), ("2026-06-02 12:00", "reply")]),
    "merged": ("normal", "day", [("2026-06-02 09:00", "new"), ("2026-06-02 10:00", "merged")]),
}  # fmt: skip
TAGS = {"tagged": "late VIP", "night": "vipers"}
STATES = ("new", "open", "pending", "on_hold", "solved")


def other_than(team: str) -> str:
    return TEAMS[1 - TEAMS.index(team)]


def at_random(seed: int, tickets: int = 60) -> dict[str, tuple[str, str, Log]]:
    """Tickets whose log goes from state to state, with messages and replies in between; no two events of one instant."""
    draw, made = random.Random(seed), {}
    for number in range(tickets):
        at = datetime(2026, 6, 1) + timedelta(minutes=draw.randrange(28 * 1440))
        log, state, team = [(f"{at:%Y-%m-%d %H:%M}", "new")], "new", draw.choice(TEAMS)
        for _ in range(draw.randrange(10)):
            at += timedelta(minutes=draw.choice([7, 45, 200, 900, 3000]) + draw.randrange(60))
            if at >= AS_OF.replace(tzinfo=None):
                break
            event = draw.choice(["message", "reply", other_than(team), *(other for other in STATES[1:] if other != state)])
            if event == "message" and state == "solved":
                continue
            state = event if event in STATES else state
            team = event if event in TEAMS else team
            log.append((f"{at:%Y-%m-%d %H:%M}", event))
        made[f"random{number}"] = (draw.choice(["normal", "urgent"]), team, log)
    return made


TICKETS = BY_HAND | at_random(2)


def events_of(ticket: str, log: Log) -> list[dict[str, str]]:
    rows, state = [], ""
    for at, event in log:
        row = {"ticket_id": ticket, "event_at": at + ":00", "actor_type": "agent", "from_value": "", "to_value": ""}
        if event in STATES:
            row |= {"event_type": "status_changed" if state else "created", "from_value": state, "to_value": event}
            row["actor_type"] = "agent" if state else "customer"
            state = event
        elif event == "merged":
            row |= {"event_type": "merged", "to_value": "night"}
        elif event in TEAMS:
            row |= {"event_type": "team_changed", "from_value": other_than(event), "to_value": event}
        elif event == "urgent":
            row |= {"event_type": "priority_changed", "from_value": "normal", "to_value": event}
        else:
            row |= {"event_type": {"message": "customer_message", "reply": "public_reply"}[event]}
            row["actor_type"] = "customer" if event == "message" else "agent"
        rows.append(row)
    return rows


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as stream:
        out = csv.DictWriter(stream, list(rows[0]))
        out.writeheader()
        out.writerows(rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Home:
    root = tmp_path_factory.mktemp("sla")
    exports, config = root / "exports", root / "config"
    (config / "contracts").mkdir(parents=True)
    (config / "seeds").mkdir()
    exports.mkdir()
    (config / "cxhouse.yml").write_text("reporting_timezone: UTC\n")
    hours = [f"{name},{day},{opens:02}:00,{closes}:00,UTC" for name, (opens, closes) in HOURS.items() for day in range(1, 6)]
    hours.insert(0, "calendar,weekday,opens_at,closes_at,timezone")
    (config / "seeds" / "business_hours.csv").write_text("\n".join(hours) + "\n")
    (config / "seeds" / "business_holidays.csv").write_text("calendar,holiday_on,name,opens_at,closes_at\n")
    (config / "seeds" / "calendar_assignments.csv").write_text("calendar,channel,team\ndesk,,\nlate,,late\n")
    rows = [",".join(map(str, row)) for row in TARGETS]
    (config / "seeds" / "sla_targets.csv").write_text("\n".join([COLUMNS_OF_TARGETS, *rows]) + "\n")
    listed = []
    for ticket, (priority, team, log) in TICKETS.items():
        status = [event for _, event in log if event in STATES][-1]
        listed.append(
            {
                "ticket_id": ticket, "created_at": log[0][0] + ":00", "status": status, "channel": "email",
                "priority": priority, "team": team, "merged_into": "night" if ticket == "merged" else "",
                "tags": TAGS.get(ticket, ""), **{f"vendor_{metric}_sla": theirs(ticket, metric) for metric in METRICS},
            }
        )  # fmt: skip
    files = {
        ("tickets", "desk"): listed,
        ("ticket_events", "desk"): [row for ticket, (_, _, log) in TICKETS.items() for row in events_of(ticket, log)],
        # A list without a log.
        ("tickets", "list"): [
            {
                "ticket_id": "listed", "created_at": "2026-06-02 09:00:00", "status": "solved", "channel": "email",
                "first_response_at": "2026-06-02 14:00:00", "solved_at": "2026-06-02 15:00:00",
            },
            {
                "ticket_id": "undated", "created_at": "2026-06-02 09:00:00", "status": "solved", "channel": "email",
                "first_response_at": "2026-06-02 10:00:00", "solved_at": "",
            },
        ],
    }  # fmt: skip
    for (kind, desk), rows in files.items():
        contract = {"name": f"{desk}_{kind}", "kind": kind, "files": {"name": f"{kind}_{desk}*"}}
        contract["columns"] = {name: name for name in rows[0]}
        (config / "contracts" / f"{desk}_{kind}.yml").write_text(yaml.safe_dump(contract))
        write(exports / f"{kind}_{desk}.csv", rows)
    calls = "call_id,started_at,direction,disposition\nk1,2026-06-01 10:00:00,outbound,failed\n"
    (exports / "calls.csv").write_text(calls)
    (exports / "orders.csv").write_text("order_id,ordered_at,status\no1,2026-06-01 10:00:00,delivered\n")
    (exports / "reviews.csv").write_text("review_id,created_at,rating,text\nr1,2026-06-01 10:00:00,1,broken\n")
    home = Home(root / "home", exports, config)
    cxhouse("run", "--exports", exports, *home.options, "--as-of", "2026-07-01")
    return home


COLUMNS = "occurrence, state, due_at, elapsed_seconds, missed_by_seconds, remaining_seconds"


@pytest.mark.parametrize(
    ("ticket", "metric", "expected"),
    [
        ("night", "first_reply", [(1, "attained", "2026-06-08 13:00", 12600, None, None)]),
        ("late", "first_reply", [(1, "missed", "2026-06-08 15:00", 5 * HOUR, HOUR, None)]),
        ("urgent", "first_reply", [(1, "missed", "2026-06-02 11:00", 2 * HOUR, HOUR, None)]),
        (
            "twice", "next_reply",
            [
                (1, "missed", "2026-06-02 13:00", 3 * HOUR, HOUR, None),
                (2, "attained", "2026-06-03 12:00", HOUR, None, None),
            ],
        ),
        # Half an hour and three and a half, less the hours in which the customer was waited for.
        (
            "updated", "periodic_update",
            [
                (1, "attained", "2026-06-02 16:30", 4 * HOUR, None, None),
                (2, "attained", "2026-06-03 12:30", HOUR // 2, None, None),
            ],
        ),
        ("unanswered", "periodic_update", []),
        # The clock stands since eleven.
        ("paused", "periodic_update", [(1, "paused", None, HOUR // 2, None, 3 * HOUR + HOUR // 2)]),
        ("listed", "periodic_update", [(1, "unknown", None, None, None, None)]),
        ("states", "agent_work", [(1, "missed", "2026-06-03 11:00", 5 * HOUR, HOUR, None)]),
        ("states", "requester_wait", [(1, "attained", None, 5 * HOUR, None, None)]),
        ("reopened", "resolution", [(1, "attained", None, 10 * HOUR, None, None)]),
        # The policy of its tag promises an hour, and nothing else.
        ("tagged", "first_reply", [(1, "missed", "2026-06-02 11:00", 2 * HOUR, HOUR, None)]),
        ("tagged", "resolution", []),
        ("moved_before", "first_reply", [(1, "attained", "2026-06-02 16:00", 2 * HOUR, None, None)]),
        ("moved_after", "first_reply", [(1, "missed", "2026-06-02 13:00", 2 * HOUR, HOUR, None)]),
        ("moved_owed", "first_reply", [(1, "active", "2026-07-01 14:00", 2 * HOUR, None, 2 * HOUR)]),
        ("raised_before", "first_reply", [(1, "missed", "2026-06-02 11:00", 2 * HOUR, HOUR, None)]),
        ("raised_after", "first_reply", [(1, "attained", "2026-06-02 14:00", 2 * HOUR, None, None)]),
        ("raised_owed", "first_reply", [(1, "missed", "2026-06-30 16:00", 2 * HOUR, HOUR, None)]),
        ("before", "first_reply", []),
        ("merged", "first_reply", []),
        ("unanswered", "first_reply", [(1, "active", "2026-07-01 11:00", 2 * HOUR, None, 2 * HOUR)]),
        ("unanswered", "resolution", [(1, "active", "2026-07-02 15:00", 2 * HOUR, None, 14 * HOUR)]),
        ("unanswered", "next_reply", []),
        ("paused", "agent_work", [(1, "paused", None, 2 * HOUR, None, 2 * HOUR)]),
        ("listed", "first_reply", [(1, "missed", "2026-06-02 13:00", 5 * HOUR, HOUR, None)]),
        ("listed", "agent_work", [(1, "unknown", None, None, None, None)]),
        ("listed", "next_reply", [(1, "unknown", None, None, None, None)]),
        ("undated", "resolution", [(1, "unknown", None, None, None, None)]),
    ],
)  # fmt: skip
def test_by_hand(home: Home, ticket: str, metric: str, expected: list[tuple]) -> None:
    found = home.query(
        f"select {COLUMNS} from fct_sla_targets where ticket_id = ? and metric = ? order by occurrence", ticket, metric
    )
    found = [(*row[:2], row[2] and f"{row[2]:%Y-%m-%d %H:%M}", *row[3:]) for row in found]
    assert found == expected


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def open_seconds(team: str, start: datetime, end: datetime, clock: str) -> int:
    if clock == "calendar":
        return int((end - start).total_seconds())
    opens, closes = HOURS["late" if team == "late" else "desk"]
    seconds, day = 0.0, start.date()
    while day <= end.date():
        if day.isoweekday() < 6:
            first = datetime.combine(day, time(opens), UTC)
            last = datetime.combine(day, time(closes), UTC)
            seconds += max((min(end, last) - max(start, first)).total_seconds(), 0)
        day += timedelta(days=1)
    return int(seconds)


def walked(log: Log, metric: str) -> list[list[tuple[datetime, datetime | None]]]:
    """The spans that count, by occurrence, from the log alone; the last end is none while the clock runs."""
    moments = [(instant(at), event) for at, event in log]
    if metric == "periodic_update":
        return updates(moments)
    if metric.endswith("_reply"):
        waits, since, has_reply = [], moments[0][0], False
        solved_at = [at for at, event in moments if event in STATES][-1]
        final = solved_at if [event for _, event in moments if event in STATES][-1] == "solved" else None
        waiting: datetime | None = since
        for at, event in moments[1:]:
            if event == "message" and waiting is None:
                waiting = at
            elif event == "reply" and waiting is not None:
                waits.append((not has_reply, waiting, at))
                waiting, has_reply = None, True
            elif event == "reply":
                has_reply = True
        if waiting is not None:
            waits.append((not has_reply, waiting, None))
        ended = [
            (first, start, min(x for x in (end, final if final and final >= start else None) if x) if end or final else None)
            for first, start, end in waits
        ]
        return [[(start, end)] for first, start, end in ended if first == (metric == "first_reply")]
    counted = {"resolution": STATES[:4], "agent_work": STATES[:2], "requester_wait": ("new", "open", "on_hold")}[metric]
    changes = [moment for moment in moments if moment[1] in STATES]
    ends = [at for at, _ in changes[1:]] + [None]
    return [[(at, end) for (at, state), end in zip(changes, ends, strict=True) if state in counted]]


def updates(moments: list[tuple[datetime, str]]) -> list[list[tuple[datetime, datetime | None]]]:
    """From each reply on the desk to the next one, or to the solving."""
    waits: list[list[tuple[datetime, datetime | None]]] = []
    since: datetime | None = None
    is_on_desk = True
    for at, event in moments:
        if since and event in ("reply", "solved"):
            waits.append([(since, at)])
            since = None
        if event in STATES:
            is_on_desk = event != "solved"
        elif event == "reply" and is_on_desk:
            since = at
    return [*waits, [(since, None)]] if since else waits


def unpaused(log: Log, start: datetime, end: datetime | None) -> list[tuple[datetime, datetime | None]]:
    """A span less the time in pending and on hold, moment by moment."""
    moments = sorted({start, *(instant(at) for at, _ in log)})
    found: list[tuple[datetime, datetime | None]] = []
    for at, then in zip(moments, [*moments[1:], None], strict=True):
        state = [event for moment, event in log if event in STATES and instant(moment) <= at][-1]
        if at >= start and (not end or at < end) and state not in ("pending", "on_hold"):
            found.append((at, min(then, end) if then and end else then or end))
    return found


def team_at(last: str, log: Log, moment: datetime) -> str:
    """The team at an instant, from the last one back."""
    later = [at for at, event in log if event in TEAMS and instant(at) > moment]
    return last if len(later) % 2 == 0 else other_than(last)


METRICS = ("first_reply", "next_reply", "periodic_update", "resolution", "agent_work", "requester_wait")


def judged(ticket: str, metric: str) -> Iterator[tuple[int, tuple[str, int, bool]]]:
    """Of each target of a random ticket: its number, and state, seconds and whether it is still owed."""
    priority, team, log = TICKETS[ticket]
    clock = "calendar" if metric == "agent_work" else "business"
    is_wait = metric.endswith(("_reply", "_update"))
    changed_at, state = [moment for moment in log if moment[1] in STATES][-1]
    is_solved = state == "solved"
    for number, spans in enumerate(walked(log, metric), 1):
        is_owed = any(end is None for _, end in spans)
        met_at = spans[-1][1] if is_wait else instant(changed_at) if is_solved else None
        policy = "late_mail" if team_at(team, log, met_at or AS_OF) == "late" else "mail"
        allowed, paused_in = ALLOWED.get((policy, metric, priority)) or ALLOWED.get((policy, metric, ""), (None, []))
        if allowed is None:
            continue
        if paused_in:
            spans = unpaused(log, *spans[0])
        elapsed = sum(open_seconds(team, start, end or AS_OF, clock) for start, end in spans)
        is_running = any(end is None for _, end in spans)
        is_over = not is_owed and (is_wait or is_solved)
        state = "missed" if elapsed > allowed else "attained" if is_over else "active" if is_running else "paused"
        yield number, (state, elapsed, not is_over)


def theirs(ticket: str, metric: str) -> str:
    """What the help desk says of a ticket: of random ones what the walk found, of two others what is not so."""
    if not ticket.startswith("random"):
        return {"night": "missed", "urgent": "attained"}.get(ticket, "") if metric == "first_reply" else ""
    states = {state for _, (state, _, _) in judged(ticket, metric)}
    return "missed" if "missed" in states else "attained" if states == {"attained"} else ""


def test_their_verdicts_are_those_of_the_walk(home: Home) -> None:
    found = home.query(
        "select metric, both_attained, both_missed, missed_by_ours_only, missed_by_theirs_only, tickets_that_differ "
        "from quality_vendor_sla where contract = 'desk_tickets'"
    )
    said = {metric: Counter(theirs(ticket, metric) for ticket in TICKETS if ticket.startswith("random")) for metric in METRICS}
    assert {row[0]: row[1:] for row in found} == {
        metric: (count["attained"], count["missed"], 1, 1, "night, urgent")
        if metric == "first_reply"
        else (count["attained"], count["missed"], 0, 0, "")
        for metric, count in said.items()
    }


@pytest.mark.parametrize("metric", METRICS)
def test_as_a_walk_through_the_log(home: Home, metric: str) -> None:
    tickets = [ticket for ticket in TICKETS if ticket.startswith("random")]
    expected = {(ticket, number): verdict for ticket in tickets for number, verdict in judged(ticket, metric)}
    states = {state for state, _, _ in expected.values()}
    found = home.query(
        "select ticket_id, occurrence, state, elapsed_seconds, is_open from fct_sla_targets "
        "where metric = ? and starts_with(ticket_id, 'random')",
        metric,
    )
    assert {row[:2]: row[2:] for row in found} == expected
    assert {"missed", "attained"} <= states
    assert metric != "periodic_update" or "paused" in states


def test_an_instant_is_due_when_the_seconds_are_used_up(home: Home) -> None:
    found = home.query(
        "select targets.ticket_id, occurrence, metric, clock, started_at, due_at, target_seconds, tickets.team "
        "from fct_sla_targets as targets join fct_tickets as tickets on targets.ticket_id = tickets.ticket_id "
        "where metric in ('first_reply', 'next_reply') and due_at is not null"
    )
    assert len(found) > 50
    for *_, clock, started_at, due_at, target_seconds, team in found:
        start, due = started_at.replace(tzinfo=UTC), due_at.replace(tzinfo=UTC)
        assert open_seconds(team, start, due, clock) == target_seconds
        assert open_seconds(team, start, due - timedelta(seconds=1), clock) == target_seconds - 1


def test_what_is_owed_is_what_is_open(home: Home) -> None:
    owed = home.query("select ticket_id, metric, occurrence, due_at, remaining_seconds from tickets_due order by all")
    assert owed == home.query(
        "select ticket_id, metric, occurrence, due_at, remaining_seconds from fct_sla_targets where is_open order by all"
    )
    assert {"unanswered", "paused"} <= {row[0] for row in owed}
