"""The cases of the KPIs of conversations, from the raw rows: what bots did, who passed a ticket on, how many replies it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from independent import Company, Row, topic_of

Cases = Iterator[tuple[datetime, Any]]
WINDOW = timedelta(days=7)


def conversations(c: Company) -> list[Row]:
    """Tickets that are contacts and whose log is whole."""
    return [t for t in c.tickets if t["counts"] and t["is_log_whole"]]


def stations(values: list[Any]) -> list[Any]:
    """Where something was one after the other, without repeats."""
    known = [value for value in values if value]
    return [value for place, value in enumerate(known) if place == 0 or known[place - 1] != value]


def of_solved(value: Callable[[Row, list[Row]], Any]) -> Callable[[Company], Cases]:
    """A value of each conversation that people solved, at its last solving; none: it does not count."""

    def cases(c: Company) -> Cases:
        robots = {row["id"] for row in with_bots(c) if row["is_contained"]}
        for t in conversations(c):
            if t["last_solved"] and t["ticket_id"] not in robots:
                found = value(t, c.events[t["ticket_id"]])
                if found is not None:
                    yield t["last_solved"], found

    return cases


def _notes(_: Row, events: list[Row]) -> int:
    return sum(e["event_type"] == "internal_note" for e in events)


def _is_reassigned(ticket: Row, events: list[Row]) -> bool:
    assigned = stations([e["to_value"] for e in events if e["event_type"] == "assigned"])
    return len(assigned or [ticket["agent_id"]]) > 1


def _teams(events: list[Row]) -> list[str]:
    return stations([e["team"] for e in events])


def _first_team_seconds(ticket: Row, events: list[Row]) -> float | None:
    teams = _teams(events)
    if not teams:
        return None
    left = [e["event_at"] for e in events if e["team"] and e["team"] != teams[0]]
    return ((min(left) if left else ticket["last_solved"]) - ticket["created_at"]).total_seconds()


def with_bots(c: Company) -> list[Row]:
    """Conversations in which a bot wrote, and what became of each: True, False, or None while that is open."""
    came: dict[str, list[tuple[datetime, Any]]] = defaultdict(list)
    for row, at in [*((t, t["created_at"]) for t in c.tickets if t["counts"]), *((k, k["started_at"]) for k in c.calls)]:
        if person := c.person(row):
            came[person].append((at, topic_of(row)))
    answers = {s["ticket_id"]: s["issue_solved"] for s in sorted(c.surveys, key=lambda s: s["responded_at"])
            if s["ticket_id"] and s["issue_solved"] is not None}  # fmt: skip
    return [
        _judged(c, t, bots, came.get(c.person(t) or "", []), answers.get(t["ticket_id"]))
        for t in conversations(c)
        if (bots := [e["event_at"] for e in c.events[t["ticket_id"]] if _is_of_bot(e)])
    ]


def _is_of_bot(event: Row) -> bool:
    return event["actor_type"] == "bot" and event["event_type"] in ("public_reply", "auto_reply")


def _judged(c: Company, t: Row, bots: list[datetime], came: list[tuple[datetime, Any]], answer: bool | None) -> Row:
    events = c.events[t["ticket_id"]]
    robots = {e["actor_id"] for e in events if e["actor_type"] == "bot"}
    people = [e["event_at"] for e in events if e["event_type"] == "public_reply" and e["actor_type"] in (None, "agent")]
    given = [
        e["event_at"]
        for e in events
        if (e["event_type"] == "escalated" or (e["event_type"] == "assigned" and e["to_value"] and e["to_value"] not in robots))
        and (not t["last_solved"] or e["event_at"] < t["last_solved"])
    ]
    over = [at for at in [*people, *given] if at >= min(bots)]
    said = [e["event_at"] for e in events if e["event_type"] == "customer_message"]
    ends = (t["last_solved"] or max([*bots, *said])) + WINDOW
    is_past = ends <= c.as_of
    contained = False if people or over else True if t["is_solved"] or is_past else None
    back = [(at, topic) for at, topic in came if t["created_at"] < at < ends]
    unanswered = bool(not t["is_solved"] and said and max(said) > max(bots))
    again, anything = (bool(t["reopened"] or found) for found in ([b for b in back if b[1] == topic_of(t)], back))
    # Neither before the window is over, when only those who came back would be known, nor of unknown customers, who never do.
    is_seen = bool(c.person(t)) and (t["created_at"] + WINDOW if contained is False else ends) <= c.as_of
    resolved = contained and not (unanswered or again) if is_seen else None
    failed, failed_at_all = (answer is False or unanswered or what for what in (again, anything))
    after = [at for at in people if at >= min(bots)]
    return {
        "id": t["ticket_id"], "at": t["created_at"], "is_contained": contained,
        "hand_over": (min(over) - min(bots)).total_seconds() if over else None,
        "wait": (min(after) - min(over)).total_seconds() if after else None,
        "is_resolved": answer if contained and answer is not None else resolved,
        "is_durable": contained and not failed_at_all if is_seen else None,
        "is_false": failed if contained and is_seen else None,
        "first_bot": min(bots),
    }  # fmt: skip


def of_bots(value: Callable[[Row], Any]) -> Callable[[Company], Cases]:
    """A value of each conversation with a bot, at its creation; none: it is not decided."""

    def cases(c: Company) -> Cases:
        for row in with_bots(c):
            if (found := value(row)) is not None:
                yield row["at"], found

    return cases


def with_known_bots(c: Company) -> list[Row]:
    """Conversations of lists that the log names a bot for."""
    lists = {t["_contract"] for t in c.tickets if any(map(_is_of_bot, c.events[t["ticket_id"]]))}
    return [t for t in conversations(c) if t["_contract"] in lists]


def involved(c: Company) -> Cases:
    robots = {row["id"] for row in with_bots(c)}
    for t in with_known_bots(c):
        yield t["created_at"], t["ticket_id"] in robots


def first_replies(c: Company) -> Cases:
    robots = {row["id"]: row["first_bot"] for row in with_bots(c)}
    for t in with_known_bots(c):
        found = [at for at in (t["first_response"], robots.get(t["ticket_id"])) if at]
        if found:
            yield t["created_at"], (min(found) - t["created_at"]).total_seconds()


def satisfied(with_bot: bool) -> Callable[[Company], Cases]:
    """The last score of conversations that a bot had alone, or people had alone: good, or above three of five."""

    def cases(c: Company) -> Cases:
        alone = {row["id"]: row["is_contained"] for row in with_bots(c)}
        answers = {s["ticket_id"]: s for s in sorted(c.surveys, key=lambda s: s["responded_at"]) if s["kind"] == "csat"}
        for t in with_known_bots(c):
            is_meant = alone.get(t["ticket_id"]) if with_bot else t["ticket_id"] not in alone and t["replies"] > 0
            if is_meant and (t["last_csat"] is not None or t["ticket_id"] in answers):
                assert t["ticket_id"] not in answers, "the cases have scores of tickets only"
                yield t["created_at"], t["last_csat"] == 2

    return cases


def follow_ups(c: Company) -> Cases:
    batches = {t["_batch"] for t in c.tickets if t["follow_up_of"]}
    for t in conversations(c):
        if t["_batch"] in batches:
            yield t["created_at"], bool(t["follow_up_of"])


def merged(c: Company) -> Cases:
    """A ticket that counts for nothing, though neither spam nor deleted, was merged."""
    for t in c.tickets:
        if not t["is_spam"] and not t["is_deleted"]:
            yield t["created_at"], not t["counts"]


#: Of logs with replies, notes and assignments.
MEANS: dict[str, Callable[[Company], Cases]] = {
    "replies_per_resolution": of_solved(lambda t, _: t["replies"]),
    "one_touch_rate": of_solved(lambda t, _: t["replies"] == 1),
    "two_touch_rate": of_solved(lambda t, _: t["replies"] == 2),
    "internal_notes_per_resolution": of_solved(_notes),
    "reassignment_rate": of_solved(_is_reassigned),
    "merged_rate": merged,
}
#: Of logs that name bots.
BOTS: dict[str, Callable[[Company], Cases]] = {
    "bot_involvement_rate": involved,
    "bot_containment_rate": of_bots(lambda row: row["is_contained"]),
    "bot_hand_over_rate": of_bots(lambda row: None if row["is_contained"] is None else row["hand_over"] is not None),
    "bot_hand_over_time": of_bots(lambda row: row["hand_over"]),
    "bot_hand_over_wait_time": of_bots(lambda row: row["wait"]),
    "bot_resolution_rate": of_bots(lambda row: row["is_resolved"]),
    "bot_durable_resolution_rate": of_bots(lambda row: row["is_durable"]),
    "bot_false_containment_rate": of_bots(lambda row: row["is_false"]),
    "bot_csat": satisfied(with_bot=True),
    "human_csat": satisfied(with_bot=False),
    "first_reply_time": first_replies,
}
#: Of logs that name teams.
TEAMS: dict[str, Callable[[Company], Cases]] = {
    "team_changes_per_resolution": of_solved(lambda _, events: len(_teams(events)) - 1 if _teams(events) else None),
    "team_return_rate": of_solved(lambda _, events: len(_teams(events)) > len(set(_teams(events))) if _teams(events) else None),
    "first_team_time": of_solved(_first_team_seconds),
    "follow_up_rate": follow_ups,
}
#: Computed in test_bots_independently.py: the sample has no bots, and its log no teams.
OTHERS = {*BOTS, *TEAMS, "bot_cost_per_contained", "first_reply_time_median"}
