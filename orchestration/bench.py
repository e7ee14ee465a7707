"""Where the seconds of a small run go, beside a bare ``dbt build`` of the same models, in turn. Run: make bench"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.run_record import RunRecord
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import DBT_PROJECT, prepare_seeds

ROUNDS = 3


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    return time.monotonic() - started


def _bare_build(settings: Settings) -> list[str]:
    target = settings.home / "bare"
    return [
        str(Path(sys.executable).with_name("dbt")), "build", "--exclude-resource-type", "unit_test",
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(target), "--log-path", str(target), "--vars", json.dumps(settings.dbt_vars),
    ]  # fmt: skip


def main() -> None:
    """Run and print the comparison."""
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        cxhouse = [sys.executable, "-m", "orchestration.cli"]
        subprocess.run([*cxhouse, "sample", "--out", folder], check=True, capture_output=True)
        options = ["--exports", f"{folder}/exports", "--config", f"{folder}/config"]
        run = [*cxhouse, "run", *options, "--home", f"{folder}/home"]
        settings = load_settings(f"{folder}/exports", f"{folder}/home", f"{folder}/config")
        first = _seconds(run, {})
        # dbt writes what it ran over seeds that lie outside of its project: lay them out anew each time.
        prepare_seeds(settings)
        _seconds(_bare_build(settings), settings.environment())
        runs, builds = [], []
        for _ in range(ROUNDS):
            runs.append(_seconds(run, {}))
            prepare_seeds(settings)
            builds.append(_seconds(_bare_build(settings), settings.environment()))
        record = RunRecord.load(settings.home)
    ratios = [a / b for a, b in zip(runs, builds, strict=True)]
    console.print(f"cxhouse run / bare dbt build, {ROUNDS} times in turn: median {statistics.median(ratios):.2f}, "
                  f"from {min(ratios):.2f} to {max(ratios):.2f}")  # fmt: skip
    console.print(f"medians: run {statistics.median(runs):.1f} s, bare build {statistics.median(builds):.1f} s; "
                  f"the first run of the home, which reads the exports and parses the project, {first:.1f} s")  # fmt: skip
    if record:
        _print_parts(console, record)


def _print_parts(console: Console, record: RunRecord) -> None:
    phases = Table(title="Last run by phase (the job holds pull, build, gates and publish)", title_justify="left")
    phases.add_column("phase")
    phases.add_column("seconds", justify="right")
    for phase, seconds in record.phase_seconds.items():
        phases.add_row(phase, f"{seconds:.2f}")
    nodes = Table(title="dbt by node, the slowest", title_justify="left")
    nodes.add_column("node")
    nodes.add_column("seconds", justify="right")
    for name, seconds in sorted(record.node_seconds.items(), key=lambda item: -item[1])[:15]:
        nodes.add_row(name, f"{seconds:.2f}")
    console.print(phases)
    console.print(nodes)


if __name__ == "__main__":
    main()
