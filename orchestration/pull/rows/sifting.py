"""Which rows of a file carry a record of a contract's kind, where that takes a look at the other rows.

The rows are in the table ``mapped``. Those that do not meet ``where`` are left out; those that go on with a record of another
row, or repeat its ``distinct_on``, are merged into it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from orchestration.core.errors import RefusedFileError
from orchestration.core.literals import identifier, literal, literals
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Held, Unlike
from orchestration.pull.files.headers import by_name, found


@dataclass
class Sifted:
    """The columns of what is left of the rows, and what became of the others."""

    header: list[str]
    left_out: int = 0
    merged: int = 0
    messages: list[str] = field(default_factory=list)


def place_column(columns: list[str]) -> str:
    """What the column of a row's place is called."""
    return f"_place in {', '.join(columns)}"


def sift(con: duckdb.DuckDBPyConnection, contract: Contract) -> Sifted:
    """Take the rows that carry no record out of ``mapped``."""
    sifted = Sifted([row[0] for row in con.execute("describe mapped").fetchall()])
    condition = condition_of(contract, sifted.header)
    if condition is not None:
        sifted.left_out = _deleted(con, f"not coalesce(({condition}), false)")
    sifted.merged = _continued(con, contract)
    if contract.distinct_on:
        keys = _keys(contract, contract.distinct_on, sifted.header, "distinct_on")
        some = " or ".join(f"{key} is not null" for key in keys)
        sifted.messages = _differences(con, contract, keys, some, sifted.header)
        firsts = f"select min(_row) from mapped group by {', '.join(keys)}"
        sifted.merged += _deleted(con, f"({some}) and _row not in ({firsts})")
    for columns in {tuple(mapping.place_in): None for mapping in contract.columns.values() if mapping.place_in}:
        keys = _keys(contract, list(columns), sifted.header, "place_in")
        name = place_column(list(columns))
        over = f"row_number() over (partition by {', '.join(keys)} order by _row)"
        con.execute(f"create temp table placed as select *, cast({over} as varchar) as {identifier(name)} from mapped")
        con.execute("drop table mapped")
        con.execute("alter table placed rename to mapped")
        sifted.header.append(name)
    return sifted


def condition_of(contract: Contract, header: list[str]) -> str | None:
    """The SQL condition that a row with a record meets; none where all rows carry one.

    Raises:
        RefusedFileError: the file lacks a column by which they are chosen.
    """
    if contract.where is None or isinstance(contract.where, str):
        return contract.where
    conditions = []
    for name, held in contract.where.items():
        (key,) = _keys(contract, [name], header, "where")
        conditions.append(_holds(f"lower(coalesce({key}, ''))", held))
    return " and ".join(conditions) or None


def _holds(text: str, held: Held) -> str:
    if isinstance(held, Unlike):
        return f"not {_holds(text, held.but)}"
    values = held if isinstance(held, list) else [held]
    words = literals("" if value is None else literal(value)[1:-1].replace("''", "'").strip().lower() for value in values)
    return f"list_contains([{words}], {text})" if words else "false"


def _keys(contract: Contract, names: list[str], header: list[str], key: str) -> list[str]:
    present = by_name(header)
    lacking = [name for name in names if found(present, name) is None]
    if lacking:
        raise RefusedFileError(
            f"lacks the column(s) {', '.join(lacking)}, which `{key}` of contract {contract.name} names (it has: "
            f"{', '.join(header) or 'none'})"
        )
    return [f"nullif(trim(cast({identifier(found(present, name) or '')} as varchar)), '')" for name in names]


def _deleted(con: duckdb.DuckDBPyConnection, condition: str) -> int:
    ((count,),) = con.execute(f"delete from mapped where {condition}").fetchall()
    return int(count)


def _differences(con: duckdb.DuckDBPyConnection, contract: Contract, keys: list[str], some: str, header: list[str]) -> list[str]:
    """What is said of rows that repeat a record with other values: only the first row's count."""
    present = by_name(header)
    columns = dict.fromkeys(name for m in contract.mappings if (name := found(present, m.source)))
    if not columns:
        return []
    texts = {name: f"nullif(trim(cast({identifier(name)} as varchar)), '')" for name in columns}
    differ = ", ".join(f"min({text}) <> max({text}) as d_{place}" for place, text in enumerate(texts.values()))
    counts = ", ".join(f"count(*) filter (where d_{place})" for place in range(len(texts)))
    (row,) = con.execute(f"select {counts} from (select {differ} from mapped where {some} group by {', '.join(keys)})").fetchall()
    shown = [f"{name} ({count:,})" for name, count in zip(texts, row, strict=True) if count]
    if not shown:
        return []
    of = ", ".join(contract.distinct_on)
    return [f"rows of one {of} differ in {', '.join(shown)}; the first row counts"]


def _continued(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Take out the rows that go on with a record of another row; one that no row carries the record of stays."""
    if contract.continuation is None:
        return 0
    of = ", ".join(
        f"nullif(trim(cast({identifier(name)} as varchar)), '') as of_{i}" for i, name in enumerate(contract.continuation.of)
    )
    same = " and ".join(f"going.of_{i} = carrying.of_{i}" for i in range(len(contract.continuation.of)))
    con.execute(
        f"create temp table flagged as select _row, coalesce(({contract.continuation.rows}), false) as goes_on, {of} from mapped"
    )
    return _deleted(
        con,
        "_row in (select going._row from flagged as going where going.goes_on "
        f"and exists (select 1 from flagged as carrying where not carrying.goes_on and {same}))",
    )
