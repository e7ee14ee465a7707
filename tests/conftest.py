"""Homes that many tests read: one built from sample exports, one from real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import settings
from independent import Company

from orchestration.reference import SAMPLE

REPOSITORY = Path(__file__).parents[1]
REAL_EXPORTS = REPOSITORY.parent / "shared" / "real_exports"
AS_OF = datetime(2026, 6, 30, 22)  # of the sample: midnight of 1 July in Berlin

Cxhouse = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure(config: pytest.Config) -> None:
    """The quick suite plays the same cases each time, so that it fails for what was changed; the whole one looks for new ones."""
    settings.register_profile("quick", derandomize=True)
    if config.option.markexpr == "not slow":
        settings.load_profile("quick")


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """dbt is told its settings by the environment: what one test tells it in this process is no business of the next."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def cxhouse() -> Cxhouse:
    """Runs the command line as a user would, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CXHOUSE_", "DAGSTER_"))}

    def run(*arguments: str | Path, exit_code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestration.cli", *map(str, arguments)]
        result = subprocess.run(
            command, env={**clean, **environment}, capture_output=True, text=True, cwd=REPOSITORY, check=False
        )
        assert result.returncode == exit_code, f"{arguments}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    return run


class Home:
    """A home that a run has filled."""

    def __init__(self, path: Path, exports: Path, config: Path | None) -> None:
        self.path, self.exports, self.config = path, exports, config

    @property
    def options(self) -> list[str | Path]:
        return ["--home", self.path, *(["--config", self.config] if self.config else [])]

    def marts(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.path / "published" / "marts.duckdb"), read_only=True)

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
    """The states of each logged ticket last, together, from its creation to its last solving."""
    sums = home.query(
        "select tickets.full_resolution_seconds, sum(spans.duration_seconds) from fct_tickets as tickets "
        "inner join fct_ticket_status_spans as spans on tickets.ticket_id = spans.ticket_id "
        "where spans.ends_at <= tickets.solved_at group by tickets.ticket_id, tickets.full_resolution_seconds"
    )
    assert len(sums) > at_least
    assert all(whole == spent for whole, spent in sums)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Path:
    """Sample exports and their configuration."""
    folder = tmp_path_factory.mktemp("sample")
    customers, days, seed = map(str, SAMPLE)
    cxhouse("sample", "--out", folder, "--customers", customers, "--days", days, "--seed", seed)
    return folder


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse, sample: Path) -> Home:
    """A home built from the sample. Tests that change a home build their own."""
    home = Home(tmp_path_factory.mktemp("home") / "sample", sample / "exports", sample / "config")
    cxhouse("run", "--exports", home.exports, *home.options)
    return home


@pytest.fixture(scope="session")
def company(sample_home: Home) -> Company:
    """The sample's raw rows, brought to cases without the models."""
    assert sample_home.config
    return Company(sample_home.path, AS_OF, "Europe/Berlin", sample_home.config / "seeds")


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Home:
    """A home built from the real exports, as of a day after the last of them."""
    if not REAL_EXPORTS.is_dir():
        pytest.skip(f"real exports are not at {REAL_EXPORTS}; they are not part of the project")
    home = Home(tmp_path_factory.mktemp("home") / "real", REAL_EXPORTS, None)
    cxhouse("run", "--exports", home.exports, *home.options, "--as-of", "2022-01-01")
    return home
