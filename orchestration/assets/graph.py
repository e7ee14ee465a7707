"""The assets, checks, jobs, schedule and sensors of one home, as Dagster has them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import dagster as dg

from orchestration.assets.fitted import fitted_assets
from orchestration.assets.layers import layer_assets, layer_checks
from orchestration.assets.naming import JOB
from orchestration.assets.published import published_asset
from orchestration.assets.raw import raw_assets
from orchestration.assets.recorded import command_line_runs
from orchestration.gates.suites import LAYERS
from orchestration.pull.sources.locations import forget_listings
from orchestration.runs.alerts import raise_alerts
from orchestration.runs.finish import finish_failed
from orchestration.settings.model import SCHEDULE_RUNS, Settings
from orchestration.steps.run import Run
from orchestration.warehouse.settled import offered_version
from orchestration.warehouse.warehouse import Warehouse


def build_definitions(settings: Settings, run: Run | None = None, others: Sequence[dg.AssetsDefinition] = ()) -> dg.Definitions:
    """Definitions over one home; parsing the dbt project is the only work done here. The job builds every asset but ``others``.

    Raises:
        ConfigurationError: a suite speaks of a table that there is not.
    """
    if run is None:
        settings = settings.pinned()
        run = Run(settings, Warehouse(settings), progress_to_log)
    project = run.parse()
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*others) if others else dg.AssetSelection.all(),
        # Every step in one process: imports cost more than a small run's work, and there is one writer.
        executor_def=dg.in_process_executor,
        hooks={_report_failure(run)},
        description="Pull the exports, build and gate the warehouse, publish the marts.",
    )
    schedule = dg.ScheduleDefinition(
        job=job,
        cron_schedule=settings.schedule,
        execution_timezone=settings.reporting_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING if SCHEDULE_RUNS in os.environ else dg.DefaultScheduleStatus.STOPPED,
    )
    return dg.Definitions(
        assets=[
            raw_assets(run),
            *(layer_assets(run, project, layer) for layer in LAYERS),
            *fitted_assets(run, project),
            published_asset(run, project),
            *others,
        ],
        asset_checks=[layer_checks(run, project, layer) for layer in LAYERS],
        jobs=[job],
        schedules=[schedule],
        # Also where assets are chosen by hand: the steps share one run, and there is one writer.
        executor=dg.in_process_executor,
        sensors=[_arrivals(settings, job), command_line_runs(settings, project)],
    )


def _arrivals(settings: Settings, job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="new_files",
        job=job,
        minimum_interval_seconds=300,
        description="Runs the job when the sources hold files that they did not hold before.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        forget_listings()
        held = offered_version(settings)
        if held == context.cursor:
            return dg.SkipReason("the sources hold what they held when they were last looked at")
        context.update_cursor(held)
        return dg.RunRequest(run_key=held)

    return new_files


def _report_failure(run: Run) -> dg.HookDefinition:
    @dg.failure_hook(name="report_failure")
    def report_failure(context: dg.HookContext) -> None:
        error, record = context.op_exception, run.record
        if isinstance(error, dg.Failure):
            error = error.__cause__ or error
        if record is None or record.run_id != context.run_id:
            # It never became the writer: what is in the home is another run's.
            raise_alerts(run.settings, run.new_record(context.run_id, status="failed"), error)
        else:
            finish_failed(run.settings, record, error)

    return report_failure


def progress_to_log(text: str) -> None:
    """Progress of a run that Dagster started goes to its log."""
    dg.get_dagster_logger("cxhouse").info(text)
