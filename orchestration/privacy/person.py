"""All that is held about a person, for the person: what arrived, what was made of it, and what is published under which key."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc

from orchestration.core.connections import connect
from orchestration.core.errors import ConfigurationError, RefusedFileError
from orchestration.privacy.at_pull import of_customers
from orchestration.privacy.identifiers import Identifier
from orchestration.privacy.linking import Meant
from orchestration.privacy.roll import Roll, instant
from orchestration.privacy.rows import loaded_rows, person_columns, rejected_rows
from orchestration.privacy.sweep import what_is_read
from orchestration.pull.files.headers import ROW
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.originals import open_landed
from orchestration.pull.jobs import Job, options_of
from orchestration.pull.kinds import all_kinds
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import CURRENT
from orchestration.warehouse.warehouse import Warehouse

FILE = "person.json"
Row = dict[str, Any]


def write_person(settings: Settings, meant: Meant, out: Path) -> dict[str, int]:
    """Write what is held about persons to a new private folder; returns counts by place.

    Raises:
        ConfigurationError: the folder is there already.
    """
    if out.exists():
        raise ConfigurationError(f"{out} is there already; name a new folder")
    held = collect(settings, meant)
    out.mkdir(mode=0o700, parents=True)
    with os.fdopen(os.open(out / FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        json.dump(held, stream, indent=1, ensure_ascii=False, default=str)
    counts = {f"loaded: {kind}": len(rows) for kind, rows in held["loaded"].items()}
    counts |= {"rejected rows": len(held["rejected"]), "rows of originals": len(held["originals"])}
    counts |= {f"derived: {table}": len(rows) for table, rows in held["derived"].items()}
    return {**counts, **{f"published: {table}": rows for table, rows in held["published"].items()}}


def collect(settings: Settings, meant: Meant) -> dict[str, Any]:
    """What is held about persons, by place; see docs/privacy.md for the form."""
    roll = Roll.of(settings, meant.all)
    _, wanted = what_is_read(settings, Ledger(settings.ledger))
    loaded: dict[str, list[Row]] = {}
    # Once more: records of theirs were not known before they were seen.
    for _ in range(2):
        for kind in all_kinds().values():
            rows: list[Row] = []
            for path in sorted((settings.raw / kind.name).glob("*.*.parquet")):
                found, records = loaded_rows(path, kind, roll)
                roll.add(records)
                rows += found
            if rows:
                loaded[kind.name] = rows
    by_stem = {job.stem: job for job in wanted}
    rejected: list[Row] = []
    for path in sorted(settings.quarantine.glob("*/*.parquet")):
        job = by_stem.get(path.name.partition(".")[0])
        rejected += rejected_rows(path, roll, of_customers(job.contract) if job else frozenset())
    return {
        "made_at": instant(),
        "identifiers": {
            "named": _as_texts(meant.named),
            "linked": _as_texts(meant.linked),
            "in_earlier_versions": _earlier(loaded, meant),
        },
        "customer_keys": meant.keys,
        "loaded": loaded,
        "rejected": rejected,
        "originals": list(_original_rows(settings, wanted, loaded, rejected)),
        "derived": _derived(settings, meant.keys),
        "published": _published(settings, meant.keys),
    }


def _as_texts(identifiers: list[Identifier]) -> list[str]:
    return [f"{one.what}:{one.value}" for one in identifiers]


def _earlier(loaded: dict[str, list[Row]], meant: Meant) -> list[str]:
    """Identifiers in the person's rows that the warehouse does not join to them: corrected since, or shared with many."""
    from orchestration.privacy.identifiers import normalised

    found = set()
    for kind, rows in loaded.items():
        for name, what in person_columns(all_kinds()[kind]).items():
            found |= {Identifier(what, normalised(what, row[name]) or row[name]) for row in rows if row.get(name)}
    return _as_texts(sorted(found - set(meant.all)))


def _original_rows(settings: Settings, wanted: list[Job], loaded: dict[str, list[Row]], rejected: list[Row]) -> Iterator[Row]:
    """The cells of the person's rows as they were exported, as far as that is kept."""
    rows: dict[tuple[int, str], set[int]] = {}
    for row in [*(row for found in loaded.values() for row in found), *rejected]:
        rows.setdefault((row["_batch"], row["_contract"]), set()).add(row["_row"])
    for job in wanted:
        numbers = rows.get((job.file.batch, job.contract.name), set())
        if not numbers:
            continue
        try:
            for block in open_landed(settings.landing, job.file, options_of(job.contract), settings.scratch).blocks():
                for row in block.table.filter(pc.is_in(block.table[ROW], value_set=_numbers(numbers))).to_pylist():
                    cells = {name: value for name, value in row.items() if name != ROW and value is not None}
                    yield {"file": job.file.file, "contract": job.contract.name, "row": row[ROW], "cells": cells}
        except RefusedFileError as error:
            yield {"file": job.file.file, "contract": job.contract.name, "not_kept": str(error)}


def _numbers(numbers: set[int]) -> Any:
    import pyarrow as pa

    return pa.array(sorted(numbers), pa.int64())


def _rows(con: duckdb.DuckDBPyConnection, table: str, keys: list[str]) -> list[Row]:
    cursor = con.execute(f"select * from {table} where list_contains($1, customer_key)", [keys])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_WITH_KEYS = """
    select table_schema || '."' || table_name || '"' from information_schema.columns where column_name = 'customer_key' order by 1
"""


def _derived(settings: Settings, keys: list[str]) -> dict[str, list[Row]]:
    """Rows of the private warehouse under the person's keys."""
    warehouse = Warehouse(settings)
    if not keys or not warehouse.manifest_path.exists():
        return {}
    models = [node for node in warehouse.manifest()["nodes"].values() if node["resource_type"] == "model"]
    with warehouse.tables(f"{node['schema']}.{node['alias']}" for node in models) as con:
        tables = [row[0] for row in con.execute(_WITH_KEYS).fetchall()]
        return {table.replace('"', ""): rows for table in tables if (rows := _rows(con, table, keys))}


def _published(settings: Settings, keys: list[str]) -> dict[str, int]:
    """How many rows readers see under the person's keys."""
    found: dict[str, int] = {}
    for path in sorted((settings.published / CURRENT).glob("*.duckdb")) if keys else ():
        with connect(path, read_only=True) as con:
            for (table,) in con.execute(_WITH_KEYS).fetchall():
                rows = len(_rows(con, table, keys))
                if rows:
                    found[f"{path.stem}.{table.partition('.')[2].replace(chr(34), '')}"] = rows
    return found
