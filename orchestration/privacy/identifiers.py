"""What a person is known by, in the form in which the models compare it, and where it is in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from orchestration.core.errors import ConfigurationError

#: What may be named; `visitor` is a browser's id.
ID, EMAIL, PHONE, VISITOR = "id", "email", "phone", "visitor"
NAMED_BY = (ID, EMAIL, PHONE, VISITOR)
#: On a roll: an identifier that so many customers share that it identifies none, as `kind:value`. It stays where it is.
SHARED = "shared"
#: What is where a text was.
FORGOTTEN = "[forgotten]"

#: A number has at least so many characters (as in int_customer_identifiers).
_SHORTEST_PHONE = 5
_WORD = r"[^\s\"'<>,;:()\[\]{}|\\/@=&?]"
#: Before and behind the sign of an address; a text is never searched further from it.
_BEFORE, _BEHIND = re.compile(rf"{_WORD}{{1,64}}$"), re.compile(rf"{_WORD}{{1,255}}")
_PHONE = re.compile(r"(?<![\w.])[+(]{0,2}[0-9](?:[0-9 ()./\u00a0-]{3,30})[0-9](?!\w)")
_DIGITS = re.compile(r"\+?[0-9]+")
#: A customer's number within a text: long enough to be nothing else, and with a digit.
_NUMBER = re.compile(r"(?<![\w@.+-])(?=[\w.#:/-]{0,60}[0-9])[\w#][\w.:/#-]{4,60}(?<![.:/#-])(?![\w@])")
_MOST_GROUPS = 12


class Identifier(NamedTuple):
    """What kind of identifier it is, and its value as the models compare it."""

    what: str
    value: str


def normalised(what: str, value: str, calling_code: str = "") -> str | None:
    """A value in the form in which the models compare it; none where it identifies nobody.

    ``calling_code`` is that of numbers without one (the var `phone_country_code`).
    """
    if what == EMAIL:
        return value.strip(" ").lower() or None
    if what != PHONE:
        return value.strip() or None
    digits = re.sub(r"[^0-9+]", "", value)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif calling_code and digits.startswith("0"):
        digits = calling_code + digits[1:]
    return digits if len(digits) >= _SHORTEST_PHONE else None


def read_lines(lines: list[str], kind: str | None, calling_code: str) -> list[list[Identifier]]:
    """For each line what it may mean: one identifier, or several where a number may be a telephone's or a customer's.

    A line is a value, or one with its kind before it: ``email:``, ``phone:``, ``id:``, ``visitor:``.

    Raises:
        ConfigurationError: a line holds nothing that could identify; it is named by its number, never by its text.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        prefix, _, rest = text.partition(":")
        what, value = (prefix.strip().lower(), rest.strip()) if prefix.strip().lower() in NAMED_BY else (kind, text)
        kinds = [what] if what else _kinds_of(value)
        meant = [Identifier(one, plain) for one in kinds if (plain := normalised(one, value, calling_code))]
        if not meant or (what == EMAIL and "@" not in value):
            raise ConfigurationError(f"line {number} holds no {what or 'identifier'}")
        found.append(meant)
    if not found:
        raise ConfigurationError("no identifier was given; write one on each line of standard input")
    return found


def _kinds_of(value: str) -> list[str]:
    if "@" in value:
        return [EMAIL]
    if re.fullmatch(r"[+(]*[0-9][0-9 ()./-]{4,}", value):
        return [PHONE, ID] if value.isdigit() else [PHONE]
    return [ID]


class Found(NamedTuple):
    """A place in a text that may hold an identifier, and what it would be."""

    start: int
    end: int
    identifier: Identifier


class Sought(NamedTuple):
    """What is looked for besides addresses: telephone numbers of so many digits or more, customer numbers of these lengths."""

    calling_code: str = ""
    fewest_digits: int | None = None
    lengths: frozenset[int] = frozenset()


def candidates(text: str, sought: Sought) -> Iterator[Found]:
    """What in a text may be an e-mail address, a telephone or a customer number that is looked for."""
    at = text.find("@")
    while at >= 0:
        before, behind = _BEFORE.search(text[max(at - 64, 0) : at]), _BEHIND.match(text[at + 1 : at + 256])
        if before and behind:
            value = f"{before[0]}@{behind[0]}".rstrip(".!*")
            start = at - len(before[0])
            yield Found(start, start + len(value), Identifier(EMAIL, value.lower()))
        at = text.find("@", at + 1)
    if sought.fewest_digits is not None:
        for match in _PHONE.finditer(text):
            if len(match[0]) >= sought.fewest_digits and sum(map(str.isdigit, match[0])) >= sought.fewest_digits:
                yield from _numbers_in(match, sought)
    if sought.lengths:
        for match in _NUMBER.finditer(text):
            value = match[0].removeprefix("#")
            if len(value) in sought.lengths:
                yield Found(match.end() - len(value), match.end(), Identifier(ID, value))


def _numbers_in(match: re.Match[str], sought: Sought) -> Iterator[Found]:
    """Groups of digits may be one number, or several that are beside each other."""
    groups = list(_DIGITS.finditer(match[0]))[:_MOST_GROUPS]
    for first in range(len(groups)):
        for last in range(first, len(groups)):
            start, end = match.start() + groups[first].start(), match.start() + groups[last].end()
            text = match[0][groups[first].start() : groups[last].end()]
            # "+49 (0)170 …": the zero in brackets is not dialled.
            for written in {text, text.replace("(0)", "")}:
                value = normalised(PHONE, written, sought.calling_code)
                if value and len(value) >= (sought.fewest_digits or 0):
                    yield Found(start, end, Identifier(PHONE, value))


def without(text: str, found: Iterator[Found], is_listed: Callable[[Identifier], bool]) -> str | None:
    """A text without the identifiers that are listed; none where it holds none of them."""
    spans = sorted({(place.start, place.end) for place in found if is_listed(place.identifier)})
    if not spans:
        return None
    parts, at = [], 0
    for start, end in spans:
        if end > at:
            parts += [text[at : max(start, at)], FORGOTTEN]
            at = end
    return "".join([*parts, text[at:]])
