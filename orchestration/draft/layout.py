"""How a file is written: encoding, delimiter, sheet, and the line of its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from orchestration.core.errors import RefusedFileError
from orchestration.core.literals import identifier, literal
from orchestration.draft.columns import Seen, seen
from orchestration.draft.header import has_no_header, header_line
from orchestration.draft.json_lists import list_of_records
from orchestration.draft.lexicon import listed, plain
from orchestration.pull.files.csv_files import require_text
from orchestration.pull.files.headers import HEADER_LINES, ROW
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import BYTE_ORDER_MARKS, file_format, open_rows
from orchestration.pull.files.records import BrokenRow
from orchestration.pull.files.unpacking import beginning, open_bytes

#: So many rows are looked at.
ROWS = 20_000
_HEAD = 2**20
#: So many rows below a header may describe the columns.
_DESCRIBING = 3
_DIGITS = re.compile(r"[+-]?\d[\d.,:/ +TZ-]*( ?[AaPp][Mm])?")
#: So many bytes are looked through for those that are not UTF-8.
_LOOKED_THROUGH = 2**26
#: Bytes beyond ASCII, with their neighbours.
_STRANGE = re.compile(rb"[\x20-\x7e]?[\x80-\xff]+[\x20-\x7e]?")
_DELIMITERS = (",", ";", "\t", "|")
#: Encodings of exports that are not UTF-8, the likeliest first.
_ENCODINGS = ("cp1252", "cp1250", "iso-8859-2", "mac-roman", "cp850")
#: Those that nobody writes any more win only where nothing else reads well.
_OLD = ("mac-roman", "cp850")
#: Letters and signs beyond ASCII of the languages that are known here, and of prices.
_USUAL = frozenset("äöüÄÖÜßàâæçéèêëîïôœùûÿÀÂÇÉÈÊËÎÏÔŒÙÛáíñóúÁÍÑÓÚìòÌÒąćęłńśźżĄĆĘŁŃŚŹŻãõÃÕ€£°„“”‘’–—…\u00a0")


@dataclass
class Layout:
    """How a file is written, and why it is thought so; doubts are shown behind `check`."""

    options: ReadOptions
    #: What the contract must say of it: key -> (value, reason, doubt).
    said: dict[str, tuple[Any, str, str | None]] = field(default_factory=dict)
    #: Text above the header, which may name a zone.
    above: str = ""
    #: Lines, or rows of a sheet, above the header that hold something.
    lines_above: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class Sample:
    """The first rows of a file, column by column."""

    layout: Layout
    columns: list[Seen]
    rows: int
    broken: int
    #: Is this all of the file?
    is_whole: bool
    #: Column -> its cells, trimmed, in the order of the rows; None where a cell is empty.
    cells: dict[str, list[str | None]]


def layout(path: Path) -> Layout:
    """Look at the beginning of a file.

    Raises:
        RefusedFileError: it is of no known format, or empty.
    """
    form = file_format(path.name)
    if form == "csv":
        return _csv(path)
    if form == "xlsx":
        return _workbook(path)
    found = Layout(ReadOptions())
    if form in ("ndjson", "json"):
        _encoding(path, found)
    if form == "json" and (lists := list_of_records(path)):
        records, others = lists
        doubt = f"the largest list of records; the others: {', '.join(others)}" if others else None
        found.said["records"] = (records, "the list of records", doubt)
    found.options = ReadOptions(encoding=_said(found, "encoding"), records=_said(found, "records"))
    return found


def sample(path: Path) -> Sample:
    """The first rows of a file, as the pull would read them.

    Raises:
        RefusedFileError: the file cannot be read; the message says why.
    """
    found = layout(path)
    rows = open_rows(path, path.name, found.options)
    texts: list[list[str | None]] = [[] for _ in rows.header]
    broken: list[BrokenRow] = []
    count, is_whole = 0, True
    for block in rows.blocks():
        table = block.table.slice(0, ROWS - count)
        is_whole = table.num_rows == block.table.num_rows
        count, broken = count + table.num_rows, [*broken, *block.broken]
        for place, name in enumerate(rows.header):
            texts[place].extend(table[name].to_pylist())
        if not is_whole:
            break
    first, last, is_lost = rows_apart(texts, broken if is_whole else [])
    if first:
        found.said["skip_below_header"] = (first, "rows below the header that say what the columns hold", None)
    if last:
        found.said["where"] = _but_totals([(name, cells) for name, cells in zip(rows.header, texts, strict=True) if name != ROW])
    if is_lost:
        found.notes.append("the last row is a total that has more or fewer fields than the header: it goes to quarantine")
    columns = [
        seen(name, place, cells[first : len(cells) - last], " ".join(filter(None, cells[:first])))
        for place, (name, cells) in enumerate(zip(rows.header, texts, strict=True))
        if name != ROW
    ]
    kept = {
        name: [(cell or "").strip() or None for cell in cells[first : len(cells) - last]]
        for name, cells in zip(rows.header, texts, strict=True)
        if name != ROW
    }
    return Sample(found, columns, count - first - last, len(broken), is_whole, kept)


def rows_apart(texts: list[list[str | None]], broken: list[BrokenRow]) -> tuple[int, int, bool]:
    """How many of the first rows describe the columns, and whether the last row, whole or broken, is a total."""
    count = len(texts[0]) if texts else 0
    first = 0
    while first < min(_DESCRIBING, count - 2) and _describes([cells[first:] for cells in texts]):
        first += 1
    if broken:
        return first, 0, _is_total(re.split(r"[;,\t|]", broken[-1].text))
    return first, int(count > first + 1 and _is_total([cells[-1] for cells in texts])), False


def _but_totals(columns: list[tuple[str, list[str | None]]]) -> tuple[Any, str, str | None]:
    """The condition that leaves out the last row by its word, not by its place: a file without a total loses nothing by it."""
    name, cells = next((name, cells) for name, cells in columns if (cells[-1] or "").strip())
    word = str(cells[-1]).strip()
    why = f"the last row is a total: rows with {word!r} in {name!r} are left out, counted and reported"
    more = sum((cell or "").strip().casefold() == word.casefold() for cell in cells[:-1])
    doubt = f"so are {more:,} rows above it: is each a total?" if more else None
    if not re.search(r"\d", word):
        return {name: {"not": [word]}}, why, doubt
    # The number beside the word is another one next month.
    start = re.match(r"[^\d+-]*[^\W\d_]", word)
    pattern = rf"(?i)^{re.escape(start[0] if start else word)}\W*\d[\d\W]*$"
    return f"not regexp_matches(trim(coalesce({identifier(name)}, '')), {literal(pattern)})", why, doubt


def _describes(texts: list[list[str | None]]) -> bool:
    """Is the first row words, where all below is numbers and dates? Two columns must say so, and none the contrary."""
    said = 0
    for cells in texts:
        below = [cell for cell in cells[_DESCRIBING:200] if cell] or [cell for cell in cells[1:200] if cell]
        if not below or sum(bool(_DIGITS.fullmatch(cell)) for cell in below) < 0.9 * len(below):
            continue
        first = cells[0]
        if first and _DIGITS.fullmatch(first):
            return False
        said += bool(first and re.search(r"[^\W\d_]{3}", first) and len(first) > 3)
    return said >= 2


def _is_total(cells: Sequence[str | None]) -> bool:
    words = plain(next((cell for cell in cells if cell and cell.strip()), "")).split()
    return bool(words) and words[0] in listed("totals") and (len(words) == 1 or not any(map(str.isalpha, words[1:])))


def _said(found: Layout, key: str) -> str | None:
    return str(found.said[key][0]) if key in found.said else None


# -- text --------------------------------------------------------------------------------------------------------------


def _csv(path: Path) -> Layout:
    found = Layout(ReadOptions())
    encoding = _encoding(path, found)
    with open_bytes(path, path.name) as stream:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(stream.read(_HEAD)).removeprefix("\ufeff")
    if not text.strip():
        raise RefusedFileError(f"{path.name} is empty")
    lines = text.splitlines()
    delimiter = _delimiter(text)
    rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), HEADER_LINES + 20))
    at = header_line(rows)
    plain_first = next((line for line in lines if line.strip()), "")
    if at and any(any(cell.strip() for cell in row) for row in rows[:at]):
        found.above, found.lines_above = " ".join(" ".join(row) for row in rows[:at]), at
        found.notes.append(
            f"the header is line {at + 1}; what is above it is passed over, because files.columns names the header's columns"
        )
    counts = Counter({mark: plain_first.count(mark) for mark in _DELIMITERS})
    if at == 0 and counts.total() and counts.most_common(1)[0][0] != delimiter and not plain_first.startswith("sep="):
        found.said["delimiter"] = (delimiter, "by how evenly it divides the lines", None)
    form = ReadOptions(encoding=_said(found, "encoding"), delimiter=_said(found, "delimiter"))
    found.options = _with_header(found, form, rows, at)
    return found


def _delimiter(text: str) -> str:
    """The one that divides most lines into the same number of cells, the more the better."""
    best, worth = ",", (0.0, 0)
    for mark in _DELIMITERS:
        try:
            rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=mark), HEADER_LINES + 20))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
        if not widths:
            continue
        width, often = widths.most_common(1)[0]
        # A long preamble has other widths than the rows: what counts is how many rows are alike.
        this = (often * min(width, 4) if width > 1 else 0.0, width)
        if this > worth:
            best, worth = mark, this
    return best


def _with_header(found: Layout, form: ReadOptions, rows: Sequence[Sequence[str]], at: int) -> ReadOptions:
    """The form of a file with its header; or without one, where the first row looks like a record."""
    if at == 0 and rows and has_no_header(rows):
        found.said["header_rows"] = (0, "", "the first row looks like a record: has the file no names of columns?")
        return replace(form, header_rows=0)
    return replace(form, columns=tuple(cell.strip() for cell in rows[at] if cell.strip()) if rows else ())


def _encoding(path: Path, found: Layout) -> str:
    """UTF-8 or what a byte-order mark says, else the encoding in which most characters are usual ones."""
    with open_bytes(path, path.name) as stream:
        start = stream.read(4)
        marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
        if marked:
            return marked
        if len(start) == 4 and (start[0] == 0) != (start[1] == 0):
            return "utf-16-be" if start[0] == 0 else "utf-16-le"
        decoder, strange, size = codecs.getincrementaldecoder("utf-8")(), list[bytes](), 0
        is_utf8, chunk = True, start
        while chunk and size < _LOOKED_THROUGH:
            size += len(chunk)
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            strange += _STRANGE.findall(chunk)[:10_000]
            chunk = stream.read(_HEAD)
    require_text(beginning(path, path.name), "utf-8")
    if is_utf8:
        return "utf-8"
    worth = {name: _usual(strange, name) for name in _ENCODINGS}
    best = max(worth, key=lambda name: worth[name])
    alike = {
        b"\n".join(strange).decode(name, "replace") for name in worth if worth[name] >= worth[best] - 0.02 and name not in _OLD
    }
    doubt = "nothing tells the encoding for sure: look at words with accents" if len(alike) > 1 or worth[best] < 0.9 else None
    found.said["encoding"] = (best, f"not UTF-8; {worth[best]:.0%} of its letters beyond ASCII are usual in {best}", doubt)
    return best


def _usual(strange: list[bytes], encoding: str) -> float:
    """Share of the characters beyond ASCII that are usual ones in a usual place."""
    good = count = 0
    for piece in strange:
        text = f" {piece.decode(encoding, 'replace')} "
        for before, mark, after in zip(text, text[1:], text[2:], strict=False):
            if mark > "\x7f":
                count += 1
                good += mark in _USUAL and _fits(before, mark, after)
    return good / count if count else 0.0


def _fits(before: str, mark: str, after: str) -> bool:
    """No capital letter within a word of small ones, no small one among capitals, and no other sign within a word."""
    if not mark.isalpha():
        return not (before.isalpha() and after.isalpha())
    return not (before.islower() and mark.isupper()) and not (before.isupper() and mark.islower() and after.isupper())


# -- workbooks ---------------------------------------------------------------------------------------------------------


def _workbook(path: Path) -> Layout:
    """The sheet with the most cells, and the line of its header."""
    from python_calamine import CalamineError, CalamineWorkbook

    found = Layout(ReadOptions())
    with open_bytes(path, path.name) as stream:
        data = io.BytesIO(stream.read())
    try:
        with CalamineWorkbook.from_filelike(data) as book:
            sheets = [book.get_sheet_by_index(place) for place in range(len(book.sheet_names))]
            sizes = [sheet.total_height * sheet.total_width for sheet in sheets]
            best = max(range(len(sheets)), key=lambda place: sizes[place])
            rows = [[str(cell) for cell in row] for row in islice(sheets[best].iter_rows(), HEADER_LINES + 20)]
            if best or len(sheets) > 1:
                others = ", ".join(name for place, name in enumerate(book.sheet_names) if place != best)
                doubt = f"the largest; the others: {others}" if sum(size > 0 for size in sizes) > 1 else None
                found.said["sheet"] = (book.sheet_names[best], "the only one with cells", doubt)
    except CalamineError as error:
        raise RefusedFileError(f"{path.name} cannot be read as a workbook: {error}") from error
    at = header_line(rows)
    if at:
        found.above, found.lines_above = " ".join(" ".join(row) for row in rows[:at]), at
        found.notes.append(
            f"the header is row {at + 1}; what is above it is passed over, because files.columns names the header's columns"
        )
    found.options = _with_header(found, ReadOptions(sheet=found.said["sheet"][0] if "sheet" in found.said else 0), rows, at)
    return found
