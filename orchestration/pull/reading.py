"""What is done with the bytes of landed files: columns and rows are read in the process that may end over them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from orchestration.core.errors import ConfigurationError, LimitExceededError, RefusedFileError
from orchestration.core.limits import limits
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import file_format, read_header, unreadable
from orchestration.pull.files.records import Block, BrokenRow, Rows
from orchestration.pull.files.unpacking import COMPRESSIONS
from orchestration.pull.files.workbooks import sheets
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Landed, Ledger, Load, now
from orchestration.pull.home.originals import GONE, can_be_read, has_original, landed_header, open_landed
from orchestration.pull.isolated import isolated
from orchestration.pull.jobs import Job, options_beside, options_of
from orchestration.pull.personal import file_shown, names_shown
from orchestration.pull.rows.canonical import Canonical, canonicalise
from orchestration.pull.rows.together import Member, can_be_together, canonicalise_together, held

Found = TypeVar("Found")

#: So many files are read as one, of no more bytes each.
_TOGETHER, _SMALL = 250, 2**16


@dataclass
class Reading:
    """What became of a file's rows: a line for the ledger, and what there is to say."""

    job: Job
    load: Load
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Places:
    """Where landed files are stored, and where rows go while they are read."""

    landing: Path
    scratch: Path

    def staged(self, job: Job, part: str = "raw") -> Path:
        """The rows of a file on their way to ``raw/`` or ``quarantine/``."""
        return self.scratch / f"{part}_{job.contract.kind}_{job.stem}.parquet"


class Untrusted:
    """Reads landed files, each in the process that may end over it; what ended it once is not read again.

    Args:
        places: where files are stored.
        ledger: where it is written down which files ended the process; none: for this run only.
        again: files that ended it are tried once more.
        fatal: what is known of such files, by the hash of their bytes.
    """

    def __init__(
        self, places: Places, ledger: Ledger | None = None, again: bool = False, fatal: dict[str, str] | None = None
    ) -> None:
        self._places, self._ledger = places, ledger
        #: Hash of a file's bytes -> why it cannot be read.
        self.fatal = fatal if fatal is not None else ledger.fatal(limits().fingerprint) if ledger and not again else {}

    def header(self, path: Path, name: str, options: ReadOptions | None = None) -> list[str]:
        """Names of a file's columns; none where they cannot be read."""
        if file_format(name) in (None, "csv"):
            return read_header(path, name, options)  # looks at the first bytes only
        sha256 = path.name.partition(".")[0]
        if sha256 in self.fatal or not path.exists():
            return []
        try:
            return isolated().call(path.stat().st_size, read_header, path, name, options)
        except LimitExceededError as error:
            self._remember(sha256, str(error))
            return []

    def unreadable(self, path: Path, name: str) -> str | None:
        """Why a file is not of the format that its name says; None where it is."""
        sha256 = path.name.partition(".")[0]
        if sha256 in self.fatal:
            return self.fatal[sha256]
        try:
            return isolated().call(path.stat().st_size, unreadable, path, name)
        except LimitExceededError as error:
            self._remember(sha256, str(error))
            return str(error)

    def landed_header(self, landing: Path, file: Landed, options: ReadOptions) -> list[str]:
        """The same of a landed file, or of the rows that were kept of it."""
        if has_original(landing, file):
            return self.header(landed_path(landing, file), file.file, options)
        return landed_header(landing, file, options)

    def ask(self, question: Callable[[Path], Found], path: Path) -> Found | None:
        """What a function finds in a file; none where the file cannot be read."""
        if path.name.partition(".")[0] in self.fatal:
            return None
        try:
            return isolated().call(path.stat().st_size, question, path)
        except LimitExceededError as error:
            self._remember(path.name.partition(".")[0], str(error))
        except RefusedFileError:
            pass
        return None

    def sheets(self, path: Path, name: str) -> dict[str, bool]:
        """The sheets of a workbook in their order, and whether they hold anything; none of a file that cannot be read as one."""
        if path.name.partition(".")[0] in self.fatal:
            return {}
        try:
            return isolated().call(path.stat().st_size, sheets, path, name)
        except LimitExceededError as error:
            self._remember(path.name.partition(".")[0], str(error))
            return {}

    def rows(self, jobs: Iterable[Job]) -> Iterator[Reading]:
        """Read files into the scratch folder, one after the other; a refused one gives a load that says why."""
        for group in _groups(job for job in jobs):
            yield from self._together(group) if len(group) > 1 else [self._rows(group[0])]

    def _together(self, jobs: list[Job]) -> list[Reading]:
        try:
            return isolated().call(sum(job.file.bytes for job in jobs), read_together, jobs, self._places)
        except LimitExceededError:
            # One of them did it; which one shows when each is read by itself.
            return [self._rows(job) for job in jobs]

    def _rows(self, job: Job) -> Reading:
        if reason := self.fatal.get(job.file.sha256):
            return _refused(job, LimitExceededError(reason))
        size = sum(file.bytes for file in (job.file, *job.companion_files))
        try:
            return isolated().call(size, read_job, job, self._places)
        except LimitExceededError as error:
            for part in ("raw", "quarantine"):
                self._places.staged(job, part).unlink(missing_ok=True)
            if job.companions:
                return _refused(job, LimitExceededError(f"{error} (or a file that is read along with it does)"))
            self._remember(job.file.sha256, str(error))
            return _refused(job, error)

    def _remember(self, sha256: str, reason: str) -> None:
        self.fatal[sha256] = reason
        if self._ledger:
            self._ledger.add_fatal(sha256, limits().fingerprint, reason)


def _refused(job: Job, error: RefusedFileError) -> Reading:
    load = _entry(job, "refused", str(error), 0, 0)
    if isinstance(error, LimitExceededError):
        load = replace(load, fingerprint=job.fingerprint_within(limits()))
    return Reading(job, load, [f"{job.shown}: refused: it {error}"])


def _groups(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Small files of one contract together, in the order of the jobs; every other by itself."""
    group: list[Job] = []
    for job in jobs:
        is_small = job.file.bytes <= _SMALL and Path(job.file.file).suffix.lower() not in COMPRESSIONS
        fits = is_small and can_be_together(job.contract)
        if group and not (fits and len(group) < _TOGETHER and job.contract.fingerprint == group[0].contract.fingerprint):
            yield group
            group = []
        group.append(job)
        if not fits:
            yield group
            group = []
    if group:
        yield group


def read_together(jobs: list[Job], places: Places) -> list[Reading]:
    """Read small files of one contract into the scratch folder."""
    found: dict[str, Reading] = {}
    alike: dict[tuple[str, ...], list[tuple[Job, Rows]]] = {}
    for job in jobs:
        try:
            job.contract.require_params()
            rows = held(_open(job.file, options_of(job.contract), places))
        except RefusedFileError as error:
            found[job.stem] = _refused(job, error)
            continue
        alike.setdefault(tuple(rows.header), []).append((job, rows))
    for pairs in alike.values():
        members = [Member(rows, job.origin, places.staged(job), places.staged(job, "quarantine")) for job, rows in pairs]
        started = time.monotonic()
        try:
            made = canonicalise_together(members, pairs[0][0].contract, places.scratch)
        except (RefusedFileError, ConfigurationError):
            found |= {job.stem: read_job(job, places) for job, _ in pairs}
            continue
        seconds = (time.monotonic() - started) / len(pairs)
        found |= {job.stem: _made(job, rows, one, seconds) for (job, rows), one in zip(pairs, made, strict=True)}
    return [found[job.stem] for job in jobs]


def is_readable(job: Job, places: Places) -> bool:
    """Can a file be read again as it was: it itself, and what came with it or later to be read along?"""
    gone = [file for files in _parts_gone(job, places).values() for file in files]
    return _is_there(job, places) and not any(_may_belong(file, job) for file in gone)


def _may_belong(part: Landed, job: Job) -> bool:
    """May a part hold something of a file? What came before it does not."""
    return (part.pull or part.batch) >= (job.file.pull or job.file.batch)


def _parts_gone(job: Job, places: Places) -> dict[str, list[Landed]]:
    """Files that are read along, of which neither the original nor the rows are kept."""
    return {
        name: [file for file in files if not can_be_read(places.landing, file, options_beside(job.contract, name))]
        for name, files in job.companions.items()
    }


def _is_there(job: Job, places: Places) -> bool:
    """Is there an original, or are there rows? A contract that looks at several rows at once needs all of a file."""
    if job.contract.looks_around:
        return has_original(places.landing, job.file)
    return can_be_read(places.landing, job.file, options_of(job.contract))


def read_job(job: Job, places: Places) -> Reading:
    """Read one file into the scratch folder."""
    started = time.monotonic()
    messages: list[str] = []
    try:
        if job.missing_companions:
            raise RefusedFileError(
                f"contract {job.contract.name} also reads {', '.join(job.missing_companions)}, which never arrived"
            )
        job.contract.require_params()
        if not _is_there(job, places):
            raise RefusedFileError(GONE)
        rows = _open(job.file, options_of(job.contract), places)
        gone = {name: files for name, files in _parts_gone(job, places).items() if len(files) < len(job.companions[name])}
        companions = {
            name: [_companion(job, name, file, places, messages) for file in files if file not in gone.get(name, ())]
            for name, files in job.companions.items()
        }
        messages += _files_left(job, gone)
        quarantine = places.staged(job, "quarantine")
        result = canonicalise(rows, job.contract, job.origin, places.staged(job), quarantine, companions)
    except RefusedFileError as error:
        return _refused(job, error)
    reading = _made(job, rows, result, time.monotonic() - started)
    return replace(reading, messages=messages + reading.messages)


def _made(job: Job, rows: Rows, result: Canonical, seconds: float) -> Reading:
    messages = [f"{job.shown}: {message}" for message in (*rows.messages, *result.messages)]
    if result.rows_left_out:
        left_out = f"{result.rows_left_out:,} rows left out by `where` of contract {job.contract.name}"
        messages.append(f"{job.shown}: {left_out}")
    if result.unknown_columns and result.rows_loaded:
        messages.append(f"{job.shown}: columns not used: {names_shown(result.unknown_columns)}")
    messages.append(f"{job.shown}: {result.rows_read:,} rows read in {seconds:.1f} s ({result.rows_quarantined:,} quarantined)")
    load = _entry(job, "loaded", None, result.rows_loaded, result.rows_quarantined, result.rows_carrying_none)
    return Reading(job, replace(load, available_columns=" ".join(result.available_columns)), messages)


@contextmanager
def _named_as_companion(job: Job, name: str, file: Landed) -> Iterator[None]:
    """What is wrong with a file that is read along is said of that file."""
    try:
        yield
    except RefusedFileError as error:
        message = f"is read along with {file_shown(file.file)} ({name} of contract {job.contract.name}), which {error}"
        raise type(error)(message) from error


def _files_left(job: Job, gone: dict[str, list[Landed]]) -> list[str]:
    """What is said where only the newest of several files is read along, or a part is no longer kept."""
    lacking = [
        f"{job.shown}: read along without {len(missed):,} file(s) of `{name}` (contract {job.contract.name}), whose originals "
        "are not kept: what only they bring is missing"
        for name, files in gone.items()
        if (missed := [file for file in files if _may_belong(file, job)])
    ]
    return lacking + [
        f"{job.shown}: read along with {file_shown(job.companions[name][-1].file)}, the newest of {left + 1} files of `{name}` "
        f"(contract {job.contract.name}): if each of them brings a part, say in `also_reads` by which `key`"
        for name, left in job.companions_left.items()
    ]


def _companion(job: Job, name: str, file: Landed, places: Places, messages: list[str]) -> Rows:
    """The rows of a file that a contract reads along with its own; those that are broken are reported, and left out."""
    with _named_as_companion(job, name, file):
        rows = _open(file, options_beside(job.contract, name), places)
    blocks = rows.blocks

    def noting() -> Iterator[Block]:
        broken: list[BrokenRow] = []
        with _named_as_companion(job, name, file):
            for block in blocks():
                broken += block.broken
                yield block
        if broken:
            shown = ", ".join(str(row.row) for row in broken[:5])
            messages.append(
                f"{job.shown}: {len(broken):,} rows of {file_shown(file.file)}, read along with it, cannot be read and are left "
                f"out (row {shown}): {broken[0].reason}"
            )

    rows.blocks = noting
    return rows


def _open(file: Landed, options: ReadOptions, places: Places) -> Rows:
    return open_landed(places.landing, file, options, places.scratch)


def _entry(job: Job, status: str, reason: str | None, loaded: int, quarantined: int, merged: int = 0) -> Load:
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
