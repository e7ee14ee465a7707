"""Publish: what has passed every gate becomes what readers see, in one atomic step."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.connections import connect
from orchestration.gates.verdicts import Verdict
from orchestration.keeping import Held
from orchestration.pull.literals import identifier
from orchestration.settings import Settings
from orchestration.upkeep.queries import changed_table
from orchestration.versions import MARTS_FILE, PARQUET_FOLDER, REPORT_FILE, TIME_FORMAT, install, staging

#: A file that was changed in place so often that it has grown by so much is written as a whole.
MAX_GROWTH = 2
#: Of a table's rows: where more have changed, all are copied.
_MAX_CHANGED = 0.2
#: The first level: a third less work than the usual one, and files as small.
_PARQUET = "compression zstd, compression_level 1"
_NOTHING_HELD = Held()
#: Tables that no model makes.
OF_THE_RUN = {
    "publication": "One row: the published version, the run that made it, and the instant it speaks of, UTC.",
    "gate_results": "One row for each expectation that the run's gates looked at, and whether it was met.",
}
#: Readable by the DuckDB versions that BI tools ship today.
STORAGE_VERSION = "v1.2.0"


@dataclass(frozen=True)
class Publication:
    """One published version, as its table ``publication`` says."""

    version: str
    run_id: str
    as_of: datetime
    published_at: datetime
    # What earlier releases published does not say.
    reporting_timezone: str = "UTC"
    currency: str = ""


@dataclass(frozen=True)
class PublicTable:
    """A model that readers get: dbt's ``access: public``."""

    name: str
    schema: str
    description: str
    columns: dict[str, str]
    #: The columns that identify a row, as its test says.
    key: tuple[str, ...] = ()


def declared_keys(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """The columns that identify a row of each model, as its test says, by the model's id."""
    return {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") == "unique_together"
    }


def public_tables(manifest: dict[str, Any]) -> list[PublicTable]:
    """The models that are published, by name."""
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] == "model" and n["access"] == "public"]
    keys = declared_keys(manifest)
    return [
        PublicTable(
            name=node["alias"],
            schema=node["schema"],
            description=node["description"],
            columns={name: column["description"] for name, column in node["columns"].items()},
            key=tuple(keys.get(node["unique_id"], ())),
        )
        for node in sorted(nodes, key=lambda n: n["alias"])
    ]


def quoted(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


class Candidate:
    """The next version, built beside the published one: Parquet files to be gated, then a database file."""

    def __init__(self, settings: Settings, tables: list[PublicTable], run_id: str) -> None:
        self._settings, self._tables = settings, tables
        self.version = datetime.now(UTC).strftime(TIME_FORMAT)
        self._run_id = run_id
        self._folder = staging(settings)

    def parquet(self, table: str) -> Path:
        """Where a table of the candidate lies as Parquet."""
        return self._folder / PARQUET_FOLDER / f"{table}.parquet"

    @property
    def database(self) -> Path:
        return self._folder / MARTS_FILE

    @property
    def report(self) -> Path:
        return self._folder / REPORT_FILE

    def build(self, con: duckdb.DuckDBPyConnection, verdicts: list[Verdict], held: Held = _NOTHING_HELD) -> None:
        """Bring the public tables, with their descriptions, from a connection to the private warehouse.

        What the last publication holds is taken from there, with the rows replaced that have changed since. ``publication`` and
        ``gate_results`` say which run this is, and what its gates found.
        """
        con.execute("set TimeZone = 'UTC'")
        patched = {table.name for table in self._tables if table.name in held.outdated and _has_few_changes(con, table)}
        if kept := held.unchanged | patched:
            shutil.copyfile(self._settings.published / MARTS_FILE, self.database)
        con.execute(f"attach {quoted(str(self.database))} as candidate (storage_version '{STORAGE_VERSION}')")
        # One transaction: a commit for each of two thousand descriptions takes longer than to copy the rows.
        con.execute("begin")
        wanted = {table.name for table in self._tables}
        for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'candidate'").fetchall():
            if name not in kept & wanted:
                con.execute(f'drop table candidate.main."{name}"')
        self._write_run(con, verdicts)
        for table in self._tables:
            if table.name in held.unchanged:
                _link(self._settings.published / PARQUET_FOLDER / f"{table.name}.parquet", self.parquet(table.name))
                continue
            if table.name in patched:
                _patch(con, table)
            else:
                _copy(con, table)
            con.execute(f"copy {_source(table)} to {quoted(str(self.parquet(table.name)))} ({_PARQUET})")
        con.execute("commit")
        con.execute("detach candidate")

    def _write_run(self, con: duckdb.DuckDBPyConnection, verdicts: list[Verdict]) -> None:
        settings, published_at = self._settings, datetime.now(UTC).replace(tzinfo=None)
        con.execute(
            "create table candidate.main.publication as select ? as version, ? as run_id, "
            "cast(? as timestamp) as as_of, cast(? as timestamp) as published_at, ? as reporting_timezone, ? as currency",
            [self.version, self._run_id, settings.as_of_instant(), published_at, settings.reporting_timezone, settings.currency],
        )
        con.execute(
            "create table candidate.main.gate_results "
            "(gate varchar, expectation varchar, severity varchar, passed boolean, failed_rows bigint)"
        )
        for verdict in verdicts:
            # Examples stay at home: a gate looks at rows that are not public, too.
            found = [verdict.gate, verdict.expectation, verdict.severity, verdict.passed, verdict.failed_rows]
            con.execute("insert into candidate.main.gate_results values (?, ?, ?, ?, ?)", found)
        for name, description in OF_THE_RUN.items():
            con.execute(f"comment on table candidate.main.{name} is {quoted(description)}")
            con.execute(f"copy candidate.main.{name} to {quoted(str(self.parquet(name)))}")

    def publish(self) -> str:
        """Put the candidate in the place of the published version; returns its name.

        Readers that hold the old files keep reading the old version.
        """
        install(self._settings, self._folder, self.version, self._run_id)
        return self.version


def _source(table: PublicTable) -> str:
    return f'{table.schema}."{table.name}"'


def _target(table: PublicTable) -> str:
    return f'candidate.main."{table.name}"'


def _copy(con: duckdb.DuckDBPyConnection, table: PublicTable) -> None:
    """A table with its descriptions, as a whole."""
    target = _target(table)
    con.execute(f"create table {target} as select * from {_source(table)}")
    con.execute(f"comment on table {target} is {quoted(table.description)}")
    for column, description in table.columns.items():
        con.execute(f'comment on column {target}."{column}" is {quoted(description)}')


def _has_few_changes(con: duckdb.DuckDBPyConnection, table: PublicTable) -> bool:
    """Is it less work to replace a table's changed rows than to copy all?"""
    counts = f"select (select count(*) from {changed_table(table.name)}), (select count(*) from {_source(table)})"
    ((changed, rows),) = con.execute(counts).fetchall()
    return bool(table.key) and changed <= _MAX_CHANGED * rows


def _patch(con: duckdb.DuckDBPyConnection, table: PublicTable) -> None:
    """Replace the rows with the keys of those that changed. (Others are as they were, whatever the key says of rows.)"""
    names = [identifier(name) for name in table.key]
    same = " and ".join(f"changed.{name} is not distinct from present.{name}" for name in names)
    changed = f"(select distinct {', '.join(names)} from {changed_table(table.name)}) as changed"
    rows = f"as present where exists (select 1 from {changed} where {same})"
    con.execute(f"delete from {_target(table)} {rows}")
    con.execute(f"insert into {_target(table)} by name select * from {_source(table)} {rows}")


def _link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def read_publication(settings: Settings) -> Publication | None:
    """The version that readers see now; None before the first publish."""
    path = settings.published / MARTS_FILE
    if not path.exists():
        return None
    with connect(path, read_only=True) as con:
        return publication_of(con)


def publication_of(con: duckdb.DuckDBPyConnection) -> Publication:
    """The version that a connection to a published file sees."""
    cursor = con.execute("select * from publication")
    row = cursor.fetchone()
    if row is None:
        raise ValueError("the table publication is empty")
    return Publication(**dict(zip((column[0] for column in cursor.description or []), row, strict=True)))
