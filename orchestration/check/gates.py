"""The suite of a new file, as a run's gate judges it where the database can; what only the library can say is left to the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.core.connections import connect
from orchestration.gates import queries
from orchestration.gates.check_results import CheckResult
from orchestration.gates.suites import RAW, in_words, read_suite, suite_path

#: Check results, and the expectations that only a run judges.
Judged = tuple[list[CheckResult], list[str]]


def expectations_of(kind: str, config_dir: Path | None) -> list[dict[str, Any]]:
    """The suite of a kind's files.

    Raises:
        ConfigurationError: the suite is not valid.
    """
    path = suite_path(f"{RAW}/{kind}", config_dir)
    return read_suite(path) if path else []


def judge(kind: str, file: Path, expectations: list[dict[str, Any]]) -> Judged:
    """What a suite says of a file of canonical rows."""
    check_results: list[CheckResult] = []
    left = []
    with connect() as con:
        for item in expectations:
            answer = queries.judge(f"{RAW}/{kind}", [item], file, [], in_words, 0, con)
            if answer is None:
                left.append(str(item.get("description") or in_words(item)))
            else:
                check_results += [check for check, _ in answer]
    return check_results, left
