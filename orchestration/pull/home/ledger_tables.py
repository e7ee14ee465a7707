"""The tables of the ledger, and how those of an earlier release become today's."""

from __future__ import annotations

import sqlite3

TABLES = """
create table if not exists landed (
    batch integer primary key,
    sha256 text not null,
    source text not null,
    file text not null,
    bytes integer not null,
    header text not null,
    landed_at text not null,
    pull integer,
    withdrawn_at text
);
create table if not exists seen (
    source text not null,
    file text not null,
    version text not null,
    sha256 text not null,
    primary key (source, file, version)
);
create table if not exists sources (
    source text primary key,
    asked_at text not null,
    listed_at text,
    problem text,
    files integer
);
create table if not exists loads (
    batch integer not null references landed,
    contract text not null,
    kind text not null,
    fingerprint text not null,
    status text not null check (status in ('loaded', 'refused', 'gated', 'withdrawn')),
    reason text,
    rows_read integer not null,
    rows_loaded integer not null,
    rows_quarantined integer not null,
    loaded_at text not null,
    rows_merged integer not null default 0,
    records integer,
    available_columns text not null default '',
    primary key (batch, contract)
);
create table if not exists runs (
    run_id text primary key,
    ended_at text not null,
    status text not null
);
create table if not exists marks (
    name text primary key,
    value text not null
);
create table if not exists fatal (
    sha256 text not null,
    limits text not null,
    reason text not null,
    primary key (sha256, limits)
);
create table if not exists blamed (
    batch integer primary key references landed
);
create table if not exists alerts (
    raised_at text not null,
    run_id text not null,
    severity text not null,
    subject text not null,
    message text not null,
    affected_rows integer not null
);
"""

#: Columns that an earlier release called otherwise: table -> earlier name -> today's.
RENAMED = {"loads": {"told_columns": "available_columns"}}


def bring_up_to_date(con: sqlite3.Connection, table: str) -> None:
    """Give a table of an earlier release the columns and conditions of today; SQLite cannot alter the latter in place."""
    form = next(part for part in TABLES.split(";") if f"exists {table} (" in part).strip()
    (present,) = con.execute("select sql from sqlite_master where name = ?", (table,)).fetchone()
    if present.partition("(")[2].split() == form.partition("(")[2].split():
        return
    renamed = RENAMED.get(table, {})
    present_columns = [row["name"] for row in con.execute(f"pragma table_info({table})")]
    columns = ", ".join(renamed.get(name, name) for name in present_columns)
    con.execute("begin immediate")
    con.execute(f"alter table {table} rename to earlier_{table}")
    con.execute(form)
    con.execute(f"insert into {table} ({columns}) select {', '.join(present_columns)} from earlier_{table}")
    con.execute(f"drop table earlier_{table}")
    con.execute("commit")
