"""Killed at any instant, the published version is whole, and the next run converges to what a clean home gives."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from homes import REPOSITORY, Cxhouse
from published import fingerprint, leftovers, not_loaded, parts, published_rows

#: Kills in the quick suite, and in the whole one.
FEW, MANY = 2, 60
#: In how many parts the exports arrive.
PARTS = 4


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Path:
    folder = tmp_path_factory.mktemp("company")
    cxhouse("sample", "--out", folder, "--customers", "80", "--days", "60", "--seed", "5")
    return folder


@pytest.fixture
def settled(tmp_path: Path, company: Path, cxhouse: Cxhouse) -> Company:
    """A home that has published the first part of its exports."""
    ours = Company(tmp_path, company, cxhouse)
    ours.receive(0)
    ours.run()
    return ours


class Company:
    """A home whose exports arrive in parts."""

    def __init__(self, root: Path, company: Path, cxhouse: Cxhouse) -> None:
        self.root, self.company, self.cxhouse = root, company, cxhouse
        self.home, self.exports = root / "home", root / "exports"
        #: Of the run that was killed last.
        self.session = 0

    @property
    def options(self) -> list[str | Path]:
        return ["--exports", self.exports, "--home", self.home, "--config", self.company / "config"]

    def receive(self, number: int) -> None:
        parts(self.company / "exports", self.exports, number, PARTS)

    def run(self, exit_code: int = 0) -> str:
        result = self.cxhouse("run", *self.options, exit_code=exit_code)
        return result.stdout + result.stderr

    def killed_run(self, seconds: float, after: str | None = None) -> bool:
        """Start a run and kill it some seconds after its start (or after it says something); was it still going?"""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "orchestration.cli", "run", *map(str, self.options)],
            cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.session = process.pid
        assert process.stderr is not None
        for line in process.stderr if after else ():
            if after and line.startswith(after):
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        going = process.poll() is None
        # Only the run itself: what it started has to notice.
        if going:
            os.kill(process.pid, signal.SIGKILL)
        process.stderr.close()
        process.wait()
        return going

    def clean_rows(self) -> dict[str, list[tuple]]:
        """What a clean home publishes that knows the landed files in the order of their arrival, and nothing else."""
        clean = Company(self.root / "clean", self.company, self.cxhouse)
        clean.exports = self.exports
        shutil.rmtree(clean.home, ignore_errors=True)
        shutil.copytree(self.home / "landing", clean.home / "landing")
        for name in ("identity_salt", "ledger.sqlite"):
            shutil.copy(self.home / name, clean.home / name)
        with sqlite3.connect(clean.home / "ledger.sqlite") as ledger:
            ledger.execute("delete from loads")
        ledger.close()
        clean.run()
        return published_rows(clean.home)


#: What a run says as it begins a part (none: it starts), and how many seconds later it is killed at most.
MOMENTS: tuple[tuple[str | None, float], ...] = (
    ("publishing", 1.0), ("pull", 3.0), ("models", 6.0), ("gates: kpis", 1.5), (None, 2.0)
)  # fmt: skip


def kills(company: Company, count: int) -> Iterator[tuple[float, str | None]]:
    """When to kill: all over a run's parts, whatever time they take."""
    company.run()
    chance = random.Random(7)
    for number in range(count):
        after, most = MOMENTS[number % len(MOMENTS)]
        yield chance.uniform(0, most), after


def chaos(company: Company, count: int, arrivals: int) -> int:
    company.receive(0)
    done, number = 0, 0
    for seconds, after in kills(company, count):
        before = published_rows(company.home)
        if done % (count // arrivals + 1) == 0 and number < arrivals - 1:
            number += 1
            company.receive(number)
        done += company.killed_run(seconds, after)
        # Whole, and either what it was before or the next version.
        assert fingerprint(company.home)
        if after is None and seconds < 2:
            assert published_rows(company.home) == before
    company.run()
    while number < arrivals - 1:
        number += 1
        company.receive(number)
        company.run()
    assert published_rows(company.home) == company.clean_rows()
    assert leftovers(company.home) == []
    assert not_loaded(company.home) == []
    return done


@pytest.mark.slow
def test_killed_now_and_then(tmp_path: Path, company: Path, cxhouse: Cxhouse) -> None:
    assert chaos(Company(tmp_path, company, cxhouse), FEW, 2) >= FEW // 2


@pytest.mark.slow
def test_killed_at_many_moments(tmp_path: Path, company: Path, cxhouse: Cxhouse) -> None:
    assert chaos(Company(tmp_path, company, cxhouse), MANY, PARTS) >= 50


@pytest.mark.ci
def test_a_workers_run_that_is_killed_takes_the_worker_along(tmp_path: Path, company: Path, cxhouse: Cxhouse) -> None:
    ours = Company(tmp_path, company, cxhouse)
    ours.receive(0)
    assert ours.killed_run(0.5, "pull")
    for _ in range(50):
        if not (left := of_session(ours.session)):
            return
        time.sleep(0.2)
    raise AssertionError(f"still running: {left}")


def of_session(session: int) -> list[str]:
    """Processes that a run started, or what it started did."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (command) state parent group session …
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(status.parent.name)
    return found


def _mounted(folder: Path, megabytes: int) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, company: Path, cxhouse: Cxhouse) -> None:
    disk = tmp_path / "disk"
    if not _mounted(disk, 200):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        ours = Company(disk, company, cxhouse)
        ours.exports = tmp_path / "exports"
        ours.receive(0)
        ours.run()
        before = published_rows(ours.home)
        ours.receive(1)
        filler, failures = disk / "filler", 0
        # From hardly any room to nearly enough: the disk is full at another step each time.
        for spare in (0, 1, 2, 3, 4, 6, 8, 10, 12):
            free = shutil.disk_usage(disk).free
            filler.write_bytes(b"\0" * max(0, free - spare * 2**20))
            done = subprocess.run(
                [sys.executable, "-m", "orchestration.cli", "run", *map(str, ours.options)],
                cwd=REPOSITORY, capture_output=True, text=True, check=False,
            )  # fmt: skip
            filler.unlink()
            if done.returncode == 0:
                break
            failures += 1
            assert "Traceback" not in done.stderr, done.stderr
            assert published_rows(ours.home) == before
        assert failures >= 3
        ours.run()
        assert published_rows(ours.home) == ours.clean_rows()
        assert leftovers(ours.home) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["raw/orders/0*.parquet", "warehouse.duckdb", "raw/tickets/empty.parquet", "dbt/*"])
def test_a_file_that_goes_missing(settled: Company, victim: str) -> None:
    for path in settled.home.glob(victim):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    settled.run()
    assert published_rows(settled.home) == settled.clean_rows()


@pytest.mark.slow
def test_a_damaged_warehouse_is_built_anew(settled: Company) -> None:
    before = published_rows(settled.home)
    (settled.home / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    assert "rebuilt" in settled.run()
    assert published_rows(settled.home) == before


@pytest.mark.slow
def test_a_file_removed_in_the_middle_of_a_run(settled: Company) -> None:
    before = published_rows(settled.home)
    settled.receive(1)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "orchestration.cli", "run", "--full-refresh", *map(str, settled.options)],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("models"):
            shutil.rmtree(settled.home / "raw" / "reviews")
            shutil.rmtree(settled.home / "raw" / "orders")
            break
    said = process.stderr.read()
    assert process.wait() != 0, said
    assert "Traceback" not in said
    assert published_rows(settled.home) == before
    settled.run()
    assert published_rows(settled.home) == settled.clean_rows()
    with duckdb.connect(str(settled.home / "published" / "marts.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from alerts where subject = 'run'").fetchall() == [(1,)]
