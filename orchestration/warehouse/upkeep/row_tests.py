"""Tests of rows that passed on a table's last version look at the rows that changed since: a run's tests cost what it changed."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.warehouse.upkeep.queries import VOLATILE, changed_table, quoted_names

#: Of a table's rows: where more have changed, all are looked at.
_MAX_CHANGED = 0.2


def of_changed_rows(con: duckdb.DuckDBPyConnection, test: Any, relation: str, model: str, code: str) -> str:
    """The query of a test that passed before the latest changes of its only table, over as few rows as decide it.

    Whatever it is, a row without a value is one that changed, and of rows that share a key one has. Other tests stay as they are.
    """
    metadata = getattr(test, "test_metadata", None) or {}
    columns = (metadata.get("kwargs") or {}).get("columns") or []
    if metadata.get("name") not in ("unique_together", "never_null") or not columns or set(columns) & set(VOLATILE):
        return code
    ((changed, rows),) = con.execute(
        f"select (select count(*) from {changed_table(model)}), (select count(*) from {relation})"
    ).fetchall()
    if changed > _MAX_CHANGED * rows:
        return code
    if metadata["name"] == "never_null":
        return code.replace(relation, changed_table(model))
    same = " and ".join(f"changed.{name} is not distinct from present.{name}" for name in quoted_names(columns))
    found = f"select 1 from {changed_table(model)} as changed where {same}"
    return code.replace(relation, f"(select present.* from {relation} as present where exists ({found}))")
