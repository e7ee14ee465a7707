"""The suite of a new file, as a run's gate judges it where the database can; what only the library can say is left to the run."""

from __future__ import annotations

from pathlib import Path

from orchestration.core.connections import connect
from orchestration.gates import queries
from orchestration.gates.check_results import CheckResult
from orchestration.gates.suites import RAW, in_words, read_suite, suite_path


def judge(kind: str, file: Path, config_dir: Path | None) -> tuple[list[CheckResult], list[str]]:
    """The check results of a kind's suite on a file of canonical rows, and the expectations that only a run judges.

    Raises:
        ConfigurationError: the suite is not valid.
    """
    gate = f"{RAW}/{kind}"
    path = suite_path(gate, config_dir)
    check_results: list[CheckResult] = []
    left = []
    with connect() as con:
        for item in read_suite(path) if path else []:
            answer = queries.judge(gate, [item], file, [], in_words, 0, con)
            if answer is None:
                left.append(str(item.get("description") or in_words(item)))
            else:
                check_results += [check for check, _ in answer]
    return check_results, left
