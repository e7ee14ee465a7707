"""The raw exports as assets."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.assets.run import EXPECTATIONS, OWNERS, Run, check_result
from orchestration.errors import ConfigurationError
from orchestration.gates.suites import RAW, suite_path
from orchestration.gates.tracing import lineage
from orchestration.gates.verdicts import Verdict, clash_verdict, overwrite_verdict, quarantine_verdict, withdrawal
from orchestration.pull.kinds import all_kinds
from orchestration.pull.ledger import Load
from orchestration.pull.loading import Batch, KindReport
from orchestration.pull.pulling import Pull

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

    @dg.multi_asset(name="pull", specs=specs, check_specs=checks)
    def pull(context: dg.AssetExecutionContext) -> Iterator[Any]:
        record = run.begin(context.run_id)

        def gate(kind: str, batches: list[Batch]) -> list[bool]:
            judged = _judge(run, kind, batches)
            record.verdicts += chain.from_iterable(judged)
            return [not any(verdict.blocks for verdict in verdicts) for verdicts in judged]

        pulling = Pull(run.settings, run.progress)
        with record.timed("pull and its gates"):
            reports = list(pulling.kinds(gate))
        for report in reports:
            record.loads += report.loads
            record.messages += [f"{report.kind}: {message}" for message in report.messages]
        record.unclaimed, record.summary = pulling.unclaimed, pulling.summary
        record.save(run.settings.home)
        if not any(load.status == "loaded" and load.rows_loaded for load in pulling.ledger.loads()) and not record.blocked:
            raise ConfigurationError(f"no row could be loaded: {'; '.join(record.messages)}")
        loads = pulling.ledger.loads()
        for report in reports:
            yield dg.MaterializeResult(asset_key=dg.AssetKey([RAW, report.kind]), metadata=_metadata(report, loads))
        yield dg.MaterializeResult(asset_key=[RAW, LEDGER], metadata={"dagster/row_count": len(loads)})
        # The first result that blocks ends the step: everything that passed has been loaded by then.
        for report in reports:
            verdicts = [verdict for verdict in record.verdicts if verdict.gate == f"{RAW}/{report.kind}"]
            yield check_result(dg.AssetKey([RAW, report.kind]), verdicts)
        run.completed.add(RAW)

    return pull


def _judge(run: Run, kind: str, batches: list[Batch]) -> list[list[Verdict]]:
    """What the suite of a kind, and the limit on its quarantine, say of each new batch."""
    settings = run.settings
    gate = f"{RAW}/{kind}"
    filled = [batch for batch in batches if batch.rows_loaded]
    judged = run.keeper.check(gate, [batch.path for batch in filled], ["_file", "_row"])
    by_file = dict(zip([batch.path for batch in filled], judged, strict=True))
    suite = suite_path(gate, settings.config_dir)
    answers = []
    for batch in batches:
        found = [
            verdict if verdict.passed else _explained(verdict, rows, batch, settings.exports, suite)
            for verdict, rows in by_file.get(batch.path, [])
        ]
        read = batch.rows_loaded + batch.rows_quarantined
        found.append(
            quarantine_verdict(kind, batch.file, read, batch.rows_quarantined, settings.max_quarantined_share, batch.reasons)
        )
        key = ", ".join(all_kinds()[kind].key)
        found.append(overwrite_verdict(kind, batch.file, batch.collisions.overwritten, key))
        found += [
            clash_verdict(all_kinds()[kind], batch.file, clash, settings.max_clashing_share) for clash in batch.collisions.clashes
        ]
        answers.append(found)
    return answers


def _explained(verdict: Verdict, rows: list[dict[str, Any]], batch: Batch, exports: str, suite: Path | None) -> Verdict:
    return replace(
        verdict,
        examples=[place for row in rows if (place := lineage(row))],
        problem=f"{batch.file} ({verdict.problem})" if verdict.problem else batch.file,
        remedy=verdict.remedy
        or f"fix {batch.file} and replace it in {exports}, go on without it ({withdrawal(batch.file)}), "
        f"or change the suite {suite}",
    )


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
