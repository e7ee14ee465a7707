"""The raw exports as assets."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from orchestration.assets.naming import EXPECTATIONS, OWNERS, RETRY, WRITER, asset_check_result, begin, retried_if_passing
from orchestration.gates.suites import RAW
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import KindReport
from orchestration.settings.model import Settings
from orchestration.steps.pull import pull_exports
from orchestration.steps.run import Run

LEDGER = "load_ledger"
#: The group of the places that exports come from, and how the one of a home without names is called there.
SOURCES, UNNAMED = "sources", "exports"
ANSWERS = "answers"
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


def raw_assets(run: Run) -> dg.AssetsDefinition:
    """One asset for each source, for each kind of export, and the ledger."""
    sources = [dg.AssetKey([SOURCES, name or UNNAMED]) for name in run.settings.exports]
    specs = [
        dg.AssetSpec(
            key,
            group_name=SOURCES,
            owners=OWNERS,
            # Built whenever the source has answered: one that is down becomes stale, though the others go on.
            freshness_policy=FRESH,
            description="A place that exports come from; built when it has said what it holds.",
        )
        for key in sources
    ]
    specs += [
        dg.AssetSpec(
            [RAW, kind.name],
            deps=sources,
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
    checks += [dg.AssetCheckSpec(ANSWERS, asset=key, description="It could be read when it was asked last.") for key in sources]

    @dg.multi_asset(
        name="pull",
        specs=specs,
        check_specs=checks,
        can_subset=True,
        pool=WRITER,
        retry_policy=RETRY,
    )
    def pull(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with retried_if_passing():
            begin(run, context.run)
            reports, loads = pull_exports(run)
        yield from _sources(context, run.settings)
        # All that is new has been pulled, whatever was asked for: arrivals are one order.
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        for report in reports:
            if report.kind not in wanted:
                continue
            yield dg.MaterializeResult(asset_key=dg.AssetKey([RAW, report.kind]), metadata=_metadata(report, loads))
        if LEDGER in wanted:
            yield dg.MaterializeResult(asset_key=[RAW, LEDGER], metadata={"dagster/row_count": len(loads)})
        # The first result that blocks ends the step: everything that passed has been loaded by then.
        asked = {key.asset_key.path[-1] for key in context.selected_asset_check_keys if key.name == EXPECTATIONS}
        for report in reports:
            if report.kind not in asked:
                continue
            check_results = [check for check in run.current.check_results if check.gate == f"{RAW}/{report.kind}"]
            yield asset_check_result(dg.AssetKey([RAW, report.kind]), check_results)
        if run.current.blocked and asked != set(all_kinds()):
            raise dg.Failure(description="a gate did not pass; see the run's page", allow_retries=False)

    return pull


def source_key(settings: Settings, source: str) -> dg.AssetKey | None:
    """The asset of a source of the ledger, where one without a name is called by its folder; none where it is asked no more."""
    name = source if source in settings.exports else ""
    return dg.AssetKey([SOURCES, name or UNNAMED]) if name in settings.exports else None


def _sources(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What the sources said in this run."""
    asked = sorted(Ledger(settings.ledger).sources(), key=lambda row: row["asked_at"])
    # The place of one without a name may have changed: the newest is it.
    for key, row in {source_key(settings, row["source"]): row for row in asked}.items():
        if key is None:
            continue
        if key in context.selected_asset_keys and row["problem"] is None:
            facts = {"files": row["files"], "newest_file": row["newest_landed_at"] or ""}
            yield dg.MaterializeResult(asset_key=key, metadata=facts)
        if dg.AssetCheckKey(key, ANSWERS) in context.selected_asset_check_keys:
            yield dg.AssetCheckResult(
                passed=row["problem"] is None,
                asset_key=key,
                check_name=ANSWERS,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"problem": row["problem"] or ""},
            )


def _metadata(report: KindReport, loads: list[Load]) -> dict[str, Any]:
    """Of this run, and of all files that are loaded: numbers, so that Dagster draws them over the runs."""
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
