"""The pull as a step: new files are read, judged by the suite of their kind, and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from orchestration.core.errors import ConfigurationError
from orchestration.gates.check_results import CheckResult, batch_checks, snapshot_check, why_held_back, withdrawal
from orchestration.gates.lineage import lineage
from orchestration.gates.suites import RAW, suite_path
from orchestration.pull.home.ledger import Load
from orchestration.pull.home.snapshots import gone_since
from orchestration.pull.isolated import isolated
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.pull.loading import Batch, KindReport
from orchestration.pull.personal import file_shown
from orchestration.steps.pulling import Pull
from orchestration.steps.run import Run


def pull_exports(run: Run) -> tuple[list[KindReport], list[Load]]:
    """Read what is new, gate it, and load what passed; returns what was done for each kind, and every load that counts.

    Raises:
        ConfigurationError: no contract claims any file, or nothing could be loaded.
    """
    record = run.current

    def gate(kind: str, batches: list[Batch]) -> list[bool | str]:
        judged = _judge(run, kind, batches)
        record.check_results += chain.from_iterable(judged)
        return [
            why_held_back(check_results, file_shown(batch.file)) or True
            for check_results, batch in zip(judged, batches, strict=True)
        ]

    pulling = Pull(run.settings, run.progress)
    try:
        with record.timed("pull and its gates"):
            reports = list(pulling.kinds(gate))
    finally:
        isolated().stop()  # its memory is for the models now
    for report in reports:
        record.loads += report.loads
        record.messages += [f"{report.kind}: {message}" for message in report.messages]
    record.check_results += [_unreadable(name, why) for name, why in pulling.unreadable_sources.items()]
    record.unclaimed = [file_shown(name) for name in pulling.unclaimed]
    record.save(run.settings.home)
    loads = pulling.ledger.loads()
    if not any(load.status == "loaded" and load.rows_loaded for load in loads) and not record.blocked:
        raise ConfigurationError(f"no row could be loaded: {'; '.join(record.messages)}")
    if not record.blocked:
        run.completed.add(RAW)
    return reports, loads


def _judge(run: Run, kind: str, batches: list[Batch]) -> list[list[CheckResult]]:
    """What the suite of a kind, and the limit on its quarantine, say of each new batch."""
    settings = run.settings
    gate = f"{RAW}/{kind}"
    filled = [batch for batch in batches if batch.rows_loaded]
    judged = run.suites.check(gate, [batch.path for batch in filled], ["_file", "_row"])
    by_file = dict(zip([batch.path for batch in filled], judged, strict=True))
    suite = suite_path(gate, settings.config_dir)
    answers = []
    snapshots = Snapshots(settings.max_gone_share)
    for batch in batches:
        found = [
            check if check.passed else _explained(check, rows, batch, settings.exports_place, suite)
            for check, rows in by_file.get(batch.path, [])
        ]
        found += batch_checks(kind, batch, settings)
        found += snapshots.judge(all_kinds()[kind], batch, found)
        answers.append(found)
    return answers


class Snapshots:
    """Each new snapshot beside the one before it, be that loaded already or new as well and let through."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        #: Series -> the rows of its newest snapshot that was let through, and of the loaded one before that.
        self._newest: dict[str, tuple[Path, Path | None]] = {}

    def judge(self, kind: Kind, batch: Batch, others: Sequence[CheckResult]) -> list[CheckResult]:
        """What is said of a file beside the ``others``; none of one that is no snapshot, or the first."""
        if batch.series is None or not batch.rows_loaded:
            return []
        newest, loaded = self._newest.get(batch.series, (None, None))
        before = newest if newest and loaded == batch.before else batch.before
        found = (
            [snapshot_check(kind, file_shown(batch.file), gone_since(kind, before, batch.path), self._limit)] if before else []
        )
        if not any(check.blocks for check in (*others, *found)):
            self._newest[batch.series] = batch.path, batch.before
        return found


def _unreadable(source: str, why: str) -> CheckResult:
    return CheckResult(
        gate=f"{RAW}/sources",
        expectation=f"Source {source} can be read",
        severity="warning",
        passed=False,
        problem=f"{why}; what is published of it is as old as its last files (table load_sources)",
        remedy="the next run tries again",
    )


def _explained(check: CheckResult, rows: list[dict[str, Any]], batch: Batch, exports: str, suite: Path | None) -> CheckResult:
    file = file_shown(batch.file)
    return replace(
        check,
        examples=[place for row in rows if (place := lineage(row))],
        problem=f"{file} ({check.problem})" if check.problem else file,
        remedy=check.remedy
        or f"fix {file} and replace it in {exports}, go on without it ({withdrawal(file)}), or change the suite {suite}",
    )
