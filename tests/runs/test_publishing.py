"""Readers get whole versions, and there is one writer."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from homes import REPOSITORY

from orchestration.core.errors import BusyError, CxhouseError
from orchestration.core.lock import release_writer_lock, take_writer_lock
from orchestration.execution import prepare_home
from orchestration.publish.candidate import Candidate
from orchestration.publish.publications import PublicTable
from orchestration.publish.version_facts import read_publication
from orchestration.settings.model import Settings
from orchestration.warehouse.keeping import Held
from orchestration.warehouse.settled import go_back
from orchestration.warehouse.versions import restore_whole


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
    assert pq.read_table(settings.published / "parquet" / "marts" / "numbers.parquet").num_rows == 1000


def test_rows_that_changed_are_replaced(tmp_path: Path) -> None:
    """Of a table whose last changes are known the published copy gets those: file and Parquet are what the warehouse has."""
    settings = settings_of(tmp_path / "home")
    table = PublicTable("numbers", "kpis", "It's a table", {"id": "Id", "part": "Part", "number": "Number"}, key=("id", "part"))
    query = "select * from {} order by all"

    def published(held: Held, *statements: str) -> tuple[list[tuple[int, ...]], ...]:
        with duckdb.connect(str(settings.warehouse)) as con:
            for statement in statements:
                con.execute(statement)
            rows = con.execute(query.format("kpis.numbers")).fetchall()
            candidate = Candidate(settings, [table], "run")
            assert candidate.build(con, [], held) == ["marts.numbers"]
        candidate.publish()
        with duckdb.connect(str(settings.published / "marts.duckdb"), read_only=True) as con:
            parquet = f"'{settings.published}/parquet/marts/numbers.parquet'"
            return rows, con.execute(query.format("numbers")).fetchall(), con.execute(query.format(parquet)).fetchall()

    made = (
        "create table kpis.numbers as select range as id, nullif(range % 2, 1) as part, 1 as number, 7 as other from range(100)"
    )
    # Row 99, which differs in the warehouse and is not listed as changed, shows that the others are left alone.
    changed = "create table maintenance.changed_numbers as select id, part, number from kpis.numbers where id in (3, 4)"
    changes = ["update kpis.numbers set number = 2 where id = 3", "delete from kpis.numbers where id = 4"]
    added = ["insert into kpis.numbers values (200, 0, 3, 7)", "insert into maintenance.changed_numbers values (200, 0, 3)"]
    before = published(Held(), "create schema kpis", "create schema maintenance", made, changed)
    assert before[0] == before[1] == before[2]
    after = published(Held(outdated=frozenset({"numbers"})), *changes, *added)
    assert after[0] == after[1] == after[2] != before[0]
    left = published(Held(outdated=frozenset({"numbers"})), "update kpis.numbers set number = 9 where id = 99")
    assert left[1] == left[2] == after[0] != left[0]
    # Where a fifth of the rows has changed, all are copied.
    many = published(
        Held(outdated=frozenset({"numbers"})), "insert into maintenance.changed_numbers select id, part, 0 from kpis.numbers"
    )
    assert many[0] == many[1] == many[2]


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
        # A reader that follows the link once sees one version in all files of it.
        folder = (Path(path).parent / "current").resolve()
        files = [f"read_parquet('{folder}/parquet/marts/{name}.parquet')" for name in ("publication", "numbers")]
        runs = con.execute(f"select run_id::int from {files[0]} union select number from {files[1]}").fetchall()
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as whole:
            runs += whole.execute("select any_value(number) from numbers").fetchall()
        assert len(set(runs)) == 1, runs
        queries += 2
        numbers.add(number)
print(json.dumps([queries, sorted(numbers)]))
"""


@pytest.mark.ci
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
    kept = list((settings.published / "versions").iterdir())
    assert len(kept) == settings.published_versions


def versions_of(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.published / "versions").iterdir())


def number_seen(settings: Settings) -> int:
    """What a reader sees in both forms, which must be one number."""
    with duckdb.connect(str(settings.published / "marts.duckdb"), read_only=True) as con:
        (number,) = con.execute("select distinct number from numbers").fetchall()[0]
    assert set(pq.read_table(settings.published / "parquet" / "marts" / "numbers.parquet")["number"].to_pylist()) == {number}
    return int(number)


def test_versions_are_kept_by_number_and_age(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    published = [publish(settings, number) for number in range(5)]
    assert versions_of(settings) == published[2:]
    aged = settings.model_copy(update={"published_versions_days": 0})
    last = publish(aged, 5)
    assert versions_of(settings) == [last]


def test_readers_get_an_earlier_version_back(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    first, second, third = (publish(settings, number) for number in range(3))
    assert [go_back(settings, None).name, number_seen(settings)] == [second, 1]
    assert [go_back(settings, None).name, number_seen(settings)] == [first, 0]
    with pytest.raises(CxhouseError, match=f"before the current one.*{third}"):
        go_back(settings, None)
    assert [go_back(settings, third).name, number_seen(settings)] == [third, 2]
    # What is newer than the version that readers got back does not keep the next one from being published.
    go_back(settings, first)
    publish(settings, 3)
    assert number_seen(settings) == 3


def test_a_torn_version_is_not_read(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    first, second = publish(settings, 0), publish(settings, 1)
    assert restore_whole(settings) is None
    marts = settings.published / "versions" / second / "marts.duckdb"
    marts.write_bytes(marts.read_bytes()[:-1])
    said = restore_whole(settings)
    assert said == f"published version {second} was torn (marts.duckdb); version {first} takes its place"
    assert number_seen(settings) == 0
    # Going back looks at every byte: a file of the right size may hold others.
    content = bytearray(marts.read_bytes() + b"\0")
    content[100] ^= 1
    marts.write_bytes(content)
    with pytest.raises(CxhouseError, match="not whole"):
        go_back(settings, second)


def test_what_an_earlier_release_published_is_replaced(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    (settings.published / "parquet" / "20260101T000000.000000Z").mkdir(parents=True)
    (settings.published / "parquet" / "current").symlink_to("20260101T000000.000000Z")
    for name in ("marts.duckdb", "report.html"):
        (settings.published / name).write_text("of 0.1")
    publish(settings, 7)
    assert number_seen(settings) == 7
    assert not (settings.published / "report.html").exists()
    assert sorted(path.name for path in (settings.published / "parquet").iterdir()) == ["analysis", "marts"]
    assert sorted(path.name for path in (settings.published / "parquet" / "marts").iterdir()) == [
        "gate_results.parquet", "numbers.parquet", "publication.parquet"
    ]  # fmt: skip


def test_readers_may_be_on_another_file_system(tmp_path: Path) -> None:
    places = [path for path in map(Path, ("/dev/shm", "/var/tmp")) if path.is_dir()]
    other = next((path for path in places if path.stat().st_dev != tmp_path.stat().st_dev), None)
    if other is None:
        pytest.skip("this machine has one file system")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        home = tmp_path / "home"
        home.mkdir()
        (home / "published").symlink_to(folder)
        settings = settings_of(home)
        publish(settings, 1)
        publish(settings, 2)
        assert number_seen(settings) == 2


@pytest.mark.parametrize(("readers", "home", "file"), [("owner", 0o700, 0o600), ("group", 0o710, 0o640), ("all", 0o711, 0o644)])
def test_who_may_read(tmp_path: Path, readers: str, home: int, file: int) -> None:
    settings = settings_of(tmp_path / "home").model_copy(update={"published_readable_by": readers})
    before = os.umask(settings.umask)
    try:
        prepare_home(settings)
        publish(settings, 1)
    finally:
        os.umask(before)
    version = settings.published / "versions" / versions_of(settings)[0]
    assert stat.S_IMODE(settings.home.stat().st_mode) == home
    private = [path for path in version.rglob("*") if "analysis" in (path.stem, path.parent.name)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private if path.is_file()} == {0o600}
    assert stat.S_IMODE((version / "parquet" / "analysis").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in version.rglob("*") if path.is_file() and path not in private} == {file}
    folders = {version, version / "parquet", version / "parquet" / "marts", version.parent, settings.published}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {home | (home & 0o011) << 2}
    assert stat.S_IMODE(settings.dbt_target.stat().st_mode) == 0o700


LOCKER = """
import sys, time
from pathlib import Path
from orchestration.core.lock import take_writer_lock
take_writer_lock(Path(sys.argv[1]))
"""


def test_a_second_run_is_shown_who_holds_the_lock(tmp_path: Path) -> None:
    take_writer_lock(tmp_path)
    second = subprocess.run(
        [sys.executable, "-c", LOCKER, tmp_path], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )  # fmt: skip
    assert BusyError.__name__ in second.stderr
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
