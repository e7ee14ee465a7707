"""The assets: raw exports, dbt's models, and what is published; each gate is a blocking asset check."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_subset_selection_for_context

from orchestration.errors import ConfigurationError
from orchestration.gates import GateKeeper, Verdict, mart_gates
from orchestration.lock import take_writer_lock
from orchestration.publish import Candidate, public_tables
from orchestration.pull.contracts import load_contracts
from orchestration.pull.kinds import all_kinds
from orchestration.pull.landing import land
from orchestration.pull.ledger import Ledger
from orchestration.pull.loading import KindReport, Loader, jobs, unclaimed, write_load_ledger
from orchestration.pull.sources import open_source
from orchestration.run_record import RunRecord
from orchestration.settings import Settings
from orchestration.warehouse import NodeResult, Warehouse

EXPECTATIONS = "expectations"
PUBLISHED = dg.AssetKey(["published", "marts"])
LEDGER = "load_ledger"
#: Below this many quarantined rows the share says little: a warning, not a block.
MIN_QUARANTINED_TO_BLOCK = 20


class Translator(DagsterDbtTranslator):
    """dbt's nodes as assets: keyed and grouped by layer, sources as the raw assets."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        props = dbt_resource_props
        if props["resource_type"] == "source":
            return dg.AssetKey(["raw", props["name"]])
        return dg.AssetKey([self.get_group_name(props) or "warehouse", props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        props = dbt_resource_props
        if props["resource_type"] == "seed":
            return "seeds"
        return str(props["schema"]) if props["resource_type"] in ("model", "test") else None


class Run:
    """What the steps of one run share: settings, gates, dbt, the record, and where progress goes."""

    def __init__(
        self,
        settings: Settings,
        warehouse: Warehouse,
        progress: Callable[[str], None],
        keeper: GateKeeper | None = None,
    ) -> None:
        self.settings, self.warehouse, self.progress = settings, warehouse, progress
        self.record: RunRecord | None = None
        self._keeper = keeper

    @property
    def keeper(self) -> GateKeeper:
        """The gates' worker; it imports its library from the first call on."""
        self._keeper = self._keeper or GateKeeper(self.settings.config_dir)
        return self._keeper

    def begin(self, run_id: str) -> RunRecord:
        """Become the writer, and open the record of this run (or go on with it, in a later step)."""
        take_writer_lock(self.settings.home)
        if self.record is None or self.record.run_id != run_id:
            started = datetime.now(UTC).isoformat(timespec="seconds")
            self.record = RunRecord(run_id, started, self.settings.as_of_instant().isoformat(sep=" "))
        return self.record


class CandidateHolder:
    """Hands the gated candidate from the gates to the publish step of the same run."""

    candidate: Candidate | None = None


def _check_result(key: dg.AssetKey, name: str, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    failed = [verdict for verdict in verdicts if not verdict.passed]
    blocking = any(verdict.blocks for verdict in failed)
    lines = ["| | expectation | rows | where |", "|---|---|---|---|"]
    for verdict in verdicts:
        mark = "passed" if verdict.passed else verdict.severity
        lines.append(f"| {mark} | {verdict.expectation} | {verdict.failed_rows or ''} | {'; '.join(verdict.examples)} |")
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=key,
        check_name=name,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        metadata={"expectations": dg.MetadataValue.md("\n".join(lines)), "failed": len(failed)},
    )


def quarantine_verdict(kind: str, rows_read: int, rows_quarantined: int, limit: float) -> Verdict:
    """Does too large a share of a batch lie in quarantine?"""
    share = rows_quarantined / rows_read if rows_read else 0.0
    return Verdict(
        gate=f"raw/{kind}",
        expectation=f"At most {limit:.0%} of the rows are quarantined",
        severity="critical" if rows_quarantined >= MIN_QUARANTINED_TO_BLOCK else "warning",
        passed=share <= limit,
        failed_rows=rows_quarantined if share > limit else 0,
        examples=[],
        problem=f"{rows_quarantined:,} of {rows_read:,} rows ({share:.1%})" if share > limit else None,
    )


def raw_assets(run: Run) -> dg.AssetsDefinition:
    """One asset for each kind of export, and the ledger."""
    specs = [
        dg.AssetSpec(
            ["raw", kind.name],
            group_name="raw",
            kinds={"parquet"},
            owners=["team:data"],
            description=f"{'Required' if kind.required else 'Optional'} export: {', '.join(kind.columns)}.",
        )
        for kind in all_kinds().values()
    ]
    specs.append(dg.AssetSpec(["raw", LEDGER], group_name="raw", description="What became of every landed file."))
    checks = [
        dg.AssetCheckSpec(EXPECTATIONS, asset=["raw", kind], blocking=True, description="New batches, before they load.")
        for kind in all_kinds()
    ]

    @dg.multi_asset(name="pull", specs=specs, check_specs=checks)
    def pull(context: dg.AssetExecutionContext) -> Iterator[Any]:
        settings = run.settings
        record = run.begin(context.run_id)
        keeper = run.keeper
        shutil.rmtree(settings.scratch, ignore_errors=True)
        settings.scratch.mkdir(parents=True)
        ledger = Ledger(settings.ledger)
        with record.timed("pull"):
            arrivals = land(open_source(settings.exports), settings.landing, settings.scratch, ledger)
        run.progress(f"pull: {arrivals.new} new file(s) landed from {settings.exports}")
        loader = Loader(settings.landing, settings.raw, settings.quarantine, settings.scratch, ledger)
        landed = ledger.landed()
        wanted = jobs(landed, load_contracts(settings.config_dir), settings.landing, settings.exports_timezone)
        record.unclaimed = unclaimed(landed, wanted)
        if not wanted:
            raise ConfigurationError(
                f"no file in {settings.exports} is claimed by a contract; 'cxhouse sources' shows why, and "
                "docs/contracts.md how to write one"
            )
        for kind in all_kinds().values():
            verdicts: list[Verdict] = []

            def gate(name: str, files: list[Path], read: int, bad: int, found: list[Verdict] = verdicts) -> bool:
                with record.timed("gates"):
                    found += keeper.check(f"raw/{name}", files)
                found.append(quarantine_verdict(name, read, bad, settings.max_quarantined_share))
                return not any(verdict.blocks for verdict in found)

            with record.timed("pull"):
                report = loader.load_kind(kind, wanted, gate, arrivals.offered)
            for message in report.messages:
                run.progress(f"pull: {kind.name}: {message}")
            record.loads += report.loads
            record.messages += [f"{kind.name}: {message}" for message in report.messages]
            record.verdicts += verdicts
            key = dg.AssetKey(["raw", kind.name])
            yield dg.MaterializeResult(asset_key=key, metadata=_raw_metadata(report))
            yield _check_result(key, EXPECTATIONS, verdicts)
        write_load_ledger(ledger, settings.raw)
        record.save(settings.home)
        if not any(load.status == "loaded" and load.rows_loaded for load in ledger.loads()) and not record.blocked:
            raise ConfigurationError(f"no row could be loaded: {'; '.join(record.messages)}")
        yield dg.MaterializeResult(asset_key=["raw", LEDGER])

    return pull


def _raw_metadata(report: KindReport) -> dict[str, Any]:
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


def warehouse_assets(run: Run, manifest_path: Path) -> dg.AssetsDefinition:
    """Every seed and model as an asset, every data test as a check of its model."""
    translator = Translator()
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))

    @dbt_assets(manifest=manifest_path, name="warehouse", dagster_dbt_translator=translator, exclude="resource_type:unit_test")
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[Any]:
        record = run.begin(context.run_id)
        selected: list[str] = []
        if context.is_subset:
            selected, indirect_selection = get_subset_selection_for_context(
                context, manifest, "fqn:*", "resource_type:unit_test", None, translator, None
            )
            os.environ["DBT_INDIRECT_SELECTION"] = indirect_selection or "eager"
        with record.timed("dbt build"):
            results = run.warehouse.build(selected, lambda text: run.progress(f"models: {text}"))
        record.node_seconds = {r.name: r.seconds for r in results}
        for result in results:
            yield from _dbt_events(result, manifest, translator)
        record.models_built = sum(r.resource_type == "model" and r.status == "success" for r in results)
        record.tests_passed = sum(r.resource_type == "test" and r.status == "pass" for r in results)
        record.dbt_problems = [_problem(r) for r in results if r.failed]
        record.verdicts += [
            Verdict(f"models/{r.name}", r.message, "critical", False, r.failures, []) for r in results if r.status == "fail"
        ]
        record.save(run.settings.home)
        if record.dbt_problems:
            raise dg.Failure(f"{len(record.dbt_problems)} dbt node(s) failed: {'; '.join(record.dbt_problems[:5])}")

    return warehouse


def _problem(result: NodeResult) -> str:
    return f"{result.resource_type} {result.name}: {result.message}"


def _dbt_events(result: NodeResult, manifest: Mapping[str, Any], translator: Translator) -> Iterator[Any]:
    node = manifest["nodes"].get(result.unique_id)
    if node is None:
        return
    if result.resource_type == "test":
        key = get_asset_check_key_for_test(manifest, translator, result.unique_id, None)
        if key and result.status != "skipped":
            yield dg.AssetCheckResult(
                passed=result.status == "pass",
                asset_key=key.asset_key,
                check_name=key.name,
                severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"failing_rows": result.failures, "seconds": result.seconds},
            )
    elif result.status == "success":
        yield dg.MaterializeResult(
            asset_key=translator.get_asset_key(node), metadata={"seconds": dg.MetadataValue.float(result.seconds)}
        )


def mart_checks(run: Run, manifest_path: Path, candidate: CandidateHolder) -> dg.AssetChecksDefinition:
    """Great Expectations over the marts that are about to be published."""
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    tables = public_tables(manifest)
    gates = [gate for gate in mart_gates(run.settings.config_dir) if gate in {table.name for table in tables}]
    keys = {table.name: dg.AssetKey([table.schema, table.name]) for table in tables}

    @dg.multi_asset_check(
        name="mart_gates",
        specs=[
            dg.AssetCheckSpec(
                EXPECTATIONS,
                asset=keys[gate],
                additional_deps=[key for name, key in keys.items() if name != gate],
                blocking=True,
                description="The table as it is about to be published.",
            )
            for gate in gates
        ],
    )
    def check_marts(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        record = run.begin(context.run.run_id)
        run.progress("gates: building the candidate")
        candidate.candidate = Candidate(run.settings, tables, context.run.run_id)
        with record.timed("publish"):
            candidate.candidate.build()
        for gate in gates:
            run.progress(f"gates: marts/{gate}")
            with record.timed("gates"):
                verdicts = run.keeper.check(f"marts/{gate}", [candidate.candidate.parquet(gate)])
            record.verdicts += verdicts
            record.save(run.settings.home)
            yield _check_result(keys[gate], EXPECTATIONS, verdicts)

    return check_marts


def published_asset(run: Run, manifest_path: Path, holder: CandidateHolder) -> dg.AssetsDefinition:
    """The published marts: replaced in one step, once every gate has passed."""
    tables = public_tables(json.loads(manifest_path.read_text(encoding="utf-8")))

    @dg.asset(
        key=PUBLISHED,
        deps=[dg.AssetKey([table.schema, table.name]) for table in tables],
        group_name="published",
        kinds={"duckdb", "parquet"},
        owners=["team:data"],
        description="What readers get: marts.duckdb and the same tables as Parquet.",
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        record = run.begin(context.run_id)
        if holder.candidate is None:
            raise dg.Failure("nothing has passed the gates in this run; materialise the whole job")
        with record.timed("publish"):
            record.published_version = holder.candidate.publish()
        holder.candidate = None
        record.status = "published"
        record.save(run.settings.home)
        run.progress(f"published: version {record.published_version}")
        from orchestration.display import headline_markdown

        return dg.MaterializeResult(
            metadata={
                "version": record.published_version,
                "file": dg.MetadataValue.path(str(run.settings.published / "marts.duckdb")),
                "kpis": dg.MetadataValue.md(headline_markdown(run.settings)),
            }
        )

    return marts
