"""Which of a file's rows are records at all: what stands right below the header, and at the end, may be none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pyarrow.compute as pc

from orchestration.pull.headers import ROW
from orchestration.pull.records import Block, Rows


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
