"""The end of a run: its record, the page of its gates, its alerts."""

from __future__ import annotations

import shutil

from orchestration.pull.ledger import Ledger
from orchestration.runs.alerts import raise_alerts
from orchestration.runs.page import render
from orchestration.runs.record import RunRecord
from orchestration.settings import Settings

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
    for old in sorted(page.parent.glob("*.html"))[:-MAX_PAGES]:
        old.unlink()
    raise_alerts(settings, record, error)


def finish_failed(settings: Settings, record: RunRecord, error: BaseException | None) -> None:
    """The run ended by an error: a gate held it back, or it broke."""
    if not record.is_finished:
        finish_run(settings, record, "blocked" if record.blocked else "failed", error)
