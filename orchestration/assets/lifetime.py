"""The lifetime models as a step of the run: fitted to the purchases of the journey layer, before the KPIs are built on them."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import dagster as dg

from orchestration.assets.naming import OWNERS, WRITER, begin, model_key
from orchestration.gates.suites import RAW
from orchestration.lifetime.tables import TABLES
from orchestration.steps.lifetime import fit_lifetime
from orchestration.steps.run import Project, Run


def lifetime_assets(run: Run, project: Project) -> dg.AssetsDefinition:
    """One asset for each table that the fit writes."""
    journey = [model_key(project, name) for name, model in project.models.items() if model.schema == "journey"]
    specs = [
        dg.AssetSpec([RAW, name], deps=journey, group_name="lifetime", kinds={"parquet"}, owners=OWNERS, description=description)
        for name, (description, _) in TABLES.items()
    ]

    @dg.multi_asset(name="lifetime", specs=specs, can_subset=True, pool=WRITER)
    def lifetime(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
        begin(run, context.run)
        for name, count in fit_lifetime(run).items():
            if dg.AssetKey([RAW, name]) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=[RAW, name], metadata={"rows": count})

    return lifetime
