"""In which form a column writes numbers, amounts and durations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from orchestration.draft.columns import Seen
from orchestration.draft.lexicon import Meaning, listed, plain

#: What is around a number's digits and is no part of them.
_AROUND = re.compile(r"[\s'’$€£¥%]|zł|R\$|\b(EUR|USD|GBP|PLN|BRL|CHF)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}([.,]\d{3})+)([.,]\d+)?-?|\(\d[\d.,]*\)|[+-]?[.,]\d+")
_HOURS = re.compile(r"-?\d+:[0-5]\d:[0-5]\d(\.\d+)?")
_MINUTES = re.compile(r"\d{1,4}:[0-5]\d")
_ISO_DURATION = re.compile(r"P(\d+D)?T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?")
_WITH_UNITS = re.compile(r"(\d+([.,]\d+)?\s*[^\W\d_]+\.?,?\s*)+")


@dataclass
class Numbers:
    """What a column's numbers look like; counts are of rows."""

    share: float = 0.0
    whole: bool = True
    low: float | None = None
    high: float | None = None
    #: Texts that only a decimal point, or only a decimal comma, explains; and one that both could.
    point: str | None = None
    comma: str | None = None
    either: str | None = None
    percent: bool = False
    #: Durations that carry their units themselves: 1:02:03, 62.5 min, PT1H2M.
    spelled: int = 0
    #: Texts like 4:05, of which nothing shows whether they are minutes and seconds.
    short_clocks: int = 0
    #: One of them that as hours and minutes would be longer than a day.
    long_clock: str | None = None


def numbers(seen: Seen) -> Numbers:
    """The numbers of a column; ``share`` is the share of its rows that hold one."""
    found = Numbers()
    read, texts = 0, []
    for text, count in seen.values.items():
        bare = _AROUND.sub("", text)
        if not _NUMBER.fullmatch(bare):
            continue
        read += count
        texts.append(bare)
        found.percent = found.percent or "%" in text
        _note_marks(found, text, bare)
    found.share = read / seen.present if seen.present else 0.0
    values = [number for bare in texts if (number := as_number(bare, bool(found.comma and not found.point))) is not None]
    if values:
        found.low, found.high, found.whole = min(values), max(values), all(value == int(value) for value in values)
    return found


def _note_marks(found: Numbers, text: str, bare: str) -> None:
    digits = bare.strip("+-()")
    marks = [mark for mark in digits if mark in ".,"]
    if not marks:
        return
    last, tail = marks[-1], len(digits) - digits.rfind(marks[-1]) - 1
    if len(set(marks)) == 2:
        decimal = last
    elif len(marks) > 1:
        # What groups thousands occurs several times; the other one is the decimal mark.
        decimal = "," if last == "." else "."
    elif tail != 3 or digits.startswith("0") or digits.startswith(last) or len(digits) > 7:
        decimal = last
    else:
        found.either = found.either or text
        return
    if decimal == ",":
        found.comma = found.comma or text
    else:
        found.point = found.point or text


def as_number(bare: str, comma: bool) -> float | None:
    """The number that a text without currency says, with a decimal comma or point; none where it is none."""
    text = bare.strip("()")
    sign = -1 if bare.startswith(("-", "(")) or bare.endswith("-") else 1
    text = text.strip("+-")
    text = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    try:
        return sign * float(text)
    except ValueError:
        return None


def durations(seen: Seen) -> Numbers:
    """The durations of a column: numbers, clocks or numbers with a unit; ``share`` is the share of rows that hold one."""
    found = numbers(seen)
    for text, count in seen.values.items():
        if _MINUTES.fullmatch(text):
            found.short_clocks += count
            found.long_clock = text if int(text.partition(":")[0]) >= 24 else found.long_clock
        elif _HOURS.fullmatch(text) or _ISO_DURATION.fullmatch(text) or _has_units(text):
            found.spelled += count
    if seen.present:
        found.share += (found.spelled + found.short_clocks) / seen.present
    return found


def _has_units(text: str) -> bool:
    """'62.5 min', '1h 2m 3s': numbers, each with a unit."""
    return bool(_WITH_UNITS.fullmatch(text)) and all(plain(word) in listed("units") for word in re.findall(r"[^\W\d_]+", text))


def unit_of(name: str) -> Meaning | None:
    """The unit of time that a column's name carries, as a word of its own: 'Wait (min)', 'queue_time_ms', 'Wait (s)'."""
    letter = re.search(r"[(\[]\s*([a-z])\.?\s*[)\]]\s*$", name, re.IGNORECASE)
    words = plain(name).split()
    said = [after for word, after in pairwise(words) if word in ("in", "en")]
    for word in [*(letter.groups() if letter else ()), *said, *reversed(words)]:
        if (len(word) > 1 or letter) and (unit := listed("units").get(word.lower())):
            meaning: Meaning = unit
            return meaning
    return None


def without_unit(name: str) -> str:
    """A column's name in plain words, without those of a unit at its end."""
    words = plain(name).split()
    while len(words) > 1 and (words[-1] in listed("units") or words[-1] in ("in", "en")):
        words.pop()
    return " ".join(words)
