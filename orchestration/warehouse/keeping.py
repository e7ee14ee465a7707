"""What a run need not do again: models whose code and inputs are those of their tables, and tests that passed on these tables.

dbt takes a tenth of a second to find out that one table can stay as it is: it renders the model, asks for the versions of its
inputs, and reports. With hundreds of nodes that is most of a day's run. So the versions, which `maintained` keeps in the
warehouse, are compared here before a node is handed to dbt. What is not certain is handed over, and decided there. What dbt
compiled is kept, too: see `orchestration/warehouse/upkeep/`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

import duckdb

from orchestration.core.connections import connect
from orchestration.settings.model import Settings
from orchestration.warehouse.upkeep.queries import Input

_PUBLISHED = "published"
#: Rises when the marts hide other numbers than before of the same tables: they are then written again.
_RULES = 2
#: In a remembered query, where it looks at the date of the run.
AS_OF = "<as_of>"
_TABLES = """
    create schema if not exists maintenance;
    create table if not exists maintenance.kept (node varchar primary key, basis varchar, verdicts varchar);
    create table if not exists maintenance.compiled (node varchar primary key, project varchar, code varchar);
"""


def _is_maintained(node: Any) -> bool:
    materialized = node.config["materialized"] if isinstance(node.config, dict) else node.config.materialized
    return bool(materialized == "maintained")


class State(NamedTuple):
    """What a model's table was built by and for, and which version it is of."""

    project: str
    #: The date that it was built for; empty where its query does not look at it.
    clock: str
    as_of: str
    version: int
    #: Are the rows that made this version from the one before in `maintenance.changed_...`?
    are_changes_known: bool
    #: By which `maintained` knows the query.
    fingerprint: str


class Held(NamedTuple):
    """Tables that a publication holds as they are now, and those that it holds as they were before their latest changes."""

    unchanged: frozenset[str] = frozenset()
    outdated: frozenset[str] = frozenset()


class Kept:
    """The state of a DuckDB warehouse, as far as it says what can stay; asked and kept up to date while dbt builds."""

    def __init__(self, settings: Settings, project: str) -> None:
        """``project`` is the version of what builds now (see ``project_version``)."""
        self._settings, self._project = settings, project
        self._is_off = settings.full_refresh or settings.days is not None
        self._as_of = settings.as_of_instant().isoformat(sep=" ")
        self._environment = settings.environment()
        self._lock = Lock()
        self._con = connect(settings.warehouse)
        self._con.execute(_TABLES)
        self._tables = {row[0] for row in self._rows("select schema_name || '.' || table_name from duckdb_tables()")}
        self._views = {
            row[0] for row in self._rows("select schema_name || '.' || view_name from duckdb_views() where not internal")
        }
        self._built: dict[str, State] = {}
        self._inputs: dict[str, dict[str, str]] = {}
        self._read_state()
        self._basis = dict(self._rows("select node, basis from maintenance.kept"))
        self._fresh: dict[str, list[str]] = {}
        self._compiled: dict[str, list[str]] = {}
        self._raw: dict[str, list[str]] = {}
        self._seeds: dict[str, str] = {}

    def close(self) -> None:
        """Write down what there is to remember: at once, since each commit is waited for."""
        for table, rows in (("kept", self._fresh), ("compiled", self._compiled)):
            if rows:
                # As lists: row by row a thousand take seconds.
                columns = [list(column) for column in zip(*rows.values(), strict=True)]
                self._con.execute(f"insert or replace into maintenance.{table} select unnest(?), unnest(?), unnest(?)", columns)
        self._con.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the warehouse, for one thread."""
        return self._con.cursor()

    def _rows(self, query: str, arguments: list[str] | None = None) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._con.execute(query, arguments or []).fetchall()

    def _read_state(self, model: str | None = None) -> None:
        """Read what `maintained` keeps; a warehouse of an earlier release lacks its table or columns, and keeps nothing."""
        chosen, arguments = ("where model = ?", [model]) if model else ("", [])
        try:
            columns = "model, project, clock, as_of, version, are_changes_known, fingerprint"
            for name, *state in self._rows(f"select {columns} from maintenance.models {chosen}", arguments):
                self._built[name] = State(*state)
            for name, key, value in self._rows(f"select model, input, version from maintenance.inputs {chosen}", arguments):
                self._inputs.setdefault(name, {})[key] = value
        except (duckdb.CatalogException, duckdb.BinderException):
            self._built, self._inputs = {}, {}

    def built(self, node: Any) -> None:
        """dbt has built a model: read its state again."""
        self._inputs.pop(node.name, None)
        self._built.pop(node.name, None)
        self._read_state(node.name)

    # -- what dbt compiled, for runs without it ----------------------------------------------------------------------------

    def compiled(self, node: str, code: str | None, computed_at: str) -> None:
        """Remember a node's query as dbt compiled it; ``computed_at`` is how the instant of the run is written in it."""
        if code:
            for placeholder, text in self._placeholders(computed_at).items():
                code = code.replace(text, placeholder)
            self._compiled[node] = [node, self._project, code]

    def queries(self) -> dict[str, str]:
        """The query of each node that was compiled by just this project, with placeholders (see ``filled``)."""
        found = self._rows("select node, code from maintenance.compiled where project = ?", [self._project])
        return {**dict(found), **{node: row[2] for node, row in self._compiled.items()}}

    def take_queries(self, queries: Mapping[str, str]) -> None:
        """Remember queries that dbt compiled of this project in another home."""
        self._compiled.update({node: [node, self._project, code] for node, code in queries.items()})

    def filled(self, code: str, computed_at: str) -> str:
        """A query of this run."""
        for placeholder, text in self._placeholders(computed_at).items():
            code = code.replace(placeholder, text)
        return code

    def _placeholders(self, computed_at: str) -> dict[str, str]:
        return {
            AS_OF: f"cast('{self._as_of}' as timestamp)",
            "<computed_at>": computed_at,
            "<raw>": self._environment["CXHOUSE_RAW"],
            "<salt>": self._environment["CXHOUSE_SALT_FILE"],
        }

    def can_build(self, node: Any) -> bool:
        """Is a model's table there, built by this project, so that only its rows can have changed?"""
        if f"{node.schema}.{node.name}" not in self._tables:
            return False
        state = self._built.get(node.name)
        return not self._is_off and ((state is not None and state.project == self._project) or not _is_maintained(node))

    def has_built(self, models: Iterable[str]) -> bool:
        """Did this project build all of these models?"""
        return all((state := self._built.get(name)) is not None and state.project == self._project for name in models)

    def can_adopt(self, node: Any, fingerprint: str | None) -> bool:
        """Is a model's table there, built by another project from the same query?"""
        state = self._built.get(node.name)
        is_there = f"{node.schema}.{node.name}" in self._tables
        return not self._is_off and is_there and state is not None and state.fingerprint == fingerprint

    def can_create(self, node: Any) -> bool:
        """May a table of this model or seed be created, in the place of one of another query?"""
        return self._settings.days is None and f"{node.schema}.{node.name}" not in self._views

    def created(self, node: Any, uses_clock: bool, inputs: dict[str, str], fingerprint: str) -> State:
        """A table was built as a whole; returns the state of a model that is maintained."""
        self._tables.add(f"{node.schema}.{node.name}")
        before = self._built.get(node.name)
        number = before.version + 1 if before else 1
        state = State(self._project, self._as_of if uses_clock else "", self._as_of, number, False, fingerprint)
        if _is_maintained(node):
            self._built[node.name], self._inputs[node.name] = state, inputs
        return state

    def state_of(self, model: str) -> State:
        return self._built[model]

    def known_inputs(self, model: str) -> dict[str, str]:
        """The versions that a model's table was built from."""
        return self._inputs.get(model, {})

    def input_of(self, unique_id: str) -> Input:
        """What is known of something that a model reads."""
        kind, name = unique_id.partition(".")[0], unique_id.rpartition(".")[2]
        if kind == "seed":
            return Input(kind, self._seed_version(name))
        if kind == "source":
            return Input(kind, self._raw_version(name), files=self.raw_files(name))
        state = self._built.get(name)
        previous = f"v{state.version - 1}" if state and state.are_changes_known else None
        return Input(kind, self.version_of(name), previous)

    def advance(self, model: str, uses_clock: bool, is_changed: bool, inputs: dict[str, str]) -> State:
        """A model's table is now as these inputs have it; returns its state."""
        before = self._built[model]
        self._built[model] = State(
            self._project,
            self._as_of if uses_clock else "",
            self._as_of,
            before.version + 1 if is_changed else before.version,
            is_changed or before.are_changes_known,
            before.fingerprint,
        )
        self._inputs[model] = inputs
        return self._built[model]

    # -- what stays --------------------------------------------------------------------------------------------------------

    def is_current(self, node: Any) -> bool:
        """Is a model's table what dbt would make of it?"""
        state = self._built.get(node.name)
        if self._is_off or state is None or f"{node.schema}.{node.name}" not in self._tables:
            return False
        if state.project != self._project or state.clock not in ("", self._as_of):
            return False
        versions = self._versions(node)
        known = self._inputs.get(node.name, {})
        return versions is not None and all(known.get(name) == version for name, version in versions.items())

    def has_passed(self, node: Any) -> bool:
        """Did a test pass (or was a seed loaded) by just this project on just these tables?"""
        if self._is_off or (node.resource_type == "seed" and f"{node.schema}.{node.name}" not in self._tables):
            return False
        basis = self._basis_of(node)
        return basis is not None and self._basis.get(node.unique_id) == basis

    def passed_before(self, test: Any) -> str | None:
        """The only table that a test reads, where it passed on the version that the table's latest changes started from."""
        names = [name for name in test.depends_on.nodes if not name.startswith("macro.")]
        state = self._built.get(names[0].rpartition(".")[2]) if len(names) == 1 and names[0].startswith("model.") else None
        if self._is_off or state is None or not state.are_changes_known:
            return None
        before = self._basis_text({names[0].rpartition(".")[2]: f"v{state.version - 1}"})
        return names[0] if self._basis.get(test.unique_id) == before else None

    def passed(self, node: Any) -> None:
        """Remember that a test passed, or that a seed was loaded. A test that looks at the date passed on that date only."""
        if node.resource_type == "seed":
            self._tables.add(f"{node.schema}.{node.name}")
            self._seeds.pop(node.name, None)
        basis = self._basis_of(node)
        if basis is not None and self._as_of not in (getattr(node, "compiled_code", None) or ""):
            self._remember(node.unique_id, basis)

    def check_results(self, gate: str, basis: str) -> str | None:
        """What a gate found of just this basis, as text, if it was asked."""
        rows = self._rows("select verdicts from maintenance.kept where node = ? and basis = ?", [gate, basis])
        return str(rows[0][0]) if rows and not self._is_off else None

    def remember_results(self, gate: str, basis: str, results: str) -> None:
        """Remember what a gate found."""
        self._remember(gate, basis, results)

    def held_by(self, published: str, size: int, max_growth: int, tables: Iterable[str]) -> Held:
        """What of the tables the publication ``published``, of so many bytes, holds already."""
        text = self.check_results(_PUBLISHED, published)
        record = json.loads(text) if text else {}
        if any(record.get(name) != value for name, value in self._terms().items()) or size > max_growth * record["bytes"]:
            return Held()
        unchanged, outdated = set(), set()
        for name in tables:
            state, then = self._built.get(name), record["tables"].get(name)
            if state and then == f"v{state.version}":
                unchanged.add(name)
            elif state and state.are_changes_known and then == f"v{state.version - 1}":
                outdated.add(name)
        return Held(frozenset(unchanged), frozenset(outdated))

    def published(self, version: str, size: int, is_whole: bool, tables: Iterable[str]) -> None:
        """Remember which versions of the tables a publication holds; its size counts where it was written as a whole."""
        rows = self._rows("select verdicts from maintenance.kept where node = ?", [_PUBLISHED])
        first = size if is_whole or not rows else json.loads(rows[0][0])["bytes"]
        versions = {name: self.version_of(name) for name in tables}
        self._remember(_PUBLISHED, version, json.dumps({**self._terms(), "bytes": first, "tables": versions}))

    def _terms(self) -> dict[str, Any]:
        """By what a table was published; under others nothing of it is held. (What was not searched may be asked for now.)"""
        unsearched = sorted(self._settings.impersonal_columns)
        return {"project": self._project, "rules": _RULES, "unsearched": unsearched}

    def version_of(self, model: str) -> str | None:
        """The version of a model's table; none of those that are built in every run."""
        state = self._built.get(model)
        return f"v{state.version}" if state else None

    def content_of(self, schema: str, table: str) -> str:
        """The rows of a (small) table as one text, for those that have no version."""
        rows = "coalesce(string_agg(cast(found as varchar), '|' order by cast(found as varchar)), '')"
        return str(self._rows(f'select md5({rows}) from {schema}."{table}" as found')[0][0])

    def _remember(self, node: str, basis: str, results: str = "") -> None:
        self._basis[node] = basis
        self._fresh[node] = [node, basis, results]

    def _basis_of(self, node: Any) -> str | None:
        versions = self._versions(node)
        return None if versions is None else self._basis_text(versions)

    def _basis_text(self, versions: dict[str, str]) -> str:
        return json.dumps([self._project, versions], sort_keys=True)

    def _versions(self, node: Any) -> dict[str, str] | None:
        """The versions of all that a node reads; none when one of them is not known."""
        # A seed's rows count, too: a part of the models may be built before a seed of the same project is loaded.
        versions = {"model": self.version_of, "seed": self._seed_version, "source": self._raw_version}
        found = {}
        for unique_id in getattr(node.depends_on, "nodes", []):
            kind, name = unique_id.partition(".")[0], unique_id.rpartition(".")[2]
            version = versions[kind](name) if kind in versions else None
            if version is None:
                return None
            found[name] = version
        return found

    def _seed_version(self, seed: str) -> str | None:
        """The rows of a seed as one text, as the macro `seed_version` has it; none of one that was never loaded."""
        if f"seeds.{seed}" not in self._tables:
            return None
        if seed not in self._seeds:
            self._seeds[seed] = f"s{self.content_of('seeds', seed)}"
        return self._seeds[seed]

    def raw_files(self, kind: str) -> list[str]:
        """The files of a raw kind."""
        if kind not in self._raw:
            # Jinja sorts without regard to case.
            names = (path.name for path in (self._settings.raw / kind).glob("*.parquet"))
            self._raw[kind] = sorted(names, key=str.lower)
        return self._raw[kind]

    def _raw_version(self, kind: str) -> str:
        """The files of a raw kind as one text, as the macro `maintained_inputs` has it."""
        return hashlib.md5("|".join(self.raw_files(kind)).encode(), usedforsecurity=False).hexdigest()


def as_computed_at(instant: datetime) -> str:
    """The instant of a run as the macro `computed_at` has it."""
    return f"timestamp '{instant:%Y-%m-%d %H:%M:%S}'"
