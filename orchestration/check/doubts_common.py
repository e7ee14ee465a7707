"""What doubts share: which columns a file has, and how counts are worded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orchestration.check.beside import Beside
from orchestration.core.literals import identifier
from orchestration.pull.kinds import Column

#: With fewer values nothing looks wrong.
FEW = 20


def mapped_columns(beside: Beside, *types: str) -> Iterator[tuple[Column, str]]:
    """Columns of some types that the contract takes from the file, as they are called in SQL."""
    for name, column in beside.kind.columns.items():
        mapping = beside.contract.columns.get(name)
        if mapping is not None and mapping.value is None and (not types or column.type in types):
            yield column, identifier(name)


def has(beside: Beside, *names: str) -> bool:
    """Does the contract read these columns from the file (a fixed value is none)?"""
    return all(name in beside.contract.columns and beside.contract.columns[name].value is None for name in names)


def of(part: int, whole: int) -> str:
    """A count of a whole, in words."""
    return f"all {whole:,}" if part == whole else f"{part:,} of {whole:,}"


def hours(seconds: float) -> str:
    """A whole number of quarter hours in words."""
    return f"{seconds / 3600:g} h" if seconds % 3600 == 0 else f"{seconds / 60:g} min"


def each(beside: Beside, columns: Iterable[tuple[Column, str]], *figures: str) -> Iterator[tuple[Column, tuple[Any, ...]]]:
    """Figures of several columns of the loaded rows, in one query; ``{}`` in one stands for the column."""
    looked_at = list(columns)
    if not looked_at:
        return
    asked = ", ".join(figure.replace("{}", name) for _, name in looked_at for figure in figures)
    ((*found,),) = beside.all(f"select {asked} from loaded")
    for place, (column, _) in enumerate(looked_at):
        yield column, tuple(found[place * len(figures) : (place + 1) * len(figures)])
