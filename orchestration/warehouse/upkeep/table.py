"""One table that is brought up to date."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.core.literals import literal
from orchestration.warehouse.upkeep.queries import (
    BY_ITSELF,
    VOLATILE,
    Declaration,
    Keys,
    carry_volatile,
    changed_table,
    delete_keys,
    differing_rows,
    keys_of,
    quoted_names,
    restricted,
    rows_of_keys,
)

#: So many invalidated periods are named in the query.
_MAX_NAMED = 16


class UnforeseenError(Exception):
    """Something that only dbt knows how to deal with; what was done so far stays right."""


class Table:
    """A table whose query may give other rows than it has."""

    def __init__(self, con: duckdb.DuckDBPyConnection, node: Any, columns: list[tuple[str, str]]) -> None:
        self._con, self._name, self._relation, self._columns = con, node.name, str(node.relation_name), columns
        self._invalidated, self._new, self._differing = (f"{part}__{node.name}" for part in ("invalidated", "new", "differing"))
        self._has_contract = bool(node.config["contract"]["enforced"])
        names = [name for name, _ in columns]
        self._volatile = quoted_names([name for name in names if name in VOLATILE])
        self._content = quoted_names([name for name in names if name not in VOLATILE])

    def update(self, code: str, declaration: Declaration, invalidated: str | None) -> bool:
        """Compute the invalidated keys (none: all), and replace what differs.

        Returns whether anything did; then a transaction is open, with the new rows in it.
        """
        parts, key = code.split(BY_ITSELF), declaration.unique_key
        old = self._relation
        if invalidated is not None and key is not None:
            self._con.execute(f"create or replace temp table {self._invalidated} as {invalidated}")
            count = self._count(self._invalidated)
            if not count:
                return self._leave()
            keys = Keys(self._invalidated, self._periods() if count <= _MAX_NAMED else None)
            parts = [restricted(part, key, keys) for part in parts]
            old = f"({rows_of_keys(self._relation, key, keys)})"
        self._compute(parts)
        self._con.execute(f"create or replace temp table {self._differing} as {differing_rows(old, self._new, self._content)}")
        if not self._count(self._differing):
            return self._leave()
        for column in self._volatile:
            self._con.execute(carry_volatile(old, self._new, self._content, column))
        self._con.execute("begin")
        self._con.execute(f"create or replace table {changed_table(self._name)} as select * from {self._differing}")
        if key is None:
            self._con.execute(f"delete from {self._relation}")
            self._con.execute(f"insert into {self._relation} by name select * from {self._new}")
        else:
            self._con.execute(f"create or replace temp table {self._invalidated} as {keys_of(self._differing, key)}")
            keys = Keys(self._invalidated)
            self._con.execute(delete_keys(self._relation, key, keys))
            rows = rows_of_keys(self._new, key, keys)
            self._con.execute(f"insert into {self._relation} by name {rows}")
        self._drop()
        return True

    def _periods(self) -> list[tuple[str | None, ...]] | None:
        """The keys as literals, where they are periods: an error of the database could show others, which may be ids."""
        described = self._con.execute(f"describe {self._invalidated}").fetchall()
        if [row[1] for row in described] != ["VARCHAR", "DATE"]:
            return None
        columns = ", ".join(f"cast({row[0]} as varchar)" for row in described)
        found = self._con.execute(f"select distinct {columns} from {self._invalidated}").fetchall()
        return [(literal(grain), None if day is None else f"date {literal(day)}") for grain, day in found]

    def _compute(self, parts: list[str]) -> None:
        first, *further = parts
        if self._has_contract:
            self._con.execute(f"create or replace temp table {self._new} as select * from {self._relation} limit 0")
            further = parts
        else:
            self._con.execute(f"create or replace temp table {self._new} as {first}")
            described = self._con.execute(f"describe {self._new}").fetchall()
            if [(row[0], row[1]) for row in described] != self._columns:
                self._leave()
                raise UnforeseenError(f"{self._name} has other columns than before")
        by_name = "by name" if self._has_contract else ""
        for part in further:
            self._con.execute(f"insert into {self._new} {by_name} {part}")

    def _count(self, table: str) -> int:
        return int(self._con.execute(f"select count(*) from {table}").fetchall()[0][0])

    def _leave(self) -> bool:
        self._drop()
        return False

    def _drop(self) -> None:
        for table in (self._invalidated, self._new, self._differing):
            self._con.execute(f"drop table if exists {table}")
