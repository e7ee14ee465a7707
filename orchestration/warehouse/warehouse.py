"""The dbt project over one home: parsed, built and asked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.connections import connect, explain
from orchestration.core.errors import BusyError
from orchestration.core.resources import use
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt import invoke
from orchestration.warehouse.keeping import Kept
from orchestration.warehouse.node_result import NodeResult
from orchestration.warehouse.seeds import prepare_seeds
from orchestration.warehouse.upkeep.compiling import compiled_project
from orchestration.warehouse.upkeep.dbt_runners import keeping
from orchestration.warehouse.upkeep.dbt_worker import DbtWorker
from orchestration.warehouse.upkeep.project_cache import CompiledProject, read_project, write_project
from orchestration.warehouse.upkeep.project_version import project_version, queries_version


class Warehouse:
    """dbt over one home."""

    def __init__(self, settings: Settings) -> None:
        use(settings.resources)
        self._settings = settings
        self._manifest: Any = None
        #: The manifest as it is on disk, and when that was written.
        self._document: tuple[int, dict[str, Any]] | None = None
        #: A run builds layer by layer; what other projects left is looked for once.
        self._is_swept = False

    @cached_property
    def _version(self) -> str:
        return project_version(self._settings)

    @cached_property
    def _dbt(self) -> DbtWorker:
        return DbtWorker(self._settings, self._version)

    @cached_property
    def _shared(self) -> CompiledProject | None:
        """The project as dbt compiled it for this or another home."""
        return read_project(queries_version(self._settings)) if self._settings.engine == "duckdb" else None

    @property
    def manifest_path(self) -> Path:
        return self._settings.dbt_target / "manifest.json"

    @contextmanager
    def tables(self, names: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection on which tables that the engine built can be read, as `schema.table`; those that there are."""
        if self._settings.engine == "duckdb":
            with connect(self._settings.warehouse) as con:
                yield con
        else:
            from orchestration.warehouse.spark import show_tables

            with connect() as con:
                show_tables(self._settings, con, names)
                yield con

    def first_rows(self, query: str, count: int) -> list[dict[str, Any]]:
        """The first rows of a query in the engine's own SQL."""
        query = f"select * from ({query}) as found limit {count}"
        if self._settings.engine == "spark":
            from orchestration.warehouse.spark import start_session

            return [row.asDict() for row in start_session(self._settings).sql(query).collect()]
        with connect(self._settings.warehouse) as con:
            cursor = con.execute(query)
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def rendered(self, query: str) -> str:
        """A query written as those of models are, in the engine's own SQL."""
        if self._manifest is None:
            self.parse()
        try:
            result = self._invoke(["compile", "--inline", query], manifest=self._manifest)
        finally:
            # dbt leaves a query that it cannot compile in the manifest, and takes the next one for the same.
            for name in [name for name in self._manifest.nodes if name.endswith(".inline_query")]:
                del self._manifest.nodes[name]
        return str(result.result.results[0].node.compiled_code)

    def compiled(self, *models: str) -> dict[str, str]:
        """The whole query of each model, in the engine's own SQL, without the comments that `maintained` reads."""
        if self._manifest is None:
            self.parse()
        results = self._invoke(["compile", "--select", *models], manifest=self._manifest).result.results
        return {item.node.name: re.sub(r"/\*.*?\*/", "", item.node.compiled_code, flags=re.DOTALL) for item in results}

    def docs(self) -> Path:
        """dbt's own docs in one file: columns, descriptions, lineage. Spark's columns are those that the project declares."""
        prepare_seeds(self._settings)
        catalog = ["--empty-catalog"] if self._settings.engine == "spark" else []
        self._invoke(["docs", "generate", "--static", *catalog])
        return self._settings.dbt_target / "static_index.html"

    def manifest(self) -> dict[str, Any]:
        """The parsed project, as dbt wrote it down last."""
        written = self.manifest_path.stat().st_mtime_ns
        if self._document is None or self._document[0] != written:
            self._document = written, dict(json.loads(self.manifest_path.read_text(encoding="utf-8")))
        return self._document[1]

    def discard_if_damaged(self) -> bool:
        """Remove the private warehouse when it cannot be read; the raw files hold all that it takes to rebuild it."""
        path = self._settings.warehouse
        if self._settings.engine != "duckdb" or not path.exists():
            return False
        try:
            with connect(path) as con:
                con.execute("select count(*) from duckdb_tables()")
        except (duckdb.IOException, duckdb.InternalException, duckdb.SerializationException) as error:
            if "lock" in str(error).lower():
                raise BusyError(f"{path} is open in another program; close it there and run again") from error
            for damaged in (path, path.with_name(f"{path.name}.wal")):
                damaged.unlink(missing_ok=True)
            return True
        return False

    def parse(self) -> Path:
        """Parse the project in this process (partially, where nothing changed); returns the manifest's path."""
        prepare_seeds(self._settings)
        self._parsed.unlink(missing_ok=True)
        self._manifest = self._invoke(["parse"]).result
        self._parsed.write_text(self._version, encoding="utf-8")
        return self.manifest_path

    def parsed(self, will_build: bool = False) -> Path:
        """The manifest's path, of the project as it is; it is parsed where another one was last.

        With ``will_build`` a project that has to be parsed is compiled as well, beside what this process does meanwhile.
        """
        prepare_seeds(self._settings)
        if not self._is_parsed:
            self._parsed.unlink(missing_ok=True)
            if self._shared is not None:
                self._shared.write_artefacts(self._settings)
            elif self._settings.engine == "duckdb" and self._settings.days is None:
                self._dbt.parse(will_compile=will_build)
            else:
                return self.parse()  # dbt builds, too
            self._parsed.write_text(self._version, encoding="utf-8")
        return self.manifest_path

    def stop(self) -> None:
        """End what is at work beside this process."""
        self._dbt.stop()

    @property
    def _parsed(self) -> Path:
        """Tells of which version of the project the manifest is."""
        return self._settings.dbt_target / "manifest.version"

    @property
    def _is_parsed(self) -> bool:
        try:
            return self.manifest_path.exists() and self._parsed.read_text(encoding="utf-8") == self._version
        except OSError:
            return False

    def build(self, arguments: list[str] | None = None, progress: Callable[[str], None] = lambda _: None) -> list[NodeResult]:
        """Seeds, models and data tests in order; what depends on a failed test is skipped.

        dbt compiles the queries, and builds only what is not known without it: chosen days, a part of the models, columns that
        changed, Spark.

        Raises:
            CxhouseError: dbt could not even start.
        """
        return self._kept_up(arguments or [], progress) or self._built_by_dbt(arguments, progress)

    def _kept_up(self, arguments: list[str], progress: Callable[[str], None]) -> list[NodeResult] | None:
        """The build without dbt; none where that cannot be."""
        schemas, with_tests = _selected_schemas(arguments)
        if schemas == [] or self._settings.engine != "duckdb" or not self._is_parsed:
            return None
        from orchestration.warehouse.upkeep.build import Upkeep, chosen_nodes
        from orchestration.warehouse.upkeep.table import UnforeseenError

        with self.kept() as kept:
            if kept is None:
                return None
            nodes = chosen_nodes(self.manifest(), schemas, with_tests)
            upkeep = Upkeep(self._settings, kept, nodes)
            if not upkeep.is_possible():
                if not all(map(kept.can_create, nodes)):
                    return None
                project = self._project(kept, progress)
                upkeep = Upkeep(self._settings, kept, nodes, project)
                if not project or not upkeep.is_possible():
                    return None
            try:
                return upkeep.build(progress)
            except UnforeseenError:
                return None
            finally:
                self._share(kept)

    def _project(self, kept: Kept, progress: Callable[[str], None]) -> CompiledProject | None:
        """The project as dbt compiled it, for this home or another one."""
        if self._shared is None:
            progress("compiling the models")
            compiled = self._dbt.compiled()
            for node, code in compiled.queries.items():
                kept.compiled(node, code, compiled.computed_at)
            with kept.cursor() as con:
                self._shared = compiled_project(self._settings, con, kept.queries())
            if self._shared:
                write_project(queries_version(self._settings), self._shared)
        # A dbt command before may have written over them.
        prepare_seeds(self._settings)
        return self._shared

    def _built_by_dbt(self, arguments: list[str] | None, progress: Callable[[str], None]) -> list[NodeResult]:
        if self._manifest is None:
            self.parse()
        os.environ.update(self._settings.environment())
        if self._settings.engine == "spark" and not self._is_swept:
            from orchestration.warehouse.spark import drop_leftovers

            self._is_swept = True
            drop_leftovers(self._settings, {node.name for node in self._manifest.nodes.values() if node.resource_type == "model"})

        def report(event: Any) -> None:
            # Other events of dbt carry no place in a count.
            if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
                total = event.data.num_models if event.info.name == "LogTestResult" else event.data.total
                progress(f"{event.data.index} of {total} {event.data.node_info.node_name}")

        # The manifest is there since it was parsed; to write it takes a second for each layer.
        command = ["build", "--no-write-json", "--exclude-resource-type", "unit_test", *(arguments or [])]
        if self._settings.full_refresh:
            command.append("--full-refresh")
        with self.kept() as kept, keeping(kept) if kept else nullcontext():
            result = self._invoke(command, [report], self._manifest)
        return [_node_result(item) for item in result.result or []]

    def _share(self, kept: Kept) -> None:
        """Let other homes know that all of the project was built, and keeps its contracts."""
        if self._shared and not self._shared.is_built and kept.has_built(self._shared.fingerprints):
            self._shared = replace(self._shared, is_built=True)
            write_project(queries_version(self._settings), self._shared)

    @contextmanager
    def kept(self) -> Iterator[Kept | None]:
        """What can stay as it is; on Spark nobody but dbt knows."""
        if self._settings.engine != "duckdb":
            yield None
            return
        with closing(Kept(self._settings, self._version)) as kept:
            yield kept

    def command(self, arguments: list[str]) -> bool:
        """Any dbt command over this home, with dbt's own output; False when it did not succeed."""
        prepare_seeds(self._settings)
        # It may be given other variables: the next run takes neither its manifest nor its tables for this project's.
        self._parsed.unlink(missing_ok=True)
        return bool(self._invoke(arguments, log_level="info", project="").success)

    def _invoke(
        self,
        command: list[str],
        callbacks: list[Any] | None = None,
        manifest: Any = None,
        log_level: str = "none",
        project: str | None = None,
    ) -> Any:
        if self._settings.engine == "spark" and command[0] != "parse":
            from orchestration.warehouse.spark import show_raw

            os.environ.update(self._settings.environment())
            show_raw(self._settings)
        return invoke(self._settings, command, self._version if project is None else project, manifest, callbacks, log_level)


def _selected_schemas(arguments: list[str]) -> tuple[list[str] | None, bool]:
    """The schemas that arguments of dbt select (all: none; what is more than schemas: an empty list), and whether tests are."""
    text, without_tests = " ".join(arguments), "--exclude-resource-type test"
    with_tests = without_tests not in text
    selected = text.replace(without_tests, "").split()
    if not selected:
        return None, with_tests
    schemas = [item.removeprefix("config.schema:") for item in selected[1:] if item.startswith("config.schema:")]
    return (schemas if selected[0] == "--select" and len(schemas) == len(selected) - 1 else []), with_tests


def _node_result(item: Any) -> NodeResult:
    node = item.node
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=str(node.resource_type),
        status=str(item.status),
        seconds=float(item.execution_time or 0),
        failures=int(item.failures or 0),
        message=str(explain(item.message or "", f"the {node.resource_type} {node.name}") or item.message or ""),
        compiled_code=str(getattr(node, "compiled_code", None) or ""),
    )
