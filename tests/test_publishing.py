"""Readers get whole versions, and there is one writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import REPOSITORY

from orchestration.errors import CxhouseError
from orchestration.lock import release_writer_lock, take_writer_lock
from orchestration.publish import Candidate, PublicTable, read_publication
from orchestration.settings import Settings


def settings_of(home: Path) -> Settings:
    home.mkdir(parents=True, exist_ok=True)
    (home / "published").mkdir(exist_ok=True)
    return Settings(home=home)


def publish(settings: Settings, number: int) -> str:
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema if not exists kpis")
        con.execute("create or replace table kpis.numbers as select ? as number from range(1000)", [number])
    candidate = Candidate(settings, [PublicTable("numbers", "kpis", "It's a table", {"number": "A number"})], str(number))
    with duckdb.connect(str(settings.warehouse)) as con:
        candidate.build(con, [])
    return candidate.publish()


def test_a_publication_is_described_and_readable_under_its_name(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    version = publish(settings, 1)
    with duckdb.connect(str(settings.published / "marts.duckdb"), read_only=True) as con:
        assert con.execute("select distinct number from marts.numbers").fetchall() == [(1,)]
        assert con.execute("select comment from duckdb_tables() where table_name = 'numbers'").fetchall() == [("It's a table",)]
        assert con.execute("select comment from duckdb_columns() where table_name = 'numbers'").fetchall() == [("A number",)]
    publication = read_publication(settings)
    assert publication
    assert (publication.version, publication.run_id) == (version, "1")
    assert pq.read_table(settings.published / "parquet" / "current" / "numbers.parquet").num_rows == 1000


READER = """
import duckdb, json, sys, time
path, stop = sys.argv[1:]
from pathlib import Path
queries, numbers = 0, set()
while not Path(stop).exists():
    with duckdb.connect(path, read_only=True) as con:
        # Two queries on one connection, with time between them: they must speak of the same version.
        first = con.execute("select any_value(cast(run_id as int)), count(*) from publication").fetchone()
        time.sleep(0.01)
        distinct, number, rows = con.execute("select count(distinct number), any_value(number), count(*) from numbers").fetchone()
        assert (distinct, rows, first) == (1, 1000, (number, 1)), (distinct, rows, first, number)
        queries += 2
        numbers.add(number)
print(json.dumps([queries, sorted(numbers)]))
"""


def test_readers_never_see_half_a_version(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    publish(settings, 0)
    path, stop = settings.published / "marts.duckdb", tmp_path / "stop"
    held = duckdb.connect(str(path), read_only=True)
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, path, stop], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for number in range(1, 21):
        publish(settings, number)
        time.sleep(0.1)
        assert held.execute("select distinct number from numbers").fetchall() == [(0,)], "a held connection keeps its version"
    stop.touch()
    for reader in readers:
        said, complaints = reader.communicate(timeout=60)
        assert reader.returncode == 0, complaints
        queries, numbers = json.loads(said)
        assert queries >= 40
        assert len(numbers) >= 3, "readers saw versions come and go"
    held.close()
    kept = [path.name for path in (settings.published / "parquet").iterdir()]
    assert len(kept) == 3, "the current version, the one before it, and the link"


LOCKER = """
import sys, time
from pathlib import Path
from orchestration.lock import take_writer_lock
take_writer_lock(Path(sys.argv[1]))
"""


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    take_writer_lock(tmp_path)
    second = subprocess.run(
        [sys.executable, "-c", LOCKER, tmp_path], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )  # fmt: skip
    assert CxhouseError.__name__ in second.stderr
    assert f"another run writes to {tmp_path} (process {os.getpid()})" in second.stderr
    release_writer_lock(tmp_path)
    assert subprocess.run([sys.executable, "-c", LOCKER, tmp_path], cwd=REPOSITORY, check=False).returncode == 0


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    code = LOCKER + "print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    with pytest.raises(CxhouseError, match=str(holder.pid)):
        take_writer_lock(tmp_path)
    holder.kill()
    holder.wait()
    take_writer_lock(tmp_path)
    release_writer_lock(tmp_path)
