"""Tables that are built as a whole, by what dbt compiled."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.literals import literal
from orchestration.warehouse.keeping import State
from orchestration.warehouse.upkeep.project_cache import CompiledProject
from orchestration.warehouse.upkeep.queries import BY_ITSELF, changed_table
from orchestration.warehouse.upkeep.table import UnforeseenError


def load_seed(con: duckdb.DuckDBPyConnection, seed: Any, project: CompiledProject, path: Path) -> None:
    """Load a file in the place of what the seed's table held."""
    con.execute("begin")
    con.execute(f"drop table if exists {seed.relation_name}")
    con.execute(project.tables[f"{seed.schema}.{seed.name}"])
    con.execute(f"copy {seed.relation_name} from {literal(str(path))} (format csv, header true, delimiter ',')")
    con.execute("commit")


def create_table(con: duckdb.DuckDBPyConnection, node: Any, code: str, project: CompiledProject) -> None:
    """Build a model's table by its query, in the place of the one that was there.

    Raises:
        UnforeseenError: its columns are not those of its contract.
    """
    con.execute(f"drop table if exists {node.relation_name}")
    con.execute(f"drop table if exists {changed_table(node.name)}")
    parts = code.split(BY_ITSELF)
    statement = project.tables.get(f"{node.schema}.{node.name}")
    if statement:
        con.execute(statement)
        for part in () if project.is_built else parts:
            check_contract(con, node, part)
    else:
        con.execute(f"create table {node.relation_name} as {parts.pop(0)}")
    for part in parts:
        con.execute(f"insert into {node.relation_name} by name {part}")


def check_contract(con: duckdb.DuckDBPyConnection, node: Any, query: str) -> None:
    """Are these the columns of the table, which has those that the model declares?

    Raises:
        UnforeseenError: they are others; dbt says which.
    """
    found, promised = (
        {name: kind for name, kind, *_ in con.execute(f"describe {rows}").fetchall()} for rows in (query, node.relation_name)
    )
    if found != promised:
        raise UnforeseenError(f"{node.name} has other columns than its contract")


def drop_leftovers(con: duckdb.DuckDBPyConnection, nodes: Collection[str]) -> None:
    """Drop the tables of models that the project has no more, or calls otherwise, and what is remembered of them.

    Args:
        nodes: the ids of all nodes of the project.
    """
    present = {node.rpartition(".")[2] for node in nodes if node.startswith("model.")}
    remembered = con.execute(
        "select split_part(node, '.', -1) from maintenance.compiled where node like 'model.%' "
        "union select model from maintenance.models"
    ).fetchall()
    for name in [name for (name,) in remembered if name not in present]:
        places = con.execute("select schema_name from duckdb_tables() where table_name = ?", [name]).fetchall()
        con.execute("begin")
        for table in (*(f"{schema}.{name}" for (schema,) in places), changed_table(name)):
            con.execute(f"drop table if exists {table}")
        for table, column in (
            ("compiled", "split_part(node, '.', -1)"), ("kept", "split_part(node, '.', -1)"),
            ("models", "model"), ("inputs", "model"), ("raw_files", "model"),
        ):  # fmt: skip
            con.execute(f"delete from maintenance.{table} where {column} = ?", [name])
        con.execute("commit")


def write_state(con: duckdb.DuckDBPyConnection, model: str, state: State) -> None:
    """Remember what a new table was built by, but not yet from."""
    con.execute("delete from maintenance.models where model = ?", [model])
    con.execute(
        "insert into maintenance.models (model, fingerprint, as_of, version, are_changes_known, project, clock) "
        "values (?, ?, ?, ?, ?, ?, ?)",
        [model, state.fingerprint, state.as_of, state.version, state.are_changes_known, state.project, state.clock],
    )
