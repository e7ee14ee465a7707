"""The form of SQL that a contract gives."""

from __future__ import annotations

import json

import duckdb


def require_one_query(sql: str, place: str) -> None:
    """Only its form is looked at: which columns there are, a file will show.

    Raises:
        ValueError: the text is not SQL, or not one query.
    """
    with duckdb.connect() as con:
        (parsed,) = con.execute("select json_serialize_sql(cast(? as varchar))", [sql]).fetchone() or ("",)
    found = json.loads(parsed)
    if found["error"] and found["error_type"] != "not implemented":
        raise ValueError(f"{place}: is not SQL that DuckDB can read ({found['error_message'].splitlines()[0]})")
    if len(found.get("statements", [])) != 1:
        raise ValueError(f"{place}: is not one query")


def literal(value: str | int | float | bool | None) -> str:
    """A contract's value as an SQL text literal."""
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"


def literals(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join(literal(value) for value in values)


def identifier(name: str) -> str:
    """A contract's column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
