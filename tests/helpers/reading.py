"""Files and rows of tests, whole, as the pull reads and types them block by block."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.core.errors import ConfigurationError
from orchestration.pull.contracts.claiming import canonical
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files import readers
from orchestration.pull.files.headers import ROW
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.records import Block, BrokenRow, Rows
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows import canonical as typed
from orchestration.pull.rows.sorting import Origin

#: Small, so that what a test looks at is in several of them.
BLOCK_ROWS = 2


@dataclass
class FileContent:
    """All rows of a file."""

    table: pa.Table
    broken: list[BrokenRow] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        return [name for name in self.table.column_names if name != ROW]

    def rows(self) -> Rows:
        def blocks() -> Iterator[Block]:
            for start in range(0, self.table.num_rows, BLOCK_ROWS):
                yield Block(self.table.slice(start, BLOCK_ROWS))
            yield Block(self.table.slice(self.table.num_rows), self.broken)

        return Rows(self.header, blocks)


@dataclass(frozen=True)
class Canonical:
    """What became of the rows of a file."""

    loaded: pa.Table
    quarantined: pa.Table
    unknown_columns: list[str]
    rows_merged: int
    rows_read: int
    rows_left_out: int = 0
    messages: tuple[str, ...] = ()
    available_columns: tuple[str, ...] = ()


def whole(rows: Rows) -> FileContent:
    blocks = list(rows.blocks())
    table = pa.concat_tables([rows.schema.empty_table(), *(block.table for block in blocks)])
    return FileContent(table, [row for block in blocks for row in block.broken], rows.messages)


def read(path: Path, name: str, options: ReadOptions) -> FileContent:
    return whole(readers.open_rows(path, name, options))


def canonicalise(
    content: FileContent | Rows, contract: Contract, origin: Origin, companions: dict[str, FileContent] | None = None
) -> Canonical:
    rows = content if isinstance(content, Rows) else content.rows()
    beside = {name: [others.rows()] for name, others in (companions or {}).items()}
    with tempfile.TemporaryDirectory() as folder:
        loaded, rejected = Path(folder, "loaded.parquet"), Path(folder, "rejected.parquet")
        made = typed.canonicalise(rows, contract, origin, loaded, rejected, beside)
        good, bad = pq.ParquetFile(loaded).read(), pq.ParquetFile(rejected).read()
    assert (good.num_rows, bad.num_rows) == (made.rows_loaded, made.rows_quarantined)
    return Canonical(
        good,
        bad,
        made.unknown_columns,
        made.rows_merged,
        made.rows_read,
        made.rows_left_out,
        made.messages,
        made.available_columns,
    )


ORIGIN = Origin("test", "file.csv", 1, "test")


def content(rows: list[dict[str, str | None]]) -> FileContent:
    names = dict.fromkeys(name for row in rows for name in row)
    table = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return FileContent(pa.table({**table, "_row": pa.array(range(2, len(rows) + 2), pa.int64())}))


def apply(rows: list[dict[str, str | None]], kind: str = "tickets", **contract: Any) -> Canonical:
    data = content(rows)
    if contract:
        made = Contract.model_validate({"name": "test", "kind": kind, "files": {"name": "x"}, **contract})
    else:
        made = canonical(all_kinds()[kind], data.header)
    return canonicalise(data, made, ORIGIN)


def written(folder: Path, params: dict[str, dict[str, Any]] | None = None, **contracts: str) -> dict[str, Contract]:
    """The contracts of a configuration folder that holds these files."""
    (folder / "contracts").mkdir(exist_ok=True)
    for name, text in contracts.items():
        (folder / "contracts" / f"{name}.yml").write_text(text)
    return {contract.name: contract for contract in load_contracts(folder, params)}


def faults(folder: Path, params: dict[str, dict[str, Any]] | None = None, **contracts: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        written(folder, params, **contracts)
    return str(error.value)


def loaded(path: Path, contract: Contract) -> Canonical:
    return canonicalise(read(path, path.name, options_of(contract)), contract, Origin("x", path.name, 1, contract.name))
