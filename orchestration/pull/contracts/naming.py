"""The order of files by their names: dates as dates, numbers as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from orchestration.pull.files.unpacking import COMPRESSIONS

#: 2026-06-09, 2026_6_9, 2026.06.09, 20260609 (a time of day may follow).
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)(?P<sep>[-_.]?)(?P<m>\d\d?)(?P=sep)(?P<d>\d\d?)(?=\D|$|\d{4}(?:\d\d)?(?!\d))"
)
#: 09-06-2026, 9.6.2026, 9_6_2026.
_YEAR_LAST = re.compile(r"(?<!\d)(?P<one>\d\d?)(?P<sep>[-_.])(?P<two>\d\d?)(?P=sep)(?P<y>(?:19|20)\d\d)(?!\d)")

Key = tuple[tuple[int, int, int], list[tuple[int, int, str]], str]


def in_order(names: Iterable[str]) -> list[str]:
    """File names (with their folders) as they follow each other.

    The last date in a name decides, whatever the folder; names without a date come first. Then names are compared part by
    part, numbers by their size; the ending that gives the format does not count. A date that ends with its year is taken as
    day-month-year, unless a name of these can only be month-day-year.
    """
    listed = list(names)
    pairs = [(int(m["one"]), int(m["two"])) for name in listed for m in _YEAR_LAST.finditer(name)]
    month_first = any(two > 12 for _, two in pairs) and not any(one > 12 for one, _ in pairs)
    return sorted(listed, key=lambda name: order_key(name, month_first))


def order_key(name: str, month_first: bool = False) -> Key:
    """What a file name is sorted by."""
    stem = _without_endings(name)
    dates: list[tuple[int, date]] = []
    for match in _YEAR_FIRST.finditer(stem):
        if len(match["sep"]) or len(match["m"] + match["d"]) == 4:
            _add(dates, match.start(), match["y"], match["m"], match["d"])
    for match in _YEAR_LAST.finditer(stem):
        day, month = (match["two"], match["one"]) if month_first else (match["one"], match["two"])
        _add(dates, match.start(), match["y"], month, day)
    last = max(dates)[1] if dates else None
    without = _YEAR_LAST.sub("#", _YEAR_FIRST.sub("#", stem)) if dates else stem
    parts = [(1, int(text), "") if text.isdecimal() else (0, 0, text) for text in re.findall(r"\d+|\D+", without.casefold())]
    return ((last.year, last.month, last.day) if last else (0, 0, 0), parts, name)


def folder_of(name: str) -> str:
    """The folders that a file is in, without the `.zip` that it came in: that is another one each time."""
    return "/".join(part for part in name.split("/")[:-1] if not part.lower().endswith(".zip"))


def _add(dates: list[tuple[int, date]], place: int, year: str, month: str, day: str) -> None:
    try:
        dates.append((place, date(int(year), int(month), int(day))))
    except ValueError:
        return


def _without_endings(name: str) -> str:
    base = name
    for _ in range(2):
        stem, dot, ending = base.rpartition(".")
        if dot and stem and (f".{ending.lower()}" in COMPRESSIONS or ending.lower() in _ENDINGS):
            base = stem
    return base


_ENDINGS = {"csv", "tsv", "txt", "ndjson", "jsonl", "json", "parquet", "xlsx", "xls", "xlsm"}


def stream_of(name: str) -> str:
    """The stream that a file of an API or a database is of, whose files each hold all of it; any other file is its own."""
    return re.sub(r"_\d{8}_\d+\.ndjson\.gz$", "", name)
