"""Read workbooks: a sheet, or several of one form one after the other."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from orchestration.core.errors import RefusedFileError
from orchestration.core.limits import Limits, limits
from orchestration.pull.files.headers import HEADER_LINES, ROW, SHEET, HeaderShape, column_names, sheet_header
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.records import (
    CHUNK_CELLS,
    EXACT,
    NUMBERS,
    Block,
    Rows,
    Spool,
    inexact,
    require_cells,
    text_with,
    with_nulls,
    without_blank_rows,
)
from orchestration.pull.files.unpacking import open_bytes, require_sheets

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


#: The numbers of a sheet's rows begin so far above those of the one before it: more than a sheet has rows.
SHEET_ROWS = 10_000_000
#: So many of a sheet's first rows are kept to find a header among them.
_TOP_ROWS = 256
#: When a file was written, its size, and what a file may take: what was found out about its bytes holds as long as these.
_State = tuple[int, int, Limits]

#: The rows of the workbook that was read last, where they are few: who looks at what became of them reads them again.
_last: dict[tuple[Path, str, _State, ReadOptions], Rows] = {}


def read_workbook(path: Path, name: str, options: ReadOptions, scratch: Path | None) -> Rows:
    """The rows of the sheets that a contract names.

    Raises:
        RefusedFileError: there is no such sheet, or the file is no workbook.
    """
    asked = (path, name, _state_of(path), options)
    if (kept := _last.get(asked)) is not None:
        return replace(kept, messages=list(kept.messages))
    _last.clear()
    with _opened(path, name) as book:
        if options.sheets is not None:
            return _of_sheets(book, options, scratch)
        place = _place_of(book.sheet_names, options.sheet)
        sheet = book.get_sheet_by_index(place)
        rows = _of_sheet(sheet, options, scratch)
        others = [other for other in book.sheet_names if other != book.sheet_names[place]]
        if further := [other for other in others if book.get_sheet_by_name(other).total_height]:
            rows.messages.append(f"its other sheets are not read: {', '.join(further)} (`sheets: all` reads those of one form)")
        if sheet.total_height * sheet.total_width <= CHUNK_CELLS:
            _last[asked] = replace(rows, messages=list(rows.messages))
        return rows


@contextmanager
def _opened(path: Path, name: str) -> Iterator[CalamineWorkbook]:
    """A workbook whose parts are within the limits."""
    from python_calamine import CalamineError, CalamineWorkbook

    if not name.lower().removesuffix(".gz").removesuffix(".zst").endswith(".xls"):
        _require_sheets(path, name, _state_of(path))
    with open_bytes(path, name) as stream:
        data = io.BytesIO(stream.read())
    try:
        with CalamineWorkbook.from_filelike(data) as book:
            yield book
    except CalamineError as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error


def _state_of(path: Path) -> _State:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, limits()


@lru_cache(maxsize=8)
def _require_sheets(path: Path, name: str, _state: _State) -> None:
    """What was within the limits is so for each contract that looks at it."""
    with open_bytes(path, name) as stream:
        require_sheets(io.BytesIO(stream.read()))


def _place_of(names: Sequence[str], sheet: str | int) -> int:
    if sheet not in (names if isinstance(sheet, str) else range(len(names))):
        raise RefusedFileError(f"has no sheet {sheet!r}; its sheets: {', '.join(names)}")
    return names.index(sheet) if isinstance(sheet, str) else sheet


def _of_sheets(book: CalamineWorkbook, options: ReadOptions, scratch: Path | None) -> Rows:
    """The rows of several sheets, with the name of each in a column, and numbers that identify the sheet."""
    every = options.sheets == ("all",)
    found: dict[int, Rows] = {}
    passed: list[str] = []
    for place in (
        range(len(book.sheet_names)) if every else [_place_of(book.sheet_names, sheet) for sheet in options.sheets or ()]
    ):
        sheet = book.get_sheet_by_index(place)
        if every and not sheet.total_height:
            continue
        rows = _of_sheet(sheet, options, scratch)
        has_all = {column.lower() for column in options.columns} <= {column.lower() for column in rows.header}
        if every and not has_all:
            passed.append(book.sheet_names[place])
        else:
            found[place] = rows
    if not found:
        raise RefusedFileError(
            f"has no sheet with the columns {', '.join(options.columns)}; its sheets: {', '.join(passed) or 'none'}"
        )
    names, header = list(book.sheet_names), list(dict.fromkeys(name for rows in found.values() for name in rows.header))
    # Two sheets may spell one column in two ways: in SQL it is one.
    spelled = {name.lower(): name for name in reversed(header)}
    columns = column_names([*dict.fromkeys(spelled[name.lower()] for name in header), SHEET])

    def blocks() -> Iterator[Block]:
        for place, rows in sorted(found.items()):
            for block in rows.blocks():
                table, count = block.table, block.table.num_rows
                there = {spelled[name.lower()]: table[name] for name in rows.header}
                there[columns[-1]] = pa.array([names[place]] * count, pa.string())
                values = [there[name] if name in there else pa.nulls(count, pa.string()) for name in columns]
                numbers = pc.add(table[ROW], place * SHEET_ROWS)
                yield Block(pa.table([*values, numbers], [*columns, ROW]), block.broken)

    messages = [message for rows in found.values() for message in rows.messages]
    if passed:
        messages.append(f"sheets without its columns are not read: {', '.join(passed)}")
    return Rows(columns, blocks, list(dict.fromkeys(messages)))


def _of_sheet(cells: CalamineSheet, options: ReadOptions, scratch: Path | None) -> Rows:
    rounded = False

    def text(value: object) -> str:
        nonlocal rounded
        rounded = rounded or (isinstance(value, float) and abs(value) >= EXACT)
        return text_with(options.decimal, value) or ""

    def texts_of(row: Sequence[object]) -> list[str]:
        # Most cells are texts as they are.
        return [value if type(value) is str else text(value) for value in row]

    require_cells(cells.total_height, cells.total_width)
    rows = _from_rows(((above, texts_of(row)) for above, row in enumerate(cells.iter_rows())), options, scratch)
    if rounded:
        rows.messages.append(inexact("its cells hold"))
    return rows


def _from_rows(rows: Iterator[tuple[int, list[str]]], options: ReadOptions, scratch: Path | None) -> Rows:
    shape = options.header
    looked_at = list(islice(rows, _height_of_top(shape)))
    header = sheet_header(looked_at, shape)
    below = (row for row in chain(looked_at, rows) if row[0] >= header.last)
    spool, keys = Spool(scratch), [str(place) for place in range(len(header.cells))]
    height = max(1, CHUNK_CELLS // len(keys))
    while True:
        held = list(islice(below, height))
        columns = {key: pa.array([cells[place] for _, cells in held], pa.string()) for place, key in enumerate(keys)}
        table = pa.table({**columns, ROW: pa.array([above + 1 for above, _ in held], pa.int64())})
        spool.add(without_blank_rows(with_nulls(table)).rename_columns([*keys, NUMBERS]))
        if len(held) < height:
            break
    named = {
        key: name for key, cell, name in zip(keys, header.cells, header.names, strict=True) if cell.strip() or key in spool.filled
    }
    return options.records_of(replace(spool.rows(named), messages=header.messages), header)


def _height_of_top(shape: HeaderShape) -> int:
    """Among so many of the first rows is the header."""
    return max(shape.skip_rows, shape.row or 0) + HEADER_LINES + shape.height


# -- without the rows --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Top:
    """The first rows of a sheet, with how many are above each; above how many rows each column holds its last value."""

    rows: list[tuple[int, list[str]]]
    last: list[int]
    height: int


def workbook_header(path: Path, name: str, options: ReadOptions) -> list[str]:
    """The names of the columns that ``read_workbook`` gives. Each contract asks for them: what is above a sheet's rows is kept.

    Raises:
        RefusedFileError: as ``read_workbook`` does.
    """
    shape = options.header
    if options.sheets is not None or (size := _height_of_top(shape)) > _TOP_ROWS:
        return read_workbook(path, name, options, None).header
    state = _state_of(path)
    top = _top(path, name, state, _place_of(_names(path, name, state), options.sheet), options.decimal)
    header = sheet_header(top.rows[:size], shape)
    # As of all rows: a column without a name and without any value is none.
    return [
        column
        for cell, column, last in zip(header.cells, header.names, top.last, strict=True)
        if cell.strip() or last > header.last
    ]


@lru_cache(maxsize=8)
def _names(path: Path, name: str, _state: _State) -> tuple[str, ...]:
    with _opened(path, name) as book:
        return tuple(book.sheet_names)


@lru_cache(maxsize=8)
def _top(path: Path, name: str, _state: _State, place: int, decimal: str) -> _Top:
    with _opened(path, name) as book:
        sheet = book.get_sheet_by_index(place)
        require_cells(sheet.total_height, sheet.total_width)
        rows: list[tuple[int, list[str]]] = []
        last: list[int] = []
        for above, row in enumerate(sheet.iter_rows()):
            if above < _TOP_ROWS:
                rows.append((above, [text_with(decimal, value) or "" for value in row]))
            last += [0] * (len(row) - len(last))
            for column, value in enumerate(row):
                if _says_something(value):
                    last[column] = above + 1
        return _Top(rows, last, sheet.height)


def _says_something(value: object) -> bool:
    return bool(value) and not value.isspace() if isinstance(value, str) else value is not None and value == value


def sheets(path: Path, name: str) -> dict[str, bool]:
    """The sheets of a workbook in their order, and whether they hold anything; none of a file that cannot be read as one."""
    try:
        state = _state_of(path)
        names = _names(path, name, state)
        return {sheet: _top(path, name, state, place, ".").height > 0 for place, sheet in enumerate(names)}
    except (RefusedFileError, OSError, EOFError, ValueError, zstandard.ZstdError):
        return {}
