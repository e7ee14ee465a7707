"""SQL expressions that turn a cell's text into a canonical value, and say why one cannot be taken.

Only names and literals of the contract and of ``kinds.yml`` become part of an expression; nothing from the data does.
"""

from __future__ import annotations

import re

import duckdb

from orchestration.core.literals import Scalar, among, identifier, literal, literals
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import found, options
from orchestration.pull.kinds import NUMBERS, TIMES, Column, Kind, Vocabulary
from orchestration.pull.personal import may_be_shown_sql
from orchestration.pull.rows.amounts import TWO_PARTS, amount, bare_number, number, seconds
from orchestration.pull.rows.sifting import place_column
from orchestration.pull.rows.times import calendar_date, instant, is_iso, promise, quick, with_bare_offset, with_numeric_offset

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
    "AEST": "+10:00", "AEDT": "+11:00", "ACST": "+09:30", "ACDT": "+10:30", "AWST": "+08:00", "NZST": "+12:00", "NZDT": "+13:00",
    "AKST": "-09:00", "AKDT": "-08:00", "HST": "-10:00", "ART": "-03:00", "SAST": "+02:00", "HKT": "+08:00", "SGT": "+08:00",
    "KST": "+09:00", "MEZ": "+01:00", "MESZ": "+02:00",
}  # fmt: skip
#: What a column of an option holds where it was not chosen.
UNCHOSEN = ("0", "0.0", "false", "no", "n", "off", "unchecked", "not selected", *MISSING_WORDS)
#: Spellings of one word.
SPELLINGS = {"canceled": "cancelled"}


def declare(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the lists that the expressions look in: written out in each, they take longer to plan than to run."""
    offsets = ", ".join(f"{literal(name)}: {literal(offset)}" for name, offset in ABBREVIATIONS.items())
    con.execute(f"set variable missing_words = [{literals(MISSING_WORDS)}]")
    con.execute(f"set variable nobody = [{literals(NOBODY)}]")
    con.execute(f"set variable offsets = map {{{offsets}}}")


# -- words -------------------------------------------------------------------------------------------------------------


def _one_of(text: str, values: tuple[str, ...]) -> str:
    """The value that a word means without regard to case, and to whether its parts are joined by a space, '-' or '_'."""
    meant = {value: value for value in values if value not in SPELLINGS}
    as_they_are = [value for value in meant if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", value)]
    meant |= {other: word for other, word in SPELLINGS.items() if word in values}
    words = ", ".join(f"{literal(word)}: {literal(value)}" for word, value in meant.items())
    spelled = rf"lower(regexp_replace(trim({text}), '[\s_-]+', '_', 'g'))"
    return f"case when {among(text, as_they_are)} then {text} when {text} is not null then map {{{words}}}[{spelled}] end"


def _in_vocabulary(text: str, vocabulary: Vocabulary) -> str:
    known = _one_of(text, vocabulary.values)
    return f"case when try_cast({text} as double) is not null then {text} else {known} end" if vocabulary.or_number else known


def _conditions(vocabulary: Vocabulary) -> str:
    return among(identifier("c_" + vocabulary.where_column), vocabulary.where_values)


def _is_nobody(text: str, column: Column) -> str:
    words = rf"list_contains(getvariable('nobody'), lower({text})) or regexp_matches({text}, '^[0\s.+-]+$')"
    match column.type:
        case "email":
            # Of two addresses nobody knows whose the record is.
            return f"({words} or not contains({text}, '@') or regexp_matches({text}, '@.*@'))"
        case "phone":
            return rf"({words} or not regexp_matches({text}, '\d'))"
        case _:
            return f"({words})"


# -- columns -----------------------------------------------------------------------------------------------------------


def trimmed(mapping: Mapping, present: dict[str, str], tried: bool = False) -> str:
    """The column's text in the export, trimmed; null where it is empty, and with ``tried`` where the contract's SQL fails."""
    if mapping.value is not None:
        return f"nullif(trim({literal(mapping.value)}), '')"
    if mapping.sql is not None:
        text = f"cast(({mapping.sql}) as varchar)"
        return f"nullif(trim({f'try({text})' if tried else text}), '')"
    if mapping.option_of:
        chosen = [_chosen(column, option) for column, option in options(present, mapping.option_of).items()]
        return f"nullif(concat_ws('; ', {', '.join(chosen)}), '')" if chosen else "cast(null as varchar)"
    name = place_column(mapping.place_in) if mapping.place_in else found(present, mapping.source)
    if name is None:
        return "cast(null as varchar)"
    text = f"cast({identifier(name)} as varchar)"
    # To look for blanks takes a fifth of what trimming does; other blanks than this one are longer than one byte.
    is_trimmed = f"strlen({text}) = length({text}) and not prefix({text}, ' ') and not suffix({text}, ' ')"
    return f"nullif(case when {is_trimmed} then {text} else trim({text}) end, '')"


def _chosen(column: str, option: str) -> str:
    """The option where its column holds anything but a word for no."""
    text = f"lower(trim(cast({identifier(column)} as varchar)))"
    return f"case when {text} <> '' and not {among(text, UNCHOSEN)} then {literal(option)} end"


def text_of(trimmed: str, mapping: Mapping, contract: Contract, column: Column | None = None) -> str:
    """What a trimmed text says: as the contract maps it, null where it is missing.

    A word for missing is missing where the type of the ``column`` cannot mean it.
    """
    is_free = column is None or column.type in _FREE
    cases = []
    if missing := [*contract.missing, *mapping.missing]:
        cases.append(f"when {among(trimmed, missing)} then null")
    cases += [
        f"when lower({trimmed}) = {literal(str(key).lower())} then {_meant(value, is_free)}"
        for key, value in mapping.map.items()
        if key != "*"
    ]
    if "*" in mapping.map:
        cases.append(f"when {trimmed} is not null then {_meant(mapping.map['*'], is_free)}")
    elif not is_free:
        length = max(map(len, MISSING_WORDS))
        is_word = f"strlen({trimmed}) <= {length} and list_contains(getvariable('missing_words'), lower({trimmed}))"
        cases.append(f"when {is_word} then null")
    return f"case {' '.join(cases)} else {trimmed} end" if cases else trimmed


#: Types whose text may be any word.
_FREE = ("text", "prose", "email", "phone")


def _meant(value: Scalar | None, is_free: bool) -> str:
    """A text of the contract's own as a literal."""
    shown = literal(value)
    return "null" if not is_free and shown[1:-1].lower() in MISSING_WORDS else shown


def quickly(column: Column, mapping: Mapping) -> tuple[str, str] | None:
    """The two ways to read a time by the places of its characters; none for other columns."""
    return quick(f"t_{column.name}") if column.type in ("instant", "date") and is_iso(mapping) else None


def cleared(column: Column, mapping: Mapping, contract: Contract) -> str | None:
    """The text of a time or number without what is around it, where it is more than that; none of other columns."""
    text = f"t_{column.name}"
    if column.type in NUMBERS:
        return bare_number(text, contract.decimal, column)
    if column.type not in TIMES:
        return None
    bare = with_bare_offset(text)
    if quickly(column, mapping) is None:
        return bare
    return f"case when q_{column.name} is null and z_{column.name} is null then {bare} end"


def prepared(column: Column, contract: Contract) -> str | None:
    """What ``cleared`` gives (``m_``) as ``typed`` reads it, so that it is worked out once; none of other columns."""
    ready = f"m_{column.name}"
    if column.type in NUMBERS:
        return number(f"t_{column.name}", ready, contract.decimal)
    return with_numeric_offset(ready) if column.type in TIMES else None


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
            # 'Ann B <ann@example.com>', 'mailto:ann@example.com'
            bare = rf"regexp_replace({text}, '^.*<([^<>\s]+@[^<>\s]+)>$', '\1')"
            return f"regexp_replace(lower({bare}), '^mailto:', '')"
        case "word":
            return f"coalesce({_one_of(text, column.values)}, lower({text}))" if column.values else f"lower({text})"
        case "one_of":
            return _one_of(text, column.values)
        case "instant":
            return instant(column.name, mapping, contract.timezone, second)
        case "promise":
            return promise(text, ready, mapping, contract.timezone)
        case "date":
            return calendar_date(column.name, mapping, contract.timezone)
        case "seconds":
            return seconds(text, ready, mapping)
        case "integer":
            return f"case when try_cast({ready} as double) = round(try_cast({ready} as double)) then {_whole(ready)} end"
        case "number":
            value = f"case when isfinite(try_cast({ready} as double)) then try_cast({ready} as double) end"
            # 85% is 85 by itself.
            return f"{value} * case when suffix({text}, '%') then 1 else 100 end" if mapping.unit == "fraction" else value
        case "boolean":
            return (
                f"case when {among(f'lower({text})', ('true', 't', 'yes', 'y', '1', '1.0'))} then true "
                f"when {among(f'lower({text})', ('false', 'f', 'no', 'n', '0', '0.0'))} then false end"
            )
        case "money_size":
            return f"abs({amount(ready, column.sql_type, mapping)})"
        case _:
            return amount(ready, column.sql_type, mapping)


def _whole(number: str) -> str:
    return f"try_cast(try_cast({number} as double) as bigint)"


def problem(column: Column, kind: Kind) -> str | None:
    """SQL: why the row cannot be taken because of this column, or null; none where it can hold anything.

    ``t_`` is the text, ``c_`` the typed value. A reason that begins with a blank goes on after the text (``in_words``).
    """
    text, value = identifier(f"t_{column.name}"), identifier(f"c_{column.name}")
    cases = []
    if column.required:
        cases.append(f"when {text} is null then 'is required but empty'")
    for vocabulary in kind.vocabularies_of(column.name):
        what = f"one of: {', '.join(vocabulary.values)}{', or a number' if vocabulary.or_number else ''}"
        wrong = f"{_conditions(vocabulary)} and {text} is not null and {value} is null"
        cases.append(f"when {wrong} then {literal(' is not ' + what)}")
    if column.is_somebody:
        if column.required:
            cases.append(f"when {value} is null then 'is a word or number that stands for none'")
    elif column.type != "text":
        if column.type in TIMES:
            serial = (
                "is the number by which a spreadsheet counts days: format the column as dates there and export it again, or say "
                "`unit: excel_days`"
            )
            cases.append(rf"when {value} is null and regexp_matches({text}, '^\d{{5}}([.,]\d*)?$') then {literal(serial)}")
        if column.type == "seconds":
            two = "may be minutes:seconds or hours:minutes: say `unit: mm:ss` or `unit: hh:mm`"
            cases.append(f"when {value} is null and regexp_matches({text}, '{TWO_PARTS}') then {literal(' ' + two)}")
        what = f"one of: {', '.join(column.values)}" if column.type == "one_of" else f"a valid {column.in_words}"
        cases.append(f"when {text} is not null and {value} is null then {literal(' is not ' + what)}")
    if column.type in TIMES:
        cases.append(
            f"when {value} < timestamp '{EARLIEST}' or {value} >= timestamp '{LATEST}' "
            f"then ' lies outside of {EARLIEST} to {LATEST}'"
        )
    if column.bounds:
        low, high = (f"{bound:,.0f}" for bound in column.bounds)
        cases.append(
            f"when {value} not between {column.bounds[0]} and {column.bounds[1]} "
            f"then {literal(f' lies outside of {low} to {high}')}"
        )
    return f"case {' '.join(cases)} end" if cases else None


def rule_problem(rule: str, reason: str, kind: Kind) -> str:
    """SQL: the reason where a rule over a row's values does not hold; a rule that a missing value leaves open holds."""
    return f"case when not ({over_values(rule, kind)}) then {literal(reason)} end"


def over_values(expression: str, kind: Kind) -> str:
    """An expression over canonical names as one over typed values."""
    names = "|".join(sorted(kind.columns, key=len, reverse=True))
    return re.sub(rf"\b({names})\b", lambda found: identifier(f"c_{found[0]}"), expression)


def is_about_nobody(column: Column) -> bool:
    """Can a column hold nothing of a person? Where its text does not look like it either, a reason shows it."""
    return not (column.is_personal or column.type == "text")


def in_words(reason: str, text: str, is_about_nobody: str) -> str:
    """SQL of a reason as people read it, with the text that it is about where that can be nobody's, and else with its length."""
    length = f"'a value of ' || length({text}) || ' characters'"
    shown = f"case when {is_about_nobody} and {may_be_shown_sql(text)} then '''' || {text} || '''' else {length} end"
    return f"case when prefix({reason}, ' ') then {shown} || {reason} else {reason} end"
