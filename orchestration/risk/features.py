"""What is known of a case as numbers, and in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestration.risk.judging import Array

Words = Callable[[float], str]
REASONS = 3
#: An effect on the logarithm of the odds that is smaller is no reason.
_LEAST = 0.1


@dataclass(frozen=True)
class Feature:
    """A column of the snapshots; ``words`` say its value to a reader, without anything personal."""

    name: str
    words: Words
    #: Counts, days and amounts: the step from 0 to 1 says more than that from 20 to 21.
    is_amount: bool = True


def counted(one: str, several: str) -> Words:
    """ "1 contact in 90 days", "3 contacts in 90 days", "no contact in 90 days"."""

    def words(value: float) -> str:
        number = round(value)
        return f"no {one}" if number == 0 else f"1 {one}" if number == 1 else f"{number:,} {several}"

    return words


def hours_in_words(value: float) -> str:
    """Hours as minutes, hours or days, whichever is readable."""
    if value < 1:
        return f"{value * 60:.0f} minutes"
    return f"{value:.0f} hours" if value < 72 else f"{value / 24:.0f} days"


def matrix(features: Sequence[Feature], columns: dict[str, Array]) -> Array:
    """Cases x features."""
    found = [np.log1p(np.maximum(columns[f.name], 0)) if f.is_amount else columns[f.name] for f in features]
    return np.column_stack(found) if found else np.empty((0, 0))


def reasons(features: Sequence[Feature], columns: dict[str, Array], effects: Array) -> list[list[str | None]]:
    """For each case the features that raise its risk most, strongest first, in words; fewer where fewer raise it."""
    found: list[list[str | None]] = []
    for row, places in enumerate(np.argsort(-effects, axis=1, kind="stable")[:, :REASONS]):
        texts: list[str | None] = []
        for place in places:
            value = columns[features[place].name][row]
            if effects[row, place] >= _LEAST and not np.isnan(value):
                texts.append(features[place].words(float(value)))
        found.append([*texts, *([None] * (REASONS - len(texts)))])
    return found
