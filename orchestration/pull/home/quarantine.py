"""The rows that could not be loaded: why, and as files to be fixed. Those of a file that is held back whole are among them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.core.connections import connect
from orchestration.core.errors import ConfigurationError
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.kinds import all_kinds

if TYPE_CHECKING:
    from orchestration.settings.model import Settings

#: So many rows are named.
FIRST_ROWS = 3


@dataclass(frozen=True)
class Reason:
    """Rows of one file that failed in the same columns."""

    kind: str
    file: str
    columns: str | None
    rows: int
    #: The reason as the first of the rows has it.
    example: str
    #: Numbers of the first of them.
    first_rows: list[int]
    #: A gate holds the whole file back, so that its other rows are not loaded either.
    is_held_back: bool = False
    #: How many reasons there are among the rows, values distinguished.
    different: int = 1

    @property
    def in_words(self) -> str:
        """The reason, and where it is to be seen."""
        return _in_words(self.example, self.first_rows, self.rows, self.different)


def _in_words(example: str, first: list[int], rows: int, different: int) -> str:
    others = f"; {different:,} different values" if different > 1 else ""
    return f"{example} ({rows_in_words(first, rows)}{others})"


#: The value that a reason quotes, or the length of one that may not be quoted.
_VALUE = re.compile(r"(?:'.*?'|a value of \d+ characters) (?=is not |lies outside |is the number )")


def valueless(reason: str) -> str:
    """A reason without the value that it quotes: what may go to whom the data may not."""
    return _VALUE.sub("", reason)


def rows_in_words(first: list[int], count: int) -> str:
    """The first rows of some: "row 2", "rows 2, 5, 7, …"."""
    shown = ", ".join(map(str, first[:FIRST_ROWS]))
    return f"row{'s' if count > 1 else ''} {shown}{', …' if count > len(first[:FIRST_ROWS]) else ''}"


def _held_back(settings: Settings) -> tuple[list[str], list[str]]:
    """Files that a gate holds back, as `_batch:_contract`; and those of which a later version arrived, which are past."""
    if not settings.ledger.exists():
        return [], []
    ledger = Ledger(settings.ledger)
    landed = {file.batch: file for file in ledger.landed()}
    newest = {(file.source, file.file): file.batch for file in landed.values()}
    gated = [load for load in ledger.loads() if load.status == "gated"]
    past = [load for load in gated if newest[landed[load.batch].source, landed[load.batch].file] != load.batch]
    return [f"{load.batch}:{load.contract}" for load in gated], [f"{load.batch}:{load.contract}" for load in past]


def query(settings: Settings, sql: str, kind: str | None, file: str | None) -> list[tuple[Any, ...]]:
    """Rows of an SQL query over the quarantine (as `quarantine`) of a home, of one kind and file or all.

    Raises:
        ConfigurationError: there is no such kind.
    """
    if kind is not None and kind not in all_kinds():
        raise ConfigurationError(f"no kind {kind!r}; there are: {', '.join(all_kinds())}")
    paths = sorted(str(path) for path in settings.quarantine.glob(f"{kind or '*'}/*.parquet"))
    if not paths:
        return []
    held, past = _held_back(settings)
    with connect() as con:
        # A row that a later delivery brings again is one row to fix, and that of the later one.
        return con.execute(
            "with named as (select *, _batch || ':' || _contract as load from read_parquet($paths, union_by_name = true)), "
            "rejected as (select *, list_contains($held, load) as is_held from named "
            "where ($file is null or _file = $file) and not list_contains($past, load) "
            f"qualify rank() over (partition by kind, _contract, record order by _batch desc) = 1) {sql}",
            {"paths": paths, "file": file, "held": held, "past": past},
        ).fetchall()


def reasons(settings: Settings, kind: str | None = None, file: str | None = None) -> list[Reason]:
    """Why rows are in quarantine, the most frequent reasons first; what several deliveries brought counts once, as the last's.

    Raises:
        ConfigurationError: there is no such kind.
    """
    rows = query(
        settings,
        f"select kind, _file, column_name, count(*), arg_min(reason, _row), list(_row order by _row)[:{FIRST_ROWS}], is_held, "
        "count(distinct reason) from rejected group by all order by 4 desc, 1, 2, 5",
        kind,
        file,
    )
    return [replace(found, example=in_short(found.example)) for found in (Reason(*row) for row in rows)]


def in_short(reason: str, most: int = 2) -> str:
    """The first problems of a row that has many: a header that comes again has one in nearly each column."""
    problems = reason.split("; ")
    return reason if len(problems) <= most + 1 else f"{'; '.join(problems[:most])}; and {len(problems) - most} more of the row"


def reasons_in(path: Path, most: int = 5) -> tuple[str, ...]:
    """Why the rows of one file were rejected, the most frequent reasons first, each with its rows and the first of them."""
    with connect() as con:
        found = con.execute(
            f"select count(*), arg_min(reason, _row), list(_row order by _row)[:{FIRST_ROWS}], count(distinct reason) "
            "from read_parquet(?) group by column_name order by 1 desc, min(_row) limit ?",
            [str(path), most],
        ).fetchall()
    return tuple(f"{rows:,} row(s): {_in_words(in_short(reason), first, rows, n)}" for rows, reason, first, n in found)
