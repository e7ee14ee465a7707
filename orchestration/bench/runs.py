"""What a run costs beside a full one, and where the seconds go: all measured in turn, in one session. Run: make bench

First a home is built by dbt, then another one from what dbt compiled for the first. In each round a day's exports arrive (new
records of the newest day, for the same customers); then come a run, a run with nothing new, a run a day later, a full refresh,
and a bare ``dbt build --full-refresh`` of the same models. Seconds are those of the processors: other work on the machine counts
little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.core.connections import connect
from orchestration.pull.kinds import all_kinds
from orchestration.runs.record import RunRecord
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt import DBT_PROJECT
from orchestration.warehouse.dbt_vars import dbt_vars
from orchestration.warehouse.seeds import prepare_seeds

#: Kinds that arrive every day, and the column that says of which day a row is.
DAILY = {"tickets": "created_at", "calls": "started_at", "reviews": "created_at", "orders": "ordered_at"}


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of the clock, and of the processors in it and its children."""

    wall: float
    cpu: float


def _cost(command: list[str], environment: dict[str, str] | None = None) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, env={**os.environ, **(environment or {})}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(time.monotonic() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _bare_build(settings: Settings) -> list[str]:
    target = settings.home / "bare"
    return [
        str(Path(sys.executable).with_name("dbt")), "build", "--full-refresh", "--exclude-resource-type", "unit_test",
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(target), "--log-path", str(target), "--vars", json.dumps(dbt_vars(settings)),
    ]  # fmt: skip


def _a_days_exports(settings: Settings, exports: Path, number: int) -> int:
    """Write the newest day's records once more, as new ones; returns the rows."""
    rows = 0
    with connect() as con:
        for kind, day in DAILY.items():
            key = all_kinds()[kind].key[0]
            columns = ", ".join(
                f"{name} || '-{number}' as {name}" if name == key else name for name in all_kinds()[kind].columns
            )  # fmt: skip
            raw = con.read_parquet(f"{settings.raw}/{kind}/0*.parquet", union_by_name=True)
            raw.create_view("raw", replace=True)
            query = f"select {columns} from raw where {day}::date = (select max({day})::date from raw where {key} not like '%-_')"
            con.execute(f"copy ({query}) to '{exports / f'{kind}_day{number}.parquet'}'")
            rows += con.read_parquet(str(exports / f"{kind}_day{number}.parquet")).shape[0]
    return rows


def main() -> None:
    """Run and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        cxhouse = [sys.executable, "-m", "orchestration.cli"]
        subprocess.run(
            [*cxhouse, "sample", "--out", folder, "--customers", str(arguments.customers)], check=True, capture_output=True
        )
        options = ["--exports", f"{folder}/exports", "--config", f"{folder}/config"]
        run = [*cxhouse, "run", *options, "--home", f"{folder}/home"]
        settings = load_settings(f"{folder}/exports", f"{folder}/home", f"{folder}/config")
        costs: dict[str, list[Cost]] = {name: [] for name in ("nothing new", "a later date", "one more day", "full", "bare")}
        # A cache of its own, so that the first home is one that nothing was compiled for.
        os.environ["CXHOUSE_CACHE"] = f"{folder}/cache"
        fresh = _cost(run)
        second = _cost([*cxhouse, "run", *options, "--home", f"{folder}/second"])
        prepare_seeds(settings)
        _cost(_bare_build(settings), settings.environment())
        # What dbt built by itself has another history than the next run expects: let one bring it in order, here and below.
        _cost(run)
        records = []
        for number in range(arguments.rounds):
            rows = _a_days_exports(settings, Path(folder, "exports"), number)
            costs["one more day"].append(_cost(run))
            records.append(RunRecord.load(settings.home))
            costs["nothing new"].append(_cost(run))
            later = settings.as_of_instant() + timedelta(days=1)
            costs["a later date"].append(_cost([*run, "--as-of", later.isoformat(sep="T") + "+00:00"]))
            costs["full"].append(_cost([*run, "--full-refresh"]))
            records.append(RunRecord.load(settings.home))
            # dbt writes what it ran over seeds that are outside of its project: lay them out again each time.
            prepare_seeds(settings)
            costs["bare"].append(_cost(_bare_build(settings), settings.environment()))
            _cost(run)
    console.print(
        f"{arguments.customers:,} customers over two years; a day's exports of {rows:,} rows; {arguments.rounds} rounds"
    )
    console.print(f"the first run, home and all: {fresh.cpu:.0f} s of processors, {fresh.wall:.0f} s")
    console.print(
        f"the same for a second home: {second.cpu:.0f} s of processors, {second.wall:.0f} s ({second.cpu / fresh.cpu:.0%})"
    )
    _print_costs(console, costs)
    _print_parts(console, records[-2], records[-1])


def _print_costs(console: Console, costs: dict[str, list[Cost]]) -> None:
    table = Table(title="Medians, and shares of a full refresh in the same round", title_justify="left")
    for name in ("", "processor seconds", "seconds", "of full", "lowest", "highest"):
        table.add_column(name, justify="right" if name else "left")
    for name, these in costs.items():
        shares = [one.cpu / full.cpu for one, full in zip(these, costs["full"], strict=True)]
        table.add_row(
            name,
            f"{statistics.median(cost.cpu for cost in these):.1f}",
            f"{statistics.median(cost.wall for cost in these):.1f}",
            *(f"{share:.0%}" for share in (statistics.median(shares), min(shares), max(shares))),
        )
    console.print(table)


def _print_parts(console: Console, daily: RunRecord | None, full: RunRecord | None) -> None:
    if daily is None or full is None:
        return
    for title, one, other in (
        ("Seconds by phase", daily.phase_seconds, full.phase_seconds),
        ("dbt by node, the slowest of the full refresh", daily.node_seconds, full.node_seconds),
    ):
        table = Table(title=title, title_justify="left")
        for name in ("", "incremental", "full refresh"):
            table.add_column(name, justify="right" if name else "left")
        for name, seconds in sorted(other.items(), key=lambda item: -item[1])[:15]:
            table.add_row(name, f"{one.get(name, 0):.2f}", f"{seconds:.2f}")
        console.print(table)


if __name__ == "__main__":
    main()
