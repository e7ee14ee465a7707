"""The form of SQL that a contract gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration.core.connections import connect

if TYPE_CHECKING:
    import duckdb


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One for all contracts: to open a database takes longer than to parse a query."""
    return connect()


#: Functions that make rows out of values; any other that stands for a table reads files, settings or the database itself.
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "regexp_extract_all"})
#: Functions that look beyond the row: at the process, its settings, or text that is run as a query.
_FORBIDDEN = frozenset(
    {"current_setting", "getenv", "getvariable", "query", "query_table", "set_config", "nextval", "which_secret"}
)


def wrong_sql(sql: str, is_expression: bool = False) -> str | None:
    """What is wrong with a text that should be one query, or one expression over the columns of a row.

    Only its form is looked at: a file shows which columns there are. Files and the network are out of reach besides, and so are
    their settings: a contract is code, yet one that a stranger wrote should not get far.
    """
    with _parser().cursor() as con:
        text = f"select ({sql})" if is_expression else sql
        ((parsed,),) = con.execute("select json_serialize_sql(cast(? as varchar))", [text]).fetchall()
    found = json.loads(parsed)
    if found["error"] and found["error_type"] != "not implemented":
        return f"is not SQL that DuckDB can read ({found['error_message'].splitlines()[0]})"
    statements = found.get("statements", [])
    if len(statements) != 1:
        return "is not one query"
    if is_expression and not _is_expression(statements[0]["node"]):
        return "is not one expression"
    return next((f"may not use {name}()" for name, is_table in _functions(statements[0]) if _is_foreign(name, is_table)), None)


def _is_expression(node: dict[str, Any]) -> bool:
    """A bracket closed too early would make more of it."""
    parts = ("where_clause", "having", "qualify", "sample")
    is_plain = node["type"] == "SELECT_NODE" and len(node["select_list"]) == 1 and node["from_table"]["type"] == "EMPTY"
    return is_plain and not any(node.get(part) for part in parts) and not node["modifiers"]


def _functions(node: Any) -> Iterator[tuple[str, bool]]:
    """Each function that a parsed query calls, and whether it stands for a table."""
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            yield node["function"]["function_name"].lower(), True
            yield from _functions(node["function"].get("children"))
            return
        if node.get("class") == "FUNCTION":
            yield node["function_name"].lower(), False
        for value in node.values():
            yield from _functions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _functions(value)


def _is_foreign(name: str, is_table: bool) -> bool:
    return name not in TABLE_FUNCTIONS if is_table else name in _FORBIDDEN or name.startswith(("pragma_", "duckdb_"))
