"""Homes that many tests read: one built from sample exports, one from real ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock
from hypothesis import settings
from independent import Company

from orchestration.execution import prepare_home
from orchestration.publish import open_published
from orchestration.reference import SAMPLE
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

REPOSITORY = Path(__file__).parents[1]
REAL_EXPORTS = REPOSITORY.parent / "shared" / "real_exports"
AS_OF = datetime(2026, 6, 30, 22)  # of the sample: midnight of 1 July in Berlin

#: Stand in compiled queries where a test puts its own zone and date.
ANY_ZONE, ANY_INSTANT = "Antarctica/Macquarie", "2036-01-01 00:00:00"

#: Models whose queries tests run by themselves, over tables of their own.
QUERIES = (
    "int_openings", "int_calendar_segments", "int_ticket_business_seconds",
    "int_call_forecasts", "fct_staffing_half_hours", "quality_baselines",
)  # fmt: skip

#: Files of tests that take longest, measured in processor seconds: they are begun first, so that no process works alone at the
#: end. The second needs no home of the sample, which the first builds.
LONGEST = (
    "test_project", "test_hostile_exports", "test_arrivals", "test_report", "test_check", "test_kpis_independently",
    "test_dashboard", "test_values", "test_forgetting", "test_vendors", "test_targets", "test_command_line", "test_draft_vendors",
    "test_draft", "test_semantic_layer", "test_contracts", "test_together", "test_agents_independently", "test_extra",
    "test_publications", "test_power_loss", "test_texts", "test_gates", "test_calendars", "test_practices",
    "test_loyalty_independently",
)  # fmt: skip

Cxhouse = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure(config: pytest.Config) -> None:
    """The quick suite and CI play the same cases each time, to fail for what was changed; the whole one looks for new ones."""
    settings.register_profile("quick", derandomize=True)
    if config.option.markexpr:
        settings.load_profile("quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first; all others keep their order."""
    order = {f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


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
    """The states of a ticket with a whole log last, from its creation to its last solving; of others no wait is told."""
    sums = home.query(
        "select tickets.full_resolution_seconds, sum(spans.duration_seconds), tickets.requester_wait_seconds is not null "
        "from fct_tickets as tickets inner join fct_ticket_status_spans as spans on tickets.ticket_id = spans.ticket_id "
        "where spans.ends_at <= tickets.solved_at "
        "group by tickets.ticket_id, tickets.full_resolution_seconds, tickets.requester_wait_seconds"
    )
    told = [(whole, spent) for whole, spent, is_told in sums if is_told]
    assert len(told) > at_least
    assert len(sums) - len(told) < len(sums) / 50, "logs that do not reach a ticket are few"
    assert all(whole == spent for whole, spent in told)


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """A folder that the first process to ask for it builds, and all others share."""
    root = factory.getbasetemp()
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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The compiled query of each of QUERIES, and of a macro: the project is read once for all tests that run one by itself."""

    def build(folder: Path) -> None:
        told = {"staffing_shrinkage": 0, "baseline_days": 360}
        home = Settings(home=folder / "home", as_of=date.fromisoformat(ANY_INSTANT[:10]), reporting_timezone=ANY_ZONE, vars=told)
        prepare_home(home)
        warehouse = Warehouse(home)
        chances = {"two_sided_p": warehouse.rendered("select z, {{ two_sided_p('z') }} as p from points")}
        (folder / "queries.json").write_text(json.dumps({**warehouse.compiled(*QUERIES), **chances}))

    return dict(json.loads((built_once(tmp_path_factory, "compiled", build) / "queries.json").read_text()))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Path:
    """Sample exports and their configuration."""
    customers, days, seed = map(str, SAMPLE)

    def build(folder: Path) -> None:
        cxhouse("sample", "--out", folder, "--customers", customers, "--days", days, "--seed", seed)

    return built_once(tmp_path_factory, "sample", build)


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse, sample: Path) -> Home:
    """A home built from the sample, which all tests share: one that would change it takes a copy."""

    def build(folder: Path) -> None:
        cxhouse("run", "--exports", sample / "exports", "--home", folder / "home", "--config", sample / "config")
        shutil.copyfile(folder / "home" / "warehouse.duckdb", folder / "warehouse.duckdb")

    home = built_once(tmp_path_factory, "sample_home", build) / "home"
    return Home(home, sample / "exports", sample / "config")


@pytest.fixture
def copied_home(tmp_path: Path, sample_home: Home) -> Home:
    """A copy of the sample's home, exports and configuration, that a test may change."""
    return copy_of(sample_home, tmp_path)


def copy_of(home: Home, folder: Path) -> Home:
    """A home of its own with its exports and configuration, below a folder."""
    copy = Home(folder / "home", folder / "exports", folder / "config")
    shutil.copytree(home.path, copy.path, symlinks=True)
    shutil.copytree(home.exports, copy.exports)
    shutil.copytree(home.config or Path(), folder / "config")
    return copy


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

    def build(folder: Path) -> None:
        cxhouse("run", "--exports", REAL_EXPORTS, "--home", folder / "home", "--as-of", "2022-01-01")
        shutil.copyfile(folder / "home" / "warehouse.duckdb", folder / "warehouse.duckdb")

    return Home(built_once(tmp_path_factory, "real_home", build) / "home", REAL_EXPORTS, None)
