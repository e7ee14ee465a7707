"""Read workbooks: a sheet, or several of one form one after the other."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from orchestration.core.errors import RefusedFileError
from orchestration.pull.files.headers import HEADER_LINES, ROW, SHEET, column_names, sheet_header
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
    from python_calamine import CalamineWorkbook

    from orchestration.pull.files.readers import ReadOptions

#: The numbers of a sheet's rows begin so far above those of the one before it: more than a sheet has rows.
SHEET_ROWS = 10_000_000


def read_workbook(path: Path, name: str, options: ReadOptions, scratch: Path | None) -> Rows:
    """The rows of the sheets that a contract names.

    Raises:
        RefusedFileError: there is no such sheet, or the file is no workbook.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    with open_bytes(path, name) as stream:
        data = io.BytesIO(stream.read())
    if not name.lower().removesuffix(".gz").removesuffix(".zst").endswith(".xls"):
        require_sheets(data)
        data.seek(0)
    try:
        with CalamineWorkbook.from_filelike(data) as book:
            if options.sheets is not None:
                return _of_sheets(book, options, scratch)
            rows = _of_sheet(book, _place_of(book, options.sheet), options, scratch)
            others = [other for other in book.sheet_names if other != book.sheet_names[_place_of(book, options.sheet)]]
            if further := [other for other in others if book.get_sheet_by_name(other).total_height]:
                rows.messages.append(
                    f"its other sheets are not read: {', '.join(further)} (`sheets: all` reads those of one form)"
                )
            return rows
    except CalamineError as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error


def _place_of(book: CalamineWorkbook, sheet: str | int) -> int:
    names = book.sheet_names
    if sheet not in (names if isinstance(sheet, str) else range(len(names))):
        raise RefusedFileError(f"has no sheet {sheet!r}; its sheets: {', '.join(names)}")
    return names.index(sheet) if isinstance(sheet, str) else sheet


def _of_sheets(book: CalamineWorkbook, options: ReadOptions, scratch: Path | None) -> Rows:
    """The rows of several sheets, with the name of each in a column, and numbers that identify the sheet."""
    every = options.sheets == ("all",)
    found: dict[int, Rows] = {}
    passed: list[str] = []
    for place in range(len(book.sheet_names)) if every else [_place_of(book, sheet) for sheet in options.sheets or ()]:
        if every and not book.get_sheet_by_index(place).total_height:
            continue
        rows = _of_sheet(book, place, options, scratch)
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


def _of_sheet(book: CalamineWorkbook, place: int, options: ReadOptions, scratch: Path | None) -> Rows:
    rounded = False

    def texts_of(row: Sequence[object]) -> list[str]:
        nonlocal rounded
        rounded = rounded or any(isinstance(value, float) and abs(value) >= EXACT for value in row)
        return [text_with(options.decimal, value) or "" for value in row]

    cells = book.get_sheet_by_index(place)
    require_cells(cells.total_height, cells.total_width)
    rows = _from_rows(((above, texts_of(row)) for above, row in enumerate(cells.iter_rows())), options, scratch)
    if rounded:
        rows.messages.append(inexact("its cells hold"))
    return rows


def _from_rows(rows: Iterator[tuple[int, list[str]]], options: ReadOptions, scratch: Path | None) -> Rows:
    shape = options.header
    looked_at = list(islice(rows, max(shape.skip_rows, shape.row or 0) + HEADER_LINES + shape.height))
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


def sheets(path: Path, name: str) -> dict[str, bool]:
    """The sheets of a workbook in their order, and whether they hold anything; none of a file that cannot be read as one."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with open_bytes(path, name) as stream:
            data = io.BytesIO(stream.read())
        if zipfile.is_zipfile(data):
            require_sheets(data)
        data.seek(0)
        with CalamineWorkbook.from_filelike(data) as book:
            return {sheet: book.get_sheet_by_name(sheet).height > 0 for sheet in book.sheet_names}
    except (CalamineError, RefusedFileError, OSError, EOFError, ValueError, zstandard.ZstdError):
        return {}
