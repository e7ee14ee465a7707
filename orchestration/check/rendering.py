"""The check as people read it: short, aligned, and at the end what to try next."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from orchestration.check.claiming import listed
from orchestration.check.masking import shown
from orchestration.check.report import FileReport, Reading, Rejected, Report, WordFacts
from orchestration.pull.quarantine import rows_in_words

_STYLES = {"loaded": "green", "held back": "red", "refused": "red", "stops": "red"}
_VERDICTS = {
    "loaded": "a run loads it",
    "held back": "a run holds it back, and stops",
    "refused": "a run refuses it",
    "stops": "a run stops at this contract",
}
#: Cells narrower than this say nothing.
_MIN_CELL, _MAX_CELL = 16, 32
_MAX_WORDS = 8
_MAX_UNUSED = 20


@dataclass(frozen=True)
class Line:
    """One line, or a paragraph that is wrapped below its first word."""

    text: str
    style: str = ""
    indent: int = 2


def print_report(console: Console, report: Report, command: list[str], drafts: bool) -> None:
    """Print all of it.

    Args:
        console: where to.
        report: what was found.
        command: the command that found it, so that the next one can be told.
        drafts: is there a command that drafts a contract?
    """
    for line in lines(report, console.width, command, drafts):
        for part in _wrapped(line, console.width):
            console.print(Text(part, line.style), soft_wrap=True)


def _wrapped(line: Line, width: int) -> list[str]:
    # Nothing of a file can move a terminal's cursor: every line goes through here.
    text = shown(line.text)
    if cell_len(text) <= width or line.indent < 0:
        return [text.rstrip()]
    start = len(text) - len(text.lstrip())
    wrapper = textwrap.TextWrapper(
        max(width, 40), initial_indent=" " * start, subsequent_indent=" " * line.indent, break_on_hyphens=False
    )
    return wrapper.wrap(text.strip())


def lines(report: Report, width: int, command: list[str], drafts: bool) -> Iterator[Line]:
    """All lines of a report."""
    for file in report.files:
        yield from _of_file(file, width)
        yield Line("")
    for other in report.passed_over:
        yield Line(f"{other.file}: not read: {other.why}", "yellow")
    if not report.files and not report.passed_over:
        yield Line("There is no file here")
    for doubt in report.doubts:
        yield Line(f"? {doubt.text}", "yellow")
    for text in _next(report, command, drafts):
        yield Line(text, "bold", 6)


def _of_file(file: FileReport, width: int) -> Iterator[Line]:
    yield Line(file.file, "bold")
    if file.same_as:
        yield Line(f"  the same bytes as {file.same_as}: read once")
        return
    for reading in file.readings:
        yield from _of_reading(reading, width)
    if file.read_along_by:
        yield Line(f"  read along by {', '.join(file.read_along_by)}")
    if not file.is_claimed and not file.read_along_by:
        yield Line("  NOT CLAIMED: no contract reads it, and its name begins with no kind", "red")
        yield Line(f"  its columns: {', '.join(file.columns) or 'none could be read'}", "", 15)
    for miss in file.near_misses:
        has = f"has {miss.has} of the {miss.asks} columns asked for"
        yield Line(f"  near: {miss.contract} ({miss.kind}): {has}; {'; '.join(miss.lacks)}", "", 8)
    if file.sheets_left:
        yield Line(f"  further sheets, which nothing reads: {', '.join(file.sheets_left)} (`sheet` in a contract)", "yellow")


def _of_reading(reading: Reading, width: int) -> Iterator[Line]:
    also = f"; {', '.join(reading.also)} would too" if reading.also else ""
    yield Line(f"  {reading.kind} by {reading.contract}: {reading.why}{also}", "", 4)
    yield Line(f"  {_counts(reading)}{_VERDICTS[reading.status]}", _STYLES[reading.status], 4)
    if reading.status in ("refused", "stops") and not any(fault.refuses or fault.stops for fault in reading.faults):
        yield Line(f"  x {'it ' if reading.status == 'refused' else ''}{reading.reason}", "red", 4)
    yield from _faults(reading)
    for verdict in reading.failed:
        problem = f" ({verdict.problem})" if verdict.problem else ""
        yield Line(
            f"  {'x' if verdict.blocks else '!'} gate: {verdict.expectation}{problem}", "red" if verdict.blocks else "yellow", 4
        )
    for message in reading.messages:
        yield Line(f"  - {message}", "", 4)
    if reading.rejected:
        yield Line("")
        yield Line("  Rejected", "bold")
        yield from _rejected(reading.rejected)
    if reading.columns and reading.rows_shown:
        yield Line("")
        yield from _records(reading, width)
    if reading.words:
        yield Line("")
        yield Line("  Words", "bold")
        yield from _words(reading.words)
    if reading.unused:
        yield Line("")
        total = reading.rows_loaded + reading.rows_rejected + reading.rows_merged
        told = [f"{one.name} ({_share(one.filled, total)})" for one in reading.unused]
        yield Line(f"  Unused   {listed(told, _MAX_UNUSED)}", "", 11)
    if reading.not_mapped and reading.status in ("loaded", "held back"):
        yield Line(f"  No word of {listed(reading.not_mapped, _MAX_UNUSED)}", "dim", 11)
    if reading.doubts:
        yield Line("")
        yield Line("  Doubts", "bold")
        for doubt in reading.doubts:
            yield Line(f"  ? {doubt.column + ' ' if doubt.column else ''}{doubt.text}", "yellow", 4)
    if reading.not_judged:
        yield Line(f"  Only a run judges: {'; '.join(reading.not_judged)}", "dim", 4)


def _faults(reading: Reading) -> Iterator[Line]:
    grave = [fault for fault in reading.faults if fault.refuses or fault.stops]
    yield from (Line(f"  x {fault.text}", "red", 4) for fault in grave)
    yield from (Line(f"  ! {fault.text}", "yellow", 4) for fault in reading.faults if fault.near and fault not in grave)
    empty = [fault.text.partition(" ")[0] for fault in reading.faults if not fault.near and fault not in grave]
    if empty:
        yield Line(f"  - not in this file: the columns of {listed(empty, _MAX_UNUSED)}", "", 4)


def _share(part: int, whole: int) -> str:
    if not part:
        return "empty"
    share = 100 * part / whole if whole else 0
    return f"{min(max(share, 1), 99 if part < whole else 100):.0f} %"


def _counts(reading: Reading) -> str:
    if not reading.rows_read:
        return ""
    parts = [f"{reading.rows_read:,} rows", f"{reading.rows_loaded:,} loaded"]
    if reading.records is not None:
        parts[-1] += f" as {reading.records:,} {reading.kind.replace('_', ' ')}"
    if reading.rows_merged:
        parts.append(f"{reading.rows_merged:,} go on with another row")
    rejected = f"{reading.rows_rejected:,} rejected"
    parts.append(f"{rejected} ({reading.rows_rejected / reading.rows_read:.1%})" if reading.rows_rejected else rejected)
    return f"{', '.join(parts)}: "


def _rejected(found: list[Rejected]) -> Iterator[Line]:
    counts = [f"{one.rows:,}" for one in found]
    columns = [one.column or "the whole row" for one in found]
    wide, wider = max(map(len, counts)), min(max(map(cell_len, columns)), 32)
    for one, count, column in zip(found, counts, columns, strict=True):
        where = rows_in_words(one.first_rows, one.rows)
        yield Line(f"  {count:>{wide}}  {set_cell_size(column, wider)}  {one.reason} ({where})", "", wide + wider + 6)
        if one.values:
            values = ", ".join(f"{value!r} {rows:,}x" for value, rows in one.values)
            yield Line(f"{' ' * (wide + wider + 6)}{values}", "yellow", wide + wider + 6)


def _records(reading: Reading, width: int) -> Iterator[Line]:
    """Columns below each other, records beside each other: the cell of the file, and the value where it is another."""
    told = [column for column in reading.columns if column.filled or any(cell for cell, _ in column.cells)]
    wide = max(len(column.name) for column in told)
    wider = min(max(cell_len(column.origin) for column in told), 22)
    left = width - wide - wider - 12
    count = max(1, min(len(reading.rows_shown), left // (_MIN_CELL + 2)))
    size = max(_MIN_CELL, min(_MAX_CELL, left // count - 2))
    head = "  ".join(_fitted(f"row {row}", size) for row in reading.rows_shown[:count])
    yield Line(f"  {'Records':<{wide}}  {_fitted('from', wider)}  filled  {head}", "bold", -1)
    for column in told:
        row = "  ".join(_side_by_side(*_cell(*pair), size) for pair in column.cells[:count])
        filled = _share(column.filled, reading.rows_loaded)
        yield Line(f"  {column.name:<{wide}}  {_fitted(column.origin, wider)}  {filled:>6}  {row}", "", -1)


def _cell(before: str | None, after: str | None) -> tuple[str, str]:
    """The cell where it is another than the value, and the value."""
    if after is None:
        return (before, "(empty)") if before is not None else ("", "")
    is_same = before is None or before == after or _same_time(before, after)
    return ("", _without_seconds(after)) if is_same or before is None else (before, _without_seconds(after))


def _without_seconds(value: str) -> str:
    return re.sub(r"^(\d{4}-\d\d-\d\d \d\d:\d\d):00$", r"\1", value)


def _same_time(before: str, after: str) -> bool:
    plain = before.replace("T", " ").removesuffix("Z")
    return after in (plain, f"{plain}:00", f"{plain} 00:00:00")


def _side_by_side(before: str, after: str, size: int) -> str:
    """Both, of which the cell gives way where there is no room."""
    if not before:
        return _fitted(after, size)
    left = max(size - cell_len(after) - 4, 4)
    return _fitted(f"{_fitted(before, left).rstrip() if cell_len(before) > left else before} -> {after}", size)


def _fitted(text: str, size: int) -> str:
    if cell_len(text) > size:
        text = set_cell_size(text, size - 1).rstrip() + "…"
    return set_cell_size(text, size)


def _words(words: list[WordFacts]) -> Iterator[Line]:
    wide = max(len(word.column) for word in words)
    for column, group in groupby(words, key=lambda word: word.column):
        found = list(group)
        parts = [_word(word) for word in found[:_MAX_WORDS]]
        if len(found) > _MAX_WORDS:
            parts.append(f"and {len(found) - _MAX_WORDS} more")
        yield Line(f"  {column:<{wide}}  {' · '.join(parts)}", "", wide + 4)


def _word(word: WordFacts) -> str:
    before = word.before if word.before is not None else "(empty)"
    after = "REJECTED" if word.is_rejected else word.after if word.after is not None else "(empty)"
    return f"{before} {word.rows:,}" if before == after else f"{before} -> {after} {word.rows:,}"


def _next(report: Report, command: list[str], drafts: bool) -> Iterator[str]:
    """What to try next."""
    again = shlex.join(command)
    unclaimed = [file.file for file in report.files if not file.is_claimed and not file.read_along_by and not file.same_as]
    readings = report.readings
    if unclaimed:
        how = f"cxhouse contract draft {shlex.quote(unclaimed[0])}" if drafts else "write a contract (docs/contracts.md)"
        yield f"Next: {how}, then {again}"
    elif any(reading.status == "stops" for reading in readings):
        yield f"Next: fix the contract, then {again}"
    elif any(reading.status == "refused" for reading in readings):
        yield f"Next: map the columns in a contract, or rename them in the export, then {again}"
    elif rejected := [(reading, one) for reading in readings for one in reading.rejected]:
        reading, one = max(rejected, key=lambda pair: pair[1].rows)
        yield f"Next: {_mend(reading, one)}, then {again}"
    elif readings:
        settle = "settle the doubts, then " if report.doubts or any(reading.doubts for reading in readings) else ""
        yield f"Next: {settle}cxhouse run"


def _mend(reading: Reading, one: Rejected) -> str:
    """The remedy for rows that are rejected."""
    if one.column and one.values and " not one of: " in f" {one.reason}":
        value = one.values[0][0]
        return f"in {reading.contract} say what the words mean, as {one.column}: {{map: {{{value!r}: …}}}}"
    return f"look at row {one.first_rows[0]}, and mend the contract {reading.contract} or the export"
