"""The check as people read it: short, aligned, and at the end what to try next."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from orchestration.check.claiming import lines_above_note, listed
from orchestration.check.report import FileReport, Reading, Rejected, Report, WordFacts
from orchestration.core.output import shown
from orchestration.pull.home.quarantine import rows_in_words

_STYLES = {"loaded": "green", "held back": "red", "refused": "red", "stops": "red"}
_VERDICTS = {
    "loaded": "a run loads it",
    "held back": "a run holds it back, and stops",
    "refused": "a run refuses it",
    "stops": "a run stops at this contract",
}
_NO_ROWS = "it has a header and no rows: a run loads nothing from it"
#: Cells narrower than this say nothing.
_MIN_CELL, _MAX_CELL = 16, 32
_MAX_WORDS = 8
#: Of more readings than these only what is wrong is shown.
MAX_IN_FULL = 4
_MAX_UNUSED = 20
#: The command that loads files, without what it needs to find them.
RUN = ("cxhouse", "run")


@dataclass(frozen=True)
class Line:
    """One line, or a paragraph that is wrapped below its first word."""

    text: str
    style: str = ""
    #: Of what does not fit; below 0: it is not wrapped.
    indent: int = 2


def print_report(console: Console, report: Report, command: list[str], run: Sequence[str] = RUN) -> None:
    """Print all of it.

    Args:
        console: where to.
        report: what was found.
        command: the command that found it, so that the next one can be named.
        run: the command that loads the files.
    """
    for line in lines(report, console.width, command, run):
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


def lines(report: Report, width: int, command: list[str], run: Sequence[str] = RUN) -> Iterator[Line]:
    """All lines of a report."""
    in_full = len(report.readings) <= MAX_IN_FULL
    for file in report.files:
        yield from _of_file(file, width, in_full)
        yield Line("")
    for other in report.passed_over:
        yield Line(f"{other.file}: not read: {other.why}", "yellow")
    if not report.files and not report.passed_over:
        yield Line("There is no file here")
    for doubt in report.doubts:
        yield Line(f"? {doubt.text}", "yellow")
    if not in_full:
        yield Line("Records and words: cxhouse check FILE, or --json")
    for text in _next(report, command, run):
        # Not wrapped, so that it can be copied.
        yield Line(text, "bold", -1)


def _of_file(file: FileReport, width: int, in_full: bool) -> Iterator[Line]:
    yield Line(file.file, "bold")
    if file.same_as:
        yield Line(f"  the same bytes as {file.same_as}: read once")
        return
    for place, reading in enumerate(file.readings):
        if place and in_full:
            yield Line("")
        yield from _of_reading(reading, width, in_full)
    if file.read_along_by:
        yield Line(f"  read along by {', '.join(file.read_along_by)}")
    if not file.is_claimed and not file.read_along_by:
        yield Line("  NOT CLAIMED: no contract reads it, and its name begins with no kind", "red")
        columns = f"its columns: {', '.join(file.columns) or 'none could be read'}{lines_above_note(file.lines_above)}"
        yield Line(f"  {f'it {file.unreadable}' if file.unreadable else columns}", "", 15)
    for miss in file.near_misses:
        has = f"has {miss.has} of the {miss.asks} columns asked for"
        yield Line(f"  near: {miss.contract} ({miss.kind}): {has}; {'; '.join(miss.lacks)}", "", 8)
    if file.sheets_left:
        yield Line(f"  further sheets, which nothing reads: {', '.join(file.sheets_left)} (`sheet` in a contract)", "yellow")


def _of_reading(reading: Reading, width: int, in_full: bool) -> Iterator[Line]:
    also = f"; {', '.join(reading.also)} would too" if reading.also else ""
    yield Line(f"  {reading.kind} by {reading.contract}: {reading.why}{also}", "", 4)
    if reading.status == "loaded" and not reading.rows_read:
        yield Line(f"  {_NO_ROWS}", "yellow", 4)
    else:
        yield Line(f"  {_counts(reading)}{_VERDICTS[reading.status]}", _STYLES[reading.status], 4)
    if reading.status in ("refused", "stops") and not any(fault.refuses or fault.stops for fault in reading.faults):
        yield Line(f"  x {'it ' if reading.status == 'refused' else ''}{reading.reason}", "red", 4)
    yield from _faults(reading)
    for check in reading.failed:
        rows = f"{check.failed_rows:,} row(s) do not" if check.failed_rows else ""
        problem = f" ({check.problem or rows})" if check.problem or rows else ""
        yield Line(
            f"  {'x' if check.blocks else '!'} gate: {check.expectation}{problem}",
            "red" if check.blocks else "yellow",
            4,
        )
    for message in reading.messages:
        yield Line(f"  - {message}", "", 4)
    for title, part in _sections(reading, width, in_full):
        if in_full:
            yield Line("")
        if in_full and title:
            yield Line(f"  {title}", "bold")
        yield from part
    if reading.not_judged:
        yield Line(f"  Only a run judges: {'; '.join(reading.not_judged)}", "dim", 4)


def _sections(reading: Reading, width: int, in_full: bool) -> Iterator[tuple[str, list[Line]]]:
    """The parts of what was found in the rows, each with its title."""
    if reading.rejected:
        yield "Rejected", list(_rejected(reading.rejected))
    if in_full and reading.rows_shown:
        yield "", list(_records(reading, width))
    if in_full and reading.words:
        yield "Words", list(_words(reading.words))
    columns = []
    if reading.unused:
        total = reading.rows_loaded + reading.rows_rejected + reading.rows_merged
        unused = [f"{one.name} ({_share(one.filled, total)})" for one in reading.unused]
        columns.append(Line(f"  Not used:   {listed(unused, _MAX_UNUSED)}", "", 14))
    if in_full and reading.columns and reading.not_mapped:
        columns.append(Line(f"  Not mapped: {listed(reading.not_mapped, _MAX_UNUSED)}", "dim", 14))
    if columns:
        yield "", columns
    if reading.doubts:
        doubts = [f"  ? {doubt.column + ' ' if doubt.column else ''}{doubt.text}" for doubt in reading.doubts]
        yield "Doubts", [Line(text, "yellow", 4) for text in doubts]


def _faults(reading: Reading) -> Iterator[Line]:
    grave = [fault for fault in reading.faults if fault.refuses or fault.stops]
    yield from (Line(f"  x {fault.text}", "red", 4) for fault in grave)
    yield from (Line(f"  ! {fault.text}", "yellow", 4) for fault in reading.faults if fault.near and fault not in grave)
    empty = [fault for fault in reading.faults if not fault.near and fault not in grave]
    if empty:
        lacking = [f"{fault.lacks} ({fault.text.partition(' ')[0]})" for fault in empty]
        yield Line(f"  - not in this file: {listed(lacking, _MAX_UNUSED)}", "", 4)


def _share(part: int, whole: int) -> str:
    if not part:
        return "empty"
    share = 100 * part / whole if whole else 0
    return f"{min(max(share, 1), 99 if part < whole else 100):.0f} %"


def _counts(reading: Reading) -> str:
    if not reading.rows_read:
        return ""
    parts = [f"{reading.rows_read:,} row{'s' if reading.rows_read != 1 else ''}", f"{reading.rows_loaded:,} loaded"]
    if reading.records is not None:
        parts[-1] += f" as {reading.records:,} {reading.kind.replace('_', ' ')}"
    if reading.rows_merged:
        parts.append(f"{reading.rows_merged:,} carry no record of their own")
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
            values = ", ".join(f"{rows:,} x '{value}'" for value, rows in one.values)
            yield Line(f"{' ' * (wide + wider + 6)}{values}", "yellow", wide + wider + 6)
        if one.hint:
            yield Line(f"{' ' * (wide + wider + 6)}-> {one.hint}", "green", wide + wider + 6)


def _records(reading: Reading, width: int) -> Iterator[Line]:
    """Columns below each other, records beside each other: the cell of the file, and the value where it is another."""
    columns = [column for column in reading.columns if column.filled or any(cell for cell, _ in column.cells)]
    wide = max(len(column.name) for column in columns)
    wider = min(max(cell_len(column.origin) for column in columns), 22)
    left = width - wide - wider - 12
    count = max(1, min(len(reading.rows_shown), left // (_MIN_CELL + 2)))
    size = max(_MIN_CELL, min(_MAX_CELL, left // count - 2))
    head = "  ".join(_fitted(f"row {row}", size) for row in reading.rows_shown[:count])
    yield Line(f"  {'Records':<{wide}}  {_fitted('from', wider)}  filled  {head}", "bold", -1)
    for column in columns:
        pairs = [_cell(*pair) for pair in column.cells[:count]]
        filled = _share(column.filled, reading.rows_loaded)
        start = f"  {column.name:<{wide}}  {_fitted(column.origin, wider)}  {filled:>6}  "
        if any(before and cell_len(f"{before} -> {after}") > size for before, after in pairs):
            yield Line(start + "  ".join(_middle(before or after, size) for before, after in pairs), "", -1)
            start = f"{'->':>{cell_len(start) - 2}}  "
            pairs = [("", after if before else "") for before, after in pairs]
        yield Line(start + "  ".join(_side_by_side(*pair, size) for pair in pairs), "", -1)


def _cell(before: str | None, after: str | None) -> tuple[str, str]:
    """The cell where it is another than the value, and the value."""
    if after is None:
        return (before, "(empty)") if before is not None else ("", "")
    is_same = before is None or before == after or _same_time(before, after) or _same_number(before, after)
    return ("", _without_seconds(after)) if is_same or before is None else (before, _without_seconds(after))


def _without_seconds(value: str) -> str:
    return re.sub(r"^(\d{4}-\d\d-\d\d \d\d:\d\d):00$", r"\1", value)


def _same_number(before: str, after: str) -> bool:
    return bool(re.fullmatch(r"-?\d+\.\d*0", before)) and before.rstrip("0").removesuffix(".") == after


def _same_time(before: str, after: str) -> bool:
    plain = before.replace("T", " ").removesuffix("Z")
    return after in (plain, f"{plain}:00", f"{plain} 00:00:00")


def _side_by_side(before: str, after: str, size: int) -> str:
    return _fitted(f"{before} -> {after}" if before else after, size)


def _middle(text: str, size: int) -> str:
    """A text without its middle, where it is too long: offsets are at the end."""
    if cell_len(text) <= size or not text.isascii():
        return _fitted(text, size)
    return f"{text[: size - 7]}…{text[-6:]}"


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


def _next(report: Report, command: list[str], run: Sequence[str]) -> Iterator[str]:
    """What to try next."""
    again = shlex.join(command)
    claimed = [(file, reading) for file in report.files for reading in file.readings]
    unclaimed = [file for file in report.files if not file.is_claimed and not file.read_along_by and not file.same_as]
    refused = [(file, reading) for file, reading in claimed if reading.status == "refused"]
    rejected = [(file, reading, one) for file, reading in claimed for one in reading.rejected]
    if any(reading.status == "stops" for _, reading in claimed):
        yield f"Next: fix the contract, then {again}"
    elif unclaimed:
        yield f"Next: {_draft(unclaimed[0])}, then {again}"
    elif refused:
        file, reading = refused[0]
        yield f"Next: {_refused(file, reading)}, then {again}"
    elif rejected:
        file, reading, one = max(rejected, key=lambda found: found[2].rows)
        yield f"Next: {_remedy(file, reading, one)}, then {again}"
    elif claimed and not any(reading.rows_loaded for _, reading in claimed):
        yield f"Next: export rows too (a run of nothing else ends with an error), then {again}"
    elif claimed:
        settle = "settle the doubts, then " if report.doubts or any(reading.doubts for _, reading in claimed) else ""
        yield f"Next: {settle}{shlex.join(run)}"


def _draft(file: FileReport) -> str:
    if file.unreadable:
        return "do what the message says"
    near = file.near_misses[:1]
    if near and not near[0].contract.startswith("canonical_") and near[0].has >= 0.8 * near[0].asks:
        return f"rename the column in the export, or extend {near[0].contract} (docs/contracts.md)"
    return f"cxhouse contract draft {shlex.quote(file.place)}"


def _refused(file: FileReport, reading: Reading) -> str:
    if (file.unreadable or "").startswith("is empty") or not (file.columns or file.unreadable):
        return "export it again with rows, or leave it out"
    if file.unreadable or not any(fault.refuses for fault in reading.faults):
        return "do what the message says"
    if any("contract_params" in fault.text for fault in reading.faults):
        return "give the values of your account in cxhouse.yml (--config)"
    renames = "rename the columns in the export, or "
    return renames + (
        _draft(file) if reading.is_canonical else f"map them in {reading.contract}, or in a contract that extends it"
    )


def _remedy(file: FileReport, reading: Reading, one: Rejected) -> str:
    """The remedy for rows that are rejected."""
    is_of_all = bool(one.hint) or "is not one of: " in one.reason or 2 * one.rows > reading.rows_read
    if reading.is_canonical and one.column is not None and is_of_all:
        return _draft(file)
    where = "a contract" if reading.is_canonical else reading.contract
    if one.hint:
        return f"in {where} give {one.column} what reads it ({one.hint.partition(' and ')[0].partition(' reads')[0]})"
    if one.column is not None and one.values and "is not one of: " in one.reason:
        return f"say in {where} what the words mean, as {one.column}: {{from: …, map: {{'{one.values[0][0]}': …}}}}"
    return f"look at row {one.first_rows[0]} of {file.file}, and fix the export or its contract"
