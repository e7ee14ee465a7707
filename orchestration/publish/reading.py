"""Opening what is published: the marts, and beside them the single cases where the reader was given these."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from orchestration.core.connections import connect
from orchestration.core.literals import literal
from orchestration.warehouse.versions import ANALYSIS, ANALYSIS_FILE


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """A file of marts, read-only; tables of the `analysis` file beside it can be asked for by their names, where it may be read.

    Links are followed once, so that both files are of one version.
    """
    path = path.resolve()
    con = connect(path, read_only=True)
    beside = path.with_name(ANALYSIS_FILE)
    if beside.exists() and os.access(beside, os.R_OK):
        ((marts,),) = con.execute("select current_catalog()").fetchall()
        con.execute(f"attach if not exists {literal(str(beside))} as {ANALYSIS} (read_only)")
        con.execute(f"set search_path = {literal(f'{marts}.main,{ANALYSIS}.main')}")
    return con
