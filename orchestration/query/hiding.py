"""Numbers of too few people are not shown in answers, nor the smallest beside them that would give them away.

The query itself hides cells of fewer people than ``min_people``. Of cells that together are one shown total (members of one cut,
all else equal), further ones are hidden here, those of fewest people first, until the hidden ones are two and of enough people
together: the rule of the marts. Different questions are not held against each other: who may ask may read the cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestration.publish.suppression import SUPPRESSED

Row = dict[str, Any]
_NUMBERS = ("numerator", "denominator", "value", "n", "n_pending", "ci_low", "ci_high")


def hide_few(rows: list[Row], cuts: Sequence[str], least: int) -> list[Row]:
    """Hide what gives hidden cells away.

    Args:
        rows: cells of one KPI, with ``people_bits`` (a set of people; null where they are nobody's) and a column for each cut.
        cuts: the names of the cuts.
        least: numbers of fewer people are hidden.
    """
    hidden = {place for place, row in enumerate(rows) if row["status"] == SUPPRESSED}
    before = -1
    while hidden and before != len(hidden):
        before = len(hidden)
        for cut in cuts:
            for group in _groups(rows, [name for name in cuts if name != cut]):
                hidden |= _complement(rows, group, hidden, least)
    return [
        {**row, **dict.fromkeys(_NUMBERS), "status": SUPPRESSED} if place in hidden else row for place, row in enumerate(rows)
    ]


def _groups(rows: list[Row], same: list[str]) -> Iterable[list[int]]:
    found: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault((row["period_start"], *(row[name] for name in same)), []).append(place)
    return found.values()


def _complement(rows: list[Row], group: list[int], hidden: set[int], least: int) -> set[int]:
    """The cells of a group to hide beside those that are."""
    chosen = [place for place in group if place in hidden]
    if not chosen:
        return set()
    bits = 0
    for place in chosen:
        bits |= rows[place]["people_bits"] or 0
    left = sorted((place for place in group if place not in hidden), key=lambda place: _people(rows[place]))
    for place in left:
        if len(chosen) > 1 and bits.bit_count() >= least:
            break
        chosen.append(place)
        bits |= rows[place]["people_bits"] or 0
    return set(chosen)


def _people(row: Row) -> tuple[int, int]:
    return (row["people_bits"] or 0).bit_count(), row["n"] or 0
