"""What of a file's name stays the same from one export to the next: no date, month, week or quarter."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from orchestration.draft.lexicon import kind_words, plain
from orchestration.pull.rows.spelling import MONTHS

_MONTHS = frozenset(plain(word) for words in MONTHS.values() for word in words.split())
#: Words of months that mean something else too: a month only beside a number.
_UNSURE = frozenset(("marca", "out", "set"))
#: Words before the number of a week, quarter or half-year; single letters only right before it.
_PERIODS = frozenset((
    "q", "qu", "quarter", "quartal", "trimestre", "trim", "t", "kwartal", "h",
    "w", "wk", "week", "cw", "kw", "woche", "s", "sem", "semaine", "semana", "sett", "settimana", "tyg", "tydzien",
))  # fmt: skip
#: A word between signs and digits, or as 'CallsApril' joins them.
_WORD = re.compile(r"(?:(?<![^\W\d_])|(?<=[a-zà-ÿ])(?=[A-Z]))([^\W\d_]+?)(?:(?![^\W\d_])|(?<=[a-zà-ÿ])(?=[A-Z]))")

#: Words of a kind that are so long are known within a longer one.
_LONG = 5


def contract_name(file_name: str, kind: str) -> str:
    """'Helpdesk Export 2026-06.csv' of tickets -> 'helpdesk_export_tickets'."""
    words = [word for word in plain(_dates_as_digits(_stem(file_name))).split() if not re.search(r"\d", word)]
    stem = re.sub(r"[^a-z0-9_]", "", "_".join(words)) or "export"
    stem = stem if re.match(r"[a-z]", stem) else f"export_{stem}"
    return stem if kind in stem else f"{stem}_{kind}"


def glob_of(file_name: str) -> str | None:
    """The file's name with what changes from one export to the next left open; none where no word is left."""
    stem = re.sub(r"[\[\]?*]", "?", _dates_as_digits(_stem(file_name)))
    glob = re.sub(r"[_\W]+$", "", re.sub(r"[^\w]*\d[\d\W_]*", "*", stem))
    return f"{glob}*" if sum(map(str.isalpha, glob)) >= 3 else None


def is_named(file_name: str, kind: str) -> float:
    """Does a file's name say what it holds? 'Kundenumfrage' is a survey, and less surely something about customers."""
    words, known = plain(Path(file_name).name).split(), {plain(kind), *kind_words(kind)}
    if known & {*words, *(f"{a} {b}" for a, b in pairwise(words))}:
        return 1.0
    long = [word for word in known if len(word) >= _LONG]
    if any(word.endswith(one) for word in words for one in long):
        return 1.0
    return 0.5 if any(word.startswith(one) for word in words for one in long) else 0.0


def _stem(file_name: str) -> str:
    return file_name.partition(".")[0]


def _dates_as_digits(stem: str) -> str:
    """The same with a digit for each word that belongs to a date."""

    def digit(found: re.Match[str]) -> str:
        word, before, after = plain(found[1]), stem[: found.start()], stem[found.end() :]
        is_beside = bool(re.match(r"[\W_]?\d", after) or re.search(r"\d[\W_]?$", before))
        is_month = word in _MONTHS and (is_beside or word not in _UNSURE)
        is_period = word in _PERIODS and bool(re.match(r"\d" if len(word) == 1 else r"[\W_]?\d", after))
        return "0" if is_month or is_period else found[0]

    return _WORD.sub(digit, stem)
