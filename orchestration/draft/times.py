"""In which form a column writes dates and instants: strptime formats, and what proves which number is the day."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from orchestration.draft.columns import Seen
from orchestration.draft.lexicon import missing_dates
from orchestration.pull.rows.spelling import MONTHS

_MONTH_WORDS = frozenset(" ".join(MONTHS.values()).split())

_WEEKDAY = r"((?P<weekday>[^\W\d_]{2,12})(?P<after>\.?,? ))?"
_NUMERIC = r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{2})"
_NAMED = r"(?P<day>\d{1,2})(?P<s1> de |\. |[ /.-])(?P<month>[^\W\d_]{3,12})\.?(?P<s2> de |, |[ /.-])(?P<year>\d{4}|\d{2})"
_MONTH_FIRST = r"(?P<first>[^\W\d_]{3,12})\.? (?P<day>\d{1,2})(?P<s2>, | )(?P<year>\d{4})"
#: An offset, 'UTC+2' and 'GMT+5:30' among them, an abbreviation, and what explains it in brackets.
_ZONE = r"(Z|((UTC|GMT) ?)?[+-]\d{1,2}(:?\d\d)?|[A-Z]{3,4})( ?[(\[][^)\]]{2,40}[)\]])?"
_CLOCK = (
    r"((?P<join>, | - | at |T| )(?P<hour>\d{1,2})(?P<colon>[:.])(?P<minute>\d{2})((?P=colon)(?P<second>\d{2})"
    r"((?P<point>[.,])(?P<fraction>\d+))?)?((?P<gap> ?)(?P<half>[AaPp]\.? ?[Mm]\b\.?))?"
    rf"((?P<apart> ?)(?P<zone>{_ZONE}))?)?"
)
_FORMS = [re.compile(_WEEKDAY + date + _CLOCK) for date in (_NUMERIC, _NAMED, _MONTH_FIRST)]
_COMPACT = re.compile(r"(?P<date>\d{8})((?P<join>[T ]?)(?P<clock>\d{6}))?")
_ISO = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}(?P<clock>[T ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?(?P<zone> ?{_ZONE})?)?")
CLOCK_ONLY = re.compile(r"\d{1,2}:\d{2}(:\d{2})?(?P<half> ?[AaPp][Mm])?")
#: Times of day with points, which are numbers wherever no name says what they are.
POINTED_CLOCK = re.compile(r"([01]?\d|2[0-3])\.[0-5]\d(\.[0-5]\d)?")
#: As SAP writes a time of day; a number, wherever no name says that it is one.
COMPACT_CLOCK = re.compile(r"([01]\d|2[0-3])[0-5]\d[0-5]\d")
#: The seconds of 1990 and 2100, and how many of a unit make one.
_EPOCHS = (631152000, 4102444800)
_PER_SECOND = {"epoch_seconds": 1, "epoch_milliseconds": 1e3, "epoch_microseconds": 1e6, "epoch_nanoseconds": 1e9}
#: Days since 1899-12-30, by which spreadsheets count: from 2000 to 2064.
_SERIALS = (36526, 60000)
#: What systems write that count seconds, where there is no instant.
_NO_INSTANT = ("0", "0.0", "-1")
#: So many texts decide whether a column holds times at all.
_PROBED = 40


@dataclass(frozen=True)
class Form:
    """A way to write an instant; '%1' and '%2' stand for the day and the month where their order is not known."""

    text: str
    has_clock: bool
    has_offset: bool

    @property
    def is_open(self) -> bool:
        return "%1" in self.text

    def as_format(self, day_first: bool) -> str:
        return self.text.replace("%1", "%d" if day_first else "%m").replace("%2", "%m" if day_first else "%d")


@dataclass
class Times:
    """How the texts of a column write times; counts are of rows."""

    forms: Counter[Form] = field(default_factory=Counter)
    #: ISO 8601, which needs no format.
    iso: int = 0
    clocked: int = 0
    #: Without an offset, of those with a clock time.
    local: int = 0
    #: A text whose first, or second, number is above 12 and so a day.
    day_first: str | None = None
    month_first: str | None = None
    #: First and second numbers of dates whose order is open, and the last ones where years have two digits.
    firsts: set[str] = field(default_factory=set)
    seconds: set[str] = field(default_factory=set)
    lasts: set[str] = field(default_factory=set)
    #: The unit of numbers that count from a day.
    unit: str | None = None
    #: Words where months should be, and that are none.
    unknown_months: set[str] = field(default_factory=set)
    nothing: list[str] = field(default_factory=list)
    share: float = 0.0

    @property
    def is_open(self) -> bool:
        """Do day and month hang on the order of two numbers?"""
        return any(form.is_open for form in self.forms)

    @property
    def separators(self) -> set[str]:
        return {form.text[2] for form in self.forms if form.is_open and form.text.startswith("%1")}

    @property
    def has_half_days(self) -> bool:
        return any("%p" in form.text for form in self.forms)

    @property
    def is_year_open(self) -> bool:
        """Of years of two digits: could the first number be the year? Days vary more than years do."""
        return bool(self.lasts) and not (len(self.firsts) >= 4 * len(self.lasts) or len(self.firsts) > 15 > 2 * len(self.lasts))

    def formats(self, day_first: bool) -> list[str]:
        """strptime formats, the most frequent first; none for ISO 8601."""
        return list(dict.fromkeys(form.as_format(day_first) for form, _ in self.forms.most_common()))


def times(seen: Seen) -> Times:
    """How a column writes times; ``share`` is the share of its rows that do, 0 where it is no such column."""
    result = Times(nothing=[text for text in seen.values if text in missing_dates()])
    probed = [text for text in islice(seen.values, _PROBED) if text not in result.nothing]
    if sum(_read(text, 1, Times()) for text in probed) < 0.6 * len(probed) or not probed:
        return _numbers(seen, result)
    rows = seen.present - sum(seen.values[text] for text in result.nothing)
    read = sum(count for text, count in seen.values.items() if text not in result.nothing and _read(text, count, result))
    result.share = read / rows
    return result


def _numbers(seen: Seen, result: Times) -> Times:
    """Seconds since 1970, or days since 1899. A 0 among such seconds is none."""
    try:
        numbers = [float(text.replace(",", ".")) for text in seen.values if text not in _NO_INSTANT]
    except ValueError:
        return result
    zeros = [text for text in seen.values if text in _NO_INSTANT]
    for unit, size in _PER_SECOND.items():
        if numbers and all(_EPOCHS[0] <= number / size < _EPOCHS[1] for number in numbers):
            result.unit, result.share, result.clocked = unit, 1.0, seen.present
            result.nothing = zeros
            return result
    if numbers and not zeros and all(_SERIALS[0] <= number < _SERIALS[1] for number in numbers):
        result.unit, result.share = "excel_days", 1.0
        result.clocked = result.local = seen.present if any(number % 1 for number in numbers) else 0
    return result


def _read(text: str, count: int, result: Times) -> bool:
    """Note the form of a text; false where it is no time."""
    if found := _ISO.fullmatch(text):
        result.iso += count
        _note(result, count, bool(found["clock"]), bool(found["zone"]))
        return True
    form = _compact(text)
    for pattern in _FORMS if form is None else ():
        if found := pattern.fullmatch(text):
            form = _spelled(found.groupdict(), text, result)
            break
    if form is None:
        return False
    result.forms[form] += count
    _note(result, count, form.has_clock, form.has_offset)
    return True


def _note(result: Times, count: int, has_clock: bool, has_offset: bool) -> None:
    result.clocked += count if has_clock else 0
    result.local += count if has_clock and not has_offset else 0


def _compact(text: str) -> Form | None:
    found = _COMPACT.fullmatch(text)
    if found is None:
        return None
    day, clock = found["date"], found["clock"]
    is_day = "1990" <= day[:4] <= "2099" and "01" <= day[4:6] <= "12" and "01" <= day[6:] <= "31"
    return Form(f"%Y%m%d{found['join']}%H%M%S" if clock else "%Y%m%d", bool(clock), False) if is_day else None


def _spelled(parts: dict[str, str | None], text: str, result: Times) -> Form | None:
    date = _numeric(parts, text, result) if parts.get("sep") else _named(parts, result)
    if date is None:
        return None
    weekday = ""
    if parts["weekday"]:
        weekday = f"{'%a' if len(parts['weekday']) <= 3 else '%A'}{parts['after']}"
    return Form(f"{weekday}{date}{_clock(parts)}", bool(parts["hour"]), bool(parts["zone"]))


def _numeric(parts: dict[str, str | None], text: str, result: Times) -> str | None:
    a, b, c, sep = (str(parts[key]) for key in ("a", "b", "c", "sep"))
    if len(a) == 4:
        return f"%Y{sep}%m{sep}%d" if 1 <= int(b) <= 12 and len(c) == 2 and 1 <= int(c) <= 31 else None
    if len(a) > 2 or not 1 <= int(a) <= 31 or not 1 <= int(b) <= 31 or (int(a) > 12 and int(b) > 12):
        return None
    if int(a) > 12:
        result.day_first = result.day_first or text
    if int(b) > 12:
        result.month_first = result.month_first or text
    result.firsts.add(a)
    result.seconds.add(b)
    if len(c) == 2:
        result.lasts.add(c)
    return f"%1{sep}%2{sep}{'%Y' if len(c) == 4 else '%y'}"


def _named(parts: dict[str, str | None], result: Times) -> str | None:
    name = str(parts.get("month") or parts.get("first")).casefold()
    if name not in _MONTH_WORDS:
        result.unknown_months.add(name)
    # Either reads long and short names of seven languages, with a point or without.
    month = "%b" if len(name) <= 3 else "%B"
    year = "%Y" if len(str(parts["year"])) == 4 else "%y"
    if parts.get("first"):
        return f"{month} %d{parts['s2']}{year}"
    return f"%d{parts['s1']}{month}{parts['s2']}{year}"


def _clock(parts: dict[str, str | None]) -> str:
    if not parts["hour"]:
        return ""
    colon = parts["colon"]
    clock = f"{parts['join']}{'%I' if parts['half'] else '%H'}{colon}%M"
    clock += f"{colon}%S" if parts["second"] else ""
    clock += f"{parts['point']}%f" if parts["fraction"] else ""
    clock += f"{parts['gap']}%p" if parts["half"] else ""
    return clock + (f"{parts['apart']}%z" if parts["zone"] else "")


def clock_times(seen: Seen) -> float:
    """Share of the rows that hold a clock time and no date."""
    return seen.share(CLOCK_ONLY.fullmatch)
