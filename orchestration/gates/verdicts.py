"""What a gate says about one expectation."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Below this many quarantined rows the share says little: a warning, not a block.
MIN_QUARANTINED_TO_BLOCK = 20


@dataclass(frozen=True)
class Verdict:
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

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity == "critical"


def quarantine_verdict(kind: str, file: str, rows_read: int, rows_quarantined: int, limit: float) -> Verdict:
    """Does too large a share of a file lie in quarantine?"""
    share = rows_quarantined / rows_read if rows_read else 0.0
    passed = share <= limit
    return Verdict(
        gate=f"raw/{kind}",
        expectation=f"At most {limit:.0%} of the rows are quarantined",
        severity="critical" if rows_quarantined >= MIN_QUARANTINED_TO_BLOCK else "warning",
        passed=passed,
        failed_rows=0 if passed else rows_quarantined,
        problem=None if passed else f"{file}: {rows_quarantined:,} of {rows_read:,} rows ({share:.1%})",
        remedy=None
        if passed
        else "'cxhouse quarantine' lists the rows by reason; mend the export and replace the file, or mend its contract "
        "(setting: max_quarantined_share)",
    )
