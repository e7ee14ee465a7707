"""A home of three small tables that is published by the very step of a run: what takes seconds of models takes none here."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from orchestration.core.connections import connect
from orchestration.core.lock import take_writer_lock
from orchestration.dashboard import report
from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.steps import publish as step
from orchestration.steps.run import Project, Run
from orchestration.warehouse.versions import restore_whole
from orchestration.warehouse.warehouse import Warehouse

#: Of each table; so many that a version takes some hundred pages of a disk.
ROWS = 500
_EMPTY = """
    create schema if not exists kpis;
    create schema if not exists practices;
    create table if not exists kpis.kpis (
        kpi_id varchar, grain varchar, period_start date, dimension varchar, member varchar, people_bits bigint, n bigint
    );
    create table if not exists kpis.kpi_definitions (kpi_id varchar, is_percentile boolean);
    create table if not exists practices.marketplace_compliance (marketplace varchar, policy varchar, cases bigint);
    create table if not exists practices.alerts (
        alert_id varchar, kind varchar, severity varchar, subject varchar, message varchar, grain varchar, dimension varchar,
        member varchar, period_start date, value double, raised_at timestamp, closed_at timestamp, affected_rows bigint
    );
"""


def _model(name: str, schema: str, publication: str) -> dict[str, Any]:
    return {
        "unique_id": name, "name": name, "alias": name, "schema": schema, "resource_type": "model", "access": "public",
        "description": f"Rows of {name}.", "config": {"meta": {"publication": publication}}, "columns": {},
    }  # fmt: skip


_MODELS = (("numbers", "kpis", "marts"), ("alerts", "practices", "marts"), ("cases", "kpis", "analysis"))
MANIFEST: dict[str, Any] = {"nodes": {name: _model(name, schema, to) for name, schema, to in _MODELS}}


class SmallHome:
    """A home whose version with the number n holds that number in every row of every table."""

    def __init__(self, path: Path, **settings: Any) -> None:
        exports = path.with_name("exports")
        exports.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(home=path, exports=str(exports), **settings)

    def publish(self, number: int) -> None:
        """Build a version and publish it, as the last step of a run does."""
        prepare_home(self.settings)
        take_writer_lock(self.settings.home)
        restore_whole(self.settings)
        with connect(self.settings.warehouse) as con:
            con.execute(_EMPTY)
            for name in ("numbers", "cases"):
                rows = f"select {number} as number, md5(range::varchar) as text from range({ROWS})"
                con.execute(f"create or replace table kpis.{name} as {rows}")
        # The report needs every mart; here it is a page with the number.
        report.write_report = lambda _, path: path.write_text(f"{number}\n" * 4000, encoding="utf-8")
        run = Run(self.settings, Warehouse(self.settings), lambda _: None)
        run.begin(f"run {number}")
        run.completed = set(step._NEEDED)
        step.publish_marts(run, Project(self.settings.dbt_target / "manifest.json", MANIFEST))

    @property
    def number(self) -> int:
        """That of the published version, as its manifest says."""
        return int(json.loads((self.settings.published / "current" / "manifest.json").read_text(encoding="utf-8"))["run_id"][4:])

    def seen(self) -> int:
        """What a reader sees, in all files that there are of it: one number, else it fails."""
        folder = (self.settings.published / "current").resolve()
        found = set()
        for file, table in (("marts.duckdb", "numbers"), ("analysis.duckdb", "cases")):
            with duckdb.connect(str(folder / file), read_only=True, config={"threads": 1}) as con:
                found |= set(con.execute(f"select number, count(*) from {table} group by 1").fetchall())
                found |= {(int(run[4:]), ROWS) for (run,) in con.execute("select run_id from publication").fetchall()}
            parquet = pq.read_table(folder / "parquet" / file.removesuffix(".duckdb") / f"{table}.parquet", use_threads=False)
            found |= {(number, parquet.num_rows) for number in set(parquet["number"].to_pylist())}
        found |= {(int(line), ROWS) for line in (folder / "report.html").read_text(encoding="utf-8").split()}
        ((number, rows),) = found
        assert rows == ROWS
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["run_id"] == f"run {number}"
        return int(number)


def forked(work: Callable[[], object]) -> int:
    """Do something in a child of this process, which has imported all it takes; returns the child's number."""
    if child := os.fork():
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _done(child: int) -> bool:
    return os.waitpid(child, 0)[1] == 0


def kill_publications(home: SmallHome, kills: int, seed: int) -> dict[str, int]:
    """Publish without end, killed that many times at random moments; after each one a reader looks at every file."""
    chance = random.Random(seed)
    counts = {"kills": 0, "torn": 0, "cut": 0, "versions": 0}
    start = time.monotonic()
    assert _done(forked(lambda: home.publish(0)))
    seconds, before = time.monotonic() - start, home.number
    while counts["kills"] < kills:
        child = forked(lambda: [home.publish(number) for number in count(home.number + 1)])
        time.sleep(chance.uniform(0, 2.5 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        counts["kills"] += 1
        counts["cut"] += (home.settings.published / ".next").exists()
        counts["torn"] += not _done(forked(home.seen))
        counts["versions"] += home.number - before
        before = home.number
    assert _done(forked(lambda: home.publish(home.number + 1)))
    assert _done(forked(home.seen))
    return counts


def read_on(home: SmallHome, reads: int) -> dict[str, Any]:
    """Read what is published so many times, all files of a version each time."""
    numbers = {home.seen() for _ in range(reads)}
    return {"reads": reads, "numbers": sorted(numbers)}


if __name__ == "__main__":
    what, place = sys.argv[1], SmallHome(Path(sys.argv[2]))
    amount = int(sys.argv[3])
    print(json.dumps(read_on(place, amount) if what == "--read" else kill_publications(place, amount, int(sys.argv[4]))))
