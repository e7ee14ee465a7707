"""A build without dbt does what dbt would: the same models in the same way, the same rows, the same stop at a failed test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from comparing import differences
from homes import REPOSITORY, Cxhouse, Home
from watched import WATCHED

from orchestration.execution import prepare_home
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.warehouse.keeping import Kept
from orchestration.warehouse.node_result import NodeResult
from orchestration.warehouse.upkeep.build import Upkeep, chosen_nodes
from orchestration.warehouse.upkeep.project_version import project_version
from orchestration.warehouse.upkeep.queries import Clock, Declaration, Input, InvalidatedKeys, Keys, restricted
from orchestration.warehouse.upkeep.row_tests import of_changed_rows
from orchestration.warehouse.warehouse import Warehouse


@pytest.fixture
def later(copied_home: Home) -> Settings:
    """A built home, a day later."""
    settings = load_settings(str(copied_home.exports), str(copied_home.path), str(copied_home.config))
    later = settings.model_copy(update={"as_of": settings.as_of_instant() + timedelta(days=1)})
    prepare_home(later)
    return later


def built(settings: Settings, schemas: list[str] | None = None) -> dict[str, NodeResult]:
    """What a build without dbt says of each node."""
    kept = Kept(settings, project_version(settings))
    manifest = json.loads((settings.dbt_target / "manifest.json").read_text())
    upkeep = Upkeep(settings, kept, chosen_nodes(manifest, schemas, with_tests=True))
    try:
        assert upkeep.is_possible()
        return {result.name: result for result in upkeep.build(lambda _: None)}
    finally:
        kept.close()


def change(settings: Settings, *statements: str) -> None:
    with duckdb.connect(str(settings.warehouse)) as con:
        for statement in statements:
            con.execute(statement)


@pytest.mark.slow
def test_it_does_what_dbt_does(later: Settings, tmp_path: Path) -> None:
    before = tmp_path / "before.duckdb"
    shutil.copyfile(later.warehouse, before)
    without = built(later)
    shutil.copyfile(later.warehouse, tmp_path / "without.duckdb")
    shutil.copyfile(before, later.warehouse)
    by_dbt = {result.name: result for result in Warehouse(later)._built_by_dbt(None, lambda _: None)}
    # dbt holds it open.
    change(later, "checkpoint")
    shutil.copyfile(later.warehouse, tmp_path / "by_dbt.duckdb")
    assert {name: (found.status, found.message) for name, found in without.items() if found.resource_type == "model"} == {
        name: (found.status, found.message) for name, found in by_dbt.items() if found.resource_type == "model"
    }
    tests = {name: found.status for name, found in without.items() if found.resource_type == "test"}
    assert tests == {name: found.status for name, found in by_dbt.items() if found.resource_type == "test"}
    modes = [found.message for found in without.values()]
    assert min(modes.count(mode) for mode in ("unchanged", "incremental", "recomputed")) > 10
    assert differences(tmp_path / "without.duckdb", tmp_path / "by_dbt.duckdb") == {}


def test_a_failed_test_stops_what_stands_on_it(later: Settings) -> None:
    change(
        later,
        "insert into staging.stg_reviews select * from staging.stg_reviews limit 1",
        "update maintenance.models set version = version + 1 where model = 'stg_reviews'",
    )
    results = built(later, ["seeds", "staging", "conformed", "journey"])
    failed = [result for result in results.values() if result.failed]
    assert [(result.resource_type, result.failures) for result in failed] == [("test", 1)]
    assert "stg_reviews" in failed[0].name
    # So is what depends on that: customers are known by their reviews, too.
    assert results["fct_reviews"].status == results["fct_calls"].status == "skipped"
    # What does not depend on it goes on.
    assert results["int_calls"].status == results["fct_ticket_events"].status == "success"
    # The row is still there, and the next build says so again.
    assert [result.failures for result in built(later, ["seeds", "staging"]).values() if result.failed] == [1]


def test_a_table_that_is_gone_needs_what_dbt_compiled(later: Settings) -> None:
    change(later, "drop table staging.stg_reviews")
    kept = Kept(later, project_version(later))
    manifest = json.loads((later.dbt_target / "manifest.json").read_text())
    try:
        assert not Upkeep(later, kept, chosen_nodes(manifest, None, with_tests=True)).is_possible()
        assert Upkeep(later, kept, chosen_nodes(manifest, ["practices"], with_tests=True)).is_possible()
    finally:
        kept.close()


def test_every_node_belongs_to_a_layer_once(later: Settings) -> None:
    from orchestration.gates.suites import LAYERS

    manifest = json.loads((later.dbt_target / "manifest.json").read_text())
    layers = [["seeds", *LAYERS["conformed"]], *([*schemas] for name, schemas in LAYERS.items() if name != "conformed")]
    found = [node.unique_id for layer in layers for node in chosen_nodes(manifest, layer, with_tests=True)]
    assert sorted(found) == sorted(node.unique_id for node in chosen_nodes(manifest, None, with_tests=True))


@pytest.mark.slow
def test_a_later_date_takes_no_library(copied_home: Home, cxhouse: Cxhouse) -> None:
    home = copied_home
    as_of = load_settings(str(home.exports), str(home.path), str(home.config)).as_of_instant() + timedelta(days=1)
    options = ["--exports", home.exports, *home.options, "--as-of", f"{as_of.isoformat()}+00:00"]
    command = [sys.executable, "-c", WATCHED, "run", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert not {"dagster", "dbt", "great_expectations"} & set(done.stdout.split("IMPORTED", 1)[1].split())
    copy = home.path.with_name("incremental.duckdb")
    shutil.copyfile(home.path / "warehouse.duckdb", copy)
    cxhouse("run", *options, "--full-refresh")
    # The table of alerts knows the runs, that of the sources when they were asked.
    assert set(differences(copy, home.path / "warehouse.duckdb")) <= {"practices.alerts", "kpis.load_sources"}


CODE = """/*maintained: {"unique_key": ["a"], "invalidated_by": {"one": "a", "two": ["select x from {changes} where y", "b"],
"raw_kind": "select a from {this} where _batch in ({gone_batches})"},
"invalidated_by_as_of": ["select a from {this} where {earlier}"],
"backfill_query": null}*/
select a from t where (1 = 1 /*invalidated: t.a*/) or (1 = 1 /*invalidated: lower(t.a)*/)"""


def test_queries_of_invalidated_keys() -> None:
    declaration = Declaration.of(CODE)
    keys = InvalidatedKeys(declaration, "s.t", "/raw")
    keys.by_input("two", Input("model", "v2", "v1"), [])
    keys.by_input("raw_kind", Input("source", "x", files=["00000002_b.parquet", "empty.parquet"]), ["00000001_a.parquet"])
    keys.by_clock(Clock("2026-01-01", "2026-01-02"))
    assert [line.split("from (", 1)[1].split(") as found")[0] for line in keys.query().splitlines() if "from (" in line] == [
        "select a from s.t where false",
        "select x from maintenance.changed_two where y",
        "select b from maintenance.changed_two",
        "select a from s.t where _batch in (-1, 1)",
        "select a from s.t where 2026-01-01",
    ]
    query = restricted(CODE, ["a"], Keys("invalidated"))
    assert "1 = 1" not in query
    assert "invalidated_keys.key_1 is not distinct from lower(t.a)" in query
    assert query.endswith(
        "(select 1 from invalidated as invalidated_keys where invalidated_keys.key_1 is not distinct from present.a)"
    )


def test_periods_are_named() -> None:
    """Named or looked up, the same rows are meant, nulls and several columns included."""
    keys = [("'day'", "date '2026-06-30'"), ("'day'", "date '2026-07-01'"), ("'week'", "date '2026-06-29'"), ("'all'", None)]
    others = "('day', '2026-06-29'), ('week', null), (null, null)"
    query = f"select * from (values ('day', '2026-06-30'), ('week', '2026-06-29'), ('all', null), {others}) as cells (grain, day)"
    with duckdb.connect() as con:
        con.execute("create table invalidated (key_1 varchar, key_2 date)")
        for grain, day in keys:
            con.execute(f"insert into invalidated values ({grain}, {day or 'null'})")
        found = [
            con.execute(f"{query} where {listed.condition(['cells.grain', 'cast(cells.day as date)'])} order by all").fetchall()
            for listed in (Keys("invalidated"), Keys("invalidated", keys))
        ]
    assert found[0] == found[1] == [("all", None), ("day", "2026-06-30"), ("week", "2026-06-29")]


def test_what_passed_is_tested_on_what_changed() -> None:
    """A test of rows finds in the rows that changed what it would find in all, and does not look at the others."""
    kwargs = {"columns": ["a", "b"]}
    unique = SimpleNamespace(test_metadata={"name": "unique_together", "kwargs": kwargs})
    filled = SimpleNamespace(test_metadata={"name": "never_null", "kwargs": kwargs})
    queries = {
        "unique": (unique, "select a, b from s.t group by a, b having count(*) > 1"),
        "filled": (filled, "select * from s.t where a is null or b is null"),
        "other": (SimpleNamespace(test_metadata={"name": "ascending", "kwargs": {}}), "select * from s.t where a > 0"),
    }
    with duckdb.connect() as con:
        con.execute("create schema s; create schema maintenance")
        # The pair (0, 0) is there twice, and one row has no `a`: of before, so that nobody looks at them.
        con.execute("create table s.t as select range as a, 0 as b from range(100) union all values (0, 0), (null, 7)")
        con.execute("create table maintenance.changed_t as values (5, 0), (6, null)")
        con.execute("alter table maintenance.changed_t rename col0 to a; alter table maintenance.changed_t rename col1 to b")

        def failing(name: str) -> int:
            test, code = queries[name]
            return len(con.execute(of_changed_rows(con, test, "s.t", "t", code)).fetchall())

        assert failing("unique") == 0
        con.execute("insert into s.t values (5, 0)")
        assert [failing(name) for name in queries] == [1, 1, 100]
        # Of many changes all rows are looked at.
        con.execute("insert into maintenance.changed_t select range + 200, 0 from range(100)")
        assert [failing("unique"), failing("filled")] == [2, 1]
        con.execute("insert into s.t values (null, 8)")
        assert failing("filled") == 2
