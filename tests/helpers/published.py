"""What a home has published, as values that can be compared; and exports that arrive in parts."""

from __future__ import annotations

import csv
import gzip
import json
from io import StringIO
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import zstandard

from orchestration.publish.reading import open_published

#: Tables that tell of runs, not of customers, and columns that tell when something was done.
OF_RUNS = ("publication", "gate_results", "alerts", "load_ledger", "load_sources")
OF_THE_CLOCK = ("computed_at",)


def published_rows(home: Path) -> dict[str, list[tuple]]:
    """Every published row that does not tell of runs, sorted, by table."""
    rows = {}
    with open_published(home / "published" / "marts.duckdb") as con:
        for (table,) in con.execute("select table_name from duckdb_tables() order by 1").fetchall():
            if table not in OF_RUNS:
                columns = [row[0] for row in con.execute(f"describe {table}").fetchall() if row[0] not in OF_THE_CLOCK]
                rows[table] = con.execute(f"select {', '.join(columns)} from {table} order by all").fetchall()
    return rows


def fingerprint(home: Path) -> str:
    """The published version; every table of it can be read, in both forms."""
    with open_published(home / "published" / "marts.duckdb") as con:
        version = con.execute("select version from publication").fetchone()
        tables = con.execute("select database_name, table_name from duckdb_tables()").fetchall()
        counts = {
            f"{name}/{table}": con.execute(f"select count(*), count(columns(*)) from {name}.{table}").fetchone()[0]
            for name, table in tables
        }
    current = (home / "published" / "parquet").resolve()
    stored = {f"{path.parent.name}/{path.stem}": pq.read_table(path).num_rows for path in current.rglob("*.parquet")}
    assert set(stored) == set(counts)
    assert version is not None
    if current.parent.name == version[0]:
        assert stored == counts
    return str(version[0])


def leftovers(home: Path) -> list[str]:
    """Files and tables in a home that no run that ended leaves there."""
    expected = {
        "landing", "raw", "quarantine", "published", "dbt", "dagster", "seeds", "runs", "spark", "ledger.sqlite",
        "warehouse.duckdb", "identity_salt", "last_run.json", "lifetime.json", "texts", "risks", "settled.json", "alerts.json",
        "writer.lock",
    }  # fmt: skip
    found = [path.name for path in home.iterdir() if path.name not in expected]
    names = {"marts.duckdb", "analysis.duckdb", "parquet", "report.html", "current", "versions", ".home"}
    found += [str(path) for path in (home / "published").iterdir() if path.name not in names]
    found += [str(path) for path in list((home / "published" / "versions").iterdir())[3:]]
    found += [str(path) for path in (home / "raw").rglob("*") if path.is_file() and path.suffix != ".parquet"]
    stems = [path.name.partition(".")[0] for path in (home / "raw").rglob("0*.parquet")]
    contracts = [(path.parent.name, path.name.partition(".")[0]) for path in (home / "raw").rglob("0*.parquet")]
    assert len(contracts) == len(set(contracts)), stems
    with duckdb.connect(str(home / "warehouse.duckdb")) as con:
        names = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        found += [name for (name,) in names if "__dbt" in name or "invalidated__" in name or "new__" in name]
    return found


def parts(exports: Path, target: Path, number: int, count: int) -> None:
    """Let a share of every export arrive, in the form of the whole: the rows whose place leaves this remainder.

    Lines of an order stay together, since a later delivery of an order's lines takes the place of all earlier ones.
    """
    for path in sorted(exports.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(exports)
        out = target / name.parent / f"{name.name.partition('.')[0]}_{number}.{name.name.partition('.')[2]}"
        out.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            orders = table["order_id"].to_pylist() if name.name.startswith("order_items") else range(table.num_rows)
            places = {order: place for place, order in enumerate(dict.fromkeys(orders))}
            pq.write_table(table.take([row for row, order in enumerate(orders) if places[order] % count == number]), out)
            continue
        opened = {".gz": gzip.decompress, ".zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}
        packed = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
        same = bytes
        text = opened.get(path.suffix, same)(path.read_bytes()).decode()
        out.write_bytes(packed.get(path.suffix, same)(_share(text, name.name, number, count).encode()))


def _share(text: str, name: str, number: int, count: int) -> str:
    """Every so many-th record below the header, as it is written in the whole."""
    if ".ndjson" in name:
        lines = [line for line in text.split("\n") if line and json.loads(line) is not None]
        return "\n".join(lines[number::count]) + "\n"
    mark, text = text[: text.startswith("\ufeff")], text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    ending = "\r\n" if first.endswith("\r") else "\n"
    header, *rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=ending)
    writer.writerows([header, *rows[number::count]])
    return mark + stream.getvalue()


def not_loaded(home: Path) -> list[tuple[str, str | None, str | None]]:
    """Files that landed and were refused, held back or claimed by no contract, each with its state and reason."""
    with duckdb.connect(str(home / "published" / "marts.duckdb"), read_only=True) as con:
        return con.execute(
            "select file, status, reason from load_ledger where status is distinct from 'loaded' order by all"
        ).fetchall()
