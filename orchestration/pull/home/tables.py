"""Files of the raw folder: named by their content, and tables of our own beside the exports."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.core import durable
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.personal import file_shown

#: Rows of a row group: as many as DuckDB reads at a time.
GROUP_ROWS = 122_880


class RowGroups:
    """A file of Parquet that is written row group by row group: the same rows are the same bytes, however they come."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._held: list[pa.Table] = []
        self._waiting = self.rows = 0

    def __enter__(self) -> RowGroups:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._waiting:
            self._write(self._waiting)
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        self._held.append(table)
        self.rows += table.num_rows
        self._waiting += table.num_rows
        while self._waiting >= GROUP_ROWS:
            self._write(GROUP_ROWS)

    def _write(self, count: int) -> None:
        held = pa.concat_tables(self._held)
        self._writer.write_table(held.slice(0, count).combine_chunks(), count)
        self._held = [held.slice(count)]
        self._waiting -= count


def _content_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def put_file(staged: Path, folder: Path, stem: str, standing: list[Path] | None = None) -> Path:
    """Move a file into its folder under a name made of its content, in the place of what had the stem before.

    The models see from the names which files came and went; the same rows once more are the same file. Whoever speaks of it has
    it put on disk before.

    Args:
        standing: the files of the stem, where they are known: to look for them takes as long as the folder has files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{stem}.{_content_hash(staged)}.parquet"
    durable.move(staged, target)
    for path in _files_of(folder, stem) if standing is None else standing:
        if path != target:
            path.unlink()
    return target


def files_by_stem(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by what their names begin with, up to the first dot."""
    found: dict[str, list[Path]] = {}
    for path in folder.iterdir() if folder.exists() else ():
        found.setdefault(path.name.partition(".")[0], []).append(path)
    return found


def _files_of(folder: Path, stem: str) -> list[Path]:
    return list(folder.glob(f"{stem}.*parquet"))


def remove_files(folder: Path, stem: str) -> list[Path]:
    """Remove the files of a stem; which they were."""
    found = _files_of(folder, stem)
    for path in found:
        path.unlink()
    return found


def write_ledger(ledger: Ledger, raw: Path, scratch: Path) -> None:
    """The ledger's loads, runs and alerts as Parquet, for the models of the same names."""
    files = {file.batch: file for file in ledger.landed()}
    texts = ("source", "file", "sha256", "kind", "contract", "status", "reason", "available_columns")
    numbers = ("batch", "bytes", "rows_read", "rows_loaded", "rows_quarantined", "rows_merged", "records")
    # It is published: names of files go without what a person can be reached by.
    shown = {batch: {**asdict(file), "file": file_shown(file.file)} for batch, file in files.items()}
    loads = [{**shown[load.batch], **asdict(load)} for load in ledger.loads()]
    _write_table("load_ledger", loads, texts, numbers, ("landed_at", "loaded_at"), raw, scratch)
    instants = ("asked_at", "listed_at", "newest_landed_at")
    _write_table("load_sources", ledger.sources(), ("source", "problem"), ("files",), instants, raw, scratch)
    _write_table("runs", ledger.runs(), ("run_id", "status"), (), ("ended_at",), raw, scratch)
    alerts = [asdict(alert) for alert in ledger.alerts()]
    _write_table("alerts", alerts, ("run_id", "severity", "subject", "message"), ("affected_rows",), ("raised_at",), raw, scratch)


def _write_table(
    name: str,
    rows: list[dict[str, Any]],
    texts: tuple[str, ...],
    numbers: tuple[str, ...],
    instants: tuple[str, ...],
    raw: Path,
    scratch: Path,
) -> None:
    types = {**dict.fromkeys(texts, pa.string()), **dict.fromkeys(numbers, pa.int64())}
    schema = pa.schema([*types.items(), *((instant, pa.timestamp("us")) for instant in instants)])
    typed = [{**row, **{instant: _timestamp(row[instant]) for instant in instants}} for row in rows]
    put_table(pa.Table.from_pylist(typed, schema=schema), name, raw, scratch)


def put_table(table: pa.Table, name: str, raw: Path, scratch: Path) -> None:
    """Write a table of our own into the raw folder of its name, in the place of the one before."""
    scratch.mkdir(parents=True, exist_ok=True)
    draft = scratch / f"{name}.parquet"
    pq.write_table(table, draft)
    durable.sync_moved([put_file(draft, raw / name, name)])


def _timestamp(text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
