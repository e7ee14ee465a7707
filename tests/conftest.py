"""Homes that many tests read: one built from sample exports, one from real ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from homes import ANY_INSTANT, ANY_ZONE, AS_OF, REAL_EXPORTS, REPOSITORY, Cxhouse, Home, built_once, copy_of
from hypothesis import settings
from independent import Company

from orchestration.core import limits as reading_limits
from orchestration.execution import prepare_home
from orchestration.reference.docs import SAMPLE
from orchestration.settings.model import Settings
from orchestration.warehouse.warehouse import Warehouse

#: Models whose queries tests run by themselves, over tables of their own.
QUERIES = (
    "int_openings", "int_calendar_segments", "int_ticket_business_seconds",
    "int_call_half_hours", "int_call_days", "int_call_forecast_candidates", "int_call_forecast_errors", "int_call_forecasts",
    "call_forecast_backtest", "int_erlang_a", "fct_staffing_half_hours", "quality_baselines", "call_intervals",
    "int_agent_state_spans", "int_agent_state_contracts", "int_agent_log_days", "int_agent_log_weeks", "fct_agent_half_hours",
    "fct_agent_contact_half_hours",
)  # fmt: skip

#: Files of tests that take longest, in the quick suite or in CI: they are begun first, so that no process works alone at the
#: end. The second needs no home of the sample, which the first builds.
LONGEST = (
    "test_project", "test_hostile_exports", "test_arrivals", "test_incremental", "test_dashboard", "test_draft_vendors",
    "test_engines", "test_vendors_whole", "test_gates", "test_real_exports", "test_records_and_files", "test_project_cache",
    "test_report", "test_targets", "test_serving", "test_check", "test_unknown_facts", "test_bad_rows",
    "test_money_independently", "test_contradicting_tickets", "test_command_line", "test_endurance", "test_forgetting",
    "test_values", "test_keeping", "test_late_exports", "test_call_forecasts", "test_calendars", "test_vendors",
    "test_asked_sources", "test_draft", "test_texts", "test_contracts", "test_vendor_apis",
    "test_remote_sources", "test_bombs", "test_moments", "test_practices",
)  # fmt: skip


#: Where files need no disk, and the bytes that have to be free there.
MEMORY, FREE = Path("/dev/shm"), 8 << 30


def pytest_configure(config: pytest.Config) -> None:
    """The quick suite and CI play the same cases each time, to fail for what was changed; the whole one looks for new ones."""
    settings.register_profile("quick", derandomize=True)
    if config.option.markexpr:
        settings.load_profile("quick")
    # A run waits until its files are on disk, several times for each: much of the time of tests, for files that go anyway.
    if "TMPDIR" not in os.environ and _is_memory_usable():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _is_memory_usable() -> bool:
    """Is there room, and may programs be run from there, as some tests do?"""
    if not os.access(MEMORY, os.W_OK):
        return False
    return shutil.disk_usage(MEMORY).free > FREE and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first; all others keep their order."""
    order = {f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """What one test sets must not reach the next: the environment, its umask, the limits that its settings gave to reading."""
    before, umask = dict(os.environ), os.umask(0o022)
    os.umask(umask)
    yield
    reading_limits.use(reading_limits.SHIPPED)
    os.umask(umask)
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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The compiled query of each of QUERIES, and of a macro: the project is read once for all tests that run one by itself."""

    def build(folder: Path) -> None:
        variables = {"staffing_shrinkage": 0, "baseline_days": 360}
        home = Settings(
            home=folder / "home", as_of=date.fromisoformat(ANY_INSTANT[:10]), reporting_timezone=ANY_ZONE, vars=variables
        )
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
