"""The cases of the KPIs of targets by policy, from the raw rows and the seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from independent import Company, Row, holds, read_seed
from support_cases import Cases, counted

#: From when until when a clock ran; the last end is none while it does.
Spans = list[tuple[datetime, datetime | None]]


def team_at(t: Row, events: list[Row], instant: datetime) -> str | None:
    """The team that a ticket had at an instant; the list's where the log tells of no team, or ends with another one."""
    teams = [(e, e["to_value"] if e["event_type"] == "team_changed" else e["team"]) for e in events]
    teams = [(e, team) for e, team in teams if team or e["event_type"] == "team_changed"]
    if not teams or teams[-1][1] != t["team"]:
        return t["team"]
    first, first_team = teams[0]
    before = [team for e, team in teams if e["event_at"] <= instant]
    return before[-1] if before else first["from_value"] if first["event_type"] == "team_changed" else first_team


def targets_of(seed: list[Row], c: Company, ticket: Row, team: str | None) -> dict[str, Row]:
    """By metric the row of the seed that holds for a ticket while it is with a team."""
    fitting = [
        row
        for row in seed
        if row["channel"] in ("", ticket["channel"]) and row["team"] in ("", team)
        and row["tag"] in ("", *(ticket["tags"] or "").split())
        and holds(row, c.day(ticket["created_at"]))
    ]  # fmt: skip
    found: dict[str, Row] = {}
    for row in sorted(fitting, key=lambda row: (int(row["position"]), not row["priority"])):
        is_of_first = row["policy"] == min(fitting, key=lambda row: int(row["position"]))["policy"]
        if is_of_first and row["priority"] in ("", ticket["priority"]):
            found.setdefault(row["metric"], row)
    return found


def first_reply(t: Row, _: list[Row]) -> Iterator[Spans]:
    ends = [at for at in (t["first_response"], t["last_solved"]) if at]
    if t["is_response_tracked"] and (ends or not t["is_solved"]):
        yield [(t["created_at"], min(ends) if ends else None)]


def next_replies(t: Row, events: list[Row]) -> Iterator[Spans]:
    waiting = None
    for event in sorted(events, key=lambda e: (e["event_at"], e["event_type"] == "public_reply")):
        if not t["first_response"] or event["event_at"] < t["first_response"]:
            continue
        if event["event_type"] == "customer_message":
            waiting = waiting or event["event_at"]
        elif waiting and event["event_type"] == "public_reply" and event["actor_type"] in (None, "agent"):
            solved = t["last_solved"]
            yield [(waiting, min(event["event_at"], solved) if solved and solved >= waiting else event["event_at"])]
            waiting = None
    if waiting and not (t["is_solved"] and t["last_solved"] and waiting > t["last_solved"]):
        yield [(waiting, t["last_solved"])]


def resolution(t: Row, _: list[Row]) -> Iterator[Spans]:
    if t["is_solved"] and not t["last_solved"]:
        return
    if not t["is_log_whole"]:
        # Of one that was reopened nobody knows how long it was solved in between.
        if not (t["reopens"] or t["reopenings"]):
            yield [(t["created_at"], t["last_solved"])]
        return
    starts, ends = [t["created_at"], *t["reopenings"]], list(t["solvings"])
    yield [(start, end or t["last_solved"]) for start, end in itertools.zip_longest(starts, ends) if start]


def updates(t: Row, events: list[Row]) -> Iterator[Spans]:
    replies = {e["event_at"] for e in events if e["event_type"] == "public_reply" and e["actor_type"] in (None, "agent")}
    for opened, solved in next(resolution(t, events), []):
        on_desk = sorted(at for at in replies if opened <= at and (not solved or at < solved))
        yield from ([(at, then)] for at, then in itertools.pairwise([*on_desk, solved]))


def in_states(*counted_states: str) -> Callable[[Row, list[Row]], Iterator[Spans]]:
    def spans(t: Row, events: list[Row]) -> Iterator[Spans]:
        if not t["is_log_whole"] or (t["is_solved"] and not t["last_solved"]):
            return
        changes = [
            (max(e["event_at"], t["created_at"]), e["to_value"])
            for e in events
            if e["event_type"] in ("created", "status_changed") and e["to_value"]
        ]
        ends: list[datetime | None] = [at for at, _ in changes]
        states = [(t["created_at"], "new"), *changes]
        yield [
            (start, end or t["last_solved"])
            for (start, state), end in zip(states, [*ends, None], strict=True)
            if state in counted_states and (not end or end > start)
        ]

    return spans


#: The waits of each metric, each as the spans in which its clock ran; none where the export does not tell. (The sample's log
#: goes as far back as its list, so that it tells of every reply.)
_WAITS: dict[str, Callable[[Row, list[Row]], Iterator[Spans]]] = {
    "first_reply": first_reply,
    "next_reply": next_replies,
    "periodic_update": updates,
    "resolution": resolution,
    "agent_work": in_states("new", "open"),
    "requester_wait": in_states("new", "open", "on_hold"),
}
_ENDED_BY_REPLY = ("first_reply", "next_reply", "periodic_update")
_STATES = ("new", "open", "pending", "on_hold", "solved", "closed")


def running(t: Row, events: list[Row], spans: Spans, paused_in: str) -> Spans | None:
    """The spans less the time in the states in which the clock stands; none where nobody knows the states."""
    if not paused_in:
        return spans
    states = next(in_states(*set(_STATES).difference(paused_in.split()))(t, events), None)
    if states is None:
        return None
    pairs = itertools.product(spans, states)
    shared = [(max(start, since), min((at for at in (end, until) if at), default=None)) for (start, end), (since, until) in pairs]
    return sorted((span for span in shared if not span[1] or span[0] < span[1]), key=lambda span: span[0])


def owed_targets(c: Company, only: str = "") -> Iterator[tuple[datetime, int, bool]]:
    """Of each target: since when it is owed, by how many seconds it is over its time (below: not), and whether that is all."""
    seed = read_seed(c.seeds / "sla_targets.csv")
    assert not any(row["segment"] for row in seed), "segments of tickets are not computed here"
    for t in counted(c):
        events = c.events.get(t["ticket_id"], [])
        for metric in [only] if only else _WAITS:
            for spans in _WAITS[metric](t, events):
                met_at = spans[-1][1] if metric in _ENDED_BY_REPLY else t["last_solved"]
                row = targets_of(seed, c, t, team_at(t, events, met_at or c.as_of)).get(metric)
                ran = running(t, events, spans, row["paused_in"]) if row else None
                if not row or ran is None:
                    continue
                elapsed = sum(_seconds(c, t, row, start, end or c.as_of) for start, end in ran)
                owed = spans if metric in _ENDED_BY_REPLY else ran
                is_owed = any(end is None for _, end in owed)
                is_over = not is_owed and (metric in _ENDED_BY_REPLY or t["is_solved"])
                yield owed[0][0] if owed else t["created_at"], elapsed - int(row["target_seconds"]), is_over


def _seconds(c: Company, t: Row, row: Row, start: datetime, end: datetime) -> int:
    if row["clock"] == "business":
        return c.calendars(t).seconds(start.replace(microsecond=0), end.replace(microsecond=0))
    return round((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds())


def attained(only: str = "") -> Callable[[Company], Cases]:
    """Was each target kept? Those still owed with time left are not decided."""

    def cases(c: Company) -> Cases:
        for at, beyond, is_over in owed_targets(c, only):
            if is_over or beyond > 0:
                yield at, beyond <= 0

    return cases


def missed_by(c: Company) -> Iterator[tuple[datetime, Any]]:
    for at, beyond, is_over in owed_targets(c):
        if is_over and beyond > 0:
            yield at, beyond


MEANS: dict[str, Callable[[Company], Cases]] = {
    "sla_attainment_rate": attained(),
    **{f"sla_{metric}_attainment_rate": attained(metric) for metric in _WAITS},
    "sla_missed_by": missed_by,
}
MEDIANS = {"sla_missed_by_median": (missed_by, 0.5)}
