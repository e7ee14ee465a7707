"""SQL expressions that turn a text into an instant, with the offset that it names or in the zone of its contract.

Most exports write ISO 8601: such a text is read by position (``quick``), and the rest by patterns, which take ten times as long.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

from orchestration.core.literals import literal, literals
from orchestration.pull.contracts.mappings import InstantUnit, Mapping
from orchestration.pull.rows.spelling import in_english, in_english_words

_DIGIT = "between '0' and '9'"
_MICROSECONDS_PER = {
    "epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1, "epoch_nanoseconds": 0.001,
}  # fmt: skip
#: By which a spreadsheet counts days.
_DAYS_TO_1970 = 25569
#: The name of a zone, such as Europe/Paris.
_ZONE = r"[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+"


@cache
def _months_of_change(timezone: str) -> tuple[int, ...]:
    """The months in which a zone ever changes its offset, with those that a change lies next to."""
    zone = ZoneInfo(timezone)
    days = [datetime(1990, 1, 1) + timedelta(days=15 * step) for step in range(24 * 110)]
    months = set()
    for before, after in pairwise(days):
        if zone.utcoffset(before) != zone.utcoffset(after):
            months |= {(before - timedelta(days=1)).month, before.month, after.month, (after + timedelta(days=1)).month}
    return tuple(sorted(months))


def changes_clocks(timezone: str) -> bool:
    """Does a zone ever show one clock time twice?"""
    return bool(_months_of_change(timezone))


def _in_utc(local: str, timezone: str, second: bool) -> str:
    """A clock time of a zone as an instant: where clocks are put back the first of two, or the ``second``."""
    if timezone == "UTC":
        return f"({local})"
    zone = literal(timezone)
    # DuckDB takes the second of two; the offset of the day before leads to the first.
    last = f"(({local}) at time zone {zone} at time zone 'UTC')"
    if second or not changes_clocks(timezone):
        return last
    first = f"((({local}) - interval 1 day) at time zone {zone} at time zone 'UTC' + interval 1 day)"
    may_be_twice = f"list_contains({list(_months_of_change(timezone))}, month({local}))"
    return (
        f"case when {may_be_twice} and ({first} at time zone 'UTC' at time zone {zone}) = ({local}) then {first} else {last} end"
    )


def with_bare_offset(text: str) -> str:
    """'… GMT+2' and '… (CEST)' with their offset alone, '… +05' and '… -5' with two digits of hours and minutes."""
    # What is in brackets explains an offset, or it is the offset itself.
    explained = rf"regexp_replace({text}, '([+-]\d\d:?\d\d|Z) ?[(\[][^)\]]*[)\]]$', '\1')"
    bare = rf"regexp_replace({explained}, ' ?[(\[]([^)\]]*)[)\]]$', ' \1')"
    # 'UTC+2', 'GMT-0700': two digits of hours, and then of minutes.
    counted = rf"regexp_replace({bare}, ' ?(?:UTC|GMT) ?([+-])(\d)(:?\d\d)?$', '\1' || '0' || '\2\3')"
    plain = rf"regexp_replace({counted}, ' ?(?:UTC|GMT) ?([+-]\d\d)', '\1')"
    whole = rf"regexp_replace({plain}, '(:\d\d(?:[.,]\d+)?|[AaPp]\.?[Mm]\.?) ?([+-]\d\d)$', '\1\2:00')"
    # '… -5', '… +5:30', '… +01:00:00': a digit of hours, or seconds of none.
    short = rf"regexp_replace({text}, '(:\d\d(?:[.,]\d+)?) ?([+-])(\d)(?::?(\d\d))?$', '\1\20\3:\4')"
    odd = rf"regexp_replace(regexp_replace({short}, ':$', ':00'), '([+-]\d\d:\d\d):00$', '\1')"
    odd = rf"regexp_replace({odd}, '(:\d\d(?:[.,]\d+)?) ([+-]\d\d)$', '\1\2:00')"
    return (
        rf"case when regexp_matches({text}, '[)\]]$|(?:UTC|GMT) ?[+-]') then {whole} "
        rf"when regexp_matches({text}, ':\d\d(?:[.,]\d+)? ?[+-](?:\d(?::?\d\d)?|\d\d|\d\d:\d\d:00)$') then {odd} else {text} end"
    )


def with_numeric_offset(cleaned: str) -> str:
    """'… PDT', '… UTC', '… +0500' and '…Z' with their offset as DuckDB reads it, from what ``with_bare_offset`` gives.

    The name of a zone stays: what is its offset depends on the time.
    """
    named = rf"getvariable('offsets')[regexp_extract({cleaned}, '\d ?([A-Z]{{1,4}})$', 1)]"
    after_noon = rf"getvariable('offsets')[regexp_extract({cleaned}, '[AaPp]\.?[Mm]\.? ([A-Z]{{1,4}})$', 1)]"
    return (
        rf"coalesce(regexp_replace({cleaned}, ' ?[A-Z]+$', '') || coalesce({named}, {after_noon}), "
        rf"regexp_replace({cleaned}, ' ?([+-]\d\d):?(\d\d)$', '\1:\2'))"
    )


def is_iso(mapping: Mapping) -> bool:
    """May the texts of a column be read by position?"""
    return not mapping.formats and mapping.unit not in get_args(InstantUnit)


def quick(text: str) -> tuple[str, str]:
    """A day or clock time without an offset; and an instant of UTC that ends in Z. Null for every other text.

    Where they have a value, it is the one that ``local_and_instant`` finds.
    """
    day = f"strlen({text}) = 10 and {text}[5] = '-' and {text}[8] = '-' and {text}[10] {_DIGIT}"
    clock = f"{text}[14] = ':' and {text}[17] = ':'"
    plain = f"strlen({text}) = 19 and {clock} and {text}[19] {_DIGIT}"
    ends = f"suffix({text}, 'Z') and {text}[-2] {_DIGIT} and {text}[20] in ('Z', '.')"
    zulu = f"strlen({text}) between 20 and 27 and {clock} and {ends}"
    return (
        f"case when ({plain}) or ({day}) then try_cast({text} as timestamp) end",
        f"case when {zulu} then try_cast({text}[:-2] as timestamp) end",
    )


def instant(column: str, mapping: Mapping, timezone: str, second: bool = False) -> str:
    """The instant of a column: the quick way to it (``q_``, ``z_``), or from its text with a numeric offset (``n_``)."""
    slow = local_and_instant(f"t_{column}", f"n_{column}", mapping, timezone, second)[1]
    if not is_iso(mapping):
        return slow
    local = _in_utc(f"q_{column}", timezone, second)
    return f"case when q_{column} is not null then {local} else coalesce(z_{column}, {slow}) end"


def local_and_instant(text: str, numeric: str, mapping: Mapping, timezone: str, second: bool = False) -> tuple[str, str]:
    """Wall-clock time in ``timezone``, and the same as a timestamp in UTC.

    An offset in the text wins (``numeric`` has it as DuckDB reads it); text without one is local time.
    """
    zone = literal(timezone)
    # A number that counts from a day has no thousands: its comma is a decimal one.
    number = f"replace({text}, ',', '.')"
    if mapping.unit in _MICROSECONDS_PER:
        factor = _MICROSECONDS_PER[mapping.unit]
        moment = f"make_timestamp(try_cast(round(try_cast({number} as double) * {factor}) as bigint))"
        return f"({moment} at time zone 'UTC' at time zone {zone})", moment
    if mapping.formats or mapping.unit == "excel_days":
        if mapping.formats:
            formed = _by_format(text, numeric, mapping.formats, timezone, second)
        else:
            # To the millisecond: a fraction of a day is not exact.
            since = f"try_cast(round((try_cast({number} as double) - {_DAYS_TO_1970}) * 86400000) as bigint)"
            serial = f"make_timestamp({since} * 1000)"
            formed = serial, _in_utc(serial, timezone, second)
        # The date cells of a workbook come as ISO 8601, whatever a contract says of texts.
        iso = local_and_instant(text, numeric, Mapping(value=""), timezone, second)
        is_iso = rf"regexp_matches({text}, '^\d{{4}}-\d\d-\d\d([ T]\d\d:\d\d:\d\d.*)?$')"
        local, moment = (f"coalesce({a}, case when {is_iso} then {b} end)" for a, b in zip(formed, iso, strict=True))
        return local, moment
    has_offset = rf"regexp_matches({numeric}, '[+-]\d\d(:\d\d)?$| {_ZONE}$') and regexp_matches({text}, '\d:\d\d')"
    zoned = f"try_cast({numeric} as timestamptz)"
    # DuckDB passes over letters and signs at the end: an offset that nobody can read is no local time.
    # And "infinity" is a timestamp of its, but no time.
    passed_over = r"\d ?[A-Za-z]+$|[fyFY]$|:\d\d.*[+-]\d[\d:]*$"
    plain = rf"case when not regexp_matches({text}, '{passed_over}') then try_cast({text} as timestamp) end"
    return (
        f"case when {has_offset} then {zoned} at time zone {zone} else {plain} end",
        f"case when {has_offset} then {zoned} at time zone 'UTC' else {_in_utc(plain, timezone, second)} end",
    )


def _by_format(text: str, numeric: str, formats: list[str], timezone: str, second: bool) -> tuple[str, str]:
    forms = [in_english(form) for form in formats]
    with_offset = [f.replace("%Z", "%z") for f in forms if re.search(r"%[zZ]", f)]
    without = [f for f in forms if not re.search(r"%[zZ]", f)]
    text, numeric = in_english_words(text, formats), in_english_words(numeric, formats)
    local = f"try_strptime({text}, [{literals(without)}])" if without else "cast(null as timestamp)"
    moment = _in_utc(local, timezone, second)
    if with_offset:
        # The offset is separated where the format separates it.
        apart = rf"regexp_replace({numeric}, '(\d|M)([+-]\d\d:\d\d)$', '\1 \2')"
        tried = [f"try_strptime({form}, [{literals(with_offset)}])" for form in (apart, numeric)]
        # Where a zone is named instead, what it is then depends on the time.
        zone = rf"regexp_extract({numeric}, ' ?({_ZONE})$', 1)"
        bare = rf"regexp_replace({numeric}, ' ?{_ZONE}$', '')"
        clocks = [re.sub(" ?%z", "", form) for form in with_offset]
        clock = f"try_strptime({bare}, [{literals(clocks)}])"
        tried.append(f"try_cast(cast({clock} as varchar) || ' ' || nullif({zone}, '') as timestamptz)")
        zoned = f"coalesce({', '.join(tried)})"
        local = f"coalesce({zoned} at time zone {literal(timezone)}, {local})"
        moment = f"coalesce({zoned} at time zone 'UTC', {moment})"
    return local, moment


def calendar_date(column: str, mapping: Mapping, timezone: str) -> str:
    """The calendar date as it is written: a date has no zone. A number of seconds is written nowhere: its day is the zone's."""
    text, numeric = f"t_{column}", f"n_{column}"
    if not mapping.formats and not is_iso(mapping):
        return f"cast({local_and_instant(text, numeric, mapping, timezone)[0]} as date)"
    offset = rf" ?[+-]\d\d(:\d\d)?$| {_ZONE}$"
    has_offset = rf"regexp_matches({numeric}, '{offset}') and regexp_matches({text}, '\d:\d\d')"
    bare = rf"case when {has_offset} then regexp_replace({numeric}, '{offset}', '') else {text} end"
    formats = [re.sub(" ?%[zZ]", "", form) for form in mapping.formats]
    written = local_and_instant(bare, bare, Mapping(value="", format=formats), timezone)[0]
    if is_iso(mapping):
        written = f"coalesce(q_{column}, z_{column}, {written})"
    return f"cast({written} as date)"


def promise(text: str, numeric: str, mapping: Mapping, timezone: str) -> str:
    """Like an instant, but midnight in ``timezone`` promises the day: kept until its last microsecond."""
    local, moment = local_and_instant(text, numeric, mapping, timezone)
    zone = literal(timezone)
    end_of_day = f"(({local}) + interval 1 day) at time zone {zone} at time zone 'UTC' - interval 1 microsecond"
    return f"case when date_trunc('day', {local}) = ({local}) then {end_of_day} else {moment} end"
