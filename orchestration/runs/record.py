"""What a run did, kept as JSON in the home: `cxhouse status`, the page of gates and the messages are made from it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from orchestration.core import durable
from orchestration.gates.check_results import CheckResult
from orchestration.pull.home.ledger import Load
from orchestration.pull.home.ledger_tables import RENAMED

FILE_NAME = "last_run.json"
#: Status of a run of some steps only, which Dagster's UI started.
PARTIAL = "partial"
PAGES = "runs"
#: Status of a run that had nothing to do: what it shows is the run before.
SETTLED = "settled"


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
    check_results: list[CheckResult] = field(default_factory=list)
    #: How many models were unchanged, incremental, recomputed or rebuilt (macros/maintained/plan.sql).
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
        return any(check.blocks for check in self.check_results)

    @property
    def blamed_files(self) -> set[str]:
        """Files whose rows failed a blocking gate of the models."""
        found = (check.examples for check in self.check_results if check.blocks and not check.gate.startswith("raw/"))
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
        """Where the page of the run's gates is."""
        return home / PAGES / f"{re.sub(r'[^0-9T]', '', self.started_at)}_{self.run_id[:8]}.html"

    def save(self, home: Path) -> None:
        durable.write_text(home / FILE_NAME, json.dumps(asdict(self), indent=1, ensure_ascii=False))

    @classmethod
    def load(cls, home: Path) -> RunRecord | None:
        path = home / FILE_NAME
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None  # none yet, or a half one of an earlier release
        renamed = RENAMED["loads"]
        data["loads"] = [Load(**{renamed.get(name, name): value for name, value in item.items()}) for item in data["loads"]]
        written = data.pop("verdicts", None) or data.get("check_results", [])  # as an earlier release called them
        data["check_results"] = [CheckResult(**item) for item in written]
        known = {one.name for one in fields(cls)}  # an earlier release wrote more
        return cls(**{name: value for name, value in data.items() if name in known})
