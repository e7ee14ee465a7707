"""Load landed files: match them to contracts, type their rows, gate each new batch, and put it in ``raw/``."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.core import durable
from orchestration.core.limits import limits
from orchestration.pull.collisions import Collisions, clashes, within
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.home.originals import has_original
from orchestration.pull.home.quarantine import reasons_in
from orchestration.pull.home.snapshots import snapshots_before
from orchestration.pull.home.tables import files_by_stem, put_file, remove_files
from orchestration.pull.jobs import Job, stem_of
from orchestration.pull.kinds import Kind
from orchestration.pull.reading import Places, Reading, Untrusted, is_readable
from orchestration.pull.summary import what_became

#: An empty file of the kind's columns. (Spark takes a name that begins with "_" for no data.)
EMPTY = "empty.parquet"


@dataclass(frozen=True)
class Batch:
    """The rows of one file, read and not yet loaded."""

    file: str
    #: Its rows that would be loaded, as Parquet.
    path: Path
    rows_loaded: int
    rows_quarantined: int
    #: Rows that go on with a record of another row.
    rows_merged: int = 0
    #: What its records are, held against each other and against those of other files.
    collisions: Collisions = field(default_factory=Collisions)
    #: Why rows were quarantined, the most frequent reasons first.
    reasons: tuple[str, ...] = ()
    #: Of a snapshot its series, and the rows of the one that was loaded before.
    series: str | None = None
    before: Path | None = None


#: (kind, its new batches) -> for each batch: may it be loaded? A text says why it may not. A batch is judged by itself, or by
#: those before it, so that it makes no difference which others happened to arrive in the same run.
Gate = Callable[[str, list[Batch]], Sequence[bool | str]]


@dataclass
class KindReport:
    """What a pull did for one kind."""

    kind: str
    files: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    messages: list[str] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


class Forgotten(Protocol):
    """Those whom the home was asked to forget (`orchestration/privacy/at_pull.py`)."""

    def settle(self, contract: Contract, stem: str, loaded: Path, rejected: Path, has_original: bool) -> tuple[int, int]:
        """Anonymise their rows in what was read of a file; returns how many typed and rejected rows of theirs joined."""


class Loader:
    """Loads one home's landed files into ``raw/`` and ``quarantine/``."""

    def __init__(
        self,
        places: Places,
        raw: Path,
        quarantine: Path,
        ledger: Ledger,
        untrusted: Untrusted,
        reads_all: bool = False,
        forgotten: Forgotten | None = None,
    ) -> None:
        self._places, self._forgotten = places, forgotten
        self._raw, self._quarantine, self._scratch, self._staged = raw, quarantine, places.scratch, places.staged
        self._ledger, self._untrusted, self._reads_all = ledger, untrusted, reads_all

    def load_kind(self, kind: Kind, all_jobs: list[Job], gate: Gate, offered: set[str]) -> KindReport:
        """Load what is new or changed of one kind, but for the batches that do not pass the gate.

        A batch that did not pass is tried again in every run, as long as the source still offers (``offered``, by
        hash) the file: replacing or removing a bad export there is how to get past it.
        """
        wanted = [job for job in all_jobs if job.contract.kind == kind.name]
        present = {(load.batch, load.contract): load for load in self._ledger.loads() if load.kind == kind.name}
        self._ensure_empty(kind)
        self._drop_unclaimed(kind, wanted, present)
        report = KindReport(kind.name)
        there = files_by_stem(self._raw / kind.name)
        due, stay = [], 0
        for job in wanted:
            load = present.get((job.file.batch, job.contract.name))
            if not self._is_due(job, load, offered, there):
                continue
            if load and load.status == "loaded" and job.stem in there and not is_readable(job, self._places):
                stay += 1
            else:
                due.append(job)
        if stay:
            report.messages.append(
                f"{stay:,} file(s) would be read again, and stay as they were read: their originals are not kept"
            )
        staged = [(reading.job, reading.load) for reading in self._read(due, report)]
        judged = [(job, load) for job, load in staged if load.status == "loaded"]
        read_now = {job.stem for job, _ in staged}
        before = snapshots_before(wanted, {stem: paths[0] for stem, paths in there.items() if stem not in read_now})
        standing = sorted((self._raw / kind.name).glob("*.parquet"))
        clashing = clashes(kind, [(job.file.batch, self._staged(job)) for job, _ in judged], standing)
        files = {job.stem: (self._staged(job), load.rows_loaded) for job, load in judged}
        found = within(kind, files)
        batches = [
            Batch(
                job.file.file, self._staged(job), load.rows_loaded, load.rows_quarantined,
                load.rows_merged, found[job.stem].beside(clashing.get(job.file.batch, [])),
                reasons_in(self._staged(job, "quarantine")) if load.rows_quarantined else (),
                job.origin.series, before.get(job.stem),
            )
            for job, load in judged
        ]  # fmt: skip
        answers = gate(kind.name, batches)
        collisions = {job.stem: batch.collisions for (job, _), batch in zip(judged, batches, strict=True)}
        passed = {job.stem: answer for (job, _), answer in zip(judged, answers, strict=True)}
        places = [(folder, name, files_by_stem(folder)) for folder, name in self._folders(kind)]
        # Rows are on disk before the ledger speaks of them.
        with self._ledger.together():
            touched: list[Path] = []
            for job, read_load in staged:
                load = read_load
                if job.stem in collisions:
                    load = replace(load, records=collisions[job.stem].records)
                    report.messages.append(what_became(job.shown, load, collisions[job.stem]))
                touched += self._settle(job, load, passed.get(job.stem, False), report, places)
            durable.sync_moved(touched)
        return report

    def _is_due(self, job: Job, load: Load | None, offered: set[str], there: Container[str]) -> bool:
        if load is None or load.status == "withdrawn":
            return True
        if load.fingerprint not in (job.fingerprint, job.fingerprint_within(limits())):
            return True
        if load.status == "loaded" and job.stem not in there:
            return True  # somebody removed it
        if load.status == "loaded" and not load.available_columns:
            return True  # an earlier release loaded it, without a word on its columns
        return job.file.sha256 in offered if load.status == "gated" else self._reads_all

    def _read(self, due: list[Job], report: KindReport) -> Iterator[Reading]:
        for reading in self._untrusted.rows(due):
            report.messages += reading.messages
            yield self._without_forgotten(reading) if self._forgotten and reading.load.status == "loaded" else reading

    def _without_forgotten(self, reading: Reading) -> Reading:
        """Rows of persons whom the home forgot are anonymised before they are loaded."""
        assert self._forgotten is not None
        job, load = reading.job, reading.load
        is_original = has_original(self._places.landing, job.file)
        paths = self._staged(job), self._staged(job, "quarantine")
        loaded, rejected = self._forgotten.settle(job.contract, job.stem, *paths, is_original)
        more = replace(
            load,
            rows_read=load.rows_read + loaded + rejected,
            rows_loaded=load.rows_loaded + loaded,
            rows_quarantined=load.rows_quarantined + rejected,
        )
        return replace(reading, load=more)

    def _folders(self, kind: Kind) -> list[tuple[Path, str]]:
        """Where the rows of a kind are, loaded and rejected ones."""
        return [(self._raw / kind.name, "raw"), (self._quarantine / kind.name, "quarantine")]

    def _settle(
        self,
        job: Job,
        load: Load,
        passed: bool | str,
        report: KindReport,
        places: list[tuple[Path, str, dict[str, list[Path]]]],
    ) -> list[Path]:
        """Promote a read file to ``raw/`` (or hold it back), and write its line in the ledger; what came or went in the folders.

        The rejected rows of a file that is held back are kept as well: they are what there is to fix.

        Args:
            places: each folder, the part that it holds, and its files by stem.
        """
        if load.status == "loaded" and passed is not True:
            load = replace(load, status="gated", reason=passed or "it did not pass its gate")
        touched: list[Path] = []
        for folder, name, standing in places:
            if load.status == "loaded" or (load.status == "gated" and name == "quarantine"):
                touched.append(put_file(self._staged(job, name), folder, job.stem, standing.get(job.stem, [])))
            else:
                self._staged(job, name).unlink(missing_ok=True)
                if load.status == "refused":
                    touched += remove_files(folder, job.stem)
        self._ledger.record(load)
        report.loads.append(load)
        if load.status == "loaded":
            report.files += 1
            report.rows_loaded += load.rows_loaded
            report.rows_quarantined += load.rows_quarantined
        return touched

    def _drop_unclaimed(self, kind: Kind, wanted: list[Job], present: dict[tuple[int, str], Load]) -> None:
        keep = {(job.file.batch, job.contract.name) for job in wanted}
        withdrawn = {file.batch for file in self._ledger.landed() if file.withdrawn_at}
        gone = {key: load for key, load in present.items() if key not in keep and not self._has_to_stay(key, keep)}
        # They are away before the ledger says so.
        durable.sync_moved(
            path
            for load in gone.values()
            for root in (self._raw, self._quarantine)
            for path in remove_files(root / kind.name, stem_of(load.batch, load.contract))
        )
        with self._ledger.together():
            for (batch, _), load in gone.items():
                if batch in withdrawn:
                    self._ledger.record(replace(load, status="withdrawn", reason="withdrawn by 'cxhouse withdraw'"))
                else:
                    self._ledger.forget(load)

    def _has_to_stay(self, key: tuple[int, str], keep: set[tuple[int, str]]) -> bool:
        """What was loaded of a file without an original is all there is of it, unless another contract reads what was kept."""
        file = next((file for file in self._ledger.landed() if file.batch == key[0]), None)
        if file is None or file.withdrawn_at or has_original(self._places.landing, file):
            return False
        return not any(batch == key[0] for batch, _ in keep)

    def _ensure_empty(self, kind: Kind) -> None:
        """An empty file of the kind's schema, so that models can read a kind that never arrived."""
        path = self._raw / kind.name / EMPTY
        if not _is_schema(path, kind.arrow_schema):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._scratch / f"empty_{kind.name}.parquet"
            pq.write_table(kind.arrow_schema.empty_table(), draft)
            durable.move(draft, path)
            durable.sync_moved([path])


def _is_schema(path: Path, schema: pa.Schema) -> bool:
    """Is there a file of these columns?"""
    try:
        return bool(pq.read_schema(path) == schema)
    except (OSError, pa.ArrowException):
        return False  # none, or a torn one
