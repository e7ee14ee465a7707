"""Models and tests of known queries, in order, without dbt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from threading import Lock
from types import SimpleNamespace
from typing import Any

import duckdb

from orchestration.core.connections import explain
from orchestration.settings.model import MODELS_AT_ONCE, Settings
from orchestration.warehouse.keeping import AS_OF, Kept, as_computed_at
from orchestration.warehouse.node_result import NodeResult
from orchestration.warehouse.upkeep.compiling import PREPARATION
from orchestration.warehouse.upkeep.creation import create_table, drop_leftovers, load_seed, write_state
from orchestration.warehouse.upkeep.project_cache import CompiledProject
from orchestration.warehouse.upkeep.queries import Clock, Declaration, Input, InvalidatedKeys, can_be_traced
from orchestration.warehouse.upkeep.row_tests import of_changed_rows
from orchestration.warehouse.upkeep.table import Table

#: Of a dbt test's configuration: what a plain count of failing rows stands for.
_PLAIN_TEST = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None, "store_failures": None}


def chosen_nodes(manifest: Mapping[str, Any], schemas: Iterable[str] | None, with_tests: bool) -> list[Any]:
    """The seeds, models and data tests of some schemas (none: of all). A test belongs to the last layer that it reads."""
    nodes = manifest["nodes"]
    wanted = None if schemas is None else set(schemas)
    place = {schema: number for number, schema in enumerate(_schemas_in_order(nodes.values()))}

    def schema_of(node: Mapping[str, Any]) -> str:
        if node["resource_type"] != "test":
            return str(node["schema"])
        read = [nodes[name]["schema"] for name in node["depends_on"].get("nodes", []) if name in nodes]
        return str(max(read, key=place.__getitem__)) if read else ""

    kinds = ("seed", "model", "test") if with_tests else ("seed", "model")
    return [
        SimpleNamespace(**{**node, "depends_on": SimpleNamespace(nodes=node["depends_on"].get("nodes", []))})
        for node in nodes.values()
        if node["resource_type"] in kinds and (wanted is None or schema_of(node) in wanted)
    ]


def _schemas_in_order(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    from orchestration.gates.suites import LAYERS

    known = ["seeds", *(schema for schemas in LAYERS.values() for schema in schemas)]
    return [*known, *sorted({str(node["schema"]) for node in nodes} - set(known))]


class Upkeep:
    """Brings the tables of a warehouse up to date whose queries are known."""

    def __init__(self, settings: Settings, kept: Kept, nodes: list[Any], project: CompiledProject | None = None) -> None:
        """``project`` is what dbt compiled: by it, tables are created that there never were, or that another query has built."""
        self._settings, self._kept, self._nodes = settings, kept, {node.unique_id: node for node in nodes}
        self._raw = settings.environment()["CXHOUSE_RAW"]
        self._computed_at = as_computed_at(datetime.now(UTC))
        self._as_of = settings.as_of_instant().isoformat(sep=" ")
        self._project = project
        self._code = {**(project.queries if project else {}), **kept.queries()}
        self._columns: dict[str, list[tuple[str, str]]] = {}
        self._results: dict[str, NodeResult] = {}
        self._unsaved: dict[str, Mapping[str, Input]] = {}
        #: What failed or was skipped, and what failed a test.
        self._unusable: frozenset[str] = frozenset()
        self._doubtful: frozenset[str] = frozenset()
        self._lock = Lock()

    def is_possible(self) -> bool:
        """Is every query known, and every table there or known how to create?"""
        return all(map(self._is_known, self._nodes.values()))

    def _is_known(self, node: Any) -> bool:
        if node.resource_type == "seed":
            return self._kept.has_passed(node) or self._can_create(node)
        if node.unique_id not in self._code:
            return False
        if node.resource_type == "model":
            return self._kept.can_build(node) or self._can_create(node)
        return all(node.config.get(key) == value for key, value in _PLAIN_TEST.items())

    def _can_create(self, node: Any) -> bool:
        return self._project is not None and self._kept.can_create(node)

    def _is_other(self, node: Any, project: CompiledProject) -> bool:
        """Is there no table of this model yet, or one of another query?"""
        if node.config["materialized"] == "maintained":
            return not self._kept.can_adopt(node, project.fingerprints.get(node.name))
        return not self._kept.can_build(node)

    # -- in order --------------------------------------------------------------------------------------------------------

    def build(self, progress: Callable[[str], None]) -> list[NodeResult]:
        """Build and test all.

        Raises:
            UnforeseenError: dbt has to do the rest.
        """
        with self._kept.cursor() as con:
            con.execute("set preserve_insertion_order = false; set checkpoint_threshold = '256MB'")
            query = "select schema_name, table_name, column_name, data_type from duckdb_columns() order by column_index"
            for schema, table, *column in con.execute(query).fetchall():
                self._columns.setdefault(f"{schema}.{table}", []).append((column[0], column[1]))
            if self._project:
                self._prepare(con, self._project)
        try:
            self._in_order(progress)
        finally:
            self._save_inputs()
        return list(self._results.values())

    def _prepare(self, con: duckdb.DuckDBPyConnection, project: CompiledProject) -> None:
        """What dbt does before it builds: schemas, and the tables of the state."""
        self._kept.take_queries({node: code for node, code in project.queries.items() if node in self._nodes})
        for schema in {node.schema for node in self._nodes.values() if node.resource_type != "test"}:
            con.execute(f"create schema if not exists {schema}")
        con.execute(project.tables[PREPARATION])
        drop_leftovers(con, project.queries)

    def _in_order(self, progress: Callable[[str], None]) -> None:
        waiting = TopologicalSorter(self._needed_before())
        waiting.prepare()
        running: set[Future[NodeResult]] = set()
        at_once = min(self._settings.threads, MODELS_AT_ONCE)
        with ThreadPoolExecutor(at_once) as pool:
            while waiting.is_active():
                running |= {pool.submit(self._result, self._nodes[unique_id]) for unique_id in waiting.get_ready()}
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    self._results[result.unique_id] = result
                    if result.failed and result.resource_type == "test":
                        self._doubtful |= set(self._nodes[result.unique_id].depends_on.nodes)
                    elif result.failed or result.status == "skipped":
                        self._unusable |= {result.unique_id}
                    progress(f"{len(self._results)} of {len(self._nodes)} {result.name}")
                    waiting.done(result.unique_id)

    def _needed_before(self) -> dict[str, set[str]]:
        """For each node what comes before it: what it reads, and the tests of that."""
        before = {
            unique_id: {name for name in node.depends_on.nodes if name in self._nodes} for unique_id, node in self._nodes.items()
        }
        tests_of: dict[str, set[str]] = {}
        for unique_id, names in before.items():
            if self._nodes[unique_id].resource_type == "test" and len(names) == 1:
                tests_of.setdefault(next(iter(names)), set()).add(unique_id)
        for unique_id, names in before.items():
            if self._nodes[unique_id].resource_type != "test":
                names.update(*(tests_of.get(name, ()) for name in list(names)))
        return before

    def _result(self, node: Any) -> NodeResult:
        started, code = time.monotonic(), self._kept.filled(self._code.get(node.unique_id, ""), self._computed_at)
        before = NodeResult(node.unique_id, node.name, node.resource_type, "success", 0.0, 0, "", code)
        try:
            result = self._skipped(node, before) or self._outcome(node, before)
        except duckdb.Error as error:
            message = str(explain(error, f"the {node.resource_type} {node.name}") or error)
            result = replace(before, status="error", message=message)
        return replace(result, seconds=time.monotonic() - started)

    def _skipped(self, node: Any, before: NodeResult) -> NodeResult | None:
        """What depends on something that failed is skipped."""
        bad = self._unusable if node.resource_type == "test" else self._unusable | self._doubtful
        return replace(before, status="skipped") if any(name in bad for name in node.depends_on.nodes) else None

    def _outcome(self, node: Any, before: NodeResult) -> NodeResult:
        if node.resource_type == "test":
            return self._tested(node, before)
        if node.resource_type == "seed":
            if self._project and not self._kept.has_passed(node):
                return replace(before, message=self._loaded(node, self._project))
            return before
        if self._project and self._is_other(node, self._project):
            return replace(before, message=self._created(node, before.compiled_code, self._project))
        if self._kept.is_current(node):
            return replace(before, message="unchanged")
        with self._kept.cursor() as con:
            con.execute("set TimeZone = 'UTC'")
            if node.config["materialized"] == "table":
                con.execute(f"create or replace table {node.relation_name} as {before.compiled_code}")
                return replace(before, message="OK")
            return replace(before, message=self._maintained(con, node, before.compiled_code))

    def _tested(self, node: Any, before: NodeResult) -> NodeResult:
        if self._kept.has_passed(node):
            return replace(before, status="pass")
        with self._kept.cursor() as con:
            con.execute("set TimeZone = 'UTC'")
            code = self._test_of_changes(con, node, before.compiled_code)
            failures = int(con.execute(f"select count(*) from ({code}) as failing").fetchall()[0][0])
        if not failures:
            self._kept.passed(SimpleNamespace(**{**vars(node), "compiled_code": before.compiled_code}))
            return replace(before, status="pass")
        status = "warn" if str(node.config["severity"]).lower() == "warn" else "fail"
        return replace(before, status=status, failures=failures, message=f"Got {failures} results, configured to fail if != 0")

    def _test_of_changes(self, con: duckdb.DuckDBPyConnection, test: Any, code: str) -> str:
        if (model := self._kept.passed_before(test)) is None:
            return code
        relation = str(self._nodes[model].relation_name) if model in self._nodes else None
        return of_changed_rows(con, test, relation, self._nodes[model].name, code) if relation else code

    # -- a whole table -----------------------------------------------------------------------------------------------------

    def _loaded(self, seed: Any, project: CompiledProject) -> str:
        """Load a seed; returns how."""
        with self._kept.cursor() as con:
            load_seed(con, seed, project, self._settings.home / "seeds" / f"{seed.name}.csv")
        self._kept.created(seed, uses_clock=False, inputs={}, fingerprint="")
        self._kept.passed(seed)
        return "INSERT"

    def _created(self, node: Any, code: str, project: CompiledProject) -> str:
        """Build a table that there never was, or that another query has built; returns how."""
        with self._kept.cursor() as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute("begin")
            create_table(con, node, code, project)
            inputs = self._inputs_of(node)
            fingerprint = project.fingerprints.get(node.name, "")
            state = self._kept.created(node, AS_OF in self._code[node.unique_id], _versions(inputs), fingerprint)
            if node.config["materialized"] == "maintained":
                write_state(con, node.name, state)
                with self._lock:
                    self._unsaved[node.name] = inputs
            con.execute("commit")
        return "rebuilt"

    # -- one model ---------------------------------------------------------------------------------------------------------

    def _maintained(self, con: duckdb.DuckDBPyConnection, node: Any, code: str) -> str:
        """Bring a table up to date; returns how."""
        known = self._kept.known_inputs(node.name)
        inputs = self._inputs_of(node)
        changed = [name for name, found in inputs.items() if found.version is None or found.version != known.get(name)]
        uses_clock = AS_OF in self._code[node.unique_id]
        then = self._kept.state_of(node.name).as_of
        clock = Clock(*sorted((then, self._as_of))) if uses_clock and then != self._as_of else None
        mode, is_changed = "unchanged", False
        if changed or clock:
            declaration = Declaration.of(code)
            is_followed = not clock or declaration.invalidated_by_as_of is not None
            is_traced = is_followed and can_be_traced(declaration, changed, inputs, known)
            mode = "incremental" if is_traced else "recomputed"
            invalidated = (
                self._invalidated(con, node, declaration, {name: inputs[name] for name in changed}, clock) if is_traced else None
            )
            is_changed = Table(con, node, self._columns[f"{node.schema}.{node.name}"]).update(code, declaration, invalidated)
        after = self._kept.advance(node.name, uses_clock, is_changed, _versions(inputs))
        if is_changed:
            statement = "update maintenance.models set version = ?, are_changes_known = true where model = ?"
            con.execute(statement, [after.version, node.name])
            con.execute("commit")
        with self._lock:
            self._unsaved[node.name] = inputs
        return mode

    def _inputs_of(self, node: Any) -> dict[str, Input]:
        return {
            name.rpartition(".")[2]: self._kept.input_of(name)
            for name in node.depends_on.nodes
            if name.partition(".")[0] in ("model", "seed", "source")
        }

    def _invalidated(
        self,
        con: duckdb.DuckDBPyConnection,
        node: Any,
        declaration: Declaration,
        changed: Mapping[str, Input],
        clock: Clock | None,
    ) -> str:
        """The query of the keys that changed inputs and a moved date invalidate."""
        keys = InvalidatedKeys(declaration, node.relation_name, self._raw)
        for name, found in changed.items():
            keys.by_input(name, found, self._files_read(con, node.name, name, found))
        if clock:
            keys.by_clock(clock)
        return keys.query()

    def _files_read(self, con: duckdb.DuckDBPyConnection, model: str, name: str, found: Input) -> list[str]:
        if found.kind != "source":
            return []
        query = "select file from maintenance.raw_files where model = ? and input = ?"
        return [file for (file,) in con.execute(query, [model, name]).fetchall()]

    def _save_inputs(self) -> None:
        """Write down what the tables were built from, at once.

        The run after one that dies before this computes the same parts again, and finds no difference.
        """
        if not self._unsaved:
            return
        states = [[*self._kept.state_of(name)[:3], name] for name in self._unsaved]
        versions = [[name, key, version] for name in self._unsaved for key, version in self._kept.known_inputs(name).items()]
        files = [
            [name, key, file]
            for name, inputs in self._unsaved.items()
            for key, found in inputs.items()
            if found.kind == "source"
            for file in found.files
        ]
        with self._kept.cursor() as con:
            con.execute("begin")
            con.execute("create or replace temp table brought (project varchar, clock varchar, as_of varchar, model varchar)")
            _insert(con, "brought", states)
            con.execute(
                "update maintenance.models set project = brought.project, clock = brought.clock, as_of = brought.as_of "
                "from brought where models.model = brought.model"
            )
            for table, rows in (("inputs", versions), ("raw_files", files)):
                con.execute(f"delete from maintenance.{table} where model in (select model from brought)")
                _insert(con, f"maintenance.{table}", rows)
            con.execute("commit")
            con.execute("drop table brought")


def _versions(inputs: Mapping[str, Input]) -> dict[str, str]:
    return {name: found.version or "unknown" for name, found in inputs.items()}


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[list[str]]) -> None:
    """Rows of texts in one statement: one by one they take a thousandth of a second each."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        con.execute(f"insert into {table} select {', '.join('unnest(?)' for _ in columns)}", columns)
