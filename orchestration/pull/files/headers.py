"""Where a file's header is, and what its columns are called."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise

from orchestration.core.errors import RefusedFileError

#: So many lines are looked at for a header that names a contract's columns.
HEADER_LINES = 50
#: A column of our own: a file's column of that name is renamed.
ROW = "_row"
#: Another: the name of the sheet, where several are read.
SHEET = "_sheet"
_DELIMITERS = (",", ";", "\t", "|")
#: A header is hardly ever longer.
_RECORD = 2**14
#: So many lines below those that are skipped may be blank, or a header that is not the wanted one.
_MOST_LINES = 2000
_LINE_END = re.compile(r"\r\n|\n|\r")


#: Between the names of several header rows, such as a question and an option of it.
_JOINT = " - "
#: Names that a header need not hold, and plain letters, which stay what they are in any case and between any quotes.
_GIVEN, _WORD = re.compile(r"\.\d+$|^column_\d+$", re.IGNORECASE), re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class HeaderShape:
    """What is known of a header before a file is read."""

    #: Names that it must hold, by which it is recognised below whatever is above it (case does not matter).
    columns: tuple[str, ...] = ()
    #: So many rows are no header, whatever they hold.
    skip_rows: int = 0
    #: The row that it is, as a spreadsheet counts.
    row: int | None = None
    #: So many rows it has; 0: there is none, and the first row that is not blank is one of the data.
    height: int = 1

    @property
    def missing(self) -> str:
        """Why there is none."""
        if self.row:
            return f"has nothing in row {self.row}, which its contract calls the header"
        if self.skip_rows:
            return f"has no header below the {self.skip_rows} lines that its contract skips"
        return "is empty: not even a header"


@dataclass(frozen=True)
class Header:
    """The header of a file: its cells as they are there, and the lines (rows of a sheet) above it."""

    cells: list[str]
    above: int
    delimiter: str = ","
    height: int = 1

    @property
    def last(self) -> int:
        """Number of its last row."""
        return self.above + self.height

    @property
    def names(self) -> list[str]:
        return column_names(self.cells)

    @property
    def messages(self) -> list[str]:
        """What the columns are called that have no name of their own; none for those that any file may have."""
        renamed = [
            f"{name} (column {position})"
            for position, (cell, name) in enumerate(zip(self.cells, self.names, strict=True), start=1)
            if cell.strip() not in ("", name)
        ]
        return [f"column names that occur more than once are read as {', '.join(renamed[:12])}"] if renamed else []


def column_names(cells: Sequence[str]) -> list[str]:
    """One name for each column, different without regard to case.

    The first of several keeps its name, the second becomes ``name.2``; the third of all that has none is ``column_3``.
    """
    stripped = [cell.strip() for cell in cells]
    own = {cell.lower() for cell in stripped}
    taken = {ROW}
    names = []
    for position, cell in enumerate(stripped, start=1):
        name, number = cell or f"column_{position}", 2
        if (not cell and name in own) or name.lower() in taken:
            while f"{name}.{number}".lower() in taken | own:
                number += 1
            name = f"{name}.{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def by_name(names: Iterable[str]) -> dict[str, str]:
    """The column that ``found`` finds under a name.

    Of columns whose names differ by case only each has its own: in SQL the second is ``q2.2``.
    """
    names = list(names)
    present: dict[str, str] = {}
    for name in names:
        present.setdefault(name.lower(), name)
    present.update((name, name) for name in names)
    for name in names:
        spelled = re.sub(r"\.\d+$", "", name) if "." in name else name
        if spelled != name and spelled not in names and spelled.lower() in present:
            present[spelled] = name
    return present


def found(present: dict[str, str], name: str | None) -> str | None:
    """The column of a name: as it is spelled, else whatever its case."""
    return present.get(name or "") or present.get((name or "").lower())


def options(present: dict[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """The columns that names or patterns mean, and the option that each is: what a ``*`` stands for, else its name."""
    columns: dict[str, str] = {}
    for pattern in patterns:
        if "*" not in pattern:
            if (column := found(present, pattern)) is not None:
                columns.setdefault(column, column)
            continue
        form = re.compile("(.*)".join(map(re.escape, pattern.split("*"))), re.IGNORECASE | re.DOTALL)
        for column in dict.fromkeys(present.values()):
            if match := form.fullmatch(column):
                columns.setdefault(column, match[1].strip() or column)
    return columns


def joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """The cells of several header rows as one row: the names above each other.

    A blank cell above another one takes the name to its left: the question is over the first of its options only.
    """
    if len(rows) == 1:
        return [cell.strip() for cell in rows[0]]
    width = max(map(len, rows), default=0)
    padded = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    cells = []
    left = [""] * len(rows)
    for place in range(width):
        column = [row[place] for row in padded]
        for level, cell in enumerate(column[:-1]):
            if cell:
                left[level:] = [cell, *[""] * (len(rows) - level - 1)]
            elif any(column[level + 1 :]):
                column[level] = left[level]
        cells.append(_JOINT.join(dict.fromkeys(filter(None, column))))
    return cells


def find_header(rows: Iterable[tuple[int, list[str]]], shape: HeaderShape) -> tuple[int, list[str]] | None:
    """The first row that is not blank; of the first lines, sooner the one that holds all the columns a contract asks for.

    Args:
        rows: how many rows are above, and the cells (of as many rows as a header has, joined).
        shape: what is known of it.
    """
    wanted = {column.strip().lower() for column in shape.columns}
    first = None
    for above, cells in rows:
        if shape.row:
            if above + 1 == shape.row:
                return (above, cells) if any(cells) else None
            continue
        if above < shape.skip_rows or not any(cells):
            continue
        first = first or (above, cells)
        if shape.skip_rows or not wanted or above >= HEADER_LINES:
            break
        if wanted <= {name.lower() for name in column_names(cells)}:
            return above, cells
    return first


def text_header(text: str, delimiter: str | None, shape: HeaderShape, otherwise: str = ",") -> Header:
    """The header of a text whose lines are rows; ``text`` is the file's beginning.

    The delimiter is the most frequent one of the header, ``otherwise`` where it has none.

    Raises:
        RefusedFileError: there is none.
    """
    text = text.removeprefix("\ufeff")
    if not _may_hold(text, shape.columns):
        shape = replace(shape, columns=())  # each line need not be looked at
    # No header is further down: the rest of a long text need not be cut into lines.
    most = _MOST_LINES + shape.skip_rows + (shape.row or 0)
    delimiters: dict[int, str] = {}

    def rows() -> Iterable[tuple[int, list[str]]]:
        """Each line as a header: without one, as the first of the rows."""
        said = delimiter
        for above, (start, end) in enumerate(pairwise(_line_starts(text, most))):
            line = text[start:end]
            if re.fullmatch(r'"?sep=.\s*"?\s*', line):
                # Excel's own way to name the delimiter; it is no header.
                said = delimiter or line.strip('"')[4]
                continue
            mark = delimiters[above] = said or _delimiter_of(line) or otherwise
            yield above, joined(_records(text, start, mark, max(shape.height, 1)) if line.strip() else [[]])

    place = find_header(rows(), shape)
    if place is None:
        raise RefusedFileError(shape.missing)
    return Header(_own(place[1], shape), place[0], delimiters[place[0]], shape.height)


def _line_starts(text: str, most: int) -> Iterator[int]:
    """Where the first lines begin, and at last where the text ends. Mostly the first is the header, and no other is sought."""
    yield 0
    yield from (end.end() for end in islice(_LINE_END.finditer(text), most))
    yield len(text)


@lru_cache(maxsize=1)
def _lowered(text: str) -> str:
    """Each contract looks for its words in the same text."""
    return text.lower()


def _may_hold(text: str, columns: Sequence[str]) -> bool:
    """Does a text hold the words of all these columns, as far as they are not names that we give?"""
    lowered = _lowered(text)
    named = [name.lower() for name in columns if not _GIVEN.search(name)]
    return all(word in lowered for name in named for word in _WORD.findall(name))


def _records(text: str, start: int, delimiter: str, count: int) -> list[list[str]]:
    """The records from a place of a text on; the text is long, and each of its first lines is looked at."""
    for end in (start + _RECORD, len(text)):
        part = io.StringIO(text[start:end], newline="")
        found = list(islice(csv.reader(part, delimiter=delimiter), count))
        if part.read(1) or end >= len(text):
            break
    return found or [[]]


def sheet_header(rows: Sequence[tuple[int, list[str]]], shape: HeaderShape) -> Header:
    """The header of a sheet, of which these are the first rows.

    Raises:
        RefusedFileError: there is none.
    """

    def windows() -> Iterable[tuple[int, list[str]]]:
        for place, (above, cells) in enumerate(rows):
            # No header begins with a blank row.
            window = [other for _, other in rows[place : place + max(shape.height, 1)]]
            yield above, joined(window) if any(map(str.strip, cells)) else []

    place = find_header(windows(), shape)
    if place is None:
        raise RefusedFileError(shape.missing)
    return Header(_own(place[1], shape), place[0], height=shape.height)


def _own(cells: list[str], shape: HeaderShape) -> list[str]:
    """The cells of a header; without one its columns have no names."""
    return cells if shape.height else [""] * len(cells)


def _delimiter_of(line: str) -> str | None:
    counts = Counter({mark: re.sub(r'"[^"]*"', "", line).count(mark) for mark in _DELIMITERS})
    return counts.most_common(1)[0][0] if counts.total() else None
