"""SQL expressions that turn a text into a number or a duration, in the forms that exports write them."""

from __future__ import annotations

from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.kinds import Column

_SECONDS_PER = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
#: What is before or after an amount, beside the signs of currencies.
_CURRENCIES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MAD|MXN|MYR|NGN|NOK|NZD|PEN|"
    "PHP|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|KR|KČ|ZŁ|FT|LEI|FR|RS|RM|TL|ЛВ|РУБ"
)
#: The words of a unit, in the languages of exports: seconds, and how they are written.
_UNITS = (
    (604800, "w|weeks?|wochen?|semaines?|semanas?|settiman[ae]|tydzień|tygodni[ea]?"),
    (86400, "d|days?|tag|tagen?|jours?|j|d[ií]as?|giorn[oi]|gg|dzień|dni"),
    (3600, "h|hrs?|hours?|std|stunden?|heures?|horas?|or[ae]|godz|godzin[ay]?"),
    (60, "m|mins?|minutes?|minuten|minutos?|minut[aoiy]?|'"),
    (1, 's|secs?|seconds?|sek|sekunden?|secondes?|segs?|segundos?|second[oi]|sekund[ay]?|"'),
    (0.001, "ms|msecs?|milliseconds?|millisekunden?|millisecondes?"),
)
#: What is between thousands, as a class of characters.
_GROUPING = r"[\s\x{00A0}\x{2009}\x{202F}''’]"
#: A duration of two parts, which may be either: the contract says which.
TWO_PARTS = r"^-?\d+:\d\d([.,]\d+)?$"


def bare_number(text: str, decimal: str, column: Column) -> str:
    """A number's text without what is around it, its sign before it: '€ 12', '(20.00)', '12-'; null where it is bare."""
    bare = rf"replace(regexp_replace({text}, '{_GROUPING}|\p{{Sc}}', '', 'g'), '−', '-')"
    # '1 000.-' of Switzerland
    bare = rf"regexp_replace({bare}, '[.,][-–—]+$', '')"
    if column.type in ("money", "money_size"):
        # 'US$' is 'US' by now.
        named = rf"regexp_replace(upper({bare}), '^([(+-]?)(?:{_CURRENCIES}|US|CA|AU|NZ|HK|NT|R|S|C|A)\.?([(+-]?\d)', '\1\2')"
        bare = rf"regexp_replace({named}, '(\d[.,]?)(?:{_CURRENCIES})\.?([)-]?)$', '\1\2')"
    elif column.type == "number":
        bare = f"rtrim({bare}, '%')"
    signed = rf"regexp_replace(regexp_replace({bare}, '^\((.*)\)$', '-\1'), '^([^-].*)-$', '-\1')"
    # Most numbers are digits; what may group them is left to the long way.
    digits = r"-?\d+" if decimal == "," else r"-?\d+(\.\d+)?"
    return f"case when not regexp_full_match({text}, '{digits}') then {signed} end"


def number(text: str, bare: str, decimal: str) -> str:
    """A number's text as DuckDB reads it, from what ``bare_number`` gives: '1.234,50', "1'234.50"; null where it is none."""
    if decimal == ",":
        # No thousands begin with a zero.
        grouped = rf"regexp_matches({bare}, '^[+-]?[1-9]\d{{0,2}}(\.\d{{3}})+(,\d*)?$')"
        # JSON and Parquet write their numbers with a point, whatever the contract says of texts.
        plain = (
            f"case when {grouped} then replace(replace({bare}, '.', ''), ',', '.') "
            f"when not contains({bare}, '.') then replace({bare}, ',', '.') else {bare} end"
        )
    else:
        # In India only the last group has three digits.
        plain = (
            rf"case when regexp_matches({bare}, '^[+-]?\d{{1,3}}(,\d{{2,3}})*,\d{{3}}(\.\d*)?$') "
            f"then replace({bare}, ',', '') else {bare} end"
        )
    found = rf"nullif(regexp_extract({plain}, '^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$'), '')"
    # What is between digits groups them by thousands, or makes two numbers of them.
    parted = rf"regexp_matches({text}, '\d{_GROUPING}\d')"
    grouped = rf"regexp_matches({text}, '^\D*\d{{1,3}}(?:{_GROUPING}\d{{2,3}})*{_GROUPING}\d{{3}}(?:[.,]\d*)?\D*$')"
    return f"case when {bare} is null then {text} when not ({parted}) or {grouped} then {found} end"


def amount(ready: str, sql_type: str, mapping: Mapping) -> str:
    """An amount of money in its unit."""
    match mapping.unit:
        case "cents":
            return f"try_cast(try_cast({ready} as decimal(28, 6)) * 0.01 as {sql_type})"
        case "micros":
            return f"try_cast(try_cast({ready} as decimal(28, 6)) * 0.000001 as {sql_type})"
        case _:
            return f"try_cast({ready} as {sql_type})"


def seconds(text: str, ready: str, mapping: Mapping) -> str:
    """A duration in whole seconds: a number of the contract's unit, or a text that names its own."""
    factor = _SECONDS_PER.get(mapping.unit or "seconds", 1)
    plain = f"try_cast({ready} as double) * {factor}"
    ways = [f"case when isfinite({plain}) then {plain} end", _clock(text), _words(text), _iso(text)]
    if mapping.unit in ("mm:ss", "hh:mm"):
        larger, smaller = (60, 1) if mapping.unit == "mm:ss" else (3600, 60)
        first, second = (_part(text, r"^-?(\d+):", 1), _part(text, r":(\d\d(?:[.,]\d+)?)$", 1))
        total = f"({first} * {larger} + {second} * {smaller}) * {_sign(text)}"
        ways.insert(0, f"case when regexp_matches({text}, '{TWO_PARTS}') then {total} end")
    return f"try_cast(round(coalesce({', '.join(ways)})) as bigint)"


def _part(text: str, pattern: str, group: int) -> str:
    return f"coalesce(try_cast(replace(regexp_extract({text}, '{pattern}', {group}), ',', '.') as double), 0)"


def _sign(text: str) -> str:
    return f"case when prefix({text}, '-') then -1 else 1 end"


def _clock(text: str) -> str:
    """'1:02:03', '26:04:05.5', '1 day, 02:03:04', '1.02:03:04' of .NET."""
    text = f"lower({text})"
    time = r"\d+:\d\d:\d\d(?:[.,]\d+)?$"
    days = rf"(?:(\d+)(?: ?(?:{_UNITS[1][1]})[.,]? ?|[. ]))?"
    length = f"epoch(try_cast(replace(regexp_extract({text}, '{time}'), ',', '.') as interval))"
    total = f"({_part(text, rf'^-?{days}{time}', 1)} * 86400 + {length}) * {_sign(text)}"
    return f"case when contains({text}, ':') and regexp_matches({text}, '^-?{days}{time}') then {total} end"


def _words(text: str) -> str:
    """'1h 2m 3s', '62.5 min', '2 Std. 5 Min.', '1 heure et 5 minutes'."""
    text = f"lower({text})"
    units = [(factor, words.replace("'", "''")) for factor, words in _UNITS]
    each = "|".join(words for _, words in units)
    form = rf"^(?:\d+(?:[.,]\d+)?\s*(?:{each})\.?,?\s*(?:(?:and|und|et|y|e|i)\s+)?)+$"
    total = " + ".join(
        _part(text, rf"(\d+(?:[.,]\d+)?)\s*(?:{words})(?:[\s\d.,]|$)", 1) + f" * {factor}" for factor, words in units
    )
    return f"case when regexp_matches({text}, '{form}') then {total} end"


def _iso(text: str) -> str:
    """'PT1H2M', 'P1DT2H', 'PT5.5S' of ISO 8601; a month or a year has no length."""
    form = r"^-?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$"
    factors = (604800, 86400, 3600, 60, 1)
    total = " + ".join(f"{_part(text, form, place)} * {factor}" for place, factor in enumerate(factors, start=1))
    is_one = rf"regexp_matches({text}, '{form}') and regexp_matches({text}, '\d[WDHMS]$')"
    return f"case when {is_one} then ({total}) * {_sign(text)} end"
