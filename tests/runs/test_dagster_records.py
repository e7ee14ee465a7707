"""Runs of the command line as Dagster shows them: what they built and checked, once, with the times of the run."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from homes import Home

from orchestration.assets.recorded import command_line_runs, record_run
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.run import Project

BEGAN, ENDED = "2026-06-01T05:00:00+00:00", "2026-06-01T05:01:00+00:00"


def gate(name: str, expectation: str, **more: Any) -> dict[str, Any]:
    return {"gate": name, "expectation": expectation, "severity": "critical", "passed": True, "failed_rows": 0, **more}


@pytest.fixture
def project(sample_home: Home) -> Project:
    path = sample_home.path / "dbt" / "manifest.json"
    return Project(path, json.loads(path.read_text()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(exports=str(tmp_path), home=tmp_path / "home")


def written(settings: Settings, project: Project, run_id: str, **more: Any) -> Path:
    """The outline of a run that built two models, one of which failed a test."""
    tests = [
        node for node in project.manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node") == "model.cxhouse.fct_orders"
    ]  # fmt: skip
    assert len(tests) > 1
    names = [node["name"] for node in tests[:2]]
    outline = {
        "run_id": run_id, "status": "published", "started_at": BEGAN, "ended_at": ENDED, "published_version": "v1",
        "sources": {"folder": 3, "of_before": 1}, "rows": {"orders": [5, 1]},
        "node_seconds": {"fct_orders": 0.5, "fct_tickets": 0.25, **dict.fromkeys(names, 0.1)},
        "node_problems": {names[0]: "warn"},
        "gates": [gate("raw/orders", "The batch holds orders"), gate("journey/fct_orders", "It is whole", passed=False)],
    }  # fmt: skip
    path = settings.home / "runs" / f"20260601T0500000000_{run_id[:8]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**outline, **more}))
    return path


def test_a_run_stands_in_dagsters_storage(settings: Settings, project: Project) -> None:
    run_id = "11111111-0000-0000-0000-000000000000"
    path = written(settings, project, run_id)
    with dg.DagsterInstance.ephemeral() as instance:
        assert record_run(instance, path, settings, project)
        (record,) = instance.get_run_records()
        began, ended = (datetime.fromisoformat(at).timestamp() for at in (BEGAN, ENDED))
        assert record.dagster_run.status == dg.DagsterRunStatus.SUCCESS
        assert (record.start_time, record.end_time) == (began, ended)
        built = {key.to_user_string(): instance.get_latest_materialization_event(key) for key in instance.get_asset_keys()}
        wanted = {"sources/exports", "raw/orders", "journey/fct_orders", "journey/fct_tickets", "published/marts"}
        assert {key for key, event in built.items() if event} == wanted
        assert all(event.timestamp == ended for event in built.values() if event), "freshness is that of the run"
        rows = built["raw/orders"].asset_materialization.metadata  # type: ignore[union-attr]
        assert (rows["rows_loaded"].value, rows["rows_quarantined"].value) == (5, 1)
        checks = [
            entry.dagster_event.asset_check_evaluation_data
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            if entry.dagster_event
        ]
        found = {(check.asset_key.to_user_string(), check.check_name == "expectations", check.passed) for check in checks}
        assert found == {
            ("raw/orders", True, True), ("journey/fct_orders", True, False),
            ("journey/fct_orders", False, True), ("journey/fct_orders", False, False),
        }  # fmt: skip
        (warned,) = [check for check in checks if check.check_name != "expectations" and not check.passed]
        assert warned.severity == dg.AssetCheckSeverity.WARN
        # It is written once; one that was written in part is written again.
        assert not record_run(instance, path, settings, project)
        assert len(instance.get_run_records()) == 1
        half = written(settings, project, "22222222-0000-0000-0000-000000000000")
        instance.add_run(dg.DagsterRun("daily", "22222222-0000-0000-0000-000000000000"))
        assert record_run(instance, half, settings, project)


def test_the_sensor_records_what_came_since(settings: Settings, project: Project) -> None:
    written(settings, project, "11111111-0000-0000-0000-000000000000")
    sensor = command_line_runs(settings, project)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance)
        assert "recorded 1 runs" in str(sensor(context).skip_message)  # type: ignore[union-attr]
        blocked = written(settings, project, "99999999-0000-0000-0000-000000000000", status="blocked", published_version=None)
        context = dg.build_sensor_context(instance, cursor=context.cursor)
        assert "recorded 1 runs" in str(sensor(context).skip_message)  # type: ignore[union-attr]
        assert context.cursor == blocked.name
        assert "no new run" in str(sensor(dg.build_sensor_context(instance, cursor=context.cursor)).skip_message)  # type: ignore[union-attr]
        statuses = [record.dagster_run.status for record in instance.get_run_records()]
        assert sorted(status.value for status in statuses) == ["FAILURE", "SUCCESS"]


def test_a_run_leaves_an_outline_without_values(sample_home: Home) -> None:
    record = RunRecord.load(sample_home.path)
    assert record
    outline = json.loads(record.page(sample_home.path).with_suffix(".json").read_text())
    assert outline["run_id"] == record.run_id
    assert set(outline["rows"]) == {load.kind for load in record.loads}
    assert len(outline["node_seconds"]) > 300
    assert len(outline["gates"]) == len(record.check_results)
    assert outline["published_version"] == record.published_version
    assert not {"examples", "problem", "remedy"} & {name for entry in outline["gates"] for name in entry}
