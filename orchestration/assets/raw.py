"""The raw exports as assets."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.assets.naming import EXPECTATIONS, OWNERS, WRITER, begin, check_result
from orchestration.errors import ConfigurationError, GateFailedError
from orchestration.gates.suites import RAW
from orchestration.pull.kinds import all_kinds
from orchestration.pull.ledger import Load
from orchestration.pull.loading import KindReport
from orchestration.steps.pull import pull_exports
from orchestration.steps.run import Run

LEDGER = "load_ledger"


def raw_assets(run: Run) -> dg.AssetsDefinition:
    """One asset for each kind of export, and the ledger."""
    specs = [
        dg.AssetSpec(
            [RAW, kind.name],
            group_name=RAW,
            kinds={"parquet"},
            owners=OWNERS,
            description=f"{'Required' if kind.required else 'Optional'} export: {', '.join(kind.columns)}.",
        )
        for kind in all_kinds().values()
    ]
    ledger = "What became of every landed file."
    specs.append(dg.AssetSpec([RAW, LEDGER], group_name=RAW, kinds={"sqlite"}, owners=OWNERS, description=ledger))
    checks = [
        dg.AssetCheckSpec(EXPECTATIONS, asset=[RAW, kind], blocking=True, description="New batches, before they load.")
        for kind in all_kinds()
    ]

    @dg.multi_asset(
        name="pull",
        specs=specs,
        check_specs=checks,
        can_subset=True,
        pool=WRITER,
        # A source that does not answer may do so later; a gate or a wrong configuration stays as it is.
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
    )
    def pull(context: dg.AssetExecutionContext) -> Iterator[Any]:
        begin(run, context.run)
        try:
            reports, loads = pull_exports(run)
        except (ConfigurationError, GateFailedError) as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        # All that is new has been pulled, whatever was asked for: arrivals are one order.
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        for report in reports:
            if report.kind not in wanted:
                continue
            yield dg.MaterializeResult(asset_key=dg.AssetKey([RAW, report.kind]), metadata=_metadata(report, loads))
        if LEDGER in wanted:
            yield dg.MaterializeResult(asset_key=[RAW, LEDGER], metadata={"dagster/row_count": len(loads)})
        # The first result that blocks ends the step: everything that passed has been loaded by then.
        asked = {key.asset_key.path[-1] for key in context.selected_asset_check_keys}
        for report in reports:
            if report.kind not in asked:
                continue
            verdicts = [verdict for verdict in run.current.verdicts if verdict.gate == f"{RAW}/{report.kind}"]
            yield check_result(dg.AssetKey([RAW, report.kind]), verdicts)
        if run.current.blocked and asked != set(all_kinds()):
            raise dg.Failure(description="a gate did not pass; see the run's page", allow_retries=False)

    return pull


def _metadata(report: KindReport, loads: list[Load]) -> dict[str, Any]:
    """Of this run, and of all files that stand: numbers, so that Dagster draws them over the runs."""
    rows = "\n".join(
        f"| {load.contract} | {load.rows_read:,} | {load.rows_loaded:,} | {load.rows_merged:,} | {load.rows_quarantined:,} "
        f"| {'' if load.records is None else f'{load.records:,}'} | {load.status} |"
        for load in report.loads
    )
    header = "| contract | read | loaded | merged | quarantined | records | status |\n|---|---|---|---|---|---|---|"
    table = f"{header}\n{rows}" if rows else "nothing new"
    standing = [load for load in loads if load.kind == report.kind]
    loaded = sum(load.rows_loaded for load in standing)
    quarantined = sum(load.rows_quarantined for load in standing)
    return {
        "dagster/row_count": loaded,
        "quarantined_share": quarantined / ((loaded + quarantined) or 1),
        "rows_loaded": report.rows_loaded,
        "rows_quarantined": report.rows_quarantined,
        "rows_merged": sum(load.rows_merged for load in report.loads if load.status == "loaded"),
        "records": sum(load.records or 0 for load in report.loads if load.status == "loaded"),
        "files": dg.MetadataValue.md(table),
    }
