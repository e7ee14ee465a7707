"""Homes that a run has filled, and what tests ask of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from orchestration.publish.reading import open_published

REPOSITORY = Path(__file__).parents[2]
REAL_EXPORTS = REPOSITORY.parent / "shared" / "real_exports"
AS_OF = datetime(2026, 6, 30, 22)  # of the sample: midnight of 1 July in Berlin

#: Stand in compiled queries where a test puts its own zone and date.
ANY_ZONE, ANY_INSTANT = "Antarctica/Macquarie", "2036-01-01 00:00:00"


Cxhouse = Callable[..., subprocess.CompletedProcess[str]]


class Home:
    """A home that a run has filled."""

    def __init__(self, path: Path, exports: Path, config: Path | None) -> None:
        self.path, self.exports, self.config = path, exports, config

    @property
    def options(self) -> list[str | Path]:
        return ["--home", self.path, *(["--config", self.config] if self.config else [])]

    def published(self) -> duckdb.DuckDBPyConnection:
        """What readers see: the marts, and beside them the single cases."""
        return open_published(self.path / "published" / "marts.duckdb")

    def marts(self) -> duckdb.DuckDBPyConnection:
        """The published models as the warehouse holds them, with the numbers of few people that readers do not see."""
        if not (self.path / "warehouse.duckdb").exists():  # of Spark
            return self.published()
        # Of a home that all tests share a copy: one of them may hold the warehouse to write.
        beside = self.path.parent / "warehouse.duckdb"
        con = duckdb.connect(str(beside if beside.exists() else self.path / "warehouse.duckdb"), read_only=True)
        con.execute(f"attach '{self.path / 'published' / 'marts.duckdb'}' as published (read_only)")
        schemas = ("kpis", "practices", "journey", "conformed")
        con.execute(f"set search_path = '{','.join(f'warehouse.{schema}' for schema in schemas)},published.main'")
        return con

    def shown(self, sql: str, *values: object) -> list[tuple]:
        """A query of what readers see."""
        with self.published() as con:
            return con.execute(sql, list(values)).fetchall()

    def query(self, sql: str, *values: object) -> list[tuple]:
        with self.marts() as con:
            return con.execute(sql, list(values)).fetchall()

    def kpi(self, kpi_id: str, column: str = "value", grain: str = "all", dimension: str = "all", member: str = "all") -> object:
        rows = self.query(
            f"select {column} from kpis where kpi_id = ? and grain = ? and dimension = ? and member = ?",
            kpi_id, grain, dimension, member,
        )  # fmt: skip
        assert len(rows) == 1, f"{kpi_id}: {len(rows)} rows"
        return rows[0][0]


def check_that_spans_add_up(home: Home, at_least: int) -> None:
    """The states of a ticket with a whole log last, from its creation to its last solving; of others no wait is known."""
    sums = home.query(
        "select tickets.full_resolution_seconds, sum(spans.duration_seconds), tickets.requester_wait_seconds is not null "
        "from fct_tickets as tickets inner join fct_ticket_status_spans as spans on tickets.ticket_id = spans.ticket_id "
        "where spans.ends_at <= tickets.solved_at "
        "group by tickets.ticket_id, tickets.full_resolution_seconds, tickets.requester_wait_seconds"
    )
    known = [(whole, spent) for whole, spent, is_known in sums if is_known]
    assert len(known) > at_least
    assert len(sums) - len(known) < len(sums) / 50, "logs that do not reach a ticket are few"
    assert all(whole == spent for whole, spent in known)


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """A folder that the first process to ask for it builds, and all others share; those of a later suite, too, where
    ``TESTS_SHARED`` names a folder for that.
    """
    root = factory.getbasetemp()
    if name_of_all := os.environ.get("TESTS_SHARED"):
        shared = Path(tempfile.gettempdir()) / name_of_all
    else:
        # Each process has a base of its own beside those of the others.
        shared = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "shared"
    shared.mkdir(exist_ok=True)
    folder, ready = shared / name, shared / f"{name}.ready"
    with FileLock(shared / f"{name}.lock"):
        if not ready.exists():
            # What a build that failed left.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            ready.touch()
    return folder


def copy_of(home: Home, folder: Path) -> Home:
    """A home of its own with its exports and configuration, below a folder."""
    copy = Home(folder / "home", folder / "exports", folder / "config")
    shutil.copytree(home.path, copy.path, symlinks=True)
    shutil.copytree(home.exports, copy.exports)
    shutil.copytree(home.config or Path(), folder / "config")
    return copy


LAST_DAY = date(2026, 6, 30)
