"""A Spark session in this process: dbt's `session` method finds it, and sends its SQL to it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from orchestration.core.errors import ConfigurationError
from orchestration.pull.loading import EMPTY
from orchestration.settings.model import Settings

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField


#: What Spark 4 runs on.
JAVA = 17
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
#: Spark plans a query by recursion over its parts, and a union of every KPI has hundreds.
STACK = "-Xss64m"
#: Which raw files the session's views show.
SHOWN = "cxhouse.raw"
#: Nobody else's machine has to reach the driver.
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def is_on_this_machine(master: str) -> bool:
    """Does a master's address lead to this machine?"""
    return master.startswith("local") or urlsplit(master).hostname in ("localhost", "127.0.0.1", "::1")


def configuration(settings: Settings) -> dict[str, str]:
    """What the session is started with; the user's own `spark_conf` has the last word."""
    folder = settings.spark
    return {
        "spark.master": _master(settings),
        "spark.app.name": "cxhouse",
        # Instants are UTC without a zone, as in every Parquet file of the pull.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        # The parts of a table are found in its folder.
        "spark.sql.hive.manageFilesourcePartitions": "false",
        # A run that was killed leaves folders of tables that the catalogue never heard of.
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'catalogue'};create=true",
        # One process does it all where Spark runs on this machine: what a database may take, it may.
        "spark.driver.memory": f"{settings.resources.memory_bytes // 2**20}m",
        "spark.local.dir": str(settings.resources.temp_directory),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.sql.catalogImplementation": "hive",
        **(LOOPBACK if is_on_this_machine(settings.spark_master) else {}),
        **{name: str(value) for name, value in settings.spark_conf.items()},
    }


def _master(settings: Settings) -> str:
    """Spark's own master takes as many threads as DuckDB would."""
    return f"local[{settings.threads}]" if settings.spark_master == "local[*]" else settings.spark_master


def check_engine(settings: Settings) -> None:
    """Is everything there that the engine needs?

    Raises:
        ConfigurationError: Spark is asked for, and its packages or Java are not there.
    """
    if settings.engine != "spark":
        return
    from importlib.util import find_spec

    if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
        raise ConfigurationError("--engine spark needs the extra 'spark': make setup-spark, or pip install 'cxhouse[spark]'")
    version = java_version()
    if version is None or version < JAVA:
        found = "there is none" if version is None else f"this is {version}"
        raise ConfigurationError(f"--engine spark needs Java {JAVA} or newer, and {found}: install it, or let JAVA_HOME name it")


def java_version() -> int | None:
    """The major version of the Java that Spark would start; None without one."""
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if java is None:
        return None
    try:
        output = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found[1]) if found else None


def start_session(settings: Settings) -> SparkSession:
    """The session of this process, started at the first call."""
    from pyspark.sql import SparkSession

    if session := SparkSession.getActiveSession():
        return session
    options = configuration(settings)
    # The catalogue's database writes its log to the working directory, unless it is set otherwise.
    place = f"-Dderby.stream.error.file={settings.spark / 'derby.log'}"
    options[JAVA_OPTIONS] = " ".join([options.get(JAVA_OPTIONS, ""), place, STACK]).strip()
    settings.spark.mkdir(parents=True, exist_ok=True)
    builder: Any = SparkSession.builder
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def show_raw(settings: Settings) -> None:
    """Let SQL see the raw folders: as views raw_<kind>, and with the name of each row's file as raw_files_of_<kind>."""
    session = start_session(settings)
    folders = {
        folder: sorted(path.name for path in folder.glob("*.parquet"))
        for folder in sorted(settings.raw.iterdir())
        if folder.is_dir()
    }
    listed = [(folder.name, name) for folder, files in folders.items() for name in files]
    # A run calls dbt once for each layer, over the same files.
    digest = hashlib.sha256(repr((settings.raw, listed)).encode()).hexdigest()
    if session.conf.get(SHOWN, "") == digest:
        return
    for folder, files in folders.items():
        # That file has every column; others may be older than the newest ones.
        first = folder / EMPTY if EMPTY in files else folder / files[0]
        schema = session.read.parquet(str(first)).schema
        rows = session.read.schema(schema).parquet(str(folder))
        rows.createOrReplaceTempView(f"raw_{folder.name}")
        rows.selectExpr("*", "_metadata.file_name as _raw_file").createOrReplaceTempView(f"raw_files_of_{folder.name}")
    session.createDataFrame(listed, "kind string, file string").createOrReplaceTempView("raw_files")
    session.conf.set(SHOWN, digest)


def drop_leftovers(settings: Settings, models: Collection[str]) -> None:
    """Drop the tables of models that the project has no more, or calls otherwise: their rows may be of forgotten persons.

    A model is a view with a state, over the table `<model>__<version>`; its latest changes are a table of that kind, too.

    Args:
        settings: of the home.
        models: names of all models of the project.
    """
    session = start_session(settings)
    schemas = [row[0] for row in session.sql("show schemas").collect()]
    gone: set[str] = set()
    for schema in schemas:
        for _, view, is_temporary, *_ in session.sql(f"show views in `{schema}`").collect():
            if not is_temporary and view not in models and _has_state(session, f"`{schema}`.`{view}`"):
                session.sql(f"drop view `{schema}`.`{view}`")
                gone.add(view)
    for schema in schemas if gone else ():
        for _, table, is_temporary in session.sql(f"show tables in `{schema}`").collect():
            model, _, version = table.rpartition("__")
            if not is_temporary and model in gone and version.startswith("v"):
                session.sql(f"drop table `{schema}`.`{table}`")


def _has_state(session: SparkSession, view: str) -> bool:
    return any(row[0] == "cxhouse.state" for row in session.sql(f"show tblproperties {view}").collect())


def stop_session(settings: Settings) -> None:
    """Give back what the session holds, should there be one."""
    if settings.engine == "spark" and "pyspark.sql" in sys.modules:
        from pyspark.sql import SparkSession

        if session := SparkSession.getActiveSession():
            session.stop()


def show_tables(settings: Settings, con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Let DuckDB see tables that Spark built, where they are stored: as views over its Parquet files.

    Raises:
        ConfigurationError: Spark keeps the tables as something else.
    """
    if settings.spark_table_format != "parquet":
        raise ConfigurationError(
            f"spark_table_format {settings.spark_table_format}: gates and marts read Parquet; see docs/spark.md for other formats"
        )
    session = start_session(settings)
    for name in names:
        schema, _, table = name.partition(".")
        con.execute(f'create schema if not exists "{schema}"')
        if session.catalog.tableExists(name):
            _show(con, schema, table, session.table(name))


def _show(con: duckdb.DuckDBPyConnection, schema: str, name: str, frame: DataFrame) -> None:
    files = [unquote(urlsplit(file).path) for file in frame.inputFiles()]
    columns = ", ".join(f'cast("{field.name}" as {_duckdb_type(field)}) as "{field.name}"' for field in frame.schema.fields)
    if files:
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        source = f"read_parquet([{listed}], hive_partitioning = false)"
    else:
        source = "(select " + ", ".join(f'null as "{field.name}"' for field in frame.schema.fields) + " where false)"
    con.execute(f'create or replace view "{schema}"."{name}" as select {columns} from {source}')


def _duckdb_type(field: StructField) -> str:
    return {"string": "varchar", "timestamp_ntz": "timestamp"}.get(field.dataType.simpleString(), field.dataType.simpleString())
