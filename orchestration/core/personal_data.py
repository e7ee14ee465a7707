"""Personal data in a text: what leads to somebody, and where it is.

Found are e-mail addresses, phone numbers, bank accounts (IBAN) and cards: what has a form that can be checked. Names have none.
Numbers are checked by libraries (``phonenumbers``, ``python-stdnum``), so that an order's number is rarely taken for a phone's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["e-mail address", "phone number", "IBAN", "card number"]

#: Where numbers without a country's code may be from; those with one are recognised wherever they are from.
REGIONS = ("DE", "AT", "CH", "GB", "FR", "IT", "ES", "PL", "NL", "US")

#: Digits as people write them, and what they put between those of a number: in classes of Python's and of DuckDB's expressions.
DIGIT = "0-9\uff10-\uff19\u0660-\u0669\u06f0-\u06f9"
GAP = "[\\s().,/_\u00a0\u00ad\u2000-\u200d\u2010-\u2015\u202f\u2060\u2212\u3000\uff08\uff09\uff0d\uff0e\uff0f-]"
_NUMBER = rf"(^|[^{DIGIT}A-Za-z])[{DIGIT}]({GAP}*[{DIGIT}]){{6,}}([^{DIGIT}A-Za-z]|$)"
_ACCOUNT = r"(^|[^0-9A-Za-z])[A-Za-z]{2}[0-9]{2}([ -]?[A-Za-z0-9]){11,}"
#: A text without a match holds nothing that is looked for. Read by Python and by DuckDB's engine (RE2).
CANDIDATE = f"@|{_NUMBER}|{_ACCOUNT}"
#: The same of a system's own number of something, in which digits alone say nothing.
CANDIDATE_ID = f"@|[+]|(^|[^0-9])00[1-9]|{_ACCOUNT}"
#: A key that was computed (MD5, in hexadecimal) is nobody's number, though one in twenty begins as an IBAN does: no IBAN has 32
#: letters and digits of which all are hexadecimal, no card and no phone number is as long.
COMPUTED_KEY = "[0-9a-f]{32}"

_CANDIDATE, _CANDIDATE_ID, _HAS_NUMBER = re.compile(CANDIDATE), re.compile(CANDIDATE_ID), re.compile(_NUMBER)
_COMPUTED_KEY = re.compile(COMPUTED_KEY)
_EMAIL = re.compile(r"""[^\s@<>"',;:()\[\]{}|=/\\]+@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*\.[^\W\d_]{2,}""")
_IBAN_PART = re.compile(r"[ -]?[A-Za-z0-9]")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9])")
_SHORTEST_IBAN, _LONGEST_IBAN = 15, 34
#: As cards are written: in fours, American Express as 4-6-5, or without a gap.
_CARD = re.compile(
    r"(?<![A-Za-z0-9])(?:[2-6][0-9]{13,18}|[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{2,4}(?:\1[0-9]{1,3})?"
    r"|3[47][0-9]{2}([ -])[0-9]{6}\2[0-9]{5})(?![A-Za-z0-9])"
)
#: First digits of the networks, and how many digits their cards have.
_NETWORKS = (
    (r"4", {16, 19}),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),
    (r"3[47]", {15}),
    (r"6011|65|64[4-9]", {16, 19}),
    (r"35(2[89]|[3-8])", {16, 19}),
    (r"36|38|39|30[0-5]", {14}),
    (r"5018|5020|5038|6304|67", {16, 18, 19}),
)
_INTERNATIONAL = re.compile(r"^\W*(?:\+|00)")
_DECIMAL = re.compile(r"^\W*\d[.,]\d{4,}\W*$")
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d")


class Found(NamedTuple):
    """Something personal: what it is, and where in the text it begins and ends."""

    kind: Kind
    start: int
    end: int


def finds(text: str, regions: tuple[str, ...] = REGIONS, is_id: bool = False) -> list[Kind]:
    """The kinds of personal data in a text, each once; none in most.

    Args:
        text: any text.
        regions: ISO codes of the countries whose phone numbers are recognised without their country's code.
        is_id: the text is a system's own number of something, in which digits alone say nothing.
    """
    return list(dict.fromkeys(found.kind for found in places(text, regions, is_id)))


def places(text: str, regions: tuple[str, ...] = REGIONS, is_id: bool = False) -> list[Found]:
    """Where personal data is in a text, from left to right; places do not overlap. Arguments as in ``finds``."""
    if not (_CANDIDATE_ID if is_id else _CANDIDATE).search(text) or _COMPUTED_KEY.fullmatch(text):
        return []
    every = [*_emails(text), *_ibans(text)]
    if not is_id:
        every += _cards(text)
    taken = list(every)
    every += [found for found in _phones(text, () if is_id else regions) if not any(_overlap(found, other) for other in taken)]
    apart: list[Found] = []
    for found in sorted(every, key=lambda f: (f.start, -f.end)):
        if not apart or found.start >= apart[-1].end:
            apart.append(found)
    return apart


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        yield Found("e-mail address", *match.span())


def _ibans(text: str) -> Iterator[Found]:
    from stdnum import iban

    for start in _IBAN_START.finditer(text):
        ends = [start.start()]  # behind each of the letters and digits from here on, gaps of one between them
        while len(ends) <= _LONGEST_IBAN and (part := _IBAN_PART.match(text, ends[-1])):
            ends.append(part.end())
        for end in reversed(ends[_SHORTEST_IBAN:]):
            is_whole = not text[end : end + 1].isalnum()
            if is_whole and iban.is_valid(text[start.start() : end], check_country=False):
                yield Found("IBAN", start.start(), end)
                break


def _cards(text: str) -> Iterator[Found]:
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if luhn.is_valid(digits) and any(len(digits) in sizes and re.match(first, digits) for first, sizes in _NETWORKS):
            yield Found("card number", *match.span())


def _phones(text: str, regions: tuple[str, ...]) -> Iterator[Found]:
    """Numbers with a country's code, and numbers of ``regions`` written as there: with their gaps, or a zero before."""
    if not _HAS_NUMBER.search(text):
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    seen: set[tuple[int, int]] = set()
    for region in (None, *regions):
        leniency = Leniency.STRICT_GROUPING if region else Leniency.VALID
        for match in PhoneNumberMatcher(text, region, leniency=leniency):
            written = match.raw_string
            is_other = (written.isdigit() and not written.startswith("0")) or _DATE.search(written) or _DECIMAL.match(written)
            if is_other or (region is None and not _INTERNATIONAL.match(written)):
                continue
            if (match.start, match.end) not in seen:
                seen.add((match.start, match.end))
                yield Found("phone number", match.start, match.end)
