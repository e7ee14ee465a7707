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


def require_one_query(sql: str, place: str) -> None:
    """Only its form is looked at: which columns there are, a file will show.

    Raises:
        ValueError: the text is not SQL, or not one query.
    """
    with _parser().cursor() as con:
        ((parsed,),) = con.execute("select json_serialize_sql(cast(? as varchar))", [sql]).fetchall()
    found = json.loads(parsed)
    if found["error"] and found["error_type"] != "not implemented":
        raise ValueError(f"{place}: is not SQL that DuckDB can read ({found['error_message'].splitlines()[0]})")
    if len(found.get("statements", [])) != 1:
        raise ValueError(f"{place}: is not one query")
