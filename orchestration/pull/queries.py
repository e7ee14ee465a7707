"""The form of SQL that a contract gives."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from orchestration.connections import connect

if TYPE_CHECKING:
    import duckdb


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One for all contracts: to open a database takes longer than to parse a query."""
    return connect()


def wrong_sql(sql: str) -> str | None:
    """What is wrong with a text that should be one query. Only its form is looked at: a file shows which columns there are."""
    with _parser().cursor() as con:
        ((parsed,),) = con.execute("select json_serialize_sql(cast(? as varchar))", [sql]).fetchall()
    found = json.loads(parsed)
    if found["error"] and found["error_type"] != "not implemented":
        return f"is not SQL that DuckDB can read ({found['error_message'].splitlines()[0]})"
    return None if len(found.get("statements", [])) == 1 else "is not one query"
