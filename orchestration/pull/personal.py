"""What of a file may be shown in a message: words and numbers that cannot be a person's.

Columns that are impersonal hold persons all the same where cells are shifted by one, and a header may be a row where it is
missing. So a value is shown only if it looks like none of: an address, a telephone, card or account number, a name, a sentence.
One set of patterns serves Python and DuckDB, whose engine (RE2) reads all of it.
"""

from __future__ import annotations

import re

from orchestration.core.personal_data import DIGIT, GAP

_MOST_CHARACTERS = 40
_SEPARATORS = GAP
#: In texts without separators: seven digits are a number of somebody, and so is a country's account number (IBAN).
_NUMBER_OF_SOMEBODY = rf"[{DIGIT}]{{7,}}|^[A-Za-z]{{2}}[0-9]{{2}}[A-Za-z0-9]{{11,}}$"
#: An address of mail or of the web; two words in capitals, as names are written; three words and more are a sentence.
_ADDRESS_OR_NAME = (
    r"@|://|www\.|^[A-ZÀ-ÖØ-ÞŁŚŻŹĆ]\S*\s+(\S+\s+)?[A-ZÀ-ÖØ-ÞŁŚŻŹĆ]|^[A-ZÀ-ÖØ-ÞŁŚŻŹĆ][^\s,]*, ?[A-ZÀ-ÖØ-ÞŁŚŻŹĆ]|(\S+\s+){4}\S"
)
_DAY = r"((19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./]((19|20)[0-9]{2}|[0-9]{2}))"
_TIME = r"([ T,]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[+-][0-9]{2}:?[0-9]{2})?)?"
#: Digits of a date, or of two, are nobody's. (French numbers are pairs of digits, and begin as dates do.)
_DATE = rf"^[^0-9+]{{0,6}}{_DAY}{_TIME}([^0-9./-][^0-9]{{0,4}}{_DAY}{_TIME})?[^0-9]*$"


def may_be_shown(text: str) -> bool:
    """Is it sure enough that a text is nobody's?"""
    if len(text) > _MOST_CHARACTERS or re.search(_ADDRESS_OR_NAME, text):
        return False
    return bool(re.search(_DATE, text)) or not re.search(_NUMBER_OF_SOMEBODY, re.sub(_SEPARATORS, "", text))


def may_be_shown_sql(text: str) -> str:
    """The same of an SQL expression: SQL that is true or false."""
    bare = f"regexp_replace({text}, '{_SEPARATORS}', '', 'g')"
    return (
        f"length({text}) <= {_MOST_CHARACTERS} and not regexp_matches({text}, '{_ADDRESS_OR_NAME}') "
        f"and (regexp_matches({text}, '{_DATE}') or not regexp_matches({bare}, '{_NUMBER_OF_SOMEBODY}'))"
    )


_ENDINGS = r"\.(?:csv|tsv|txt|ndjson|jsonl|json|parquet|xlsx|xls|xlsm|gz|zst|zip)"
#: In the name of a file: an address of mail; digits that somebody can be called by, dates and times among them left out.
_ADDRESS = re.compile(rf"[^\s/@]+@[^/@]+?(?=(?:{_ENDINGS})+|[/,:;]|$)", re.IGNORECASE)
_DIGITS = re.compile(r"[+(]{0,2}\d(?:[ ().-]{0,2}\d){8,}")
_DAY_AND_TIME = r"(?:19|20)\d\d[ .-]?[01]\d[ .-]?[0-3]\d(?:[ .-]?[0-2]\d(?:[ .-]?[0-5]\d){0,2})?"
_MOMENTS = re.compile(rf"(?:(?:{_DAY_AND_TIME}|[0-3]\d[.-][01]\d[.-](?:19|20)\d\d)[ .()-]*)+")


def file_shown(name: str) -> str:
    """The name of a file without what a person can be reached by."""
    return _DIGITS.sub(_digits_shown, _ADDRESS.sub("(an address)", name))


def files_shown(text: str) -> str:
    """The same of every name of a file in a text."""
    return re.sub(rf"\S+?(?:{_ENDINGS})+(?![\w.])", lambda found: file_shown(found[0]), text, flags=re.IGNORECASE)


def _digits_shown(found: re.Match[str]) -> str:
    return found[0] if _is_moment(found[0]) else f"({len(re.findall(r'[0-9]', found[0]))} digits)"


def _is_moment(text: str) -> bool:
    """Is it a date or time, or several of them?"""
    return _MOMENTS.fullmatch(text) is not None


_DIALLED = GAP.replace(",", "").replace("_", "")
#: Numbers that are read or dialled as one; a comma between digits is of an amount.
_LONG_NUMBER = (
    rf"[{DIGIT}]{{7,}}|(^|[^{DIGIT},.])\+?[{DIGIT}]({_DIALLED}*[{DIGIT}]){{8,}}|^[A-Za-z]{{2}}[0-9]{{2}}[A-Za-z0-9]{{11,}}$"
    # Shorter ones begin with a zero or a plus: what the scan of published texts finds may not get there (see personal_data.py).
    f"|([+]|(^|[^{DIGIT}A-Za-z,.]|[^{DIGIT}][,.])[(]?[0\uff10\u0660\u06f0])({GAP}*[{DIGIT}]){{5,}}"
)
#: Longer texts are sentences.
_LONGEST_MEMBER = 80


def may_be_member_sql(text: str) -> str:
    """SQL: may a text be published as the member of a dimension? Not an address, a number of somebody, or a sentence.

    Names of products and plans are written as those of persons are: they may.
    """
    return (
        f"length({text}) <= {_LONGEST_MEMBER} and not contains({text}, '@') "
        f"and (regexp_matches({text}, '{_DATE}') or not regexp_matches({text}, '{_LONG_NUMBER}'))"
    )


def names_shown(names: list[str], most: int = 30) -> str:
    """Names of columns for a message; one that may be a value, where the header is missing, by its length."""
    shown = [f"({len(name)} characters)" if _leads_to_somebody(name) else name for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _leads_to_somebody(name: str) -> bool:
    """Names of columns are long and have capitals, too: kept back is only what a person can be reached by."""
    return "@" in name or bool(re.search(_NUMBER_OF_SOMEBODY, re.sub(_SEPARATORS, "", name)))
