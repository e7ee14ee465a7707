"""The models as assets, layer by layer: each layer is built and tested by dbt, then gated, before the next begins."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_subset_selection_for_context

from orchestration.assets.naming import (
    EXPECTATIONS,
    RETRY,
    WRITER,
    Translator,
    asset_check_result,
    begin,
    model_key,
    retried_if_passing,
)
from orchestration.gates.suites import gated_tables
from orchestration.steps.layers import build_layer, check_layer, selection
from orchestration.steps.run import Project, Run
from orchestration.warehouse.node_result import NodeResult


def layer_assets(run: Run, project: Project, layer: str) -> dg.AssetsDefinition:
    """Every model of a layer as an asset, every data test as a check of its model."""
    translator = Translator()

    @dbt_assets(
        manifest=project.path,
        name=f"{layer}_models",
        dagster_dbt_translator=translator,
        select=selection(layer),
        exclude="resource_type:unit_test",
        pool=WRITER,
        retry_policy=RETRY,
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with retried_if_passing():
            yield from built_and_tested(context)

    def built_and_tested(context: dg.AssetExecutionContext) -> Iterator[Any]:
        begin(run, context.run)
        chosen, indirect = None, "buildable"
        if context.is_subset:
            chosen, wanted = get_subset_selection_for_context(
                context, project.manifest, "fqn:*", "resource_type:unit_test", None, translator, None
            )
            indirect = wanted or "eager"
        built = build_layer(run, project, layer, chosen, indirect, count=True)
        for result in built.results:
            yield from _dbt_events(result, project, translator, built.rows.get(result.name))
        built.check(layer)

    return models


def _dbt_events(result: NodeResult, project: Project, translator: Translator, rows: int | None) -> Iterator[Any]:
    node = project.manifest["nodes"].get(result.unique_id)
    if node is None or result.resource_type == "operation":
        return
    if result.resource_type == "test":
        key = get_asset_check_key_for_test(project.manifest, translator, result.unique_id, None)
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
        yield dg.MaterializeResult(asset_key=translator.get_asset_key(node), metadata=metadata)


def layer_checks(run: Run, project: Project, layer: str) -> dg.AssetChecksDefinition:
    """Great Expectations over the tables of a layer; a critical failure stops the layers after it."""

    @dg.multi_asset_check(
        name=f"{layer}_gates",
        specs=[
            dg.AssetCheckSpec(
                EXPECTATIONS, asset=model_key(project, table), blocking=True, description="Before anything is built on it."
            )
            for table in gated_tables(layer, run.settings.config_dir)
        ],
        can_subset=True,
        pool=WRITER,
        retry_policy=RETRY,
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        asked = {key.asset_key for key in context.selected_asset_check_keys}
        tables = [table for table in gated_tables(layer, run.settings.config_dir) if model_key(project, table) in asked]
        with retried_if_passing():
            begin(run, context.run)
            judged = check_layer(run, project, layer, tables)
        # The first result that blocks ends the step: all tables have been looked at by then.
        for table, check_results in judged.items():
            yield asset_check_result(model_key(project, table), check_results)

    return checks
