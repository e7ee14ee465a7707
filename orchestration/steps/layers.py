"""A layer of models as two steps: dbt builds and tests it, then Great Expectations judges it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.errors import CxhouseError
from orchestration.core.literals import literal
from orchestration.gates.check_results import CheckResult
from orchestration.gates.lineage import Tracer, names_a_file, staged
from orchestration.gates.suite_runner import MAX_EXAMPLES, suite_columns
from orchestration.gates.suites import LAYERS, gated_tables, read_suite, suite_path
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.tables import write_ledger
from orchestration.runs.alerts import write_alerts
from orchestration.steps.run import Model, Project, Run
from orchestration.warehouse.keeping import Kept
from orchestration.warehouse.node_result import NodeResult
from orchestration.warehouse.salt import read_salt


@dataclass(frozen=True)
class Built:
    """What dbt did with a layer, and why it cannot be built upon."""

    results: list[NodeResult]
    #: Rows of each model that was built, where they were asked for.
    rows: dict[str, int]
    problems: list[str]

    def check(self, layer: str) -> None:
        """Raise a CxhouseError when there are problems."""
        if self.problems:
            raise CxhouseError(f"{layer}: {'; '.join(self.problems[:5])}")


def selection(layer: str) -> str:
    """dbt's selection of a layer; the seeds belong to the first."""
    schemas = [*LAYERS[layer], *(["seeds"] if layer == next(iter(LAYERS)) else [])]
    return " ".join(f"config.schema:{schema}" for schema in schemas)


def build_layer(
    run: Run, project: Project, layer: str, chosen: list[str] | None = None, indirect: str = "buildable", count: bool = False
) -> Built:
    """Build and test a layer (or what of it dbt's arguments ``chosen`` select); with ``count`` the models' rows are counted.

    A test of tables of two layers belongs to the later one (``indirect``: how dbt selects the tests of models).
    """
    record = run.current
    # The table of alerts holds what the gates of this very run have found.
    write_alerts(run.settings, record)
    write_ledger(Ledger(run.settings.ledger), run.settings.raw, run.settings.scratch)
    os.environ["DBT_INDIRECT_SELECTION"] = indirect
    with record.timed("dbt build"):
        results = run.warehouse.build(
            chosen or ["--select", *selection(layer).split()], lambda text: run.progress(f"models: {layer}: {text}")
        )
    record.node_seconds.update({result.name: result.seconds for result in results})
    record.node_problems.update({r.name: r.status for r in results if r.status not in ("success", "pass")})
    for result in results:
        if result.resource_type == "model" and result.status == "success":
            record.model_modes[result.message] = record.model_modes.get(result.message, 0) + 1
    record.tests_passed += sum(result.resource_type == "test" and result.status == "pass" for result in results)
    record.check_results += _failed_tests(run, project, layer, results)
    errors = [f"{r.resource_type} {r.name}: {r.message}" for r in results if r.failed and r.status != "fail"]
    record.dbt_problems += errors
    record.save(run.settings.home)
    failed = [check.expectation for check in record.check_results if check.blocks]
    if not errors and not failed and chosen is None:
        run.completed.add(f"{layer} models")
    return Built(results, _row_counts(run, project, results) if count else {}, [*errors, *failed])


def _row_counts(run: Run, project: Project, results: list[NodeResult]) -> dict[str, int]:
    """How many rows each model has that was built."""
    built = {
        result.name: project.models[result.name].schema
        for result in results
        if result.resource_type == "model" and result.status == "success"
    }
    with run.warehouse.tables(f"{schema}.{name}" for name, schema in built.items()) as con:
        return {
            name: int((con.execute(f'select count(*) from {schema}."{name}"').fetchone() or [0])[0])
            for name, schema in built.items()
        }


def _failed_tests(run: Run, project: Project, layer: str, results: list[NodeResult]) -> Iterator[CheckResult]:
    """What dbt's tests say, with the first failing rows traced to their files."""
    for result in results:
        if result.resource_type != "test" or result.status not in ("fail", "warn"):
            continue
        node = project.manifest["nodes"][result.unique_id]
        model = project.tested_model(node)
        yield CheckResult(
            gate=f"{layer}/{model.name if model else 'seeds'}",
            expectation=test_in_words(node),
            severity="critical" if result.status == "fail" else "warning",
            passed=False,
            failed_rows=result.failures,
            examples=(places := _failing_rows(run, model, result.compiled_code)),
            remedy=f"see the rows with: {showing(result.name)}; then fix the export or seed"
            + (", or take back the file named: 'cxhouse withdraw FILE'" if any(map(names_a_file, places)) else ""),
        )


def test_in_words(node: dict[str, Any]) -> str:
    """A data test's expectation: its description, or what its kind says of its columns."""
    if node.get("description"):
        return str(node["description"]).strip()
    metadata = node.get("test_metadata") or {}
    columns = ", ".join((metadata.get("kwargs") or {}).get("columns") or [])
    match metadata.get("name"):
        case "unique_together":
            return f"No two rows share {columns}"
        case "never_null":
            return f"Never missing: {columns}"
        case name:
            return str(name or node["name"]).replace("_", " ")


def _failing_rows(run: Run, model: Model | None, query: str) -> list[str]:
    rows = run.warehouse.first_rows(query, MAX_EXAMPLES)
    names = list(rows[0]) if rows else []
    with run.warehouse.tables(staged(model.key) if model else []) as con:
        tracer = Tracer(con, read_salt(run.settings))
        # A seed is the user's own configuration: its rows are shown as they are.
        return tracer.places(model.key if model else names, rows, model.is_impersonal if model else True)


def check_layer(run: Run, project: Project, layer: str, only: list[str] | None = None) -> dict[str, list[CheckResult]]:
    """Great Expectations over the tables of a layer that have a suite (or ``only`` these); all are looked at, whatever the
    first ones say.
    """
    record, gated = run.current, gated_tables(layer, run.settings.config_dir)
    run.progress(f"gates: {layer}")
    judged = {}
    with run.warehouse.kept() as kept, record.timed("gates"):
        for table in gated if only is None else only:
            judged[table] = _kept_check_results(run, project.models[table], layer, kept)
            record.check_results += judged[table]
    record.save(run.settings.home)
    if judged.keys() == set(gated) and not any(check.blocks for check_results in judged.values() for check in check_results):
        run.completed.add(f"{layer} gates")
    return judged


def _kept_check_results(run: Run, model: Model, layer: str, kept: Kept | None) -> list[CheckResult]:
    """What the gate said of this version of the table, or says now."""
    gate = f"{layer}/{model.name}"
    suite = suite_path(gate, run.settings.config_dir)
    if kept is None or suite is None:
        return check_table(run, model, layer)
    version = kept.version_of(model.name) or kept.content_of(model.schema, model.name)
    basis = f"{version} {hashlib.sha256(suite.read_bytes()).hexdigest()}"
    known = kept.check_results(gate, basis)
    if known is not None:
        return [CheckResult(**item) for item in json.loads(known)]
    check_results = check_table(run, model, layer)
    kept.remember_results(gate, basis, json.dumps([asdict(check) for check in check_results]))
    return check_results


def check_table(run: Run, model: Model, layer: str) -> list[CheckResult]:
    """Run a table's suite over it."""
    gate = f"{layer}/{model.name}"
    suite = suite_path(gate, run.settings.config_dir)
    if suite is None:
        return []
    with run.warehouse.tables([f"{model.schema}.{model.name}", *staged(model.key)]) as con:
        copied = _copy(con, model, suite_columns(read_suite(suite)) | set(model.key), run.settings.scratch)
        judged = run.suites.check(gate, [copied], model.key)[0]
        copied.unlink()
        tracer = Tracer(con, read_salt(run.settings))
        return [check if check.passed else _explained(check, rows, model, tracer, suite) for check, rows in judged]


def _explained(check: CheckResult, rows: list[dict[str, Any]], model: Model, tracer: Tracer, suite: Path) -> CheckResult:
    """With the places of the rows that failed, and what to do about them: where no file is named, where to look."""
    places = tracer.places(model.key, rows, model.is_impersonal)
    if any(names_a_file(place) for place in places):
        remedy = "fix the export and replace the file, take back what it brought ('cxhouse withdraw FILE', as it is named here)"
    else:
        remedy = f"see the rows with: {showing(model.name)}; then fix the export, contract or seed that they come of"
    return replace(check, examples=places, remedy=check.remedy or f"{remedy}, or change the suite {suite}")


def showing(name: str) -> str:
    """The command that shows the rows of a model, or those that fail a test."""
    return f"cxhouse dbt show --select {name}"


def _copy(con: duckdb.DuckDBPyConnection, model: Model, wanted: set[str], folder: Path) -> Path:
    """The wanted columns of a table as Parquet, for the gates' worker."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"gate_{model.name}.parquet"
    described = con.execute(f'describe {model.schema}."{model.name}"').fetchall()
    names = [row[0] for row in described if row[0] in wanted] or [described[0][0]]
    columns = ", ".join(f'"{name}"' for name in names)
    con.execute(f'copy (select {columns} from {model.schema}."{model.name}") to {literal(str(path))}')
    return path
