"""How well what is in a file's column fits a canonical column, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from orchestration.draft.columns import Seen
from orchestration.draft.lexicon import Meaning, listed, plain, vocabulary
from orchestration.draft.numbers import Numbers, durations, numbers
from orchestration.draft.ratings import is_answer
from orchestration.draft.times import Times, clock_times, times
from orchestration.pull.kinds import Column, Kind

_YES = {"true", "t", "yes", "y", "1", "1.0"}
#: Words of yes and no that every contract understands.
UNDERSTOOD = _YES | {"false", "f", "no", "n", "0", "0.0"}
_YES_NO = ("true", "false", "yes", "no")
#: Texts more different than this are hardly words of a vocabulary.
_MANY = 40


@dataclass(frozen=True)
class Fit:
    """Share of a column's rows that a canonical column can hold, 0 to 1, and what they look like."""

    share: float
    why: str


class Looks:
    """What a column of a file looks like, worked out where it is asked for."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self._fits: dict[tuple[str, str], Fit] = {}

    @cached_property
    def times(self) -> Times:
        return times(self.seen)

    @cached_property
    def numbers(self) -> Numbers:
        return numbers(self.seen)

    @cached_property
    def durations(self) -> Numbers:
        return durations(self.seen)

    @cached_property
    def clock_times(self) -> float:
        return clock_times(self.seen)

    def fit(self, kind: Kind, column: Column) -> Fit:
        key = (kind.name if column.values else "", column.name)
        if key not in self._fits:
            self._fits[key] = self._fit(kind, column) if self.seen.present else Fit(0.8, "empty in this file")
        return self._fits[key]

    def _fit(self, kind: Kind, column: Column) -> Fit:
        match column.type:
            case "email":
                return Fit(self.seen.emails, f"{self.seen.emails:.0%} are e-mail addresses")
            case "phone":
                return Fit(self.seen.phones, f"{self.seen.phones:.0%} are phone numbers")
            case "instant" | "promise" | "date":
                instants = self.times
                # Of two columns the one that says more is the instant.
                exact = 1.0 if column.type == "date" or instants.clocked else 0.95
                return Fit(instants.share * exact, f"{instants.share:.0%} are {'times' if instants.clocked else 'dates'}")
            case "seconds":
                return Fit(self.durations.share, f"{self.durations.share:.0%} are durations")
            case "integer" | "number" | "money" | "money_size":
                return self._number(column)
            case "boolean":
                share = self.seen.share(lambda text: plain(text) in listed("booleans") or text in UNDERSTOOD)
                return Fit(share, f"{share:.0%} are yes or no")
            case "one_of" | "word" if column.values:
                return self._words(kind, column)
            case _:
                return self._text(column)

    def _number(self, column: Column) -> Fit:
        share = self.numbers.share
        if column.name in ("rating", "csat_score", "score"):
            share = max(share, self.seen.share(is_answer) if len(self.seen.values) <= _MANY else 0.0)
        if self.times.share > 0.9 and self.times.unit is None:
            share = 0.0
        return Fit(share, f"{share:.0%} are numbers")

    def _words(self, kind: Kind, column: Column) -> Fit:
        """A column of few words may have some of its own; a column of many is no vocabulary."""
        meanings = vocabulary(kind.name, column.name)
        if len(self.seen.values) > _MANY and not any(meaning_of(text, meanings) for text in islice(self.seen.values, _MANY)):
            return Fit(0.0, "too many different texts for a vocabulary")
        known = self.seen.share(lambda text: meaning_of(text, meanings) is not None)
        yes_no = column.name == "disposition" and self.seen.share(lambda text: plain(text) in listed("booleans")) > 0.9
        few = len(self.seen.values) <= _MANY and (len(self.seen.values) <= 12 or len(self.seen.values) < 0.5 * self.seen.present)
        if not few and known < 0.5:
            return Fit(0.0, "too many different texts for a vocabulary")
        if not known and column.type == "word":
            return Fit(0.3, "no word of it is known")
        if not known and (self.numbers.share > 0.9 or self.times.share > 0.9) and not yes_no:
            return Fit(0.3, "numbers or dates, no words")
        return Fit(1.0 if yes_no else 0.6 + 0.4 * known, f"{known:.0%} of the rows hold words that are known")

    def _text(self, column: Column) -> Fit:
        if column.type == "prose":
            return (
                Fit(0.4, "dates or addresses, no text") if self.times.share > 0.9 or self.seen.emails > 0.9 else Fit(1.0, "texts")
            )
        if self.seen.emails > 0.8 or (self.times.share > 0.8 and not self.times.unit and column.name != "tags"):
            return Fit(0.2 if self.times.share > 0.8 else 0.5, "addresses or dates")
        if not column.is_id and self.seen.share(lambda text: text.lower() in _YES_NO) > 0.95:
            return Fit(0.3, "yes and no, no texts")
        if column.is_id:
            # Of a number and a name of one customer the number tells whose a record is.
            share = 0.9 if column.name == "customer_id" and self.seen.person_names > 0.6 else 1.0
            return Fit(share, f"{len(self.seen.values):,} different in {self.seen.present:,} rows")
        return Fit(
            0.6 if self.seen.mean_length > 80 else 1.0, f"{len(self.seen.values):,} different in {self.seen.present:,} rows"
        )


def is_yes(text: str) -> bool:
    """Does a word mean yes, in any language that is known?"""
    meaning: Meaning | None = listed("booleans").get(plain(text))
    return meaning.value == "true" if meaning else text.casefold() in _YES


def meaning_of(text: str, meanings: dict[str, Meaning]) -> Meaning | None:
    """What a word stands for: as it is, or, not surely, by the one known word among several ('1 - Critical', 'High (24 h)')."""
    word = plain(text)
    if word in meanings:
        return meanings[word]
    # '5 sehr hoch', 'Priority 1 - very high'
    bare = re.sub(r"^\d+ | \d+$", "", word)
    if bare in meanings:
        return Meaning(meanings[bare].value, False)
    if not listed("negations").keys().isdisjoint(word.split()):
        return None
    found = {meanings[part].value for part in word.split() if part in meanings and len(part) > 3}
    return Meaning(found.pop(), False) if len(found) == 1 else None
