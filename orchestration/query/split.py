"""The exact split of a KPI's change by the members of a dimension: what each one's own value did to it, and what its share did.

A ratio R = sum of numerators / sum of denominators is the mean of the members' values r, weighted by their shares w of the
denominators. Its change is the sum over the members of

    rate = (r_now - r_before) * (w_now + w_before) / 2
    mix  = (w_now - w_before) * ((r_now + r_before) / 2 - (R_now + R_before) / 2)

A member of one period only has no change of its own value: what it brought or took is its mix, from its value in that period. The
sum is exact whatever the numbers, since shares add up to one. A count is a sum, and its change the sum of the members'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Of sums of doubles.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Sums:
    """What is above the line and below it, of a period; a count has nothing below."""

    numerator: float
    denominator: float | None = None

    @property
    def value(self) -> float | None:
        if self.denominator is None:
            return self.numerator
        return self.numerator / self.denominator if self.denominator else None

    def without(self, other: Sums) -> Sums:
        below = None if self.denominator is None else self.denominator - (other.denominator or 0)
        return Sums(self.numerator - other.numerator, below)


@dataclass(frozen=True)
class Part:
    """One member's part of a change, in the KPI's unit; `now` or `before` is none where it had no cases."""

    member: str
    now: Sums | None
    before: Sums | None
    share: float
    share_before: float
    rate: float
    mix: float

    @property
    def effect(self) -> float:
        return self.rate + self.mix


def split(now: Sums, before: Sums, members: Mapping[str, tuple[Sums | None, Sums | None]]) -> list[Part]:
    """The parts of a change, one for each member, the largest first; they add up to it.

    Args:
        now: the whole in the one period, with a value.
        before: the whole in the other, with a value.
        members: by name the sums of each in both periods; together they are the whole (see `rest`).
    """
    parts = [_part(name, now, before, *sums) for name, sums in members.items()]
    return sorted(parts, key=lambda part: (-abs(part.effect), part.member))


def rest(whole: Sums, members: list[Sums]) -> Sums | None:
    """What the whole has beside its members; none where they are all of it."""
    left = whole
    for sums in members:
        left = left.without(sums)
    scales = [(left.numerator, whole.numerator), (left.denominator or 0, whole.denominator or 0)]
    is_nothing = all(abs(part) <= _TOLERANCE * max(1.0, abs(of)) for part, of in scales)
    return None if is_nothing else left


def _part(name: str, whole: Sums, whole_before: Sums, now: Sums | None, before: Sums | None) -> Part:
    share, share_before = _share(now, whole), _share(before, whole_before)
    if whole.denominator is None:
        return Part(name, now, before, share, share_before, (now or Sums(0)).numerator - (before or Sums(0)).numerator, 0.0)
    middle = ((whole.value or 0) + (whole_before.value or 0)) / 2
    value, value_before = now.value if now else None, before.value if before else None
    if value is None or value_before is None:
        # What is above the line of a member without cases counts as well.
        brought = (now.numerator if now else 0.0) / whole.denominator - share * middle
        took = (before.numerator if before else 0.0) / (whole_before.denominator or 1) - share_before * middle
        return Part(name, now, before, share, share_before, 0.0, brought - took)
    rate = (value - value_before) * (share + share_before) / 2
    mix = (share - share_before) * ((value + value_before) / 2 - middle)
    return Part(name, now, before, share, share_before, rate, mix)


def _share(part: Sums | None, whole: Sums) -> float:
    """Of the denominators, or of a count's cases."""
    if part is None:
        return 0.0
    of, total = (part.numerator, whole.numerator) if whole.denominator is None else (part.denominator or 0.0, whole.denominator)
    return of / total if total else 0.0
