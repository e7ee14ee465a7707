"""The raw exports as assets."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg

from orchestration.assets.run import EXPECTATIONS, Run, check_result
from orchestration.errors import ConfigurationError
from orchestration.gates.suites import RAW, suite_path
from orchestration.gates.tracing import lineage
from orchestration.gates.verdicts import Verdict, quarantine_verdict
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch, KindReport
from orchestration.pull.pulling import Pull
from orchestration.run_record import RunRecord

LEDGER = "load_ledger"


def raw_assets(run: Run) -> dg.AssetsDefinition:
    """One asset for each kind of export, and the ledger."""
    specs = [
        dg.AssetSpec(
            [RAW, kind.name],
            group_name=RAW,
            kinds={"parquet"},
            owners=["team:data"],
            description=f"{'Required' if kind.required else 'Optional'} export: {', '.join(kind.columns)}.",
        )
        for kind in all_kinds().values()
    ]
    specs.append(dg.AssetSpec([RAW, LEDGER], group_name=RAW, description="What became of every landed file."))
    checks = [
        dg.AssetCheckSpec(EXPECTATIONS, asset=[RAW, kind], blocking=True, description="New batches, before they load.")
        for kind in all_kinds()
    ]

    @dg.multi_asset(name="pull", specs=specs, check_specs=checks)
    def pull(context: dg.AssetExecutionContext) -> Iterator[Any]:
        record = run.begin(context.run_id)
        gate = _Gate(run, record)
        pulling = Pull(run.settings, run.progress)
        with record.timed("pull and its gates"):
            reports = list(pulling.kinds(gate))
        for report in reports:
            record.loads += report.loads
            record.messages += [f"{report.kind}: {message}" for message in report.messages]
        record.unclaimed = pulling.unclaimed
        record.save(run.settings.home)
        if not any(load.status == "loaded" and load.rows_loaded for load in pulling.ledger.loads()) and not record.blocked:
            raise ConfigurationError(f"no row could be loaded: {'; '.join(record.messages)}")
        for report in reports:
            yield dg.MaterializeResult(asset_key=dg.AssetKey([RAW, report.kind]), metadata=_metadata(report))
        yield dg.MaterializeResult(asset_key=[RAW, LEDGER])
        # The first result that blocks ends the step: everything that passed has been loaded by then.
        for report in reports:
            yield check_result(dg.AssetKey([RAW, report.kind]), gate.verdicts.get(report.kind, []))
        run.completed.add(RAW)

    return pull


class _Gate:
    """Judges the new batches of a kind, one by one."""

    def __init__(self, run: Run, record: RunRecord) -> None:
        self._run, self._record = run, record
        self.verdicts: dict[str, list[Verdict]] = {}

    def __call__(self, kind: str, batches: list[Batch]) -> list[bool]:
        settings = self._run.settings
        gate = f"{RAW}/{kind}"
        filled = [batch for batch in batches if batch.rows_loaded]
        judged = self._run.keeper.check(gate, [batch.path for batch in filled], ["_file", "_row"])
        by_file = dict(zip([batch.path for batch in filled], judged, strict=True))
        suite = suite_path(gate, settings.config_dir)
        answers = []
        for batch in batches:
            found = []
            for verdict, rows in by_file.get(batch.path, []):
                remedy = (
                    verdict.remedy
                    or f"mend {batch.file} and replace or remove it in {settings.exports}, or mend the suite {suite}"
                )
                problem = " ".join([batch.file, *([f"({verdict.problem})"] if verdict.problem else [])])
                examples = [place for row in rows if (place := lineage(row))]
                found.append(verdict if verdict.passed else replace(verdict, examples=examples, problem=problem, remedy=remedy))
            read = batch.rows_loaded + batch.rows_quarantined
            found.append(quarantine_verdict(kind, batch.file, read, batch.rows_quarantined, settings.max_quarantined_share))
            answers.append(not any(verdict.blocks for verdict in found))
            self.verdicts.setdefault(kind, []).extend(found)
            self._record.verdicts += found
        return answers


def _metadata(report: KindReport) -> dict[str, Any]:
    rows = "\n".join(
        f"| {load.contract} | {load.rows_read:,} | {load.rows_loaded:,} | {load.rows_quarantined:,} | {load.status} |"
        for load in report.loads
    )
    table = f"| contract | read | loaded | quarantined | status |\n|---|---|---|---|---|\n{rows}" if rows else "nothing new"
    return {
        "rows_loaded": report.rows_loaded,
        "rows_quarantined": report.rows_quarantined,
        "files": dg.MetadataValue.md(table),
    }
