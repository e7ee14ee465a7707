"""What dbt compiled for one home serves another: built by it, a new home is what dbt would have made of it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml
from comparing import differences
from homes import REPOSITORY, Home
from watched import WATCHED

from orchestration.core.connections import connect
from orchestration.execution import prepare_home
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.warehouse.keeping import Kept, State
from orchestration.warehouse.salt import read_salt
from orchestration.warehouse.seeds import prepare_seeds
from orchestration.warehouse.upkeep.compiling import compiled_project
from orchestration.warehouse.upkeep.creation import check_contract, drop_leftovers, write_state
from orchestration.warehouse.upkeep.project_cache import (
    CompiledProject,
    cache_folder,
    read_project,
    write_project,
)
from orchestration.warehouse.upkeep.project_version import project_version, queries_version
from orchestration.warehouse.upkeep.table import UnforeseenError
from orchestration.warehouse.warehouse import Warehouse

PROJECT = CompiledProject(
    {"manifest.json": '{"seed": "<seeds>/a.csv", "source": "read_parquet(\'<raw>/tickets/*.parquet\')"}'},
    {"model.a": "select <as_of>"},
    {"staging.a": "create table staging.a (b varchar)"},
    {"a": "f"},
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("CXHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def settings(copied_home: Home) -> Settings:
    return load_settings(str(copied_home.exports), str(copied_home.path), str(copied_home.config))


def compiled(settings: Settings) -> CompiledProject | None:
    """What the home's own warehouse knows of its project."""
    kept = Kept(settings, project_version(settings))
    with kept.cursor() as con:
        found = compiled_project(settings, con, kept.queries())
    kept.close()
    return found


def test_a_project_is_kept_for_its_user_only(cache: Path) -> None:
    write_project("v", PROJECT)
    assert read_project("v") == PROJECT
    (path,) = (cache / "projects").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_project("w") is None
    # What others can write is not run.
    path.chmod(0o622)
    assert read_project("v") is None
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert read_project("v") is None


@pytest.mark.parametrize("damage", [b"", b"not gzip", b"\x1f\x8b\x08"])
def test_a_damaged_file_is_as_none(cache: Path, damage: bytes) -> None:
    write_project("v", PROJECT)
    next((cache / "projects").iterdir()).write_bytes(damage)
    assert read_project("v") is None


def test_a_cache_that_cannot_be_written_costs_only_time(cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    write_project("v", PROJECT)
    assert read_project("v") is None


def test_the_variable_says_where_or_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXHOUSE_CACHE", "")
    assert cache_folder() is None
    write_project("v", PROJECT)
    assert read_project("v") is None
    monkeypatch.delenv("CXHOUSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of_the_user"))
    assert cache_folder() == tmp_path / "of_the_user" / "cxhouse"


def test_what_was_not_used_for_longest_goes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr("orchestration.warehouse.upkeep.project_cache._MAX_PROJECTS", 2)
    for number, version in enumerate(("one", "two")):
        write_project(version, PROJECT)
        os.utime(cache / "projects" / f"{version}-2.json.gz", (number + 1, number + 1))
    assert read_project("one")
    write_project("three", PROJECT)
    assert [read_project(version) is not None for version in ("one", "two", "three")] == [True, False, True]


def test_artefacts_are_laid_into_any_place(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "a bä")
    PROJECT.write_artefacts(home)
    manifest = json.loads((home.dbt_target / "manifest.json").read_text())
    assert manifest == {"seed": f"{home.home}/seeds/a.csv", "source": f"read_parquet('{home.raw}/tickets/*.parquet')"}


def test_queries_are_of_the_project_and_its_settings_not_of_the_home(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"home": tmp_path / "other"})
    other.home.mkdir()
    other.salt_file.write_text("another secret")
    assert queries_version(other) == queries_version(settings)
    assert project_version(other) != project_version(settings)
    for change in ({"currency": "CHF"}, {"vars": {**settings.vars, "min_sample": 31}}, {"reporting_timezone": "Asia/Tokyo"}):
        assert queries_version(settings.model_copy(update=change)) != queries_version(settings)


def test_it_holds_nothing_of_the_home(settings: Settings) -> None:
    found = compiled(settings)
    assert found
    text = json.dumps([found.artefacts, found.queries, found.tables, found.fingerprints])
    assert str(settings.home) not in text
    assert read_salt(settings)
    assert read_salt(settings) not in text


def test_it_is_whole_or_not_kept(settings: Settings) -> None:
    with connect(settings.warehouse) as con:
        con.execute("delete from maintenance.compiled where node = 'model.cxhouse.fct_tickets'")
    assert compiled(settings) is None


def test_a_seed_that_dbt_wrote_over_is_no_table_without_columns(settings: Settings) -> None:
    (settings.home / "seeds" / "kpi_targets.csv").write_text("\n")
    assert compiled(settings) is None
    prepare_seeds(settings)
    assert compiled(settings)


def run(exports: Path, config: Path, home: Path, *options: str) -> set[str]:
    """Run; returns which libraries were imported."""
    arguments = ["run", "--exports", str(exports), "--config", str(config), "--home", str(home), *options]
    done = subprocess.run([sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    return set(done.stdout.split("IMPORTED", 1)[1].split())


def by_dbt(settings: Settings, folder: Path) -> Path:
    """The warehouse that dbt itself builds in a copy of a home, from nothing."""
    home = settings.model_copy(update={"home": folder, "full_refresh": True})
    shutil.copytree(settings.home, folder, symlinks=True)
    home.warehouse.unlink()
    prepare_home(home)
    results = Warehouse(home)._built_by_dbt(None, lambda _: None)
    assert not [result.name for result in results if result.failed or result.status == "skipped"]
    # dbt holds it open.
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("checkpoint")
    return Path(shutil.copyfile(home.warehouse, folder.with_suffix(".duckdb")))


@pytest.mark.slow
def test_what_dbt_builds_and_what_is_built_of_its_queries_are_equal(
    copied_home: Home, settings: Settings, tmp_path: Path
) -> None:
    homes = {name: settings.model_copy(update={"home": tmp_path / name}) for name in ("compiled", "shared")}
    for home in homes.values():
        home.home.mkdir()
        # The same secret, so that customers have the same keys.
        shutil.copyfile(settings.salt_file, home.salt_file)
    exports, config = copied_home.exports, copied_home.config
    assert config
    assert not {"dagster", "dbt"} & run(exports, config, homes["compiled"].home)
    found = read_project(queries_version(settings))
    assert found
    assert found.is_built
    assert not {"dagster", "dbt"} & run(exports, config, homes["shared"].home)
    shapes = "select schema_name, table_name, sql from duckdb_tables() where schema_name <> 'maintenance' order by all"
    state = "select model, fingerprint, as_of, clock, version from maintenance.models order by all"
    inputs = "select * from maintenance.inputs where input not in ('load_ledger', 'load_sources', 'alerts', 'runs') order by all"
    for home in homes.values():
        modes = json.loads((home.home / "last_run.json").read_text())["model_modes"]
        assert set(modes) == {"rebuilt"}
        theirs = by_dbt(home, home.home.with_name(f"{home.home.name}_by_dbt"))
        assert differences(home.warehouse, theirs) == {}
        for query in (shapes, state, inputs):
            with duckdb.connect(str(home.warehouse), read_only=True) as one, duckdb.connect(str(theirs), read_only=True) as other:
                assert one.execute(query).fetchall() == other.execute(query).fetchall()


def with_a_target(config: Path | None, folder: Path) -> Path:
    """The configuration with a target more."""
    assert config
    shutil.copytree(config, folder)
    with (folder / "seeds" / "kpi_targets.csv").open("a") as seed:
        seed.write("order_size_items,all,all,3,2.5,up\n")
    return folder


@pytest.mark.ci
def test_other_seeds_need_no_dbt_and_reach_what_reads_them(copied_home: Home, settings: Settings, tmp_path: Path) -> None:
    found = compiled(settings)
    assert found
    write_project(queries_version(settings), found)
    config = with_a_target(copied_home.config, tmp_path / "other")
    target = "select distinct target from kpis where kpi_id = 'order_size_items' and grain = 'all' and dimension = 'all'"
    assert copied_home.query(target) == [(None,)]
    assert not {"dagster", "dbt"} & run(copied_home.exports, config, copied_home.path)
    assert copied_home.query(target) == [(3.0,)]
    modes = json.loads((copied_home.path / "last_run.json").read_text())["model_modes"]
    assert modes["unchanged"] > 150
    assert "rebuilt" not in modes


@pytest.mark.ci
def test_a_model_built_before_its_seed_is_loaded_is_built_again(copied_home: Home, tmp_path: Path) -> None:
    config = with_a_target(copied_home.config, tmp_path / "other")
    changed = load_settings(str(copied_home.exports), str(copied_home.path), str(config))
    prepare_home(changed)
    warehouse = Warehouse(changed)
    warehouse.parse()
    target = "select distinct target from kpis.kpis where kpi_id = 'order_size_items' and grain = 'all' and dimension = 'all'"
    # The model is of the changed project now, but of the rows that the seed had before.
    built = warehouse.build(["--select", "file:kpis.sql", "--exclude-resource-type", "test"])
    assert [result.failed for result in built if result.name == "kpis"] == [False]
    with connect(changed.warehouse) as con:
        assert con.execute(target).fetchall() == [(None,)]
    assert not [result for result in warehouse.build() if result.failed]
    with connect(changed.warehouse) as con:
        assert con.execute(target).fetchall() == [(3.0,)]


@pytest.mark.slow
def test_another_project_in_a_home_is_what_dbt_builds_of_it(copied_home: Home, settings: Settings, tmp_path: Path) -> None:
    config = with_a_target(copied_home.config, tmp_path / "other")
    content = yaml.safe_load((config / "cxhouse.yml").read_text())
    (config / "cxhouse.yml").write_text(yaml.safe_dump({**content, "vars": {**content.get("vars", {}), "min_sample": 7}}))
    run(copied_home.exports, config, copied_home.path)
    modes = json.loads((copied_home.path / "last_run.json").read_text())["model_modes"]
    assert set(modes) >= {"unchanged", "rebuilt"}
    changed = load_settings(str(copied_home.exports), str(copied_home.path), str(config))
    assert differences(settings.warehouse, by_dbt(changed, tmp_path / "by_dbt")) == {}


@pytest.mark.parametrize(
    "query", ["select 1 as a", "select 1 as a, 'x' as b, 2 as c", "select 1.5 as a, 'x' as b", "select 'x' as b, 1::bigint as a"]
)
def test_a_query_that_does_not_keep_its_contract_is_left_to_dbt(query: str) -> None:
    node = SimpleNamespace(name="kept", relation_name="kept")
    with connect() as con:
        con.execute("create table kept (a integer, b varchar)")
        check_contract(con, node, "select 'x' as b, 1 as a")
        with pytest.raises(UnforeseenError, match="kept has other columns than its contract"):
            check_contract(con, node, query)


def test_tables_of_models_that_the_project_has_no_more_are_dropped(settings: Settings) -> None:
    project = compiled(settings)
    assert project is not None
    with connect(settings.warehouse) as con:
        models = "select count(*) from maintenance.models"
        before = con.execute(models).fetchall()
        con.execute("create table conformed.int_renamed as select 1 as a")
        con.execute("create table maintenance.changed_int_renamed as select 1 as a")
        con.execute("create table conformed.of_somebody as select 1 as a")
        con.execute("insert into maintenance.compiled values ('model.cxhouse.int_renamed', 'p', 'select 1 as a')")
        # A home of the first release remembers no queries.
        con.execute("create table journey.int_of_the_first_release as select 1 as a")
        for name in ("int_renamed", "int_of_the_first_release"):
            write_state(con, name, State("p", "", "", 1, True, "f"))
        drop_leftovers(con, project.queries)
        tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
        assert not {"int_renamed", "changed_int_renamed", "int_of_the_first_release"} & tables
        assert {"of_somebody", "stg_tickets", "fct_tickets"} <= tables
        assert con.execute(models).fetchall() == before
        assert con.execute("select * from maintenance.compiled where node like '%int_renamed'").fetchall() == []
