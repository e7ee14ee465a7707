"""Chosen days as an asset with a partition for each day, so that Dagster's backfill processes them again."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import warnings
from datetime import timedelta

import dagster as dg

from orchestration.assets.naming import OWNERS, RETRY, WRITER, retried_if_passing
from orchestration.settings import Settings

BACKFILL = dg.AssetKey(["published", "reprocessed_days"])
FIRST_DAY = "2000-01-01"
# Said of a parameter that does what it says.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)


def reprocessed_days(settings: Settings) -> dg.AssetsDefinition:
    """Materialising days runs the whole pipeline once, processing the records of those days again."""

    @dg.asset(
        key=BACKFILL,
        group_name="published",
        owners=OWNERS,
        partitions_def=dg.DailyPartitionsDefinition(FIRST_DAY, timezone=settings.reporting_timezone, end_offset=1),
        pool=WRITER,
        retry_policy=RETRY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Days processed again: 'cxhouse run --from D --to D' as a backfill.",
    )
    def days(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from orchestration.definitions import progress_to_log
        from orchestration.execution import execute

        window = context.partition_time_window
        chosen = (window.start.date(), (window.end - timedelta(days=1)).date())
        with retried_if_passing():
            record = execute(settings.model_copy(update={"days": chosen}), progress_to_log)
        return dg.MaterializeResult(metadata={"version": record.published_version or "", "run": record.run_id})

    return days
