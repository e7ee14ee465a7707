"""What Python makes between layers as assets: sentiment of texts before the journey, lifetimes and risks before the KPIs."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Callable, Collection, Mapping
from typing import Any

import dagster as dg

from orchestration.assets.naming import OWNERS, RETRY, WRITER, begin, model_key, retried_if_passing
from orchestration.gates.suites import LAYERS, RAW
from orchestration.lifetime import tables as lifetime_tables
from orchestration.risk import tables as risk_tables
from orchestration.steps.lifetime import fit_lifetime
from orchestration.steps.risk import fit_risks
from orchestration.steps.run import Project, Run
from orchestration.steps.texts import read_texts
from orchestration.texts import tables as text_tables


def fitted_assets(run: Run, project: Project) -> list[dg.AssetsDefinition]:
    """One asset for each table that a step writes."""
    return [
        _assets(run, project, "texts", LAYERS["conformed"], text_tables.TABLES, read_texts),
        _assets(run, project, "lifetime", ["journey"], lifetime_tables.TABLES, fit_lifetime),
        _assets(run, project, "risks", ["journey"], risk_tables.TABLES, fit_risks),
    ]


def _assets(
    run: Run,
    project: Project,
    name: str,
    after: Collection[str],
    tables: Mapping[str, tuple[str, Any]],
    step: Callable[[Run], Mapping[str, int]],
) -> dg.AssetsDefinition:
    before = [model_key(project, model.name) for model in project.models.values() if model.schema in after]
    specs = [
        dg.AssetSpec([RAW, table], deps=before, group_name=name, kinds={"parquet"}, owners=OWNERS, description=description)
        for table, (description, _) in tables.items()
    ]

    @dg.multi_asset(name=name, specs=specs, can_subset=True, pool=WRITER, retry_policy=RETRY)
    def written(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
        with retried_if_passing():
            begin(run, context.run)
            rows = step(run)
        for table, count in rows.items():
            if dg.AssetKey([RAW, table]) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=[RAW, table], metadata={"rows": count})

    return written
