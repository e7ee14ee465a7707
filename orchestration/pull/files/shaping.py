"""Rows as records: without what is right below the header and at the end, and with what an earlier row says for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.core.errors import RefusedFileError
from orchestration.pull.files.headers import ROW, by_name, found
from orchestration.pull.files.records import Block, Rows, place_after


def between(rows: Rows, above: int, footer: int) -> Rows:
    """The rows whose number is more than ``above``, but for the last ``footer`` of them (blank ones do not count)."""
    blocks = rows.blocks

    def records() -> Iterator[Block]:
        below = (_within(block, above + 1, None) for block in blocks())
        yield from _but_the_last(below, footer) if footer else below

    return replace(rows, blocks=records)


def _within(block: Block, first: int, end: int | None) -> Block:
    """The rows of a block from a number on, up to another one."""
    keep = pc.greater_equal(block.table[ROW], first)
    if end is not None:
        keep = pc.and_(keep, pc.less(block.table[ROW], end))
    broken = [row for row in block.broken if row.row >= first and (end is None or row.row < end)]
    return Block(block.table if pc.all(keep).as_py() else block.table.filter(keep), broken)


def _but_the_last(blocks: Iterator[Block], count: int) -> Iterator[Block]:
    """A block is held until so many rows have come after it."""
    held: deque[Block] = deque()
    after = 0
    for block in blocks:
        if held:
            after += _rows_of(block)
        held.append(block)
        while len(held) > 1 and after >= count:
            yield held.popleft()
            after -= _rows_of(held[0])
    numbers = sorted(n for block in held for n in (*block.table[ROW].to_pylist(), *(row.row for row in block.broken)))
    if len(numbers) > count:
        yield from (_within(block, 0, numbers[-count]) for block in held)


def _rows_of(block: Block) -> int:
    return int(block.table.num_rows) + len(block.broken)


#: A row of a wide file and one of its columns are one number: 2005 is row 2, column 5.
PLACES = 1000


def unpivoted_header(header: Sequence[str], keep: Sequence[str], name: str, value: str) -> list[str]:
    """The columns that are kept, and one for the names and one for the cells of the others."""
    present = by_name(header)
    return [*(column for kept in keep if (column := found(present, kept))), name, value]


def unpivoted(rows: Rows, keep: Sequence[str], name: str, value: str) -> Rows:
    """Each cell of the columns that are not kept as a row: the kept columns, the column's name and the cell.

    Raises:
        RefusedFileError: the file lacks a column that is kept, or has more columns than a number of a row can address.
    """
    present, header = by_name(rows.header), unpivoted_header(rows.header, keep, name, value)
    if lacking := [column for column in keep if found(present, column) is None]:
        raise RefusedFileError(f"lacks the column(s) {', '.join(lacking)}, which its contract keeps beside those it unpivots")
    if len(rows.header) >= PLACES:
        raise RefusedFileError(f"has {len(rows.header):,} columns, of which no more than {PLACES - 1} can become rows")
    stay = header[:-2]
    wide = [(place, column) for place, column in enumerate(rows.header, start=1) if column not in stay]
    blocks = rows.blocks

    def long() -> Iterator[Block]:
        for block in blocks():
            yield _long(block, stay, wide, name, value)

    return replace(rows, header=header, blocks=long)


def _long(block: Block, stay: list[str], wide: list[tuple[int, str]], name: str, value: str) -> Block:
    numbers = pc.multiply(block.table[ROW], PLACES)
    parts = [
        pa.table(
            {
                **{column: block.table[column] for column in stay},
                name: pa.array([column] * block.table.num_rows, pa.string()),
                value: block.table[column],
                ROW: pc.add(numbers, place),
            }
        )
        for place, column in wide
    ]
    schema = pa.schema([*((column, pa.string()) for column in (*stay, name, value)), (ROW, pa.int64())])
    table = pa.concat_tables([part.cast(schema) for part in parts]) if parts else schema.empty_table()
    broken = [replace(row, row=row.row * PLACES) for row in block.broken]
    return Block(table.sort_by(ROW).combine_chunks(), broken)


def carried_down(rows: Rows, columns: list[str]) -> Rows:
    """The rows in which a blank cell of ``columns`` holds the value of the row that began its group.

    A group begins where the first of the columns holds another value than before; a row in which it is blank goes on with the
    group. What began a group may be a row that could not be read: below it a blank cell stays blank until the next group.

    Raises:
        RefusedFileError: the file lacks one of the columns.
    """
    present = by_name(rows.header)
    lacking = [name for name in columns if found(present, name) is None]
    if lacking:
        raise RefusedFileError(
            f"lacks the column(s) {', '.join(lacking)}, which its contract carries down (it has: "
            f"{', '.join(rows.header) or 'none'})"
        )
    names = [name for column in columns if (name := found(present, column))]
    blocks = rows.blocks

    def filled() -> Iterator[Block]:
        group = _Group(names)
        for block in blocks():
            yield group.carry(block)

    return replace(rows, blocks=filled)


class _Group:
    """The group that the rows read so far end in."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._began: dict[str, str | None] = dict.fromkeys(names)
        #: Was its first row one that could not be read?
        self._is_unknown = False

    def carry(self, block: Block) -> Block:
        table, count = block.table, block.table.num_rows
        # The row that began the group comes before the others; the one after them stands for a group of which nothing is known.
        unknown = count + 1
        keys = pa.concat_arrays([pa.array([self._began[self._names[0]]], pa.string()), _whole(table[self._names[0]])])
        before, keys = pc.fill_null_forward(keys).slice(0, count), keys.slice(1)
        has_key = pc.is_valid(keys)
        begins = pc.and_(has_key, pc.fill_null(pc.not_equal(keys, before), True))
        # Places of rows right below one that could not be read; the last is below this block.
        after_broken = {place_after(table[ROW], row.row) for row in block.broken} | ({0} if self._is_unknown else set())
        places = pa.arange(0, count)
        began = pc.cumulative_max(pc.if_else(begins, pa.arange(1, count + 1), 0))
        says = pc.or_(has_key, pc.is_in(places, pa.array(sorted(after_broken), pa.int64())))
        last_said = pc.cumulative_max(pc.if_else(says, places, -1))
        meant = pc.if_else(has_key, began, unknown)
        source = pc.fill_null(meant.take(pc.if_else(pc.less(last_said, 0), pa.scalar(None, pa.int64()), last_said)), 0)
        for name in self._names:
            own = _whole(table[name])
            every = pa.concat_arrays([pa.array([self._began[name]], pa.string()), own, pa.nulls(1, pa.string())])
            if count:
                self._began[name] = every[began[-1].as_py()].as_py()
            table = table.set_column(table.column_names.index(name), name, pc.coalesce(own, every.take(source)))
        self._is_unknown = count in after_broken or (source[-1].as_py() == unknown if count else self._is_unknown)
        return Block(table, block.broken)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays([pa.array([], pa.string()), *(chunk.cast(pa.string()) for chunk in column.chunks)])
