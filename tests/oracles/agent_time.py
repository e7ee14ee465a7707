"""Agents' time a second way: each second of each agent painted with what they did, straight from the rows of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

Row = dict[str, Any]
#: What a second is painted with, the strongest last; 0 is offline, or nothing known.
PAINTS = ("offline", "logged_in", "available", "other_work", "break", "after_call", "busy")
LONGEST, SKEW = timedelta(hours=12), timedelta(seconds=10)


def stated_end(row: Row) -> datetime | None:
    if row["ended_at"] is None and row["duration_seconds"] is not None:
        return row["started_at"] + timedelta(seconds=row["duration_seconds"])
    return row["ended_at"]


def reach_of(rows: list[Row], as_of: datetime) -> datetime:
    """The last instant that a log tells of."""
    return max([row["started_at"] for row in rows] + [end for end in map(stated_end, rows) if end and end <= as_of])


def spans(rows: list[Row], as_of: datetime) -> Iterator[tuple[str, str, str | None, datetime, datetime]]:
    """(agent, state, contact, start, end) of the states of one log whose length is known."""
    states, reach = [(row, stated_end(row)) for row in rows], reach_of(rows, as_of)
    starts: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        starts[row["agent_id"]].append(row["started_at"])
    for row, end in states:
        start = row["started_at"]
        if end is None:
            end = min((at for at in starts[row["agent_id"]] if at > start), default=reach)
        elif end > as_of:
            end = reach
        elif end < start - SKEW:
            continue
        if row["state"] != "offline" and timedelta() <= end - start <= LONGEST:
            yield row["agent_id"], row["state"], row["contact_id"], start, end


#: (channel, queue) -> how many contacts of it an agent has in each second.
Counts = dict[tuple[str, str], np.ndarray]


def contacts_by_kind(rows: list[Row], as_of: datetime, first: datetime) -> Iterator[tuple[str, Counts]]:
    """Agent by agent: how many contacts of each (channel, queue) the agent has in each second from `first` on."""
    kinds = {(row["agent_id"], row["contact_id"]): (row["channel"] or "unknown", row["queue"] or "unknown") for row in rows}
    seen: dict[str, dict[str | None, set[int]]] = defaultdict(lambda: defaultdict(set))
    for agent, state, contact, start, end in spans(rows, as_of):
        if state == "busy":
            begins, ends = (int((at.replace(microsecond=0) - first).total_seconds()) for at in (start, end))
            seen[agent][contact].update(range(max(begins, 0), max(ends, 0)))
    seconds = int((as_of - first).total_seconds()) + 86400
    for agent, contacts in seen.items():
        counts: Counts = {}
        for contact, places in contacts.items():
            own = counts.setdefault(kinds[agent, contact], np.zeros(seconds, np.int16))
            own[list(places)] += 1
        yield agent, counts


def shared(counts: Counts, part: slice) -> dict[tuple[str, str], tuple[int, float]]:
    """(seconds of the contacts, what they take of the agent when each of those at once takes as much) by kind."""
    every = np.maximum(sum(own[part] for own in counts.values()), 1)
    return {kind: (int(own[part].sum()), float((own[part] / every).sum())) for kind, own in counts.items() if own[part].any()}


@dataclass
class Timeline:
    """The seconds of one agent since the first one that is looked at."""

    paint: np.ndarray
    contacts: np.ndarray
    shift: np.ndarray

    def of(self, state: str, part: slice) -> int:
        return int((self.paint[part] == PAINTS.index(state)).sum())

    def logged_in(self, part: slice) -> int:
        return int((self.paint[part] > 0).sum())

    def scheduled(self, part: slice) -> int:
        return int(self.shift[part].sum())

    def adherent(self, part: slice) -> int:
        on = self.shift[part] & (self.paint[part] > 0) & (self.paint[part] != PAINTS.index("break"))
        return int(on.sum())


def timelines(
    rows: list[Row], shifts: Iterable[tuple[str, datetime, datetime]], as_of: datetime, first: datetime
) -> dict[str, Timeline]:
    """Every agent whom the log names, or who has a shift, painted second by second from `first` on."""
    seconds = int((as_of - first).total_seconds()) + 86400
    found: dict[str, Timeline] = defaultdict(
        lambda: Timeline(np.zeros(seconds, np.int8), np.zeros(seconds, np.int16), np.zeros(seconds, bool))
    )

    def part(start: datetime, end: datetime) -> slice:
        begins, ends = (int((at.replace(microsecond=0) - first).total_seconds()) for at in (start, end))
        return slice(max(begins, 0), max(ends, 0))

    seen: dict[tuple[str, str | None], set[int]] = defaultdict(set)
    for agent, state, contact, start, end in spans(rows, as_of):
        line, place = found[agent], part(start, end)
        line.paint[place] = np.maximum(line.paint[place], PAINTS.index(state))
        if state == "busy":
            seen[agent, contact].update(range(place.start, place.stop))
    for (agent, _), places in seen.items():
        found[agent].contacts[list(places)] += 1
    for agent, start, end in shifts:
        found[agent].shift[part(start, end)] = True
    return dict(found)
