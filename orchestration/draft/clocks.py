"""A day in one column and its time of day in another are one instant."""

from __future__ import annotations

import re

from orchestration.core.literals import identifier
from orchestration.draft.entries import DayOrder, day_order
from orchestration.draft.fitting import Looks
from orchestration.draft.lexicon import listed, plain
from orchestration.draft.parts import Draft
from orchestration.draft.times import CLOCK_ONLY, COMPACT_CLOCK, POINTED_CLOCK
from orchestration.pull.kinds import Kind

#: Kinds whose records are answered within hours.
_OF_HOURS = ("tickets", "calls")


def with_clock(draft: Draft, kind: Kind, left: list[Looks], order: DayOrder) -> None:
    """A date in one column and its time in another are one instant."""
    named = [one for one in left if _is_of_day(one)]
    for name in kind.required_columns:
        made = draft.entries.get(name)
        if kind.columns[name].type != "instant" or made is None or made.looks is None:
            continue
        times = made.looks.times
        if times.clocked or times.unit or not times.share:
            continue
        if not named and kind.name in _OF_HOURS:
            made.doubts.append("days only: nothing tells the time of day, and each is the first moment of its day")
        if not named:
            continue
        beside = [one for one in named if _but_clocks(one.seen.name) == _but_clocks(made.looks.seen.name)]
        clocks = beside if len(beside) == 1 else named
        if len(clocks) > 1:
            made.doubts.append(f"days only: is the time of day in {', '.join(repr(one.seen.name) for one in clocks[:3])}?")
            continue
        clock = clocks[0]
        formats = times.formats(day_order(times, order).day_first) or ["%Y-%m-%d"]
        clock_formats = dict.fromkeys(_clock_format(text) for text in clock.seen.values if _is_clock(text))
        made.mapping.pop("from", None)
        made.mapping["sql"] = f"{identifier(made.looks.seen.name)} || ' ' || {identifier(clock.seen.name)}"
        made.mapping["format"] = [f"{day} {time}" for day in formats for time in clock_formats]
        made.why += f"; the time of day is in {clock.seen.name!r}"
        left.remove(clock)


def _is_of_day(looks: Looks) -> bool:
    """Does a column hold times of day? What is called a time may be a length, which mostly ends before six o'clock."""
    words = plain(looks.seen.name).split()
    if not any(word in listed("clocks") for word in words) or any(word in listed("lengths") for word in words):
        return False
    if looks.seen.share(COMPACT_CLOCK.fullmatch) > 0.9:
        return True
    is_clock = looks.clock_times > 0.9 or looks.seen.share(POINTED_CLOCK.fullmatch) > 0.9
    return is_clock and looks.seen.share(lambda text: int(re.split("[:.]", text)[0]) >= 6) > 0.2


def _but_clocks(name: str) -> list[str]:
    """A column's name without its word for a date or a time: 'Call Date' and 'Call Time' are of one instant."""
    return [word for word in plain(name).split() if word not in listed("clocks") and word not in listed("dates")]


def _is_clock(text: str) -> bool:
    return any(form.fullmatch(text) for form in (CLOCK_ONLY, COMPACT_CLOCK, POINTED_CLOCK))


def _clock_format(text: str) -> str:
    if text.isdigit():
        return "%H%M%S"
    if POINTED_CLOCK.fullmatch(text):
        return "%H.%M.%S" if text.count(".") == 2 else "%H.%M"
    half = re.search(r"( ?)[AaPp][Mm]$", text)
    second = ":%S" if text.count(":") == 2 else ""
    return f"%I:%M{second}{half[1]}%p" if half else f"%H:%M{second}"
