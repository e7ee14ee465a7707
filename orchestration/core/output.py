"""Text that came from files, on its way to people: nothing that a terminal, a log or a spreadsheet would obey."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.segment import Segment

_MARKS = {"\n": "⏎", "\r": "⏎", "\t": "⇥"}
_SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"
#: With these a cell begins that a spreadsheet takes for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62", "\ufe63")
#: What some of them pass over at the beginning of a cell.
_PASSED_OVER = " \u00a0\ufeff\u200b\u3000"
#: What begins so and computes nothing: numbers, amounts, telephone numbers, dates.
_HARMLESS = re.compile(r"[+-][\d\s.,:/()-]*%?")


def shown(text: str) -> str:
    """A text on one line, without control characters or such as turn the direction of what follows."""
    return "".join(letter if letter.isprintable() else _MARKS.get(letter, _SUBSTITUTE) for letter in text)


def lines_shown(text: str) -> str:
    """The same, line by line, of a text that we have put together."""
    return "\n".join(shown(line) for line in text.split("\n"))


def cell_for_csv(value: Any) -> Any:
    """A cell that a spreadsheet shows instead of computing it: an apostrophe goes before a formula."""
    text = value.lstrip(_PASSED_OVER) if isinstance(value, str) else ""
    return f"'{value}" if text.startswith(_FORMULA_STARTS) and not _HARMLESS.fullmatch(text) else value


def row_for_csv(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a CSV for people, without formulas."""
    return {cell_for_csv(name): cell_for_csv(value) for name, value in row.items()}


class SafeConsole(Console):
    """A console whose texts may come from files; its own colours and cursor movements go through."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            part if part.control else Segment(lines_shown(part.text), part.style, part.control) for part in buffer
        )


def console(stderr: bool = False, **options: Any) -> SafeConsole:
    """Standard output or error; a pipe or log gets wide lines instead of folded ones."""
    found = SafeConsole(stderr=stderr, highlight=False, **options)
    return found if found.is_terminal else SafeConsole(stderr=stderr, highlight=False, width=160, **options)


def echo(text: str, err: bool = False) -> None:
    """Print a line that may hold text from files."""
    click.echo(lines_shown(text), err=err)


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as a CSV file with a line of names, in these columns; what is not known is empty, whole numbers stay whole."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(map(cell_for_csv, columns))
    writer.writerows([cell_for_csv(row[name]) for name in columns] for row in rows)
    return stream.getvalue().encode()
