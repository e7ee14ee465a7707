"""SQL expressions that turn a cell's text into a canonical value, and say why one cannot be taken.

Only names and literals of the contract and of ``kinds.yml`` become part of an expression; nothing from the data does.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import duckdb

from orchestration.pull.contracts import Contract, Mapping
from orchestration.pull.kinds import NUMBERS, TIMES, Column, Kind, Vocabulary
from orchestration.pull.queries import identifier as identifier
from orchestration.pull.queries import literal as literal
from orchestration.pull.queries import literals

#: Instants outside of this range are typing errors or stand-ins for "none", not dates of a customer's life.
EARLIEST, LATEST = "1990-01-01", "2100-01-01"
#: What stands for "missing" in a column of numbers, times or fixed words; free text may mean it (NA is Namibia).
MISSING_WORDS = ("na", "n/a", "#n/a", "null", "none", "nil", "nan", "nat", "-", "--", "?")
#: What stands for nobody in an id, an e-mail address or a phone number, beside a repeated zero. The long ones are the hashes of
#: an empty text (MD5, SHA-1, SHA-256).
NOBODY = (
    *MISSING_WORDS,
    "-1", "guest", "anonymous", "anon", "unknown", "undefined", "(none)", "(not set)", "not set", "restricted", "private",
    "unavailable", "withheld", "blocked", "00000000-0000-0000-0000-000000000000",
    "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
)  # fmt: skip
#: Names of offsets that exports write instead of numbers.
ABBREVIATIONS = {
    "Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "WET": "+00:00", "WEST": "+01:00", "BST": "+01:00", "CET": "+01:00",
    "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "BRT": "-03:00", "JST": "+09:00",
    "AEST": "+10:00", "AEDT": "+11:00",
}  # fmt: skip
#: Spellings of one word.
SPELLINGS = {"canceled": "cancelled"}
_SECONDS_PER = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def declare(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the lists that the expressions look in: written out in each, they take longer to plan than to run."""
    offsets = ", ".join(f"{literal(name)}: {literal(offset)}" for name, offset in ABBREVIATIONS.items())
    con.execute(f"set variable missing_words = [{literals(MISSING_WORDS)}]")
    con.execute(f"set variable nobody = [{literals(NOBODY)}]")
    con.execute(f"set variable offsets = map {{{offsets}}}")


# -- times -------------------------------------------------------------------------------------------------------------


@cache
def changes_clocks(timezone: str) -> bool:
    """Does a zone ever show one clock time twice?"""
    zone = ZoneInfo(timezone)
    days = (datetime(1990, 1, 1) + timedelta(days=15 * step) for step in range(24 * 110))
    return len({zone.utcoffset(day) for day in days}) > 1


def _in_utc(local: str, timezone: str, second: bool) -> str:
    """A clock time of a zone as an instant: where clocks are put back the first of two, or the ``second``."""
    zone = literal(timezone)
    # DuckDB takes the second of two; the offset of the day before leads to the first.
    last = f"(({local}) at time zone {zone} at time zone 'UTC')"
    if second or not changes_clocks(timezone):
        return last
    first = f"((({local}) - interval 1 day) at time zone {zone} at time zone 'UTC' + interval 1 day)"
    return f"case when ({first} at time zone 'UTC' at time zone {zone}) = ({local}) then {first} else {last} end"


def _with_numeric_offset(text: str) -> str:
    """'… PDT', '… UTC', '… +0500' and '…Z' with their offset as DuckDB reads it."""
    named = rf"getvariable('offsets')[regexp_extract({text}, '\d ?([A-Z]{{1,4}})$', 1)]"
    return (
        rf"coalesce(regexp_replace({text}, ' ?[A-Z]+$', '') || {named}, "
        rf"regexp_replace({text}, ' ?([+-]\d\d):?(\d\d)$', '\1:\2'))"
    )


def _local_and_instant(text: str, numeric: str, mapping: Mapping, timezone: str, second: bool = False) -> tuple[str, str]:
    """Wall-clock time in ``timezone``, and the same as a timestamp in UTC.

    An offset in the text wins (``numeric`` has it as DuckDB reads it); text without one is local time.
    """
    zone = literal(timezone)
    if mapping.unit in ("epoch_seconds", "epoch_milliseconds"):
        factor = 1_000_000 if mapping.unit == "epoch_seconds" else 1_000
        moment = f"make_timestamp(try_cast(round(try_cast({text} as double) * {factor}) as bigint))"
        return f"({moment} at time zone 'UTC' at time zone {zone})", moment
    if mapping.formats:
        formed = _by_format(text, numeric, mapping.formats, timezone, second)
        # The date cells of a workbook come as ISO 8601, whatever a contract says of texts.
        iso = _local_and_instant(text, numeric, Mapping(value=""), timezone, second)
        is_iso = rf"regexp_matches({text}, '^\d{{4}}-\d\d-\d\d([ T]\d\d:\d\d:\d\d.*)?$')"
        local, moment = (f"coalesce({a}, case when {is_iso} then {b} end)" for a, b in zip(formed, iso, strict=True))
        return local, moment
    has_offset = rf"regexp_matches({numeric}, '[+-]\d\d(:\d\d)?$') and regexp_matches({text}, '\d:\d\d')"
    zoned = f"try_cast({numeric} as timestamptz)"
    # DuckDB passes over letters at the end: an offset whose name nobody knows is no local time.
    plain = rf"case when not regexp_matches({text}, '\d ?[A-Za-z]+$') then try_cast({text} as timestamp) end"
    return (
        f"case when {has_offset} then {zoned} at time zone {zone} else {plain} end",
        f"case when {has_offset} then {zoned} at time zone 'UTC' else {_in_utc(plain, timezone, second)} end",
    )


def _by_format(text: str, numeric: str, formats: list[str], timezone: str, second: bool) -> tuple[str, str]:
    with_offset = [f.replace("%Z", "%z") for f in formats if re.search(r"%[zZ]", f)]
    without = [f for f in formats if not re.search(r"%[zZ]", f)]
    local = f"try_strptime({text}, [{literals(without)}])" if without else "cast(null as timestamp)"
    moment = _in_utc(local, timezone, second)
    if with_offset:
        # The offset stands apart where the format has it apart.
        apart = rf"regexp_replace({numeric}, '(\d)([+-]\d\d:\d\d)$', '\1 \2')"
        tried = [f"try_strptime({form}, [{literals(with_offset)}])" for form in (apart, numeric)]
        zoned = f"coalesce({', '.join(tried)})"
        local = f"coalesce({zoned} at time zone {literal(timezone)}, {local})"
        moment = f"coalesce({zoned} at time zone 'UTC', {moment})"
    return local, moment


def _date(text: str, numeric: str, mapping: Mapping, timezone: str) -> str:
    """The calendar date as it is written: a date has no zone. A number of seconds is written nowhere: its day is the zone's."""
    if mapping.unit in ("epoch_seconds", "epoch_milliseconds"):
        return f"cast({_local_and_instant(text, numeric, mapping, timezone)[0]} as date)"
    has_offset = rf"regexp_matches({numeric}, '[+-]\d\d(:\d\d)?$') and regexp_matches({text}, '\d:\d\d')"
    bare = rf"case when {has_offset} then regexp_replace({numeric}, ' ?[+-]\d\d(:\d\d)?$', '') else {text} end"
    formats = [re.sub(" ?%[zZ]", "", form) for form in mapping.formats]
    return f"cast({_local_and_instant(bare, bare, Mapping(value='', format=formats), timezone)[0]} as date)"


def _promise(text: str, numeric: str, mapping: Mapping, timezone: str) -> str:
    """Like an instant, but midnight in ``timezone`` promises the day: kept until its last microsecond."""
    local, moment = _local_and_instant(text, numeric, mapping, timezone)
    zone = literal(timezone)
    end_of_day = f"(({local}) + interval 1 day) at time zone {zone} at time zone 'UTC' - interval 1 microsecond"
    return f"case when date_trunc('day', {local}) = ({local}) then {end_of_day} else {moment} end"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _number(text: str, contract: Contract) -> str:
    """A number's text as DuckDB reads it: '1.234,50', '1 234.50', '$12', '(20.00)', '12-'; null where it is none."""
    bare = rf"regexp_replace({text}, '[\s\x{{00A0}}\x{{202F}}''’$€£¥]', '', 'g')"
    signed = rf"regexp_replace(regexp_replace({bare}, '^\((.*)\)$', '-\1'), '^([^-].*)-$', '-\1')"
    if contract.decimal == ",":
        grouped = rf"regexp_matches({signed}, '^[+-]?\d{{1,3}}(\.\d{{3}})+(,\d*)?$')"
        # A workbook or JSON writes its numbers with a point, whatever the contract says of texts.
        plain = (
            f"case when {grouped} then replace(replace({signed}, '.', ''), ',', '.') "
            f"when not contains({signed}, '.') then replace({signed}, ',', '.') else {signed} end"
        )
    else:
        plain = (
            rf"case when regexp_matches({signed}, '^[+-]?\d{{1,3}}(,\d{{3}})+(\.\d*)?$') "
            f"then replace({signed}, ',', '') else {signed} end"
        )
    return rf"nullif(regexp_extract({plain}, '^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$'), '')"


def _seconds(text: str, number: str, mapping: Mapping) -> str:
    factor = _SECONDS_PER.get(mapping.unit or "seconds", 1)
    clock = rf"case when regexp_matches({text}, '^-?\d+:\d\d:\d\d(\.\d+)?$') then epoch(try_cast({text} as interval)) end"
    number = f"try_cast({number} as double) * {factor}"
    return f"try_cast(round(coalesce({clock}, case when isfinite({number}) then {number} end)) as bigint)"


# -- words -------------------------------------------------------------------------------------------------------------


def _spelled(text: str) -> str:
    """A word without regard to case, and to whether its parts are joined by a space, '-' or '_'."""
    joined = rf"lower(regexp_replace(trim({text}), '[\s_-]+', '_', 'g'))"
    cases = " ".join(f"when {literal(other)} then {literal(word)}" for other, word in SPELLINGS.items())
    return f"case {joined} {cases} else {joined} end"


def _one_of(text: str, values: tuple[str, ...]) -> str:
    spelled = _spelled(text)
    return f"case when {spelled} in ({literals(values)}) then {spelled} end"


def _in_vocabulary(text: str, vocabulary: Vocabulary) -> str:
    known = _one_of(text, vocabulary.values)
    return f"case when try_cast({text} as double) is not null then {text} else {known} end" if vocabulary.or_number else known


def _conditions(vocabulary: Vocabulary) -> str:
    return f"{identifier('c_' + vocabulary.where_column)} in ({literals(vocabulary.where_values)})"


def _is_nobody(text: str, column: Column) -> str:
    words = rf"list_contains(getvariable('nobody'), lower({text})) or regexp_matches({text}, '^[0\s.+-]+$')"
    match column.type:
        case "email":
            return f"({words} or not contains({text}, '@'))"
        case "phone":
            return rf"({words} or not regexp_matches({text}, '\d'))"
        case _:
            return f"({words})"


# -- columns -----------------------------------------------------------------------------------------------------------


def text_of(mapping: Mapping, contract: Contract, present: dict[str, str], tried: bool = False) -> str:
    """The column's text in the export, trimmed; null where it is missing, and with ``tried`` where the contract's SQL fails."""
    if mapping.value is not None:
        return literal(mapping.value)
    if mapping.sql is not None:
        text = f"cast(({mapping.sql}) as varchar)"
        text = f"try({text})" if tried else text
    else:
        name = present.get((mapping.source or "").lower())
        text = f"cast({identifier(name)} as varchar)" if name else "cast(null as varchar)"
    text = f"nullif(trim({text}), '')"
    missing = [*contract.missing, *mapping.missing]
    if missing:
        text = f"case when {text} in ({literals(missing)}) then null else {text} end"
    if mapping.map:
        cases = " ".join(
            f"when lower({text}) = {literal(str(key).lower())} then {literal(value)}"
            for key, value in mapping.map.items()
            if key != "*"
        )
        rest = f"when {text} is not null then {literal(mapping.map['*'])}" if "*" in mapping.map else ""
        text = f"case {cases} {rest} else {text} end"
    return text


def present_text(column: Column, text: str) -> str:
    """A column's text, or null where it is a word for missing that the column's type cannot mean."""
    if column.type in ("text", "prose", "email", "phone"):
        return text
    return f"case when not list_contains(getvariable('missing_words'), lower({text})) then {text} end"


def prepared(column: Column, text: str, contract: Contract) -> str | None:
    """The text of a time or number as ``typed`` reads it, so that it is worked out once; none of other columns."""
    if column.type in TIMES:
        return _with_numeric_offset(text)
    return _number(text, contract) if column.type in NUMBERS else None


def typed(column: Column, kind: Kind, mapping: Mapping, contract: Contract, second: bool = False) -> str:
    """A column's canonical value, from its text (``t_``) and what ``prepared`` made of it (``n_``); null where it has none."""
    text = f"t_{column.name}"
    value = _typed(column, text, f"n_{column.name}", mapping, contract, second)
    for vocabulary in kind.vocabularies_of(column.name):
        value = f"case when {_conditions(vocabulary)} then {_in_vocabulary(text, vocabulary)} else {value} end"
    return f"case when not {_is_nobody(text, column)} then {value} end" if column.is_somebody else value


def _typed(column: Column, text: str, ready: str, mapping: Mapping, contract: Contract, second: bool) -> str:
    match column.type:
        case "text" | "prose" | "phone":
            return text
        case "email":
            return f"lower({text})"
        case "word":
            return f"coalesce({_one_of(text, column.values)}, lower({text}))" if column.values else f"lower({text})"
        case "one_of":
            return _one_of(text, column.values)
        case "instant":
            return _local_and_instant(text, ready, mapping, contract.timezone, second)[1]
        case "promise":
            return _promise(text, ready, mapping, contract.timezone)
        case "date":
            return _date(text, ready, mapping, contract.timezone)
        case "seconds":
            return _seconds(text, ready, mapping)
        case "integer":
            return f"case when try_cast({ready} as double) = round(try_cast({ready} as double)) then {_whole(ready)} end"
        case "number":
            return f"case when isfinite(try_cast({ready} as double)) then try_cast({ready} as double) end"
        case "boolean":
            return (
                f"case when lower({text}) in ('true', 't', 'yes', 'y', '1', '1.0') then true "
                f"when lower({text}) in ('false', 'f', 'no', 'n', '0', '0.0') then false end"
            )
        case "money_size":
            return f"abs(try_cast({ready} as {column.sql_type}))"
        case _:
            return f"try_cast({ready} as {column.sql_type})"


def _whole(number: str) -> str:
    return f"try_cast(try_cast({number} as double) as bigint)"


def problem(column: Column, kind: Kind) -> str:
    """SQL: why the row cannot be taken because of this column, or null. ``t_`` is the text, ``c_`` the typed value."""
    text, value = identifier(f"t_{column.name}"), identifier(f"c_{column.name}")
    shown = _shown(column, text)
    cases = []
    if column.required:
        cases.append(f"when {text} is null then 'is required but empty'")
    for vocabulary in kind.vocabularies_of(column.name):
        what = f"one of: {', '.join(vocabulary.values)}{', or a number' if vocabulary.or_number else ''}"
        wrong = f"{_conditions(vocabulary)} and {text} is not null and {value} is null"
        cases.append(f"when {wrong} then {shown} || {literal(' is not ' + what)}")
    if column.is_somebody:
        if column.required:
            cases.append(f"when {value} is null then 'is a word or number that stands for none'")
    elif column.type != "text":
        if column.type in TIMES:
            serial = "is the number by which a spreadsheet counts days: format the column as dates there, and export it again"
            cases.append(rf"when {value} is null and regexp_matches({text}, '^\d{{5}}(\.\d*)?$') then {literal(serial)}")
        what = f"one of: {', '.join(column.values)}" if column.type == "one_of" else f"a valid {column.in_words}"
        cases.append(f"when {text} is not null and {value} is null then {shown} || {literal(' is not ' + what)}")
    if column.type in TIMES:
        cases.append(
            f"when {value} < timestamp '{EARLIEST}' or {value} >= timestamp '{LATEST}' "
            f"then {shown} || ' lies outside of {EARLIEST} to {LATEST}'"
        )
    if column.bounds:
        low, high = (f"{bound:,.0f}" for bound in column.bounds)
        cases.append(
            f"when {value} not between {column.bounds[0]} and {column.bounds[1]} "
            f"then {shown} || {literal(f' lies outside of {low} to {high}')}"
        )
    return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"


def rule_problem(rule: str, reason: str, kind: Kind) -> str:
    """SQL: the reason where a rule over a row's values does not hold; a rule that a missing value leaves open holds."""
    return f"case when not ({over_values(rule, kind)}) then {literal(reason)} end"


def over_values(expression: str, kind: Kind) -> str:
    """An expression over canonical names as one over typed values."""
    names = "|".join(sorted(kind.columns, key=len, reverse=True))
    return re.sub(rf"\b({names})\b", lambda found: identifier(f"c_{found[0]}"), expression)


def _shown(column: Column, text: str) -> str:
    """The text for a reason: only where a column cannot hold a person's, and the text does not look like one."""
    length = f"'a value of ' || length({text}) || ' characters'"
    if column.is_personal or column.type == "text":
        return length
    fits = rf"length({text}) <= 40 and not regexp_matches({text}, '@|\d{{7,}}')"
    return f"case when {fits} then '''' || {text} || '''' else {length} end"
