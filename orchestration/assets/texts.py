"""The sentiment of texts as a step of the run: scored from the staging tables, before the facts of the journey layer."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import dagster as dg

from orchestration.assets.naming import OWNERS, WRITER, begin, model_key
from orchestration.gates.suites import LAYERS, RAW
from orchestration.steps.run import Project, Run
from orchestration.steps.texts import read_texts
from orchestration.texts.tables import TABLES


def text_assets(run: Run, project: Project) -> dg.AssetsDefinition:
    """One asset for each table that the step writes."""
    before = [model_key(project, name) for name, model in project.models.items() if model.schema in LAYERS["conformed"]]
    specs = [
        dg.AssetSpec([RAW, name], deps=before, group_name="texts", kinds={"parquet"}, owners=OWNERS, description=description)
        for name, (description, _) in TABLES.items()
    ]

    @dg.multi_asset(name="texts", specs=specs, can_subset=True, pool=WRITER)
    def texts(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
        begin(run, context.run)
        for name, count in read_texts(run).items():
            if dg.AssetKey([RAW, name]) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=[RAW, name], metadata={"rows": count})

    return texts
