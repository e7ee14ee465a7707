"""Runs of the command line as Dagster shows runs: a sensor writes them to Dagster's storage, so that they cost a run nothing."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import JobFailureData, StepMaterializationData
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration.assets.naming import JOB, Translator, asset_check_result, model_key
from orchestration.assets.published import PUBLISHED
from orchestration.assets.raw import source_key
from orchestration.gates.check_results import CheckResult
from orchestration.gates.suites import RAW
from orchestration.pull.kinds import all_kinds
from orchestration.runs.record import PAGES
from orchestration.settings.model import Settings
from orchestration.steps.layers import test_in_words
from orchestration.steps.run import Project

#: A home that Dagster never looked at may hold many runs: so many of the newest are recorded.
NEWEST = 5
#: Seconds after which the rest is left to the next look: the daemon waits for a sensor no longer than a minute.
_PATIENCE_SECONDS = 20.0


def command_line_runs(settings: Settings, project: Project) -> dg.SensorDefinition:
    """The sensor. What it has recorded is in Dagster's storage itself, and its cursor is the last file that it looked at."""

    @dg.sensor(
        name="command_line_runs",
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records runs of the command line, so that assets, checks and runs show them.",
    )
    def recorded(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        started, count = time.monotonic(), 0
        for path in _unseen(settings.home / PAGES, context.cursor):
            count += record_run(context.instance, path, settings, project, _tags(context))
            context.update_cursor(path.name)
            if time.monotonic() - started > _PATIENCE_SECONDS:
                break
        return dg.SkipReason(f"recorded {count} runs of the command line" if count else "no new run of the command line")

    return recorded


def _unseen(folder: Path, cursor: str | None) -> list[Path]:
    """The outlines of runs after the one that was looked at last, oldest first."""
    found = sorted(folder.glob("*.json"))
    return [path for path in found if path.name > cursor] if cursor else found[-NEWEST:]


def _tags(context: dg.SensorEvaluationContext) -> dict[str, str]:
    """By which Dagster knows to which code location a run belongs."""
    origin = context.code_location_origin
    return {".dagster/repository": f"{context.repository_name}@{origin.location_name}"} if origin else {}


def record_run(
    instance: dg.DagsterInstance, path: Path, settings: Settings, project: Project, tags: dict[str, str] | None = None
) -> bool:
    """Write a run's outline (see ``RunRecord.outline``) to Dagster's storage; False where it is there already.

    Events bear the time at which the run began or ended, so that freshness is that of the data.
    """
    outline = json.loads(path.read_text(encoding="utf-8"))
    run_id, passed = outline["run_id"], outline["status"] == "published"
    known = instance.get_run_by_id(run_id)
    if known and known.status != dg.DagsterRunStatus.NOT_STARTED:
        return False
    began, ended = (datetime.fromisoformat(outline[name]).timestamp() for name in ("started_at", "ended_at"))
    tags = {**(tags or {}), "cxhouse/run": "recorded afterwards", "cxhouse/outcome": outline["status"]}
    # Started only once all the rest is recorded: a run that seems to be at work would hold back all others, and one that was
    # written in part is written again.
    if not known:
        instance.add_run(dg.DagsterRun(JOB, run_id, status=dg.DagsterRunStatus.NOT_STARTED, tags=tags))
    for kind, event in _events(outline, settings, project):
        _store(instance, run_id, ended, kind, event)
    _store(instance, run_id, began, dg.DagsterEventType.RUN_START, message="Run without Dagster, recorded afterwards.")
    if passed:
        _store(instance, run_id, ended, dg.DagsterEventType.RUN_SUCCESS, message=f"Published {outline['published_version']}.")
    else:
        text = f"The run was {outline['status']}: what is published stayed as it was. See {path.with_suffix('.html')}."
        _store(instance, run_id, ended, dg.DagsterEventType.RUN_FAILURE, JobFailureData(None), text)
    return True


def _store(
    instance: dg.DagsterInstance, run_id: str, at: float, kind: dg.DagsterEventType, data: Any = None, message: str = ""
) -> None:
    event = dg.DagsterEvent(kind.value, JOB, event_specific_data=data, message=message)
    entry = dg.EventLogEntry(None, "INFO", message, run_id, at, None, JOB, event)  # type: ignore[no-untyped-call]
    instance.handle_new_event(entry)


def _events(outline: dict[str, Any], settings: Settings, project: Project) -> Iterator[tuple[dg.DagsterEventType, Any]]:
    """The materialisations and checks of a run."""
    for source, files in outline["sources"].items():
        if key := source_key(settings, source):
            yield _materialised(key, files=files)
    for kind, (loaded, quarantined) in outline["rows"].items():
        yield _materialised(dg.AssetKey([RAW, kind]), rows_loaded=loaded, rows_quarantined=quarantined)
    nodes = [node for node in project.manifest["nodes"].values() if node["name"] in outline["node_seconds"]]
    for node in nodes:
        seconds = outline["node_seconds"][node["name"]]
        problem = outline["node_problems"].get(node["name"])
        if node["resource_type"] == "test":
            yield from _tested(node, project, seconds, problem)
        elif problem is None and node["resource_type"] in ("model", "seed"):
            yield _materialised(Translator().get_asset_key(node), seconds=seconds)
    yield from _gates(outline, project, nodes)
    if outline["published_version"]:
        yield _materialised(PUBLISHED, version=outline["published_version"])


def _materialised(key: dg.AssetKey, **metadata: Any) -> tuple[dg.DagsterEventType, Any]:
    event = dg.AssetMaterialization(key, metadata=metadata)
    return dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event)


def _tested(
    node: dict[str, Any], project: Project, seconds: float, problem: str | None
) -> Iterator[tuple[dg.DagsterEventType, Any]]:
    key = get_asset_check_key_for_test(project.manifest, Translator(), node["unique_id"], None)
    if key and problem != "skipped":
        yield _checked(
            dg.AssetCheckResult(
                passed=problem is None,
                asset_key=key.asset_key,
                check_name=key.name,
                severity=dg.AssetCheckSeverity.WARN if problem == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"seconds": seconds},
            )
        )


def _gates(outline: dict[str, Any], project: Project, nodes: list[dict[str, Any]]) -> Iterator[tuple[dg.DagsterEventType, Any]]:
    """The suites of kinds and tables; what failed tests of dbt found is left out, since those are checks by themselves."""
    of_tests = {test_in_words(node) for node in nodes if node["name"] in outline["node_problems"]}
    by_gate: dict[str, list[CheckResult]] = defaultdict(list)
    for fields in outline["gates"]:
        if fields["expectation"] not in of_tests:
            by_gate[fields["gate"]].append(CheckResult(**fields))
    for gate, check_results in by_gate.items():
        layer, _, table = gate.partition("/")
        if layer == RAW and table in all_kinds():
            yield _checked(asset_check_result(dg.AssetKey([RAW, table]), check_results))
        elif table in project.models:
            yield _checked(asset_check_result(model_key(project, table), check_results))


def _checked(result: dg.AssetCheckResult) -> tuple[dg.DagsterEventType, Any]:
    assert result.asset_key is not None
    assert result.check_name is not None
    evaluation = dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
    )
    return dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation
