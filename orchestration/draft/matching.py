"""Which column of a file is which canonical column: points for the name, times how well the contents fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from orchestration.draft.fitting import Looks, meaning_of
from orchestration.draft.lexicon import (
    ANY,
    LANGUAGES,
    Name,
    callers,
    kind_words,
    listed,
    names_of,
    no_names,
    plain,
    squashed_names,
    unsure_names,
    vocabulary,
)
from orchestration.draft.numbers import without_unit
from orchestration.draft.ratings import is_answer
from orchestration.pull.kinds import Column, Kind

#: Points below which a column is none, and below which one is looked at by a person.
ENOUGH, SURE = 35.0, 80.0
#: More words than these are no vocabulary of a few states.
_FEW = 20
#: The highest answer of a question.
_HIGHEST = 10
#: What a column says of the file's kind that is known by its contents only: most exports have some date and some number.
_BY_CONTENTS = 0.25


@dataclass(frozen=True)
class Candidate:
    """A column of the file that may be a canonical one; ``why`` is shown in the contract, as ``doubt`` is behind `check`."""

    column: str
    looks: Looks
    points: float
    why: str
    doubt: str | None = None
    language: str = ANY
    is_by_name: bool = True

    @property
    def name(self) -> str:
        return self.looks.seen.name


def _by_name(header: str, kind: Kind) -> tuple[str, float, str, str] | None:
    """Canonical column, points, reason and language, by the column's name alone."""
    names, word = names_of(kind.name), plain(header)
    if not word or word in no_names():
        return None
    if word in kind.columns or word.replace(" ", "_") in kind.columns:
        return word.replace(" ", "_"), 100.0, "its canonical name", ANY
    if word in names:
        return names[word].column, 95.0, _origin(names[word].language), names[word].language
    bare, without = _shorter(word, kind)
    parts = bare.split()
    squashed = squashed_names(kind.name)
    if (name := squashed.get(word.replace(" ", ""))) is not None:
        return name.column, 94.0, _origin(name.language), name.language
    timeless = without_unit(header)
    if timeless != word and timeless in names and kind.columns[names[timeless].column].type == "seconds":
        return names[timeless].column, 93.0, _origin(names[timeless].language), names[timeless].language
    for shorter, points in ((bare, 92.0), (without, 88.0)):
        if shorter in names and shorter not in no_names():
            name = names[shorter]
            if shorter != bare and _may_be_the_shops(kind.columns[name.column], set(parts) & _own_words(kind.name)):
                # Below what is sure.
                return name.column, 70.0, f"{_origin(name.language)} beside a word for the shop itself", name.language
            return name.column, points, f"{_origin(name.language)} beside words that say nothing", name.language
    return _by_part(parts, kind)


def _may_be_the_shops(column: Column, left_out: set[str]) -> bool:
    """'Store ID', 'Support email': of the shop, or of the order, the ticket, the customer? 'Shop order ID' says it."""
    is_theirs = column.name.startswith("customer_") or column.name in ("country", "currency") or column.required
    return is_theirs and bool(left_out) and left_out <= listed("organisations").keys()


def _shorter(word: str, kind: Kind) -> tuple[str, str]:
    """A plain name without words that say nothing; and without those of the kind."""
    parts = [part for part in word.split() if part not in listed("fillers")]
    return " ".join(parts), " ".join(_without_ends(parts, _own_words(kind.name)))


@cache
def _own_words(kind_name: str) -> frozenset[str]:
    """Words of a kind. A part of "phone system" is none: the phone of an agent is not the agent."""
    return frozenset(words for words in kind_words(kind_name) if " " not in words)


def _without_ends(parts: list[str], words: frozenset[str]) -> list[str]:
    """Without words before and after a name. One between counts: a customer's order number is no customer number."""
    first = next((place for place, part in enumerate(parts) if part not in words), len(parts))
    last = next((place for place in range(len(parts), first, -1) if parts[place - 1] not in words), first)
    return parts[first:last]


def column_by_name(header: str, kind: Kind) -> tuple[str, float] | None:
    """The canonical column that a name is usual for, with its points; none of a name that only holds such a one."""
    named = _by_name(header, kind)
    return named[:2] if named is not None and named[1] >= SURE else None


def _origin(language: str) -> str:
    return "a usual name" if language == ANY else f"{LANGUAGES[language]} name"


def _by_part(parts: list[str], kind: Kind) -> tuple[str, float, str, str] | None:
    """The longest known name within a longer one."""
    best: tuple[str, float, str, str] | None = None
    there, by_first_word = set(parts), _names_by_first_word(kind.name)
    for _, words, name in sorted(known for part in there for known in by_first_word.get(part, ())):
        if len(words) < len(parts) and there.issuperset(words):
            # A long name is a sentence, which is not within another one by chance.
            points = 90.0 if len(words) > 4 else 45.0 + 35.0 * len(words) / len(parts)
            # "order customer number" is the customer's number rather than the order's.
            points -= 0.0 if any(parts[place : place + len(words)] == words for place in range(len(parts))) else 5.0
            if best is None or points > best[1]:
                best = (name.column, points, f"holds {name.written!r}", name.language)
    return best


@cache
def _names_by_first_word(kind_name: str) -> dict[str, list[tuple[int, list[str], Name]]]:
    """Names that may be part of a longer one, each with its place among all and its words."""
    found: dict[str, list[tuple[int, list[str], Name]]] = {}
    for place, (known, name) in enumerate(names_of(kind_name).items()):
        words = known.split()
        if len(words) > 1 or (len(known) >= 5 and known not in listed("generic")):
            found.setdefault(words[0], []).append((place, words, name))
    return found


def candidates(kind: Kind, file: Iterable[Looks]) -> list[Candidate]:
    """Every column of the file that may, by its name, be one of the kind's; the likeliest first."""
    found = []
    for looks in file:
        named = _by_name(looks.seen.name, kind)
        if named is None and looks.seen.described and (named := _by_name(looks.seen.described, kind)) is not None:
            named = (named[0], min(named[1], 90.0), f"{named[2]}, by what is below its name", named[3])
        if named is None and kind.name == "surveys":
            named = _as_question(looks, kind)
        if named is None:
            continue
        column, points, why, language = _as_address(named, looks, kind)
        fit = looks.fit(kind, kind.columns[column])
        total = points * fit.share if fit.share >= 0.5 else points * fit.share * 0.5
        if total >= ENOUGH:
            doubt = None if total >= SURE else _doubt(points, why, fit.why)
            word = plain(looks.seen.name)
            if not unsure_names(kind.name).isdisjoint((word, *_shorter(word, kind))):
                doubt = doubt or "a column called so can hold something else too"
                # A name that is sure goes before.
                total -= 2
            found.append(Candidate(column, looks, total, f"{why}; {fit.why}", doubt, language))
    return sorted(found, key=lambda one: (-one.points, list(kind.columns).index(one.column), one.looks.seen.position))


def _as_question(looks: Looks, kind: Kind) -> tuple[str, float, str, str] | None:
    """'How satisfied are you with …?' above answers of a scale is a score, whatever else it asks about."""
    is_answered = is_question(looks) and looks.fit(kind, kind.columns["score"]).share > 0.9
    return ("score", 85.0, "a question of surveys above answers", ANY) if is_answered else None


def is_question(looks: Looks) -> bool:
    """Does a column's name ask what surveys ask, above numbers or words of a scale?"""
    name, numbers = plain(looks.seen.name), looks.numbers
    if not looks.seen.present or not any(re.search(rf"\b{begins}", name) for begins in listed("surveys")):
        return False
    if numbers.low is None:
        return looks.seen.share(is_answer) > 0.9
    return numbers.low >= 0 and (numbers.high or 0) <= _HIGHEST and numbers.whole


def _as_address(named: tuple[str, float, str, str], looks: Looks, kind: Kind) -> tuple[str, float, str, str]:
    """A word for the customer ("Caller", "Kunde") may be above their numbers, their e-mail addresses or their telephones."""
    column, points, why, language = named
    seen = looks.seen
    if column != "customer_id" or plain(seen.name) == "customer id":
        return named
    is_phone = seen.is_written_as_phones or (plain(seen.name) in callers() and seen.phones > 0.5 and not seen.dated)
    for address, is_it in (("customer_email", seen.emails > 0.9), ("customer_phone", is_phone)):
        if is_it and address in kind.columns:
            # A column that is called so goes before.
            return address, min(points, 85.0), why, language
    return named


def _doubt(points: float, why: str, content: str) -> str:
    if content == "empty in this file":
        return "empty in this file: what its values look like could not be seen"
    return f"{content}" if points >= SURE else f"the name is not one that is known ({why})"


def assign(kind: Kind, file: list[Looks]) -> tuple[dict[str, Candidate], dict[str, list[Candidate]]]:
    """Each canonical column's column of the file, and the runners-up that lie close behind it.

    First by name, one to one, the most points first; what is required or names a person, and was not found so, by its contents.
    """
    chosen: dict[str, Candidate] = {}
    taken: set[int] = set()
    others: dict[str, list[Candidate]] = {}
    for one in candidates(kind, file):
        if one.looks.seen.position in taken:
            continue
        if one.column in chosen:
            others.setdefault(one.column, []).append(one)
            continue
        chosen[one.column] = one
        taken.add(one.looks.seen.position)
    for one in _by_contents(kind, [looks for looks in file if looks.seen.position not in taken], chosen):
        chosen.setdefault(one.column, one)
    _by_words(kind, [looks for looks in file if all(looks is not one.looks for one in chosen.values())], chosen)
    for column, rivals in others.items():
        close = [rival for rival in rivals if rival.points > chosen[column].points - 4 and rival.looks.seen.present]
        others[column] = close
    return {name: chosen[name] for name in kind.columns if name in chosen}, {k: v for k, v in others.items() if v}


def _by_words(kind: Kind, left: list[Looks], chosen: dict[str, Candidate]) -> None:
    """A column that is called so, and of which no word is known, gives way to one of which most are."""
    for name, one in list(chosen.items()):
        column = kind.columns[name]
        if column.type != "one_of" or not one.looks.seen.present or _known(one.looks, kind, name):
            continue
        better = [
            looks
            for looks in left
            if 2 <= len(looks.seen.values) <= _FEW and looks.numbers.share < 0.5 and _known(looks, kind, name) > 0.85
        ]
        if better:
            doubt = f"by its words: of {one.name!r}, which is called so, none is known"
            why = better[0].fit(kind, column).why
            chosen[name] = Candidate(name, better[0], 50.0, why, doubt, is_by_name=False)
            left.remove(better[0])


def _known(looks: Looks, kind: Kind, column: str) -> float:
    meanings = vocabulary(kind.name, column)
    return looks.seen.share(lambda text: meaning_of(text, meanings) is not None)


def _by_contents(kind: Kind, left: list[Looks], chosen: dict[str, Candidate]) -> list[Candidate]:
    found: list[Candidate] = []
    for name, column in kind.columns.items():
        is_sought = column.required or column.type in ("email", "phone") or (kind.name, name) == ("calls", "direction")
        if name in chosen or not is_sought:
            continue
        fitting = [
            looks for looks in left if _has_contents_of(kind, column, looks) and all(looks is not one.looks for one in found)
        ]
        if not fitting:
            continue
        best = fitting[0]
        more = f"; {len(fitting) - 1} more could be it: {_quoted(fitting[1:4])}" if fitting[1:] else ""
        why = best.fit(kind, column).why
        found.append(
            Candidate(name, best, 50.0, why, f"by its contents only: the name is not one that is known{more}", is_by_name=False)
        )
    return found


def _quoted(looks: list[Looks]) -> str:
    return ", ".join(repr(one.seen.name) for one in looks)


def _has_contents_of(kind: Kind, column: Column, looks: Looks) -> bool:
    seen = looks.seen
    if not seen.present:
        return False
    if column.type == "email":
        return seen.emails > 0.9
    if column.type == "phone":
        return seen.is_written_as_phones
    if column.type == "one_of":
        return looks.fit(kind, column).share > 0.85
    if column.type in ("instant", "date"):
        return looks.times.share > 0.9 and (looks.times.unit is None)
    if column.name == "rating":
        numbers = looks.numbers
        return (
            numbers.share > 0.95 and numbers.whole and numbers.low is not None and numbers.low >= 0 and (numbers.high or 99) <= 10
        )
    if [column.name] == list(kind.key):
        return (
            seen.is_unique
            and seen.present == seen.rows
            and seen.rows >= 10
            and seen.mean_length <= 40
            and looks.times.share < 0.5
            and looks.clock_times < 0.5
            and seen.phones < 0.5
            and seen.emails < 0.5
            and seen.person_names < 0.5
            and bool(seen.share(lambda text: re.search(r"\d", text)) > 0.9)
        )
    return False


def worth(kind: Kind, chosen: dict[str, Candidate]) -> float:
    """How much speaks for a kind: the points of its columns, twice those of required ones, less what is required and lacking.

    The key counts once: almost every export has an id. A column whose name is usual in many kinds says little.
    """
    points = sum(
        one.points / 100 * (2 if kind.columns[name].required else 1) * (1 if one.is_by_name else _BY_CONTENTS)
        for name, one in chosen.items()
    )
    # What a survey asks its score tells.
    told = {"kind"} if kind.name == "surveys" and "score" in chosen else set[str]()
    lacking = sum(1 for name in kind.required_columns if name not in chosen and name not in told)
    return points - 2 * lacking
