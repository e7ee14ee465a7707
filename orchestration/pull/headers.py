"""Where a file's header stands, and what its columns are called."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.errors import RefusedFileError

#: So many lines are looked at for a header that names a contract's columns.
HEADER_LINES = 50
#: A column of our own: a file's column of that name is renamed.
ROW = "_row"
_DELIMITERS = (",", ";", "\t", "|")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Header:
    """The header of a file: its cells as they are there, and the lines (rows of a sheet) above it."""

    cells: list[str]
    above: int
    delimiter: str = ","

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
        return [f"column names that stand more than once are read as {', '.join(renamed[:12])}"] if renamed else []


def column_names(cells: Sequence[str]) -> list[str]:
    """One name for each column, different without regard to case.

    The first of several keeps its name, the second becomes ``name_2``; the third of all that has none is ``column_3``.
    """
    stripped = [cell.strip() for cell in cells]
    own = {cell.lower() for cell in stripped}
    taken = {ROW}
    names = []
    for position, cell in enumerate(stripped, start=1):
        name, number = cell or f"column_{position}", 2
        if (not cell and name in own) or name.lower() in taken:
            while f"{name}_{number}".lower() in taken | own:
                number += 1
            name = f"{name}_{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def find_header(
    rows: Iterable[tuple[int, Sequence[str]]], columns: Sequence[str], skip_rows: int
) -> tuple[int, Sequence[str]] | None:
    """The first row that is not blank; of the first lines, sooner the one that holds all the columns a contract asks for.

    Args:
        rows: how many rows stand above, and the cells.
        columns: names that the header must hold (case does not matter).
        skip_rows: so many rows are no header, whatever they hold.
    """
    wanted = {column.strip().lower() for column in columns}
    first = None
    for above, cells in rows:
        if above < skip_rows or not any(cell.strip() for cell in cells):
            continue
        first = first or (above, cells)
        if skip_rows or not wanted or above >= HEADER_LINES:
            break
        if wanted <= {name.lower() for name in column_names(cells)}:
            return above, cells
    return first


def no_header(skip_rows: int) -> str:
    """Why there is none."""
    return f"has no header below the {skip_rows} lines that its contract skips" if skip_rows else "is empty: not even a header"


def text_header(text: str, delimiter: str | None, columns: Sequence[str], skip_rows: int, otherwise: str = ",") -> Header:
    """The header of a text whose lines are rows; ``text`` is the file's beginning.

    The delimiter is the most frequent one of the header, ``otherwise`` where it has none.

    Raises:
        RefusedFileError: there is none.
    """
    text = text.removeprefix("\ufeff")
    starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
    delimiters: dict[int, str] = {}

    def rows() -> Iterable[tuple[int, list[str]]]:
        said = delimiter
        for above, start in enumerate(starts):
            line = text[start : starts[above + 1]] if above + 1 < len(starts) else text[start:]
            if re.fullmatch(r'"?sep=.\s*"?\s*', line):
                # Excel's own way to name the delimiter; it is no header.
                said = delimiter or line.strip('"')[4]
                continue
            mark = delimiters[above] = said or _delimiter_of(line) or otherwise
            yield above, next(csv.reader(io.StringIO(text[start:], newline=""), delimiter=mark), []) if line.strip() else []

    found = find_header(rows(), columns, skip_rows)
    if found is None:
        raise RefusedFileError(no_header(skip_rows))
    return Header([cell.strip() for cell in found[1]], found[0], delimiters[found[0]])


def _delimiter_of(line: str) -> str | None:
    counts = Counter({mark: re.sub(r'"[^"]*"', "", line).count(mark) for mark in _DELIMITERS})
    return counts.most_common(1)[0][0] if counts.total() else None
