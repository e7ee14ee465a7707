"""The models as assets, layer by layer: each layer is built and tested by dbt, then gated, before the next begins."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_subset_selection_for_context

from orchestration.alerts import write_alerts
from orchestration.assets.run import EXPECTATIONS, Model, Project, Run, check_result
from orchestration.gates.keeper import MAX_EXAMPLES, suite_columns
from orchestration.gates.suites import LAYERS, gated_tables, read_suite, suite_path
from orchestration.gates.tracing import Tracer, staged
from orchestration.gates.verdicts import Verdict
from orchestration.publish import quoted
from orchestration.pull.ledger import Ledger
from orchestration.pull.tables import write_ledger
from orchestration.warehouse import NodeResult


def selection(layer: str) -> str:
    """dbt's selection of a layer; the seeds belong to the first."""
    schemas = [*LAYERS[layer], *(["seeds"] if layer == next(iter(LAYERS)) else [])]
    return " ".join(f"config.schema:{schema}" for schema in schemas)


def layer_assets(run: Run, project: Project, layer: str) -> dg.AssetsDefinition:
    """Every model of a layer as an asset, every data test as a check of its model."""

    @dbt_assets(
        manifest=project.path,
        name=f"{layer}_models",
        dagster_dbt_translator=project.translator,
        select=selection(layer),
        exclude="resource_type:unit_test",
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        record = run.begin(context.run_id)
        # The table of alerts holds what the gates of this very run have found.
        write_alerts(run.settings, record)
        write_ledger(Ledger(run.settings.ledger), run.settings.raw, run.settings.scratch)
        # A test of tables of two layers belongs to the later one.
        os.environ["DBT_INDIRECT_SELECTION"] = "buildable"
        arguments = ["--select", *selection(layer).split()]
        if context.is_subset:
            arguments, indirect_selection = get_subset_selection_for_context(
                context, project.manifest, "fqn:*", "resource_type:unit_test", None, project.translator, None
            )
            os.environ["DBT_INDIRECT_SELECTION"] = indirect_selection or "eager"
        with record.timed("dbt build"):
            results = run.warehouse.build(arguments, lambda text: run.progress(f"models: {layer}: {text}"))
        record.node_seconds.update({r.name: r.seconds for r in results})
        rows = _row_counts(run, project, results)
        for result in results:
            yield from _dbt_events(result, project, rows.get(result.name))
        for result in results:
            if result.resource_type == "model" and result.status == "success":
                record.model_modes[result.message] = record.model_modes.get(result.message, 0) + 1
        record.tests_passed += sum(r.resource_type == "test" and r.status == "pass" for r in results)
        record.verdicts += _test_verdicts(run, project, layer, results)
        errors = [f"{r.resource_type} {r.name}: {r.message}" for r in results if r.failed and r.status != "fail"]
        record.dbt_problems += errors
        record.save(run.settings.home)
        failed = [verdict.expectation for verdict in record.verdicts if verdict.blocks]
        if errors or failed:
            raise dg.Failure(f"{layer}: {'; '.join([*errors, *failed][:5])}")
        if not context.is_subset:
            run.completed.add(f"{layer} models")

    return models


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


def _dbt_events(result: NodeResult, project: Project, rows: int | None) -> Iterator[Any]:
    node = project.manifest["nodes"].get(result.unique_id)
    if node is None or result.resource_type == "operation":
        return
    if result.resource_type == "test":
        key = get_asset_check_key_for_test(project.manifest, project.translator, result.unique_id, None)
        if key and result.status != "skipped":
            yield dg.AssetCheckResult(
                passed=result.status == "pass",
                asset_key=key.asset_key,
                check_name=key.name,
                severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"failing_rows": result.failures, "seconds": result.seconds},
            )
    elif result.status == "success":
        metadata: dict[str, Any] = {"seconds": dg.MetadataValue.float(result.seconds)}
        if rows is not None:
            metadata["dagster/row_count"] = rows
        yield dg.MaterializeResult(asset_key=project.translator.get_asset_key(node), metadata=metadata)


def _test_verdicts(run: Run, project: Project, layer: str, results: list[NodeResult]) -> Iterator[Verdict]:
    """What dbt's tests say, with the first failing rows traced to their files."""
    for result in results:
        if result.resource_type != "test" or result.status not in ("fail", "warn"):
            continue
        node = project.manifest["nodes"][result.unique_id]
        model = project.tested_model(node)
        yield Verdict(
            gate=f"{layer}/{model.name if model else 'seeds'}",
            expectation=test_in_words(node),
            severity="critical" if result.status == "fail" else "warning",
            passed=False,
            failed_rows=result.failures,
            examples=_failing_rows(run, model, result.compiled_code),
            remedy=f"see the rows with: cxhouse dbt show --select {result.name}; then fix the export or seed, or take back the "
            "file named: 'cxhouse withdraw FILE'",
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
        tracer = Tracer(con, run.settings.dbt_vars["identity_salt"])
        # A seed is the user's own configuration: its rows are shown as they are.
        return tracer.places(model.key if model else names, rows, model.is_impersonal if model else True)


def layer_checks(run: Run, project: Project, layer: str) -> dg.AssetChecksDefinition:
    """Great Expectations over the tables of a layer; a critical failure stops the layers after it."""
    tables = gated_tables(layer, run.settings.config_dir)

    @dg.multi_asset_check(
        name=f"{layer}_gates",
        specs=[
            dg.AssetCheckSpec(
                EXPECTATIONS, asset=project.asset_key(table), blocking=True, description="Before anything is built on it."
            )
            for table in tables
        ],
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        record = run.begin(context.run.run_id)
        run.progress(f"gates: {layer}")
        judged = {}
        for table in tables:
            with record.timed("gates"):
                judged[table] = check_table(run, project.models[table], layer)
            record.verdicts += judged[table]
        record.save(run.settings.home)
        # The first result that blocks ends the step: all tables have been looked at by then.
        for table, verdicts in judged.items():
            yield check_result(project.asset_key(table), verdicts)
        run.completed.add(f"{layer} gates")

    return checks


def check_table(run: Run, model: Model, layer: str) -> list[Verdict]:
    """Run a table's suite over it."""
    gate = f"{layer}/{model.name}"
    suite = suite_path(gate, run.settings.config_dir)
    if suite is None:
        return []
    with run.warehouse.tables([f"{model.schema}.{model.name}", *staged(model.key)]) as con:
        copied = _copy(con, model, suite_columns(read_suite(suite)) | set(model.key), run.settings.scratch)
        judged = run.keeper.check(gate, [copied], model.key)[0]
        copied.unlink()
        tracer = Tracer(con, run.settings.dbt_vars["identity_salt"])
        remedy = (
            "fix the export and replace the file, take back what it brought ('cxhouse withdraw FILE', as it is named here), or "
            f"change the suite {suite}"
        )
        return [
            verdict
            if verdict.passed
            else replace(verdict, examples=tracer.places(model.key, rows, model.is_impersonal), remedy=verdict.remedy or remedy)
            for verdict, rows in judged
        ]


def _copy(con: duckdb.DuckDBPyConnection, model: Model, wanted: set[str], folder: Path) -> Path:
    """The wanted columns of a table as Parquet, for the gates' worker."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"gate_{model.name}.parquet"
    described = con.execute(f'describe {model.schema}."{model.name}"').fetchall()
    names = [row[0] for row in described if row[0] in wanted] or [described[0][0]]
    columns = ", ".join(f'"{name}"' for name in names)
    con.execute(f'copy (select {columns} from {model.schema}."{model.name}") to {quoted(str(path))}')
    return path
