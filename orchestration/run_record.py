"""What a run did, kept as JSON in the home with a page of its gates: `cxhouse status` and the end of a run read it."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration import durable
from orchestration.gates.verdicts import Verdict
from orchestration.pull.ledger import Ledger, Load
from orchestration.settings import Settings

FILE_NAME = "last_run.json"
#: Status of a run of some steps only, which Dagster's UI started.
PARTIAL = "partial"
PAGES = "runs"
#: Status of a run that had nothing to do: what it shows is the run before.
SETTLED = "settled"
#: Pages of older runs are removed.
MAX_PAGES = 100


@dataclass
class RunRecord:
    """One run, rewritten after each of its steps."""

    run_id: str
    started_at: str
    as_of: str = ""
    status: str = "running"
    loads: list[Load] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    #: Landed files that no contract reads.
    unclaimed: list[str] = field(default_factory=list)
    #: For each file that was read, its rows and the records that they became.
    summary: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    #: How many models were kept, touched (computed in part), compared (computed whole, changes kept) or rebuilt.
    model_modes: dict[str, int] = field(default_factory=dict)
    tests_passed: int = 0
    #: Errors of dbt that are no failed tests.
    dbt_problems: list[str] = field(default_factory=list)
    published_version: str | None = None
    #: Where the time went: seconds by phase, and by dbt node.
    phase_seconds: dict[str, float] = field(default_factory=dict)
    node_seconds: dict[str, float] = field(default_factory=dict)
    #: What became of dbt nodes that did not succeed: fail, warn, error, skipped.
    node_problems: dict[str, str] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """Did a gate or a blocking dbt test hold the run back?"""
        return any(verdict.blocks for verdict in self.verdicts)

    @property
    def blamed_files(self) -> set[str]:
        """Files whose rows failed a blocking gate of the models."""
        found = (verdict.examples for verdict in self.verdicts if verdict.blocks and not verdict.gate.startswith("raw/"))
        return {example.rpartition(", row ")[0] for examples in found for example in examples} - {""}

    @property
    def is_finished(self) -> bool:
        return self.status != "running"

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time spent inside to a phase."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.phase_seconds[phase] = self.phase_seconds.get(phase, 0.0) + time.monotonic() - started

    def page(self, home: Path) -> Path:
        """Where the page of the run's gates lies."""
        return home / PAGES / f"{re.sub(r'[^0-9T]', '', self.started_at)}_{self.run_id[:8]}.html"

    def finish(self, settings: Settings, status: str, error: BaseException | None = None) -> None:
        """The run is over: write its page, and tell of a failure."""
        from orchestration.alerts import raise_alerts
        from orchestration.gates.page import render

        self.status = status
        self.save(settings.home)
        shutil.rmtree(settings.scratch, ignore_errors=True)
        ledger = Ledger(settings.ledger)
        if status == "published":
            ledger.clear_blame()
        else:
            ledger.blame(self.blamed_files)
        page = self.page(settings.home)
        page.parent.mkdir(exist_ok=True)
        page.write_text(render(self), encoding="utf-8")
        page.with_suffix(".json").write_text(json.dumps(self.outline(ledger), ensure_ascii=False), encoding="utf-8")
        for old in sorted(page.parent.glob("*.html"))[:-MAX_PAGES]:
            old.unlink()
            old.with_suffix(".json").unlink(missing_ok=True)
        raise_alerts(settings, self, error)

    def outline(self, ledger: Ledger) -> dict[str, Any]:
        """What Dagster shows of a run: names, times and counts, and nothing out of the files."""
        rows: dict[str, list[int]] = {}
        for load in self.loads:
            counts = rows.setdefault(load.kind, [0, 0])
            counts[0] += load.rows_loaded
            counts[1] += load.rows_quarantined
        shown = ("gate", "expectation", "severity", "passed", "failed_rows")
        return {
            "run_id": self.run_id,
            "status": self.status,
            "started_at": self.started_at,
            "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "published_version": self.published_version,
            "sources": {row["source"]: row["files"] for row in ledger.sources() if row["problem"] is None},
            "rows": rows,
            "node_seconds": self.node_seconds,
            "node_problems": self.node_problems,
            "gates": [{name: getattr(verdict, name) for name in shown} for verdict in self.verdicts],
        }

    def save(self, home: Path) -> None:
        durable.write_text(home / FILE_NAME, json.dumps(asdict(self), indent=1, ensure_ascii=False))

    @classmethod
    def load(cls, home: Path) -> RunRecord | None:
        path = home / FILE_NAME
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None  # none yet, or a half one of an earlier release
        data["loads"] = [Load(**item) for item in data["loads"]]
        data["verdicts"] = [Verdict(**item) for item in data["verdicts"]]
        return cls(**data)
