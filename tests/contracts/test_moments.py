"""Dates that do not go together are reported; names of files lead to nobody; what a disk refuses is said in words."""

from __future__ import annotations

import errno
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boxes import GOOD, Box

from orchestration.core import durable
from orchestration.core.errors import CxhouseError
from orchestration.gates.check_results import CheckResult
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.personal import file_shown, files_shown
from orchestration.runs.record import FILE_NAME, RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.moments import odd_moments
from orchestration.steps.pulling import Pull
from orchestration.warehouse.versions import MANIFEST_FILE, TIME_FORMAT, VERSIONS, next_name


def at(home: Path, moment: datetime | None = None) -> Settings:
    return Settings(home=home, as_of=moment and moment.replace(tzinfo=None))


def test_odd_dates_are_reported(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    before = RunRecord("r", now.isoformat(), (now - timedelta(days=1)).replace(tzinfo=None).isoformat(sep=" "))
    assert list(odd_moments(at(tmp_path), None, ledger)) == []
    assert list(odd_moments(at(tmp_path), before, ledger)) == []
    (line,) = odd_moments(at(tmp_path, now + timedelta(days=30)), before, ledger)
    assert "yet to come" in line
    (line,) = odd_moments(at(tmp_path, now - timedelta(days=2)), before, ledger)
    assert "the one before spoke of" in line
    (line,) = odd_moments(at(tmp_path), RunRecord("r", (now + timedelta(days=3)).isoformat()), ledger)
    assert "the clock of this machine" in line


def test_a_version_follows_the_one_before_whatever_the_clock_says(tmp_path: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).strftime(TIME_FORMAT)
    folder = tmp_path / "published" / VERSIONS / later
    folder.mkdir(parents=True)
    (folder / MANIFEST_FILE).write_text('{"run_id": "r", "files": {}}')
    assert next_name(at(tmp_path)) > later


def test_a_half_record_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"run_id": "a')
    assert RunRecord.load(tmp_path) is None


def test_a_record_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """It called the results of checks verdicts, and the columns of a load told."""
    result = CheckResult("raw/orders", "Order ids differ", "critical", passed=False, failed_rows=3)
    load = Load(1, "c", "orders", "f", "loaded", None, 3, 3, 0, "2026-06-01T00:00:00", available_columns="order_id paid_at")
    RunRecord("r", "2026-06-01T00:00:00", loads=[load], check_results=[result]).save(tmp_path)
    path = tmp_path / FILE_NAME
    text = path.read_text().replace('"check_results"', '"verdicts"').replace('"available_columns"', '"told_columns"')
    path.write_text(text)
    record = RunRecord.load(tmp_path)
    assert record is not None
    assert record.loads == [load]
    assert record.check_results == [result]
    assert record.blocked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("tickets_2026-11-26.csv", "tickets_2026-11-26.csv"),
        ("orders_20261126T101500.csv.gz", "orders_20261126T101500.csv.gz"),
        ("orders_20261126101500.csv", "orders_20261126101500.csv"),
        ("2026-10-01 2026-10-31.xlsx", "2026-10-01 2026-10-31.xlsx"),
        ("calls/anna.k@example.org.csv", "calls/(an address).csv"),
        ("tickets_anna@example.org_2026.csv.gz", "(an address).csv.gz"),
        ("calls_+49 151 2345678.csv", "calls_(12 digits).csv"),
        ("calls_(030) 123-45-67.csv", "calls_(10 digits).csv"),
        ("calls_4915112345678.parquet", "calls_(13 digits).parquet"),
    ],
)
def test_names_of_files_lead_to_nobody(name: str, shown: str) -> None:
    assert file_shown(name) == shown


def test_messages_name_files_without_persons(tmp_path: Path) -> None:
    box, said = Box(tmp_path), []
    for name in ("tickets_anna.k@example.org.csv", "tickets_4915112345678.csv"):
        (box.exports / name).write_text(GOOD.replace("t1", name[-9:-4]) + "x,never,open,y\n")
    (box.exports / "reviews_anna.k@example.org.json").write_text("{")
    (box.exports / "anna.k@example.org.csv").write_text("a\n1\n")
    pulling = Pull(Settings(exports=str(box.exports), home=box.home), said.append)
    for report in pulling.kinds(lambda _, batches: [True] * len(batches)):
        said += report.messages
    messages = "\n".join(said)
    assert "tickets_(13 digits).csv: " in messages
    assert "(an address).json: refused" in messages
    assert "anna" not in messages
    assert "4915112345678" not in messages
    assert files_shown("kpi 0.85 2026-06-01: rows 123456789 of a@b.org.csv, row 3") == (
        "kpi 0.85 2026-06-01: rows 123456789 of (an address).csv, row 3"
    )


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ESTALE, errno.EBUSY])
def test_renames_that_a_network_file_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    box, rename = Box(tmp_path), os.replace
    refusals = {"left": 2}

    def replace(source: str | Path, target: str | Path) -> None:
        across = Path(source).parent != Path(target).parent
        if across and (code == errno.EXDEV or refusals["left"]):
            refusals["left"] -= 1
            raise OSError(code, os.strerror(code))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    assert box.pull()["tickets_good.csv"].rows_loaded == 1
    refusals["left"] = 10**6
    (box.exports / "tickets_more.csv").write_text(GOOD.replace("t1", "t2"))
    if code != errno.EXDEV:
        monkeypatch.setattr(durable, "_WAITS", (0.0,))
        with pytest.raises(CxhouseError, match="does not let a file be renamed"):
            box.pull()
        refusals["left"] = 0
    assert set(box.pull()) == {"tickets_good.csv", "tickets_more.csv"}


def test_a_full_disk_at_every_step_of_a_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run fails with what is full, what was there stays, and with room the next pull gives all of it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=4m tmpfs {disk} 2>/dev/null"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        exports, home = tmp_path / "exports", disk / "home"
        exports.mkdir()
        settings = Settings(exports=str(exports), home=home)
        (exports / "tickets_0.csv").write_text(GOOD)
        pull(settings)
        lines = "".join(f"b{n},2026-06-01,open,{os.urandom(30).hex()}\n" for n in range(4000))
        (exports / "tickets_1.csv").write_text(GOOD.replace("t1", "t2") + lines)
        failures = []
        for spare in (0, 8, 64, 300, 500, 700, 900, 1100, 1300, 4000):
            filler = disk / "filler"
            with filler.open("wb") as stream:
                stream.write(b"\0" * max(0, shutil.disk_usage(disk).free - spare * 1024))
            try:
                pull(settings)
            except Exception as error:
                failures.append((error, durable.explain(error)))
            filler.unlink()
            assert rows(settings)[:1] == ["t1"], spare
        assert len(failures) >= 3
        pull(settings)
        assert len(rows(settings)) == 4002
        assert {load.status for load in Ledger(settings.ledger).loads()} == {"loaded"}
        assert [error for error, explained in failures if explained is None] == []
    finally:
        os.system(f"umount {disk}")


def pull(settings: Settings) -> None:
    list(Pull(settings, lambda _: None).kinds(lambda _, batches: [True] * len(batches)))


def rows(settings: Settings) -> list[str]:
    tables = [pq.read_table(path, columns=["ticket_id"]) for path in sorted(settings.raw.glob("tickets/0*.parquet"))]
    return pa.concat_tables(tables)["ticket_id"].to_pylist()
