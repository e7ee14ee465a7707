"""One set of SQL, two engines: macros that are written twice agree, and so do the published tables."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml
from homes import REAL_EXPORTS, REPOSITORY, Cxhouse, Home
from published import OF_RUNS, OF_THE_CLOCK, not_loaded, parts
from sparks import SMALL, configured, needs_spark

from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.warehouse.spark import drop_leftovers, start_session, stop_session
from orchestration.warehouse.warehouse import Warehouse

#: Macro as it is in a model -> its value, as text. Instants are UTC.
EXPRESSIONS = {
    "seconds_between(\"timestamp '2026-03-29 00:59:59'\", \"timestamp '2026-03-29 01:00:01.9'\")": "2",
    "seconds_between(\"timestamp '2026-01-01 00:00:10'\", \"timestamp '2026-01-01 00:00:00'\")": "-10",
    'seconds_between("cast(null as timestamp)", "timestamp \'2026-01-01 00:00:00\'")': None,
    # Both sides of the changes of clocks, and zones whose offset is no whole hour.
    "local_time(\"timestamp '2026-03-29 00:59:59'\", \"'Europe/Berlin'\")": "2026-03-29 01:59:59",
    "local_time(\"timestamp '2026-03-29 01:00:00'\", \"'Europe/Berlin'\")": "2026-03-29 03:00:00",
    "local_time(\"timestamp '2026-10-25 00:30:00'\", \"'Europe/Berlin'\")": "2026-10-25 02:30:00",
    "local_time(\"timestamp '2026-10-25 01:30:00'\", \"'Europe/Berlin'\")": "2026-10-25 02:30:00",
    "local_time(\"timestamp '2026-07-01 00:00:00'\", \"'Asia/Kathmandu'\")": "2026-07-01 05:45:00",
    "local_time(\"timestamp '1999-12-31 23:59:59'\", \"'Pacific/Apia'\")": "1999-12-31 12:59:59",
    "utc_time(\"timestamp '2026-03-29 01:59:59'\", \"'Europe/Berlin'\")": "2026-03-29 00:59:59",
    "utc_time(\"timestamp '2026-03-29 03:00:00'\", \"'Europe/Berlin'\")": "2026-03-29 01:00:00",
    "utc_time(\"timestamp '2026-03-29 02:30:00'\", \"'Europe/Berlin'\")": "2026-03-29 01:30:00",
    "utc_time(\"timestamp '2026-10-25 02:30:00'\", \"'Europe/Berlin'\")": "2026-10-25 00:30:00",
    "utc_time(\"timestamp '2026-10-25 03:00:00'\", \"'Europe/Berlin'\")": "2026-10-25 02:00:00",
    "utc_time(\"timestamp '2026-04-05 01:45:00'\", \"'Australia/Lord_Howe'\")": "2026-04-04 14:45:00",
    "utc_time(\"timestamp '2026-12-01 09:00:00'\", \"'America/New_York'\")": "2026-12-01 14:00:00",
    "local_date(\"timestamp '2026-06-30 23:00:00'\")": "2026-06-30",
    "add_days(\"date '2024-02-28'\", 2)": "2024-03-01",
    "add_days(\"date '2026-01-01'\", -1)": "2025-12-31",
    "add_days('cast(null as date)', 1)": None,
    "days_between(\"date '2024-02-28'\", \"date '2024-03-01'\")": "2",
    "days_between(\"date '2026-03-01'\", \"date '2026-02-28'\")": "-1",
    "iso_weekday(\"date '2026-11-22'\")": "7",
    "iso_weekday(\"date '2026-11-23'\")": "1",
    "clock_seconds(\"'24:00'\")": "86400",
    "clock_seconds(\"'08:30'\")": "30600",
    "dbt.dateadd('day', -1, \"timestamp '2026-03-01 12:00:00'\")": "2026-02-28 12:00:00",
    "dbt.dateadd('month', 1, \"date '2026-01-31'\")": "2026-02-28 00:00:00",
    "dbt.dateadd('second', 90, \"timestamp '2026-02-28 23:59:00'\")": "2026-03-01 00:00:30",
    "dbt.dateadd('day', 1, 'cast(null as timestamp)')": None,
    "'cast(' ~ dbt.date_trunc('week', \"date '2026-11-22'\") ~ ' as date)'": "2026-11-16",
    "'cast(' ~ dbt.date_trunc('quarter', \"date '2026-11-22'\") ~ ' as date)'": "2026-10-01",
    "regexp_remove(\"'+49 (170) 12-3'\", '[^0-9+]')": "+49170123",
    "regexp_remove(\"cast(null as \" ~ dbt.type_string() ~ ')', '[^0-9]')": None,
    "dbt.hash(dbt.concat([\"'a'\", \"'|é'\"]))": hashlib.md5("a|é".encode()).hexdigest(),
    "person_bit(\"'a'\")": "8",
    "person_bit(\"'łucja|ż'\")": str(1 << int(hashlib.md5("łucja|ż".encode()).hexdigest()[:7], 16) % 60),
    "bits_of_count('3')": "7",
    "bits_of_count('-2.5')": "0",
    "bits_of_count('1e9')": str(2**60 - 1),
    "bits_of_count('cast(null as double)')": "0",
    "'(select bit_count(bit_or(' ~ bit('number') ~ ')) from (' ~ numbers_from_to(55, 59) ~ ') as numbers)'": "5",
    "period_start('month', \"date '2026-11-22'\")": "2026-11-01",
    "period_start('all', \"date '2026-11-22'\")": None,
    "next_period(\"'quarter'\", \"date '2026-10-01'\")": "2027-01-01",
    "'(select count(*) from (' ~ days_from_to(\"date '2026-02-27'\", \"date '2026-03-01'\") ~ ') as days)'": "3",
    "'(select sum(number) from (' ~ numbers_from_to(0, 4) ~ ') as numbers)'": "10",
    "'(select ' ~ listed('cast(number as ' ~ dbt.type_string() ~ ')') ~ ' from (' ~ numbers_from_to(0, 2) ~ ') as n)'": "0, 1, 2",
    r"""json_text('\'{"plan":"Gold, é","n":"3"}\'', 'plan')""": "Gold, é",
    r"""json_text('\'{"plan":"Gold"}\'', 'tag')""": None,
    "json_text('cast(null as ' ~ dbt.type_string() ~ ')', 'plan')": None,
    r"""'(select ' ~ listed('list_member') ~ ' from ' ~ rows_by_member(TAGGED, 'extra', 'tag') ~ ')'""".replace(
        "TAGGED", r"""'(select \'{"tag":["b, c","a"]}\' as extra)'"""
    ): "a, b, c",
    r"""'(select count(*) from ' ~ rows_by_member('(select \'{"plan":"x"}\' as extra)', 'extra', 'tag') ~ ')'""": "0",
    r"""'(select a from (select ' ~ all_replacing({'a': "a + 1"}) ~ ' from (select 1 as a, 2 as b) as t) as u)'""": "2",
    "'(select max(date_day) from (' ~ days_from_to(\"date '2026-02-27'\", \"date '2026-03-01'\") ~ ') as days)'": "2026-03-01",
}


@pytest.mark.ci
@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=needs_spark)])
def test_macros_agree(engine: str, tmp_path: Path) -> None:
    """Each expression, rendered for the engine and computed by it, gives what a person would say it is."""
    settings = Settings(home=tmp_path / "home", engine=engine, **SMALL)
    prepare_home(settings)
    warehouse = Warehouse(settings)
    rows = [
        f"select {number} as number, cast({{{{ {expression} }}}} as {{{{ dbt.type_string() }}}}) as found"
        for number, expression in enumerate(EXPRESSIONS)
    ]
    found = warehouse.first_rows(warehouse.rendered(" union all ".join(rows)), len(rows))
    stop_session(settings)
    values = {row["number"]: row["found"] for row in found}
    assert {expression: values[number] for number, expression in enumerate(EXPRESSIONS)} == EXPRESSIONS


@pytest.mark.ci
@needs_spark
def test_tables_of_models_that_the_project_has_no_more_are_dropped(tmp_path: Path) -> None:
    """As on DuckDB. What somebody else keeps in the same place stays."""
    settings = Settings(home=tmp_path / "home", engine="spark", **SMALL)
    prepare_home(settings)
    session = start_session(settings)
    try:
        for schema in ("conformed", "maintenance"):
            session.sql(f"create schema {schema}")
            for model in ("int_orders", "int_renamed"):
                session.sql(f"create table {schema}.{model}__v1 as select 1 as a")
        for model in ("int_orders", "int_renamed"):
            state = "('cxhouse.state' = '{}')"
            session.sql(f"create view conformed.{model} tblproperties {state} as select * from conformed.{model}__v1")
        session.sql("create view conformed.of_somebody as select 1 as a")
        session.sql("create table conformed.of_somebody__v1 as select 1 as a")
        session.createDataFrame([(1,)], "a int").createOrReplaceTempView("raw_tickets")
        drop_leftovers(settings, {"int_orders"})
        found = {
            f"{schema}.{row.tableName}"
            for schema in ("conformed", "maintenance")
            for row in session.sql(f"show tables in {schema}").collect()
            if not row.isTemporary
        }
        of_others = {"conformed.of_somebody", "conformed.of_somebody__v1"}
        assert found == {"conformed.int_orders", "conformed.int_orders__v1", "maintenance.int_orders__v1", *of_others}
    finally:
        stop_session(settings)


def differences(one: Path, other: Path) -> list[str]:
    """What differs between the published tables of two homes: numbers by more than 1e-9 of themselves, or anything else."""
    return [line for name in ("marts", "analysis") for line in _differences(one, other, name)]


def _differences(one: Path, other: Path, publication: str) -> list[str]:
    found = []
    with duckdb.connect() as con:
        for name, home in (("one", one), ("other", other)):
            con.execute(f"attach '{home / 'published' / f'{publication}.duckdb'}' as {name} (read_only)")
        query = "select table_name, column_name, data_type from duckdb_columns() where database_name = ? order by all"
        shapes = [con.execute(query, [name]).fetchall() for name in ("one", "other")]
        assert shapes[0] == shapes[1]
        tables = sorted({table for table, _, _ in shapes[0]} - set(OF_RUNS))
        assert len(tables) > 10
        for table in tables:
            columns = [column for of, column, _ in shapes[0] if of == table and column not in OF_THE_CLOCK]
            names = ", ".join(f'"{column}"' for column in columns)
            here, there = (
                sorted(con.execute(f"select {names} from {name}.{table}").fetchall(), key=_order) for name in ("one", "other")
            )
            if len(here) != len(there):
                found.append(f"{table}: {len(here)} rows, {len(there)} rows")
            pairs = zip(here, there, strict=False)
            found += [f"{table}: {a} {b}" for a, b in pairs if not all(map(_same, a, b))][:3]
    return found


def _order(row: tuple) -> list[str]:
    """Rows with the same texts are in the order of their numbers, as far as these are the same."""
    return [str(value) for value in row if not isinstance(value, float)] + [
        f"{value:.6e}" for value in row if isinstance(value, float)
    ]


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(a) and math.isnan(b))
    return a == b


def few_rows(published: Path, home: Path) -> Path:
    """Published files of a home of its own that hold a few rows of each table."""
    (home / "published").mkdir(parents=True, exist_ok=True)
    for name in ("marts.duckdb", "analysis.duckdb"):
        shutil.copy(published / name, home / "published" / name)
        with duckdb.connect(str(home / "published" / name)) as con:
            for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                con.execute(f"delete from {table} where " + ("grain <> 'all'" if table == "kpis" else "rowid > 400"))
    return home


@pytest.mark.ci
def test_a_difference_is_seen(tmp_path: Path, sample_home: Home) -> None:
    """A row that is missing, a number that is off by a little more than it may, a null that is none."""
    published = sample_home.path / "published"
    one = few_rows(published, tmp_path / "one")
    for change in (
        "delete from fct_orders where order_id = (select min(order_id) from fct_orders)",
        "update kpis set value = value * (1 + 1e-8) where kpi_id = 'csat' and grain = 'all' and dimension = 'all'",
        "update fct_tickets set team = null where ticket_id in (select min(ticket_id) from fct_tickets)",
        "update fct_calls set started_at = started_at + interval 1 second where call_id in (select min(call_id) from fct_calls)",
    ):
        other = few_rows(published, tmp_path / "other")
        assert differences(one, other) == []
        name = "marts.duckdb" if " kpis " in change else "analysis.duckdb"
        with duckdb.connect(str(other / "published" / name)) as con:
            assert con.execute(change).fetchone() == (1,)
        assert differences(one, other), change


def test_what_spark_needs_is_reported(tmp_path: Path, cxhouse: Cxhouse) -> None:
    (tmp_path / "exports").mkdir()
    options = ["--engine", "spark", "--exports", tmp_path / "exports", "--home", tmp_path / "home"]
    output = cxhouse("run", *options, exit_code=2, JAVA_HOME=str(tmp_path)).stderr
    assert "--engine spark needs" in output
    assert not (tmp_path / "home").exists()


@needs_spark
@pytest.mark.slow
@pytest.mark.parametrize("arrivals", [1, 2])
def test_the_sample_is_the_same_on_both_engines(arrivals: int, tmp_path: Path, cxhouse: Cxhouse) -> None:
    """And an incremental run on Spark, after the second of two arrivals, gives what a whole one on DuckDB does."""
    cxhouse("sample", "--out", tmp_path, "--customers", "150", "--days", "120", "--seed", "11")
    exports = tmp_path / "arrived"
    home = Home(
        tmp_path / "spark", exports, configured(tmp_path / "config", {**SMALL, "vars": {"kpi_grains": ["week", "month", "all"]}})
    )
    for number in range(arrivals):
        parts(tmp_path / "exports", exports, number, arrivals)
        cxhouse("run", "--engine", "spark", "--exports", exports, *home.options)
    modes = yaml.safe_load((home.path / "last_run.json").read_text())["model_modes"]
    assert modes.get("incremental", 0) > 10 or arrivals == 1, "otherwise nothing incremental was tested"
    assert not_loaded(home.path) == []
    shutil.copytree(home.path, tmp_path / "duckdb", symlinks=True)
    cxhouse("run", "--full-refresh", "--exports", exports, "--home", tmp_path / "duckdb", "--config", tmp_path / "config")
    assert differences(home.path, tmp_path / "duckdb") == []


@needs_spark
@pytest.mark.slow
def test_real_exports_are_the_same_on_both_engines(tmp_path: Path, cxhouse: Cxhouse, real_home: Home) -> None:
    config = configured(tmp_path / "config", SMALL)
    (tmp_path / "home").mkdir()
    # The keys of customers are salted with the home's own secret.
    shutil.copy(real_home.path / "identity_salt", tmp_path / "home")
    options = ["--home", tmp_path / "home", "--config", config, "--as-of", "2022-01-01"]
    cxhouse("run", "--engine", "spark", "--exports", REAL_EXPORTS, *options)
    assert differences(real_home.path, tmp_path / "home") == []


class Cluster:
    """A standalone cluster on this machine: one master, two workers of one core each."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.master = f"spark://127.0.0.1:{self._port}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        self._start("master.Master", "--host", "127.0.0.1", "--port", str(self._port), "--webui-port", "0")
        self.workers = [
            self._start(
                "worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1500m", "--webui-port", "0",
                "--work-dir", str(self._folder / f"worker_{number}"), self.master,
            )
            for number in range(2)
        ]  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        log = (self._folder / f"{name}_{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments],
            stdout=log, stderr=log, start_new_session=True, env={**os.environ, "SPARK_HOME": str(home)},
        )  # fmt: skip
        self._processes.append(process)
        return process


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@needs_spark
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same(tmp_path: Path, cxhouse: Cxhouse) -> None:
    cxhouse("sample", "--out", tmp_path, "--customers", "150", "--days", "120", "--seed", "12")
    settings = {**SMALL, "spark_conf": {**SMALL["spark_conf"], "spark.executor.memory": "1g", "spark.task.maxFailures": 8}}
    config = configured(tmp_path / "config", {**settings, "vars": {"kpi_grains": ["month", "all"]}})
    home = tmp_path / "cluster"
    with Cluster(tmp_path) as cluster:
        command = ["run", "--exports", tmp_path / "exports", "--home", home, "--config", config, "--engine", "spark"]
        run = subprocess.Popen(
            [sys.executable, "-u", "-m", "orchestration.cli", *map(str, command), "--spark-master", cluster.master],
            cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert run.stderr is not None
        said = []
        for line in run.stderr:
            said.append(line)
            if line.startswith("gates: conformed"):
                os.killpg(cluster.workers[0].pid, signal.SIGKILL)
        assert run.wait() == 0, "".join(said)
        assert cluster.workers[0].poll() is not None
        assert "gates: conformed\n" in said
    assert not_loaded(home) == []
    shutil.copytree(home, tmp_path / "duckdb", symlinks=True)
    cxhouse("run", "--full-refresh", "--exports", tmp_path / "exports", "--home", tmp_path / "duckdb", "--config", config)
    assert differences(home, tmp_path / "duckdb") == []
