"""From what dbt compiled to what a home is built by: how its tables are created, and by what `maintained` knows their queries."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.literals import identifier, literal
from orchestration.settings.model import Settings
from orchestration.warehouse.upkeep.project_cache import CompiledProject, names_home, read_artefacts

#: The statements that create the tables of the state: of the first run of all, they are dbt's to make.
PREPARATION = "maintenance"
_PREPARED_BY = "macro.cxhouse.duckdb__prepare_maintenance"
#: Types of columns of seeds by their dbt names.
_TYPES = {"string": "varchar"}


def compiled_project(settings: Settings, con: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> CompiledProject | None:
    """A project by its queries (id of the model or test -> query with placeholders), and by dbt's files of the home.

    None where dbt has not compiled all of it, or where a seed does not say the types of its columns.
    """
    artefacts = read_artefacts(settings)
    manifest = json.loads(artefacts["manifest.json"])
    nodes = list(manifest["nodes"].values())
    models = [node for node in nodes if node["resource_type"] == "model"]
    tables = {PREPARATION: _preparation(manifest)}
    tables |= {_name(node): _by_contract(node) for node in models if node["config"]["contract"]["enforced"]}
    for node in nodes:
        if node["resource_type"] == "seed":
            statement = _of_seed(node, settings.home / "seeds" / f"{node['name']}.csv")
            if statement is None:
                return None
            tables[_name(node)] = statement
    if any(node["unique_id"] not in queries for node in nodes if node["resource_type"] in ("model", "test")):
        return None
    shapes = _Shapes(con, settings.raw)
    fingerprints = {
        node["name"]: _fingerprint(node, queries[node["unique_id"]], shapes.of(node, manifest["sources"]))
        for node in models
        if node["config"]["materialized"] == "maintained"
    }
    found = CompiledProject(artefacts, dict(queries), tables, fingerprints)
    return None if names_home(found, settings) else found


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['name']}"


def _preparation(manifest: Mapping[str, Any]) -> str:
    """The statements of the macro, which has nothing to fill in."""
    text = re.sub(r"{#.*?#}", "", manifest["macros"][_PREPARED_BY]["macro_sql"], flags=re.DOTALL)
    return re.sub(r"{%.*?%}", "", text, flags=re.DOTALL).strip()


def _by_contract(node: Mapping[str, Any]) -> str:
    columns = [(column["name"], column["data_type"]) for column in node["columns"].values()]
    never_null = {
        column["name"]
        for column in node["columns"].values()
        if any(constraint["type"] == "not_null" for constraint in column["constraints"])
    }
    return _create(node, [f"{identifier(name)} {kind}{' not null' * (name in never_null)}" for name, kind in columns])


def _of_seed(node: Mapping[str, Any], path: Path) -> str | None:
    with path.open(encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines), [])
    types = node["config"]["column_types"] or {}
    # dbt writes what it ran over seeds that are outside of its project: without a header.
    if not any(header) or not {*header} <= types.keys():
        return None
    return _create(node, [f"{identifier(name)} {_TYPES.get(types[name], types[name])}" for name in header])


def _create(node: Mapping[str, Any], columns: list[str]) -> str:
    return f"create table {_name(node)} ({', '.join(columns)})"


# -- fingerprints ----------------------------------------------------------------------------------------------------------


class _Shapes:
    """The columns of raw kinds, as the macro `shape_of_sources` has them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, raw: Path) -> None:
        self._con, self._raw = con, raw
        self._found: dict[str, str] = {}

    def of(self, node: Mapping[str, Any], sources: Mapping[str, Any]) -> str:
        read = [sources[name] for name in node["depends_on"]["nodes"] if name in sources]
        return "; ".join(self._shape(source["name"]) for source in read if (source["config"]["meta"] or {}).get("key"))

    def _shape(self, kind: str) -> str:
        if kind not in self._found:
            rows = f"read_parquet([{literal(str(self._raw / kind / 'empty.parquet'))}], union_by_name = true)"
            described = self._con.execute(f"describe select * from {rows}").fetchall()
            self._found[kind] = ", ".join(f"{name} {kind}" for name, kind, *_ in described)
        return self._found[kind]


def _fingerprint(node: Mapping[str, Any], query: str, shapes: str) -> str:
    """What the macro `maintenance_plan` makes of a model whose query has placeholders."""
    columns = json.dumps(_without_nulls(node["columns"]), sort_keys=True)
    return hashlib.md5(f"{query}{columns}{node['description']}{shapes}".encode(), usedforsecurity=False).hexdigest()


def _without_nulls(value: Any) -> Any:
    """As dbt shows a model to its macros."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value
