"""The end of a run: its record, the page of its gates, its alerts."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import Any

from orchestration.pull.home.ledger import Ledger
from orchestration.runs.alerts import raise_alerts
from orchestration.runs.page import render
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings

#: Pages of older runs are removed.
MAX_PAGES = 100


def finish_run(settings: Settings, record: RunRecord, status: str, error: BaseException | None = None) -> None:
    """The run is over: write its page, and send a message if it was not published."""
    record.status = status
    record.save(settings.home)
    shutil.rmtree(settings.scratch, ignore_errors=True)
    ledger = Ledger(settings.ledger)
    if status == "published":
        ledger.clear_blame()
    else:
        ledger.blame(record.blamed_files)
    page = record.page(settings.home)
    page.parent.mkdir(exist_ok=True)
    page.write_text(render(record), encoding="utf-8")
    page.with_suffix(".json").write_text(json.dumps(_outline(record, ledger), ensure_ascii=False), encoding="utf-8")
    for old in sorted(page.parent.glob("*.html"))[:-MAX_PAGES]:
        old.unlink()
        old.with_suffix(".json").unlink(missing_ok=True)
    raise_alerts(settings, record, error)


def finish_failed(settings: Settings, record: RunRecord, error: BaseException | None) -> None:
    """The run ended by an error: a gate held it back, or it broke."""
    if not record.is_finished:
        finish_run(settings, record, "blocked" if record.blocked else "failed", error)


def _outline(record: RunRecord, ledger: Ledger) -> dict[str, Any]:
    """What Dagster shows of a run: names, times and counts, and nothing out of the files."""
    rows: dict[str, list[int]] = {}
    for load in record.loads:
        counts = rows.setdefault(load.kind, [0, 0])
        counts[0] += load.rows_loaded
        counts[1] += load.rows_quarantined
    shown = ("gate", "expectation", "severity", "passed", "failed_rows")
    return {
        "run_id": record.run_id,
        "status": record.status,
        "started_at": record.started_at,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "published_version": record.published_version,
        "sources": {row["source"]: row["files"] for row in ledger.sources() if row["problem"] is None},
        "rows": rows,
        "node_seconds": record.node_seconds,
        "node_problems": record.node_problems,
        "gates": [{name: getattr(check, name) for name in shown} for check in record.check_results],
    }
