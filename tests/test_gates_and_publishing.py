"""What does not pass is not seen; what passes is seen whole."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import REPOSITORY, Cxhouse, Home

from orchestration.assets import quarantine_verdict
from orchestration.errors import ConfigurationError, CxhouseError
from orchestration.gates import GateKeeper, read_suite, suite_path
from orchestration.lock import release_writer_lock, take_writer_lock
from orchestration.publish import Candidate, PublicTable, read_publication
from orchestration.pull.kinds import all_kinds
from orchestration.settings import Settings

SUITES = REPOSITORY / "expectations"


def test_every_raw_kind_has_a_suite_and_every_suite_a_table(sample_home: Home) -> None:
    assert {path.stem for path in (SUITES / "raw").glob("*.yml")} == set(all_kinds())
    tables = {row[0] for row in sample_home.query("select table_name from information_schema.tables")}
    assert {path.stem for path in (SUITES / "marts").glob("*.yml")} <= tables


@pytest.mark.parametrize("path", sorted(SUITES.rglob("*.yml")), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_suites_speak_of_columns_that_exist(path: Path, sample_home: Home) -> None:
    if path.parent.name == "raw":
        known = set(all_kinds()[path.stem].columns)
    else:
        known = {row[0] for row in sample_home.query("select column_name from duckdb_columns() where table_name = ?", path.stem)}
    for item in read_suite(path):
        assert item.get("description"), "say it in words: users read it"
        for key, value in item.get("kwargs", {}).items():
            if key.startswith("column"):
                assert set([value] if isinstance(value, str) else value) <= known


def test_a_failed_expectation_names_rows_and_files(tmp_path: Path) -> None:
    suite = {
        "expectations": [
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "n", "max_value": 5}, "description": "Small"},
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "n"}, "severity": "warning"},
            {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "absent"}},
        ]
    }
    (tmp_path / "expectations" / "raw").mkdir(parents=True)
    (tmp_path / "expectations" / "raw" / "tickets.yml").write_text(yaml.safe_dump(suite))
    table = pa.table({"n": [1, 9, None], "_file": ["a.csv"] * 3, "_row": [2, 3, 4]})
    pq.write_table(table, tmp_path / "batch.parquet")
    with GateKeeper(tmp_path) as keeper:
        small, filled, absent = keeper.check("raw/tickets", [tmp_path / "batch.parquet"])
    assert (small.passed, small.blocks, small.failed_rows, small.examples) == (False, True, 1, ["a.csv, row 3"])
    assert small.expectation == "Small"
    assert (filled.passed, filled.blocks, filled.examples) == (False, False, ["a.csv, row 4"])
    # An expectation that cannot be evaluated has not passed, and says why.
    assert absent.blocks
    assert "absent" in str(absent.problem)


def test_a_suite_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("expectations:\n  - kwargs: {}\n")
    with pytest.raises(ConfigurationError, match="expectation 1 has no `type`"):
        read_suite(path)
    path.write_text("expectations:\n  - type: expect_nothing\n")
    (tmp_path / "expectations" / "raw").mkdir(parents=True)
    shutil.copy(path, tmp_path / "expectations" / "raw" / "calls.yml")
    assert suite_path("raw/calls", tmp_path) == tmp_path / "expectations" / "raw" / "calls.yml"
    pq.write_table(pa.table({"call_id": ["1"]}), tmp_path / "b.parquet")
    with GateKeeper(tmp_path) as keeper, pytest.raises(ConfigurationError, match="expect_nothing"):
        keeper.check("raw/calls", [tmp_path / "b.parquet"])


def test_share_quarantined() -> None:
    assert quarantine_verdict("tickets", 1000, 50, 0.05).passed
    assert quarantine_verdict("tickets", 1000, 51, 0.05).blocks
    few = quarantine_verdict("tickets", 10, 3, 0.05)
    assert not few.passed
    assert not few.blocks


def test_a_failed_gate_leaves_what_is_published_and_holds_in_the_next_run(
    tmp_path: Path, cxhouse: Cxhouse, sample_home: Home
) -> None:
    home = Home(tmp_path / "home", tmp_path / "exports", sample_home.config)
    shutil.copytree(sample_home.path, home.path, symlinks=True)
    shutil.copytree(sample_home.exports, home.exports)
    before = home.query("select version from publication")
    # Quantities that no order line has: every row can be read, yet the batch is not to be believed.
    wrong = "order_id,line_id,product_id,quantity,unit_price\n" + "".join(f"X{n},1,P1,9999999,1\n" for n in range(50))
    (home.exports / "order_items_wrong.csv").write_text(wrong)
    first = cxhouse("run", "--exports", home.exports, *home.options, exit_code=1)
    assert "FAILED raw/order_items: Quantities are plausible" in first.stdout
    assert "50 row(s) do not meet it" in first.stdout
    assert "order_items_wrong.csv, row 2" in first.stdout
    assert "what is published stays as it was" in first.stderr
    assert home.query("select version from publication") == before
    cxhouse("run", "--exports", home.exports, *home.options, exit_code=1)
    assert home.query("select version from publication") == before
    status = cxhouse("status", *home.options).stdout
    assert "gated" in status
    assert str(before[0][0]) in status
    # Once the source no longer offers the bad file, the next run goes on without it.
    (home.exports / "order_items_wrong.csv").unlink()
    cxhouse("run", "--exports", home.exports, *home.options)
    assert home.query("select version from publication") != before
    assert home.query("select count(*) from fct_order_items where order_id like 'X%'") == [(0,)]


def settings_of(home: Path) -> Settings:
    home.mkdir(parents=True, exist_ok=True)
    (home / "published").mkdir(exist_ok=True)
    return Settings(home=home)


def publish(settings: Settings, number: int) -> str:
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema if not exists kpis")
        con.execute("create or replace table kpis.numbers as select ? as number from range(1000)", [number])
    candidate = Candidate(settings, [PublicTable("numbers", "kpis", "It's a table", {"number": "A number"})], str(number))
    candidate.build()
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


def test_readers_never_see_half_a_version(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    publish(settings, 0)
    path, stop, seen, errors = str(settings.published / "marts.duckdb"), threading.Event(), set(), []

    def read() -> None:
        # A process of its own would be a truer reader, a thread with its own copy of the file handle is a quicker one.
        import subprocess
        import sys

        code = (
            "import duckdb, sys\n"
            f"con = duckdb.connect({path!r}, read_only=True)\n"
            "print(con.execute('select count(distinct n.number), any_value(n.number), any_value(cast(p.run_id as int)) "
            "from numbers n, publication p').fetchone())"
        )
        while not stop.is_set():
            result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            if result.returncode:
                errors.append(result.stderr)
            else:
                seen.add(result.stdout.strip())

    held = duckdb.connect(path, read_only=True)
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 13):
        publish(settings, number)
    stop.set()
    reader.join()
    assert errors == []
    assert len(seen) > 1
    assert all(eval(row)[0] == 1 and eval(row)[1] == eval(row)[2] for row in seen)
    assert held.execute("select distinct number from numbers").fetchall() == [(0,)], "a held connection keeps its version"
    held.close()
    kept = [path.name for path in (settings.published / "parquet").iterdir()]
    assert len(kept) == 3, "the current version, the one before it, and the link"


def test_one_writer(tmp_path: Path) -> None:
    import subprocess
    import sys

    take_writer_lock(tmp_path)
    code = f"from pathlib import Path; from orchestration.lock import take_writer_lock; take_writer_lock(Path({str(tmp_path)!r}))"
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert CxhouseError.__name__ in second.stderr
    assert "another run writes" in second.stderr
    release_writer_lock(tmp_path)
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
