"""What a gate says about one expectation."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.pull.home.quarantine import valueless
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.pull.personal import file_shown

if TYPE_CHECKING:
    from orchestration.pull.collisions import Clash
    from orchestration.pull.home.snapshots import Gone
    from orchestration.pull.loading import Batch
    from orchestration.settings.model import Settings

#: Below this many quarantined rows the share says little: a warning, not a block.
MIN_QUARANTINED_TO_BLOCK = 20


@dataclass(frozen=True)
class CheckResult:
    """The result of one expectation."""

    gate: str
    expectation: str
    severity: str
    passed: bool
    failed_rows: int = 0
    #: Where the first failing rows came from ("orders.csv, row 12"), or which they are; never personal data.
    examples: list[str] = field(default_factory=list)
    problem: str | None = None
    #: What to do about it.
    remedy: str | None = None
    #: The problem in names of files and counts alone, for those whom the data may not reach.
    in_counts: str | None = None

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity == "critical"


def why_held_back(check_results: Sequence[CheckResult], file: str) -> str | None:
    """Why a new file may not be loaded, in one line without any value; none where it may."""
    failures = []
    for check in check_results:
        if check.blocks:
            counts = (check.in_counts or "").removeprefix(f"{file}: ")
            reasons = "; ".join(valueless(example) for example in check.examples)
            failures.append(": ".join(part for part in (f"not met: {check.expectation}", counts, reasons) if part))
    return "; ".join(failures) or None


def withdrawal(file: str) -> str:
    """The command that takes a file back, as it can be typed."""
    return f"'cxhouse withdraw {shlex.quote(file)}'"


def quarantine_check(
    kind: str,
    file: str,
    records_read: int,
    rows_quarantined: int,
    limit: float,
    reasons: Sequence[str] = (),
    rows_merged: int = 0,
) -> CheckResult:
    """Does too large a share of a file's rows that carry a record (its other rows are ``rows_merged``) end in quarantine?"""
    share = rows_quarantined / records_read if records_read else 0.0
    carrying = f", of which {records_read:,} carry a record" if rows_merged else ""
    return _of_a_file(
        kind,
        f"At most {limit:.0%} of the rows are quarantined",
        "critical" if rows_quarantined >= MIN_QUARANTINED_TO_BLOCK else "warning",
        rows_quarantined if share > limit else 0,
        f"{file}: {rows_quarantined:,} of {records_read + rows_merged:,} rows{carrying} ({share:.1%})",
        "'cxhouse quarantine' lists the rows by reason; fix the export and replace the file, fix its contract, or go on "
        f"without it: {withdrawal(file)} (setting: max_quarantined_share)",
        reasons,
    )


def _of_a_file(
    kind: str, expectation: str, severity: str, failed_rows: int, problem: str, remedy: str, examples: Sequence[str] = ()
) -> CheckResult:
    """What is said of a whole file: of one without failed rows no more than that it passed."""
    if not failed_rows:
        return CheckResult(f"raw/{kind}", expectation, severity, passed=True)
    return CheckResult(
        f"raw/{kind}", expectation, severity, False, failed_rows, list(examples), problem, remedy=remedy, in_counts=problem
    )


def overwrite_check(kind: str, file: str, overwritten: int, key: str) -> CheckResult:
    """Do rows of a file overwrite each other, and nothing says which is the newer one?"""
    return CheckResult(
        gate=f"raw/{kind}",
        expectation="No two rows of a file say different things of one record at one time",
        severity="warning",
        passed=not overwritten,
        failed_rows=overwritten,
        problem=f"{file}: of {overwritten:,} {kind.replace('_', ' ')} several rows differ; the last one counts"
        if overwritten
        else None,
        remedy=f"in the contract map updated_at where they are versions, {key} to what distinguishes the records, or say which "
        "rows go on with a record (`continuation`)"
        if overwritten
        else None,
    )


def clash_check(kind: Kind, file: str, clash: Clash, limit: float) -> CheckResult:
    """Do two files give the same numbers to different things?"""
    things = kind.two_things.of[0].removesuffix("_id") + "s" if kind.two_things and kind.two_things.of else kind.name
    other = file_shown(clash.other_file)
    problem = (
        f"{file} and {other} share {clash.shared:,} numbers of {things.replace('_', ' ')}, "
        f"of which {clash.clashing:,} are of other {kind.two_things.in_words if kind.two_things else 'content'}"
    )
    return CheckResult(
        gate=f"raw/{kind.name}",
        expectation="Two files do not give one number to two things",
        severity="critical" if clash.blocks(kind, limit) else "warning",
        passed=False,
        failed_rows=clash.clashing,
        problem=problem,
        in_counts=problem,
        remedy="if they come from two systems, give each a source: `exports_source: folder` in cxhouse.yml (files without a "
        "contract), `source` in the contract; if one corrects the other, give it the other's name, map updated_at, or take the "
        f"older one back: {withdrawal(other)} (setting: max_clashing_share)",
    )


def snapshot_check(kind: Kind, file: str, gone: Gone, limit: float) -> CheckResult:
    """Does a snapshot lack too many records of the one before?"""
    return _of_a_file(
        kind.name,
        f"A full export lacks at most {limit:.0%} of the records of the one before",
        "critical",
        gone.gone if gone.blocks(limit) else 0,
        f"{file} lacks {gone.gone:,} of the {gone.records:,} {kind.name.replace('_', ' ')} of the export before",
        "if it was cut short, or is of one part only, replace it, or map it with `mode: incremental`; if they are gone "
        f"indeed, allow it for one run (setting: max_gone_share); or go on without it: {withdrawal(file)}",
    )


def batch_checks(kind: str, batch: Batch, settings: Settings) -> list[CheckResult]:
    """What is said of a new file beside the suite of its kind: its quarantine, and its records among themselves and others'."""
    read = batch.rows_loaded + batch.rows_quarantined
    limit, file = settings.max_quarantined_share, file_shown(batch.file)
    return [
        quarantine_check(kind, file, read, batch.rows_quarantined, limit, batch.reasons, batch.rows_merged),
        overwrite_check(kind, file, batch.collisions.overwritten, ", ".join(all_kinds()[kind].key)),
        *(clash_check(all_kinds()[kind], file, clash, settings.max_clashing_share) for clash in batch.collisions.clashes),
    ]
