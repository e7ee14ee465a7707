"""The one place that opens DuckDB: every connection of the project has the same bound on memory, threads and disk."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.core.errors import CxhouseError
from orchestration.core.resources import resources


def connect(path: Path | str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a database, or one in memory."""
    return bounded(duckdb.connect(str(path), read_only=read_only))


def bounded(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same connection with its bound.

    It is set by statements: two connections of one process to one file may not be opened with different options.
    """
    limit = resources()
    con.execute(f"set memory_limit = '{limit.memory_limit}'")
    con.execute(f"set threads = {limit.threads}")
    # A run has its own; this one would be in the output of commands.
    con.execute("set enable_progress_bar = false")
    if limit.temp_directory is not None:
        ((there,),) = con.execute("select current_setting('temp_directory')").fetchall()
        # Once it was used it can be set no more, not even to what it is.
        if there != str(limit.temp_directory):
            quoted = str(limit.temp_directory).replace("'", "''")
            con.execute(f"set temp_directory = '{quoted}'")
    return con


def explain(error: BaseException | str, what: str) -> CxhouseError | None:
    """For an error of too little memory: what needed it, and which setting to change; nothing for any other."""
    if "out of memory error" not in str(error).lower() and not isinstance(error, duckdb.OutOfMemoryException):
        return None
    limit = resources()
    return CxhouseError(
        f"{what} needs more memory than it may take ({limit.memory_limit} with {limit.threads} thread(s)): raise the setting "
        "`memory_limit` (cxhouse.yml, CXHOUSE_MEMORY_LIMIT, --memory-limit), lower `threads`, or give `temp_directory` more disk"
    )
