"""Load landed files: match them to contracts, type their rows, gate each new batch, and put it in ``raw/``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.errors import RefusedFileError
from orchestration.privacy.at_pull import Persons
from orchestration.pull.canonical import canonicalise
from orchestration.pull.collisions import Collisions, clashes, within
from orchestration.pull.jobs import Job, options_of, stem_of
from orchestration.pull.kinds import Kind
from orchestration.pull.ledger import Landed, Ledger, Load, now
from orchestration.pull.originals import GONE, can_be_read, has_original, open_landed
from orchestration.pull.params import require_params
from orchestration.pull.personal import names_shown
from orchestration.pull.quarantine import reasons_in
from orchestration.pull.readers import ReadOptions
from orchestration.pull.records import Block, BrokenRow, Rows
from orchestration.pull.summary import what_became
from orchestration.pull.tables import put_file, remove_files

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


#: (kind, its new batches) -> for each batch: may it be loaded? A text says why it may not. A batch is judged by itself, so that
#: it makes no difference which others happened to arrive in the same run.
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


@contextmanager
def _named_as_companion(job: Job, name: str) -> Iterator[None]:
    """What is wrong with a file that is read along is said of that file."""
    try:
        yield
    except RefusedFileError as error:
        file = job.companions[name].file
        raise RefusedFileError(f"is read along with {file} ({name} of contract {job.contract.name}), which {error}") from error


class Loader:
    """Loads one home's landed files into ``raw/`` and ``quarantine/``."""

    def __init__(
        self,
        landing: Path,
        raw: Path,
        quarantine: Path,
        scratch: Path,
        ledger: Ledger,
        reads_all: bool = False,
        persons: Persons | None = None,
    ) -> None:
        self._landing, self._raw, self._quarantine, self._persons = landing, raw, quarantine, persons
        self._scratch, self._ledger, self._reads_all = scratch, ledger, reads_all

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
        there = {path.name.partition(".")[0] for path in (self._raw / kind.name).iterdir()}
        staged = []
        stay = 0
        for job in wanted:
            load = present.get((job.file.batch, job.contract.name))
            if not self._is_due(job, load, offered, there):
                continue
            if load and load.status == "loaded" and job.stem in there and not self._is_readable(job):
                stay += 1
                continue
            staged.append((job, self._read(job, report)))
        if stay:
            report.messages.append(
                f"{stay:,} file(s) would be read anew, and stay as they were read: their originals are not kept"
            )
        judged = [(job, load) for job, load in staged if load.status == "loaded"]
        standing = sorted((self._raw / kind.name).glob("*.parquet"))
        clashing = clashes(kind, [(job.file.batch, self._staged(job)) for job, _ in judged], standing)
        batches = [
            Batch(
                job.file.file, self._staged(job), load.rows_loaded, load.rows_quarantined,
                load.rows_merged, within(kind, self._staged(job)).beside(clashing.get(job.file.batch, [])),
                reasons_in(self._staged(job, "quarantine")) if load.rows_quarantined else (),
            )
            for job, load in judged
        ]  # fmt: skip
        verdicts = gate(kind.name, batches)
        told = {job.stem: batch.collisions for (job, _), batch in zip(judged, batches, strict=True)}
        passed = {job.stem: verdict for (job, _), verdict in zip(judged, verdicts, strict=True)}
        for job, read_load in staged:
            load = read_load
            if job.stem in told:
                load = replace(load, records=told[job.stem].records)
                report.messages.append(what_became(job.file.file, load, told[job.stem]))
            self._settle(job, load, passed.get(job.stem, False), report)
        return report

    def _is_due(self, job: Job, load: Load | None, offered: set[str], there: set[str]) -> bool:
        if load is None or load.status == "withdrawn" or load.fingerprint != job.fingerprint:
            return True
        if load.status == "loaded" and job.stem not in there:
            return True  # somebody removed it
        if load.status == "loaded" and not load.told_columns:
            return True  # an earlier release loaded it, without a word on its columns
        return job.file.sha256 in offered if load.status == "gated" else self._reads_all

    def _is_readable(self, job: Job) -> bool:
        """A contract that looks at several rows at once needs all of a file."""
        if job.contract.looks_around:
            return has_original(self._landing, job.file)
        return can_be_read(self._landing, job.file, options_of(job.contract))

    def _read(self, job: Job, report: KindReport) -> Load:
        """Read one file into the scratch folder; a refused file gives a load that says why."""
        started = time.monotonic()
        try:
            if job.missing_companions:
                raise RefusedFileError(
                    f"contract {job.contract.name} also reads {', '.join(job.missing_companions)}, which never arrived"
                )
            require_params(job.contract)
            if not self._is_readable(job):
                raise RefusedFileError(GONE)
            rows = self._open(job.file, options_of(job.contract))
            companions = {name: self._companion(job, name, report) for name in job.companions}
            quarantine = self._staged(job, "quarantine")
            result = canonicalise(rows, job.contract, job.origin, self._staged(job), quarantine, companions)
            if self._persons:
                is_original = has_original(self._landing, job.file)
                loaded, rejected = self._persons.settle(job.contract, job.stem, self._staged(job), quarantine, is_original)
                more = result.rows_loaded + loaded, result.rows_quarantined + rejected
                result = replace(result, rows_loaded=more[0], rows_quarantined=more[1])
        except RefusedFileError as error:
            report.messages.append(f"{job.file.file}: refused: it {error}")
            return self._entry(job, "refused", str(error), 0, 0)
        report.messages += [f"{job.file.file}: {message}" for message in (*rows.messages, *result.messages)]
        if result.rows_left_out:
            left_out = f"{result.rows_left_out:,} rows left out by `where` of contract {job.contract.name}"
            report.messages.append(f"{job.file.file}: {left_out}")
        if result.unknown_columns and result.rows_loaded:
            report.messages.append(f"{job.file.file}: columns not used: {names_shown(result.unknown_columns)}")
        report.messages.append(
            f"{job.file.file}: {result.rows_read:,} rows read in {time.monotonic() - started:.1f} s "
            f"({result.rows_quarantined:,} quarantined)"
        )
        load = self._entry(job, "loaded", None, result.rows_loaded, result.rows_quarantined, result.rows_carrying_none)
        return replace(load, told_columns=" ".join(result.told_columns))

    def _companion(self, job: Job, name: str, report: KindReport) -> Rows:
        """The rows of a file that a contract reads along with its own; those that are broken are reported, and left out."""
        file = job.companions[name]
        with _named_as_companion(job, name):
            rows = self._open(file, options_of(job.contract.also_reads[name]))
        blocks = rows.blocks

        def noting() -> Iterator[Block]:
            broken: list[BrokenRow] = []
            with _named_as_companion(job, name):
                for block in blocks():
                    broken += block.broken
                    yield block
            if broken:
                shown = ", ".join(str(row.row) for row in broken[:5])
                report.messages.append(
                    f"{job.file.file}: {len(broken):,} rows of {file.file}, read along with it, cannot be read and are left "
                    f"out (row {shown}): {broken[0].reason}"
                )

        rows.blocks = noting
        return rows

    def _open(self, file: Landed, options: ReadOptions) -> Rows:
        return open_landed(self._landing, file, options, self._scratch)

    def _settle(self, job: Job, load: Load, passed: bool | str, report: KindReport) -> None:
        """Promote a read file to ``raw/`` (or hold it back), then write its line in the ledger.

        The rejected rows of a file that is held back are kept as well: they are what there is to mend.
        """
        if load.status == "loaded" and passed is not True:
            load = replace(load, status="gated", reason=passed or "it did not pass its gate")
        for root, name in ((self._raw, "raw"), (self._quarantine, "quarantine")):
            folder = root / job.contract.kind
            if load.status == "loaded" or (load.status == "gated" and name == "quarantine"):
                put_file(self._staged(job, name), folder, job.stem)
            else:
                self._staged(job, name).unlink(missing_ok=True)
                if load.status == "refused":
                    remove_files(folder, job.stem)
        self._ledger.record(load)
        report.loads.append(load)
        if load.status == "loaded":
            report.files += 1
            report.rows_loaded += load.rows_loaded
            report.rows_quarantined += load.rows_quarantined

    def _entry(self, job: Job, status: str, reason: str | None, loaded: int, quarantined: int, merged: int = 0) -> Load:
        return Load(
            batch=job.file.batch,
            contract=job.contract.name,
            kind=job.contract.kind,
            fingerprint=job.fingerprint,
            status=status,  # type: ignore[arg-type]
            reason=reason,
            rows_read=loaded + quarantined + merged,
            rows_loaded=loaded,
            rows_quarantined=quarantined,
            loaded_at=now(),
            rows_merged=merged,
        )

    def _drop_unclaimed(self, kind: Kind, wanted: list[Job], present: dict[tuple[int, str], Load]) -> None:
        keep = {(job.file.batch, job.contract.name) for job in wanted}
        withdrawn = {file.batch for file in self._ledger.landed() if file.withdrawn_at}
        for key, load in present.items():
            if key not in keep and not self._has_to_stay(key, keep):
                for root in (self._raw, self._quarantine):
                    remove_files(root / kind.name, stem_of(load.batch, load.contract))
                if key[0] in withdrawn:
                    self._ledger.record(replace(load, status="withdrawn", reason="withdrawn by 'cxhouse withdraw'"))
                else:
                    self._ledger.forget(load)

    def _has_to_stay(self, key: tuple[int, str], keep: set[tuple[int, str]]) -> bool:
        """What was loaded of a file without an original is all there is of it, unless another contract reads what was kept."""
        file = next((file for file in self._ledger.landed() if file.batch == key[0]), None)
        if file is None or file.withdrawn_at or has_original(self._landing, file):
            return False
        return not any(batch == key[0] for batch, _ in keep)

    def _ensure_empty(self, kind: Kind) -> None:
        """An empty file of the kind's schema, so that models can read a kind that never arrived."""
        path = self._raw / kind.name / EMPTY
        if not path.exists() or pq.read_schema(path) != kind.arrow_schema:
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(kind.arrow_schema.empty_table(), path)

    def _staged(self, job: Job, part: str = "raw") -> Path:
        return self._scratch / f"{part}_{job.contract.kind}_{job.stem}.parquet"
