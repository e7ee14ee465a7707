"""The published marts as an asset."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from datetime import timedelta

import dagster as dg

from orchestration.assets.naming import OWNERS, RETRY, WRITER, begin, model_key, retried_if_passing
from orchestration.publish.publications import PublicTable
from orchestration.settings.model import Settings
from orchestration.steps.publish import publish_marts
from orchestration.steps.run import Project, Run
from orchestration.steps.whole import verify
from orchestration.warehouse.versions import ANALYSIS_FILE, MARTS_FILE, PARQUET_FOLDER, REPORT_FILE

PUBLISHED = dg.AssetKey(["published", "marts"])


def published_asset(run: Run, project: Project) -> dg.AssetsDefinition:
    """The published marts: replaced in one step, once every gate has passed."""

    @dg.asset(
        key=PUBLISHED,
        deps=[model_key(project, name) for name in project.models],
        group_name="published",
        kinds={"duckdb", "parquet"},
        owners=OWNERS,
        pool=WRITER,
        retry_policy=RETRY,
        # For those who switch its sensor on: published whenever something that it is made of was built on its own.
        automation_condition=dg.AutomationCondition.eager(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
        description=f"What readers get: {MARTS_FILE}, {ANALYSIS_FILE} for analysts, and the same tables as Parquet.",
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with retried_if_passing():
            record = begin(run, context.run)
            # Alone, or with some of the others: only what was verified in the same run is published.
            verify(run, project)
            tables = publish_marts(run, project)
        from orchestration.published.display import headline_markdown

        return dg.MaterializeResult(
            metadata={
                "version": record.published_version,
                "analysis": dg.MetadataValue.path(str(run.settings.published / ANALYSIS_FILE)),
                "file": dg.MetadataValue.path(str(run.settings.published / MARTS_FILE)),
                "report": dg.MetadataValue.path(str(run.settings.published / REPORT_FILE)),
                "gates": dg.MetadataValue.path(str(record.page(run.settings.home))),
                "tables": dg.MetadataValue.md(_tables(run.settings, tables)),
                "kpis": dg.MetadataValue.md(headline_markdown(run.settings)),
            }
        )

    return marts


def _tables(settings: Settings, tables: list[PublicTable]) -> str:
    """Every published table with a link to its model in this UI, and where its Parquet file is stored."""
    folder = (settings.published / PARQUET_FOLDER).absolute()
    lines = [
        f"| [{table.name}](/assets/{table.schema}/{table.model}) | {table.description.strip()} | {table.publication} "
        f"| {folder / table.publication / table.name}.parquet |"
        for table in tables
    ]
    return "\n".join(["| table | a row is | published in | file |", "|---|---|---|---|", *lines])
