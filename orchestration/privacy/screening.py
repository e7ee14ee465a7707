"""Landed files that name somebody who was forgotten: the original goes, what may stay of its rows stays."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.core import durable
from orchestration.core.errors import LimitExceededError, RefusedFileError
from orchestration.privacy.identifiers import FORGOTTEN
from orchestration.privacy.roll import Roll
from orchestration.privacy.rows import cell_names, forgotten_rejected, forgotten_rows, take_rows
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.headers import ROW
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import file_format
from orchestration.pull.files.records import Block
from orchestration.pull.files.unpacking import open_bytes
from orchestration.pull.home.landing import KEPT_ROWS, landed_path
from orchestration.pull.home.ledger import Landed
from orchestration.pull.home.originals import drop_original, has_original, keep_rows, no_rows_path
from orchestration.pull.isolated import isolated
from orchestration.pull.jobs import Job, is_companion, options_beside, options_of
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.sorting import QUARANTINE_SCHEMA
from orchestration.settings.model import Settings

_CHUNK = 2**20
#: No identifier is longer: so much of a chunk is looked at again with the next one.
_OVERLAP = 512
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Screening:
    """Whom the landed files of a home name."""

    settings: Settings
    roll: Roll
    contracts: list[Contract]
    jobs: list[Job]
    #: Files that ended the process that read them, by the hash of their bytes: they are looked through in such a one only.
    fatal: Collection[str] = ()

    def screen(self, file: Landed) -> bool:
        """Drop a file's original where it names somebody on the roll; was that so?"""
        landing = self.settings.landing
        if not has_original(landing, file):
            return False
        read_by = [job for job in self.jobs if job.file.batch == file.batch]
        marked = {job.stem: self._rows_of_forgotten(job) for job in read_by}
        if not any(loaded or rejected for loaded, rejected in marked.values()) and not self._names_somebody(file, read_by):
            return False
        self._keep(file, read_by, marked)
        if any(self._file(self.settings.raw, job) for job in read_by):
            # Whether rows could be kept or not: it is not lost, and a later delivery does not put it back.
            no_rows_path(landing, file).touch()
        # What stays is on disk before the original is not.
        frozen = (self.settings.forgotten / "rows").glob("*.parquet")
        durable.sync_moved([*(landing / file.sha256[:2]).glob(f"{file.sha256}.*{KEPT_ROWS}"), *frozen])
        drop_original(landing, file)
        return True

    def _rows_of_forgotten(self, job: Job) -> tuple[set[int], set[int]]:
        """Numbers of a file's rows that were anonymised when they were loaded or rejected."""
        kind = all_kinds()[job.contract.kind]
        loaded, rejected = (self._file(root, job) for root in (self.settings.raw, self.settings.quarantine))
        return (forgotten_rows(loaded, kind, self.roll) if loaded else set()), (
            forgotten_rejected(rejected) if rejected else set()
        )

    def _file(self, root: Path, job: Job) -> Path | None:
        return next((root / job.contract.kind).glob(f"{job.stem}.*parquet"), None)

    def _names_somebody(self, file: Landed, read_by: list[Job]) -> bool:
        path = landed_path(self.settings.landing, file)
        try:
            # A contract says which of a file's numbers are customers'; where none does, any may be.
            return isolated().call(file.bytes, names_somebody, path, file.file, self.roll, not read_by)
        except LimitExceededError:
            return True  # nobody can look through it

    def _keep(self, file: Landed, read_by: list[Job], marked: dict[str, tuple[set[int], set[int]]]) -> None:
        forms: dict[ReadOptions, Callable[[Block], Block] | None] = {}
        # The rows that two contracts read in one form lack those that either of them knows.
        gone = set().union(*(rows for both in marked.values() for rows in both))
        for job in read_by:
            loaded, rejected = marked[job.stem]
            if not self._file(self.settings.raw, job):
                continue  # held back or refused: it is tried again while it is offered
            self._freeze(job, loaded, rejected)
            forms[options_of(job.contract)] = None if job.contract.looks_around else self._without(gone)
        for contract in self.contracts:
            for name, beside in contract.also_reads.items():
                if file.sha256 not in self.fatal and is_companion(beside, file, self.settings.landing):
                    forms[options_beside(contract, name)] = self._without(gone, is_beside=True)
        for options, change in forms.items():
            try:
                keep_rows(self.settings.landing, file, options, change, self.settings.scratch)
            except RefusedFileError:
                continue  # nothing could read it before, either

    def _freeze(self, job: Job, loaded: set[int], rejected: set[int]) -> None:
        """What was loaded of forgotten persons joins the others' rows whenever these are read again."""
        folder, kind = self.settings.forgotten / "rows", all_kinds()[job.contract.kind]
        folder.mkdir(parents=True, exist_ok=True)
        for root, rows, schema in (
            (self.settings.raw, loaded, kind.arrow_schema), (self.settings.quarantine, rejected, QUARANTINE_SCHEMA)
        ):  # fmt: skip
            if rows and (path := self._file(root, job)):
                take_rows(path, rows, frozen_path(self.settings, job, root.name), schema)

    def _without(self, gone: set[int], is_beside: bool = False) -> Callable[[Block], Block]:
        numbers = pa.array(sorted(gone), pa.int64())

        def change(block: Block) -> Block:
            table = block.table.filter(pc.invert(pc.is_in(block.table[ROW], value_set=numbers)))
            dropped = pa.chunked_array([pa.repeat(False, table.num_rows)])
            for name in table.column_names:
                if name == ROW:
                    continue
                changed = self._changed_cells(name, table[name], is_beside)
                if changed:
                    column = table[name].combine_chunks()
                    mask = pc.fill_null(pc.is_in(column, value_set=pa.array(list(changed), pa.string())), False)
                    values = pa.array([changed[value] for value in column.filter(mask).to_pylist()], pa.string())
                    place = table.column_names.index(name)
                    table = table.set_column(place, name, pc.replace_with_mask(column, mask, values))
                    if is_beside:
                        # A list of persons, read along with records: the person's line goes.
                        dropped = pc.or_(dropped, pc.fill_null(pc.equal(table[name], FORGOTTEN), False))
            broken = [row for row in block.broken if row.row not in gone and self.roll.scrubbed(row.text, numbers=True) is None]
            return Block(table.filter(pc.invert(dropped)), broken)

        return change

    def _changed_cells(self, name: str, column: pa.ChunkedArray, is_beside: bool) -> dict[str, str]:
        changed = {}
        for value in column.unique().to_pylist():
            if not value:
                continue
            if is_beside and (cell_names(name, value, self.roll, frozenset()) or self.roll.names(value)):
                changed[value] = FORGOTTEN
            elif clean := self.roll.scrubbed(value):
                changed[value] = clean
        return changed


def frozen_path(settings: Settings, job: Job, part: str) -> Path:
    """Where the anonymised rows of a file are whose original is gone; ``part`` is ``raw`` or ``quarantine``."""
    return settings.forgotten / "rows" / f"{job.stem}.{part}.parquet"


def names_somebody(path: Path, name: str, roll: Roll, numbers: bool) -> bool:
    """Does a file hold an identifier that is on the roll? It may be one that no contract reads, and end the process."""
    return any(roll.scrubbed(text, numbers) is not None for text in texts_of(path, name))


def texts_of(path: Path, name: str) -> Iterator[str]:
    """All text in a file, piece by piece, whatever its format."""
    kind = file_format(name)
    if kind == "parquet":
        yield from _cells_of(path, name)
    elif kind == "xlsx" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for part in packed.namelist():
                with packed.open(part) as stream:
                    yield from _pieces(stream)  # type: ignore[arg-type]
    else:
        with open_bytes(path, name) as stream:
            yield from _pieces(stream)


def _cells_of(path: Path, name: str) -> Iterator[str]:
    from orchestration.pull.files.readers import open_rows

    for block in open_rows(path, name, ReadOptions()).blocks():
        for column in block.table.column_names:
            if column != ROW:
                yield from (value for value in block.table[column].unique().to_pylist() if value)


def _pieces(stream: BinaryIO) -> Iterator[str]:
    """Decoded pieces that overlap; text in two bytes a letter is tried in both orders."""
    rest = b""
    try:
        while chunk := stream.read(_CHUNK):
            piece = rest + chunk
            if piece.count(b"\0") > len(piece) // 4:
                for encoding in ("utf-16-le", "utf-16-be"):
                    yield piece[: len(piece) // 2 * 2].decode(encoding, "replace")
                # An odd remainder would shift every letter.
                rest = piece[-_OVERLAP if len(piece) % 2 == 0 else -_OVERLAP + 1 :]
            else:
                text = piece.decode("utf-8", "replace")
                yield text
                if "\\u" in text:
                    yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
                rest = piece[-_OVERLAP:]
    except (OSError, EOFError, ValueError, RefusedFileError, zipfile.BadZipFile):
        return
