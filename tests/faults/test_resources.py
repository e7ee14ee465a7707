"""Memory, threads and disk: what the machine or its cgroup has, what settings say, and that every connection keeps to it."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import duckdb
import pytest
from boxes import Box
from homes import REPOSITORY

from orchestration.core import resources
from orchestration.core.connections import connect, explain
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.resources import Resources, default_memory, parse_memory, processors, total_memory, use
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull
from orchestration.warehouse.warehouse import Warehouse

MIB = 2**20


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_current", None)
    for name in ("MEMORY_LIMIT", "TEMP_DIRECTORY", "THREADS", "CONFIG"):
        monkeypatch.delenv(f"CXHOUSE_{name}", raising=False)


def _cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str]) -> None:
    """A machine whose cgroups say this."""
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    (tmp_path / "own").write_text(own)
    monkeypatch.setattr(resources, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(resources, "OWN_CGROUPS", tmp_path / "own")


@pytest.mark.parametrize(
    ("own", "files", "memory", "threads"),
    [
        # Version 2: the tightest limit on the way to the root counts; "max" is none.
        (
            "0::/user/job\n",
            {"user/job/memory.max": "max", "user/memory.max": str(800 * MIB), "user/job/cpu.max": "100000 100000"},
            800 * MIB,
            1,
        ),
        # In a container, whose cgroup is the root of what it sees.
        ("0::/docker/f00\n", {"memory.max": str(600 * MIB), "cpu.max": "150000 100000"}, 600 * MIB, 1),
        # Version 1.
        (
            "5:memory:/job\n3:cpu,cpuacct:/job\n",
            {
                "memory/job/memory.limit_in_bytes": str(400 * MIB),
                "cpu/job/cpu.cfs_quota_us": "50000",
                "cpu/job/cpu.cfs_period_us": "100000",
            },
            400 * MIB,
            1,
        ),
    ],
)
def test_a_share_of_what_the_cgroup_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str], memory: int, threads: int
) -> None:
    _cgroups(tmp_path, monkeypatch, own, files)
    assert total_memory() == memory
    assert default_memory() == memory // 2
    assert processors() == threads
    settings = Settings(home=tmp_path / "home")
    assert (settings.resources.memory_bytes, settings.threads) == (memory // 2, threads)
    assert parse_memory("25%") == memory // 4
    use(settings.resources)
    with connect() as con:
        assert con.execute("select current_setting('memory_limit')").fetchall() == [(f"{memory // 2 // MIB}.0 MiB",)]
        assert con.execute("select current_setting('threads')").fetchall() == [(threads,)]


def test_without_a_cgroup_it_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _cgroups(tmp_path, monkeypatch, "0::/\n", {"memory.max": "max"})
    meminfo = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert meminfo
    assert total_memory() == int(meminfo[1]) * 1024


def test_a_cgroup_that_may_not_be_read_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"job/memory.max": str(400 * MIB), "job/cpu.max": "100000 100000", "memory.max": str(800 * MIB)}
    _cgroups(tmp_path, monkeypatch, "0::/job\n", files)
    assert total_memory() == 400 * MIB
    (tmp_path / "cgroup" / "job").chmod(0)
    was = os.geteuid()
    if was == 0:  # who may read everything
        cgroup = tmp_path / "cgroup"
        for path in (cgroup, cgroup / "memory.max", tmp_path / "own", tmp_path, *tmp_path.parents):
            if path.owner() == tmp_path.owner() and len(path.parts) > 2:
                path.chmod(path.stat().st_mode | 0o055)
        os.seteuid(65534)
    try:
        assert total_memory() == 800 * MIB
        assert processors() == len(os.sched_getaffinity(0))
    finally:
        os.seteuid(was)
        (tmp_path / "cgroup" / "job").chmod(0o700)


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 * 10**9), ("512 MiB", 512 * MIB), ("1.5gib", 3 * 2**29), ("70000KB", 70_000_000)]
)
def test_amounts(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["4", "lots", "-1GB", "1KB", "0%", "4GB; drop table x"])
def test_what_is_no_amount(tmp_path: Path, text: str) -> None:
    (tmp_path / "cxhouse.yml").write_text(f"memory_limit: '{text}'\n")
    with pytest.raises(ConfigurationError, match="memory_limit"):
        load_settings(config=str(tmp_path))


def test_the_environment_is_stronger_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cxhouse.yml").write_text("memory_limit: 300MiB\nthreads: 3\ntemp_directory: /var/tmp/from_file\n")
    assert load_settings(config=str(tmp_path)).resources == Resources(300 * MIB, 3, Path("/var/tmp/from_file"))
    monkeypatch.setenv("CXHOUSE_MEMORY_LIMIT", "200MiB")
    monkeypatch.setenv("CXHOUSE_THREADS", "1")
    monkeypatch.setenv("CXHOUSE_TEMP_DIRECTORY", str(tmp_path / "spill"))
    expected = Resources(200 * MIB, 1, tmp_path / "spill")
    assert load_settings(config=str(tmp_path)).resources == expected
    with connect() as con, connect(tmp_path / "x.duckdb") as other:
        for one in (con, other):
            found = one.execute(
                "select current_setting('memory_limit'), current_setting('threads'), current_setting('temp_directory')"
            ).fetchall()
            assert found == [("200.0 MiB", 1, str(tmp_path / "spill"))]


def test_one_place_opens_databases() -> None:
    """Another one would know no bound."""
    opened = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "orchestration").rglob("*.py")
        if re.search(r"duckdb\.(connect|sql|query|execute|read_\w+)\(", path.read_text(encoding="utf-8"))
    ]
    assert opened == ["orchestration/core/connections.py"]


def test_what_does_not_fit_goes_to_disk(tmp_path: Path) -> None:
    use(Resources(64 * MIB, 1, tmp_path / "spill"))
    with connect() as con:
        con.execute("set enable_external_access = false")
        con.execute("create temp table sorted as select md5(i::varchar) as text from range(3000000) as t (i) order by text")
        assert list((tmp_path / "spill").iterdir())
    assert not list((tmp_path / "spill").glob("*")), "and away"


def test_too_little_memory_names_the_file_and_the_setting(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with (box.exports / "tickets_large.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ticket_id", "created_at", "status", "subject"])
        writer.writerows([number, "2026-06-01", "open", "x" * 5000] for number in range(12_000))
    config = tmp_path / "config"
    (config / "contracts").mkdir(parents=True)
    (config / "contracts" / "whole.yml").write_text(
        "name: whole\nkind: tickets\nfiles: {name: tickets_large.csv, columns: [ticket_id]}\n"
        "query: select *, (select list(subject) from file) as everything from file\n"
        "columns: {ticket_id: ticket_id, created_at: created_at, status: status, tags: {sql: len(everything)}}\n"
    )
    settings = Settings(exports=str(box.exports), home=box.home, config_dir=config, memory_limit="32MiB", threads=1)
    pulling = Pull(settings, lambda _: None)
    with pytest.raises(CxhouseError, match=r"tickets_large\.csv needs more memory .*32MiB.*`memory_limit`"):
        list(pulling.kinds(lambda _, batches: [True] * len(batches)))


def test_other_errors_are_not_of_memory() -> None:
    assert explain(duckdb.ConversionException("Conversion Error: no"), "x") is None


def test_dbt_keeps_to_it_too(tmp_path: Path) -> None:
    """By its profile, and in the folder for what does not fit; a model that needs more is named with the setting."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.environments.local import LocalEnvironment

    from orchestration.warehouse.dbt import _bound_dbt

    settings = Settings(home=tmp_path / "home", memory_limit="150MiB", threads=1, temp_directory=tmp_path / "spill")
    Warehouse(settings)
    _bound_dbt()
    _bound_dbt()
    # As dbt calls it, on the environment itself.
    environment_of_dbt = LocalEnvironment.__new__(LocalEnvironment)
    con = environment_of_dbt.initialize_db(DuckDBCredentials(path=str(tmp_path / "w.duckdb"), schema="main", database="w"), {})
    found = con.execute("select current_setting('memory_limit'), current_setting('threads'), current_setting('temp_directory')")
    assert found.fetchall() == [("150.0 MiB", 1, str(tmp_path / "spill"))]
    environment = settings.environment()
    assert (environment["CXHOUSE_DUCKDB_MEMORY"], environment["CXHOUSE_MODELS_AT_ONCE"]) == ("150MiB", "1")
    said = str(explain("Runtime Error in model x\n  Out of Memory Error: could not allocate", "the model kpi_parts_tickets"))
    assert said.startswith("the model kpi_parts_tickets needs more memory than it may take (150MiB with 1 thread(s))")
    assert "memory_limit" in said
