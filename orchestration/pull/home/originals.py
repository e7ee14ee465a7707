"""What a home keeps of a landed file: its original; or, where that may not stay, the rows that may, as they were read.

Such rows are beside the place of the original, for each form in which contracts read it (encoding, sheet, header row …), as
Parquet of text columns. Where a contract looks at several rows at once, some of them would not do: only the header is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.core.errors import RefusedFileError
from orchestration.pull.files.headers import ROW
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import open_rows, read_header
from orchestration.pull.files.records import Block, BrokenRow, Rows
from orchestration.pull.home.landing import KEPT_ROWS, landed_path
from orchestration.pull.home.ledger import Landed

#: Columns beside the file's own, of rows that could not be cut into columns.
_REASON, _TEXT = "\0reason", "\0text"
_IS_WHOLE = b"cxhouse.rows"
GONE = (
    "is kept no longer as it was exported ('cxhouse forget', or the setting retention): what was loaded of it stays as it was "
    "read; export it again to have it read again"
)


def kept_path(landing: Path, file: Landed, options: ReadOptions) -> Path:
    """Where the rows of a file are that were kept in the place of its original."""
    changed = [(one.name, value) for one in fields(options) if (value := getattr(options, one.name)) != one.default]
    form = hashlib.sha256(repr(changed).encode()).hexdigest()[:12]
    return landing / file.sha256[:2] / f"{file.sha256}.{form}{KEPT_ROWS}"


def no_rows_path(landing: Path, file: Landed) -> Path:
    """A file that says of a landed one that its original is gone on purpose, whether rows were kept or not."""
    return landing / file.sha256[:2] / f"{file.sha256}.none{KEPT_ROWS}"


def has_original(landing: Path, file: Landed) -> bool:
    """Are the original bytes still in `landing/`?"""
    return landed_path(landing, file).exists()


def can_be_read(landing: Path, file: Landed, options: ReadOptions) -> bool:
    """Is there an original, or are there rows?"""
    return has_original(landing, file) or _has_rows(kept_path(landing, file, options))


def _has_rows(path: Path) -> bool:
    return path.exists() and bool((pq.read_schema(path).metadata or {}).get(_IS_WHOLE) == b"yes")


def open_landed(landing: Path, file: Landed, options: ReadOptions, scratch: Path | None = None) -> Rows:
    """The rows that there are of a landed file.

    Raises:
        RefusedFileError: the file is unreadable, or neither original nor rows were kept.
    """
    if has_original(landing, file):
        return open_rows(landed_path(landing, file), file.file, options, scratch)
    path = kept_path(landing, file, options)
    if not _has_rows(path):
        raise RefusedFileError(GONE)
    return Rows(_header(path), lambda: _blocks(path))


def landed_header(landing: Path, file: Landed, options: ReadOptions) -> list[str]:
    """Names of a landed file's columns, as a contract reads it; none where that cannot be known."""
    if has_original(landing, file):
        return read_header(landed_path(landing, file), file.file, options)
    path = kept_path(landing, file, options)
    return _header(path) if path.exists() else []


def _header(path: Path) -> list[str]:
    return [name for name in pq.read_schema(path).names if name not in (ROW, _REASON, _TEXT)]


def _blocks(path: Path) -> Iterator[Block]:
    with pq.ParquetFile(path) as kept:
        for number in range(kept.num_row_groups):
            table = kept.read_row_group(number)
            is_broken = pc.is_valid(table[_REASON])
            broken = [
                BrokenRow(row[ROW], row[_REASON], row[_TEXT])
                for row in table.filter(is_broken).select([ROW, _REASON, _TEXT]).to_pylist()
            ]
            yield Block(table.filter(pc.invert(is_broken)).drop_columns([_REASON, _TEXT]), broken)


def keep_rows(
    landing: Path, file: Landed, options: ReadOptions, change: Callable[[Block], Block] | None, scratch: Path | None = None
) -> None:
    """Write the rows that may stay of a file whose original may not; without a ``change`` its header only.

    Raises:
        RefusedFileError: the file is unreadable.
    """
    rows = open_rows(landed_path(landing, file), file.file, options, scratch)
    target = kept_path(landing, file, options)
    draft = target.with_name(f"{target.name}.draft")
    metadata = {_IS_WHOLE: b"yes" if change else b"no"}
    schema = pa.schema([*rows.schema, (_REASON, pa.string()), (_TEXT, pa.string())], metadata=metadata)
    with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for block in rows.blocks() if change else ():
            writer.write_table(_with_broken(change(block), schema))  # type: ignore[misc]
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(target)


def _with_broken(block: Block, schema: pa.Schema) -> pa.Table:
    nothing = pa.nulls(block.table.num_rows, pa.string())
    good = block.table.append_column(_REASON, nothing).append_column(_TEXT, nothing).select(schema.names)
    broken = [{ROW: row.row, _REASON: row.reason, _TEXT: row.text} for row in block.broken]
    return pa.concat_tables([good.cast(schema), pa.Table.from_pylist(broken, schema)])


def drop_original(landing: Path, file: Landed) -> None:
    """Remove the bytes as they were exported; their hash stays in the ledger."""
    landed_path(landing, file).unlink(missing_ok=True)
