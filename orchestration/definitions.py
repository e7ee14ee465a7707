"""Dagster's entry point: the assets, checks, job and schedule of the home that the environment names."""

from __future__ import annotations

import dagster as dg

from orchestration.assets import CandidateHolder, Run, mart_checks, published_asset, raw_assets, warehouse_assets
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse

JOB = "daily"


def build_definitions(settings: Settings, run: Run | None = None) -> dg.Definitions:
    """Definitions over one home; parsing the dbt project is the only work done here."""
    if run is None:
        settings = settings.pinned()
        run = Run(settings, Warehouse(settings), progress_to_log)
    manifest = run.warehouse.parse()
    holder = CandidateHolder()
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        # Every step in one process: imports cost more than a small run's work, and there is one writer.
        executor_def=dg.in_process_executor,
        description="Pull the exports, build and gate the warehouse, publish the marts.",
    )
    schedule = dg.ScheduleDefinition(job=job, cron_schedule=settings.schedule, execution_timezone=settings.reporting_timezone)
    return dg.Definitions(
        assets=[raw_assets(run), warehouse_assets(run, manifest), published_asset(run, manifest, holder)],
        asset_checks=[mart_checks(run, manifest, holder)],
        jobs=[job],
        schedules=[schedule],
    )


def progress_to_log(text: str) -> None:
    """Progress of a run that Dagster started goes to its log."""
    dg.get_dagster_logger("cxhouse").info(text)


@dg.definitions
def defs() -> dg.Definitions:
    """What ``dagster`` loads; settings come from CXHOUSE_EXPORTS, CXHOUSE_HOME and CXHOUSE_CONFIG."""
    return build_definitions(load_settings())
