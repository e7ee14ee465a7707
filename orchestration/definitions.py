"""Dagster's entry point: everything that it shows of the home that the environment names."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import warnings
from datetime import timedelta

import dagster as dg

from orchestration.assets.graph import build_definitions, progress_to_log
from orchestration.assets.naming import OWNERS, RETRY, WRITER, retried_if_passing
from orchestration.configuration import check_folder
from orchestration.execution import execute
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings

BACKFILL = dg.AssetKey(["published", "reprocessed_days"])
FIRST_DAY = "2000-01-01"
# Said of a parameter that does what it says.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)


@dg.definitions
def defs() -> dg.Definitions:
    """What ``dagster`` loads; settings come from CXHOUSE_EXPORTS, CXHOUSE_HOME and CXHOUSE_CONFIG."""
    settings = load_settings()
    check_folder(settings)
    return definitions_of(settings)


def definitions_of(settings: Settings) -> dg.Definitions:
    """All of a home: its pipeline, and chosen days that are processed again."""
    return build_definitions(settings, others=[reprocessed_days(settings)])


def reprocessed_days(settings: Settings) -> dg.AssetsDefinition:
    """An asset with a partition for each day, for Dagster's backfill: materialising days runs the whole pipeline once, processing
    the records of those days again.
    """

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
        window = context.partition_time_window
        chosen = (window.start.date(), (window.end - timedelta(days=1)).date())
        with retried_if_passing():
            record = execute(settings.model_copy(update={"days": chosen}), progress_to_log)
        return dg.MaterializeResult(metadata={"version": record.published_version or "", "run": record.run_id})

    return days
