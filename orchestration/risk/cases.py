"""Past cases of which it is known whether it happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration.risk.judging import Array


@dataclass(frozen=True)
class Cases:
    """Past cases, one entry each. Days are numbers of days; ``who`` numbers the person or ticket that a case is of.

    ``draw`` is a number of each person by which parts of them are drawn: made of what is known of them and not of their key, so
    that the same customers under other keys give the same models.
    """

    names: tuple[str, ...]
    #: Cases x features; nan where nothing is known.
    features: Array
    happened: NDArray[np.bool_]
    who: NDArray[np.int64]
    draw: NDArray[np.int64]
    seen_on: NDArray[np.int64]
    #: The day on which it was known whether it happened.
    judged_on: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.happened)

    def chosen(self, rows: NDArray[Any]) -> Cases:
        parts = ("features", "happened", "who", "draw", "seen_on", "judged_on")
        return replace(self, **{name: getattr(self, name)[rows] for name in parts})

    def of_features(self, places: list[int]) -> Cases:
        return replace(self, names=tuple(self.names[place] for place in places), features=self.features[:, places])

    def capped(self, most: int) -> Cases:
        """The cases of some people only, where there are more than ``most``; which people depends on their draw alone."""
        if len(self) <= most:
            return self
        places = mixed(self.draw)
        return self.chosen(places <= np.sort(places)[most - 1])

    def people(self) -> tuple[int, int]:
        """To how many people it happened, and to how many it did not (once or more often)."""
        return len(np.unique(self.who[self.happened])), len(np.unique(self.who[~self.happened]))

    def split(self, held_back_from: int) -> tuple[Cases, Cases]:
        """Cases whose end was known by a day, and those that were seen from then on; of those between, the end was not known."""
        return self.chosen(self.judged_on <= held_back_from), self.chosen(self.seen_on >= held_back_from)


def mixed(draw: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in an order that has nothing to do with them."""
    return np.asarray(((draw.astype(np.uint64) * np.uint64(11400714819323198485)) >> np.uint64(20)).astype(np.int64))
