"""The candidate: what has passed every gate, made ready beside what readers see, and put in its place in one step."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.core.literals import identifier, literal
from orchestration.gates.check_results import CheckResult
from orchestration.publish.kpi_queries import write_table_macro
from orchestration.publish.nesting import Cut
from orchestration.publish.publications import MARTS, Publication, PublicTable, publications_of
from orchestration.publish.suppression import Suppression, with_dependents
from orchestration.settings.model import Settings
from orchestration.warehouse.keeping import Held
from orchestration.warehouse.salt import read_salt
from orchestration.warehouse.upkeep.queries import changed_table
from orchestration.warehouse.versions import REPORT_FILE, install, next_name, staging

#: A file that was changed in place so often that it has grown by so much is written as a whole.
MAX_GROWTH = 2
#: Of a table's rows: where more have changed, all are copied.
_MAX_CHANGED = 0.2
#: The first level: a third less work than the usual one, and files as small.
_PARQUET = "compression zstd, compression_level 1"
_NOTHING_HELD = Held()
#: A folder of the candidate that is not published.
_NEW_ROWS = "new_rows"
#: Tables that no model makes.
OF_THE_RUN = {
    "publication": "One row: the published version, the run that made it, and the instant it speaks of, UTC.",
    "gate_results": "One row for each expectation that the run's gates looked at, and whether it was met.",
}
#: Readable by the DuckDB versions that BI tools ship today.
STORAGE_VERSION = "v1.2.0"


class Candidate:
    """The next version, built beside the published one: for each publication a database file and Parquet."""

    def __init__(self, settings: Settings, tables: list[PublicTable], run_id: str, cuts: list[Cut] | None = None) -> None:
        self._settings, self._cuts = settings, cuts
        self.publications = publications_of(tables)
        self.version = next_name(settings)
        self._run_id = run_id
        self.folder = staging(settings)
        for publication in self.publications:
            (self.folder / publication.parquet).mkdir(parents=True)

    def parquet(self, publication: Publication, table: str) -> Path:
        """Where a table of the candidate is stored as Parquet."""
        return self.folder / publication.parquet / f"{table}.parquet"

    def database(self, publication: Publication) -> Path:
        """Where the database file of one publication is stored."""
        return self.folder / publication.database

    def new_rows(self, publication: Publication, table: str) -> Path:
        """Where the rows that were put into a table of the last version are, as Parquet; not there if it was written whole."""
        return self.folder / _NEW_ROWS / publication.name / f"{table}.parquet"

    @property
    def bytes(self) -> int:
        """What the database files take on disk."""
        return sum(self.database(publication).stat().st_size for publication in self.publications)

    @property
    def report(self) -> Path:
        return self.folder / REPORT_FILE

    def build(self, con: duckdb.DuckDBPyConnection, check_results: list[CheckResult], held: Held = _NOTHING_HELD) -> list[str]:
        """Bring the public tables, with their descriptions, from a connection to the private warehouse.

        What the last publication holds is taken from there, with the rows replaced that have changed since. ``publication`` and
        ``gate_results`` say which run this is, and what its gates found. Returns the tables that were written, as
        `publication.table`.
        """
        con.execute("set TimeZone = 'UTC'")
        held = Held(with_dependents(held.unchanged), held.outdated)
        suppression = Suppression(con, self._settings.min_people, self._cuts)
        written: list[str] = []
        for publication in self.publications:
            written += self._build(con, publication, check_results, held, suppression)
        return written

    def _build(
        self,
        con: duckdb.DuckDBPyConnection,
        publication: Publication,
        check_results: list[CheckResult],
        held: Held,
        suppression: Suppression,
    ) -> list[str]:
        patched = {
            table.name
            for table in publication.tables
            if table.name in held.outdated
            and not (publication.name == MARTS and suppression.hides(table.name))
            and _has_few_changes(con, table)
        }
        kept = patched | (held.unchanged & {table.name for table in publication.tables})
        if kept:
            shutil.copyfile(self._settings.published / publication.database, self.database(publication))
        # Before the transaction: updates that are not committed are slow to read.
        shown = {
            table.name: suppression.shown(table.name) if publication.name == MARTS else None
            for table in publication.tables
            if table.name not in kept
        }
        con.execute(f"attach {literal(str(self.database(publication)))} as candidate (storage_version '{STORAGE_VERSION}')")
        # One transaction: a commit for each of two thousand descriptions takes longer than to copy the rows.
        con.execute("begin")
        for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'candidate'").fetchall():
            if name not in kept:
                con.execute(f'drop table candidate.main."{name}"')
        self._write_run(con, publication, check_results)
        for table in publication.tables:
            if table.name in held.unchanged:
                source = self._settings.published / publication.parquet / f"{table.name}.parquet"
                _link(source, self.parquet(publication, table.name))
                continue
            if table.name in patched:
                self._patch(con, table, self.new_rows(publication, table.name))
            else:
                self._copy(con, table, shown[table.name])
            path = literal(str(self.parquet(publication, table.name)))
            con.execute(f"copy {_target(table)} to {path} ({_PARQUET})")
            if table.name == "kpi_queries":
                write_table_macro(con, "candidate")
        con.execute("commit")
        con.execute("detach candidate")
        return [f"{publication.name}.{table.name}" for table in publication.tables if table.name not in held.unchanged]

    def _write_run(self, con: duckdb.DuckDBPyConnection, publication: Publication, check_results: list[CheckResult]) -> None:
        settings, published_at = self._settings, datetime.now(UTC).replace(tzinfo=None)
        con.execute(
            "create table candidate.main.publication as select ? as version, ? as run_id, "
            "cast(? as timestamp) as as_of, cast(? as timestamp) as published_at, ? as reporting_timezone, ? as currency, "
            "cast(? as bigint) as min_people, cast(? as boolean) as has_agent_names",
            [
                *(self.version, self._run_id, settings.as_of_instant(), published_at),
                *(settings.reporting_timezone, settings.currency, settings.min_people, settings.publish_agent_names),
            ],
        )
        con.execute(
            "create table candidate.main.gate_results "
            "(gate varchar, expectation varchar, severity varchar, passed boolean, failed_rows bigint)"
        )
        for check in check_results:
            # Examples stay at home: a gate looks at rows that are not public, too.
            found = [
                check.gate,
                check.expectation,
                check.severity,
                check.passed,
                check.failed_rows,
            ]
            con.execute("insert into candidate.main.gate_results values (?, ?, ?, ?, ?)", found)
        for name, description in OF_THE_RUN.items():
            con.execute(f"comment on table candidate.main.{name} is {literal(description)}")
            con.execute(f"copy candidate.main.{name} to {literal(str(self.parquet(publication, name)))}")

    def _copy(self, con: duckdb.DuckDBPyConnection, table: PublicTable, rows: str | None) -> None:
        """``rows``: what is shown of the table, as SQL; none where that is all of it."""
        target = _target(table)
        query = rows or f'select * from {table.schema}."{table.model}" where {table.only or "true"}'
        chosen, values = self._columns(table)
        con.execute(f"create table {target} as select {chosen} from ({query}) as rows", values)
        con.execute(f"comment on table {target} is {literal(table.description)}")
        for column, description in table.columns.items():
            con.execute(f'comment on column {target}."{column}" is {literal(description)}')

    def _patch(self, con: duckdb.DuckDBPyConnection, table: PublicTable, new_rows: Path) -> None:
        """Replace the rows with the keys of those that changed. (Others are as they were, whatever the key says of rows.)"""
        names = [identifier(name) for name in table.key]
        same = " and ".join(f"changed.{name} is not distinct from present.{name}" for name in names)
        changed = f"(select distinct {', '.join(names)} from {changed_table(table.model)}) as changed"
        rows = f"as present where exists (select 1 from {changed} where {same})"
        chosen, values = self._columns(table)
        con.execute(f"delete from {_target(table)} {rows}")
        con.execute(
            f"create or replace temp table new_rows as select {chosen} from (select * from {_source(table)} {rows}) as rows",
            values,
        )
        con.execute(f"insert into {_target(table)} by name from new_rows")
        new_rows.parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy new_rows to {literal(str(new_rows))}")
        con.execute("drop table new_rows")

    def _columns(self, table: PublicTable) -> tuple[str, dict[str, str]]:
        """What is published of a table's columns; the salt of keys is bound, so that no text of a query holds it."""
        chosen = [f"* exclude ({_names(table.private + tuple(table.pseudonyms))})" if table.private or table.pseudonyms else "*"]
        for column, name in table.pseudonyms.items():
            # The unknown agent stays unknown; the mark keeps an agent's key apart from a customer's of the same text.
            key = f"md5($salt || '|agent:' || \"{column}\")"
            chosen.append(f'case when "{column}" = \'unknown\' then "{column}" else {key} end as "{name}"')
        chosen += [f'"{column}" as "{name}"' for column, name in table.copies.items()]
        return ", ".join(chosen), {"salt": read_salt(self._settings)} if table.pseudonyms else {}

    def discard(self) -> None:
        """Remove a candidate that may not be published."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def publish(self) -> str:
        """Put the candidate in the place of the published version; returns its name.

        Readers that hold the old files keep reading the old version.
        """
        shutil.rmtree(self.folder / _NEW_ROWS, ignore_errors=True)
        install(self._settings, self.folder, self.version, self._run_id)
        return self.version


def _source(table: PublicTable) -> str:
    return f'{table.schema}."{table.model}"'


def _target(table: PublicTable) -> str:
    return f'candidate.main."{table.name}"'


def _has_few_changes(con: duckdb.DuckDBPyConnection, table: PublicTable) -> bool:
    """Is it less work to replace a table's changed rows than to copy all?"""
    counts = f"select (select count(*) from {changed_table(table.model)}), (select count(*) from {_source(table)})"
    ((changed, rows),) = con.execute(counts).fetchall()
    return bool(table.key) and changed <= _MAX_CHANGED * rows


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
