"""The published tables as a page: how they join, as a diagram, and every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.publish.publications import PublicTable

HEADER = """# Published tables

Generated from the models (`make docs`). `marts` are read by everybody whom you let in, `analysis` by those who may see single
cases ([who reads what](connecting.md)). `customer_key` and `agent_key` are keys in the place of people; what is not known is
`unknown`, so that inner joins to the dimensions lose no row.

## How they join

Each line leads from a dimension to a fact that has its key. Drawn are the facts with a row for each record; where the columns of
the others lead is beside each.
"""
#: The key of a table whose own names people and is published as a key.
_PUT = {"dim_agents": "agent_key"}


def joins(tables: Sequence[PublicTable]) -> list[tuple[str, str, str]]:
    """(table, column, table that the column leads to): columns that are the whole key of a dimension or a fact."""
    keys: dict[str, str] = {}
    for table in sorted(tables, key=lambda table: not table.name.startswith("dim_")):
        key = table.key[0] if len(table.key) == 1 else _PUT.get(table.name)
        if key and table.name.startswith(("dim_", "fct_", "kpi_definitions")):
            keys.setdefault(key, table.name)
    return [
        (table.name, column, keys[column])
        for table in tables
        for column in table.columns
        if column in keys and keys[column] != table.name
    ]


def column_types(manifest: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(model, column) -> its type, as the model's contract says."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return {
        (node["alias"], name): str(column["data_type"])
        for node in models
        for name, column in node["columns"].items()
        if column.get("data_type")
    }


def tables_reference(tables: Sequence[PublicTable], types: Mapping[tuple[str, str], str]) -> str:
    """Every published table with its columns, and the diagram, as Markdown."""
    found = joins(tables)
    records = {table.name for table in tables if table.name.startswith("fct_") and len(table.key) == 1} | {"kpis"}
    drawn = [join for join in found if join[0] in records and join[2].startswith(("dim_", "kpi_definitions"))]
    lines = sorted(f'    {target} ||--o{{ {table} : "{column}"' for table, column, target in drawn)
    leads = {(table, column): target for table, column, target in found}
    sections = [_section(table, types, leads) for table in tables]
    return "\n".join([HEADER, "```mermaid", "erDiagram", *lines, "```", "", *sections])


def _section(table: PublicTable, types: Mapping[tuple[str, str], str], leads: Mapping[tuple[str, str], str]) -> str:
    key = f" Key: {', '.join(f'`{name}`' for name in table.key)}." if table.key else ""
    lines = [f"## {table.name}", "", f"{table.description.strip()}{key} In `{table.publication}`.", ""]
    lines += ["| column | type | |", "|---|---|---|"]
    for column, text in table.columns.items():
        target = leads.get((table.name, column))
        description = " ".join(text.split()) + (f" Leads to [`{target}`](#{target})." if target else "")
        lines.append(
            f"| `{column}` | {types.get((table.model, column), 'varchar')} | {description.replace('|', chr(92) + '|')} |"
        )
    return "\n".join([*lines, ""])
