"""Landing: every pulled file is kept byte for byte, once, named by the hash of its content."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.core import durable
from orchestration.pull.files.readers import FORMATS, read_header
from orchestration.pull.files.unpacking import COMPRESSIONS
from orchestration.pull.home.ledger import Landed, Ledger
from orchestration.pull.personal import file_shown
from orchestration.pull.sources.base import Source, SourceFile

_CHUNK_BYTES = 2**20
#: So many new files, or bytes, are put on disk and into the ledger at once.
_FILES_TOGETHER, _BYTES_TOGETHER = 500, 2**28
#: A file that changes while it is copied is copied again so often.
_TRIES = 3
#: How the names of files end that hold the rows that were kept in the place of an original (see originals.py).
KEPT_ROWS = ".rows"
#: (path, name of the export) -> names of its columns.
HeaderOf = Callable[[Path, str], list[str]]


@dataclass
class Arrivals:
    """What a source held: how many files were new, and the hashes of all that it offers now."""

    new: int = 0
    offered: set[str] = field(default_factory=set)
    #: Files, and members of `.zip` files, that cannot be read or unpacked, and why.
    unreadable: list[str] = field(default_factory=list)

    def add(self, other: Arrivals) -> None:
        """Count in what another source held."""
        self.new += other.new
        self.offered |= other.offered
        self.unreadable += other.unreadable


def landed_path(landing: Path, file: Landed) -> Path:
    """Where a landed file is stored."""
    return landing / file.sha256[:2] / f"{file.sha256}{_endings(file.file)}"


def _endings(name: str) -> str:
    """The endings that say how the file is to be read; nothing else of a name that anybody may choose."""
    return "".join(suffix for suffix in Path(name.lower()).suffixes[-2:] if suffix in FORMATS or suffix in COMPRESSIONS)


def is_kept(landing: Path, file: Landed) -> bool:
    """Is there the original of a file, or what was kept in its place on purpose?"""
    return landed_path(landing, file).exists() or any((landing / file.sha256[:2]).glob(f"{file.sha256}.*{KEPT_ROWS}"))


class _NotReadError(Exception):
    """The source does not give a file's bytes; the text says why."""


@dataclass(frozen=True)
class _Copy:
    path: Path
    sha256: str
    bytes: int
    #: That of the file when it was copied.
    version: str


def _copy(source: Source, file: SourceFile, folder: Path) -> _Copy:
    """A copy of a file's bytes, as they were at one moment; whoever speaks of it has it put on disk before.

    Raises:
        FileNotFoundError: the file is gone.
        _NotReadError: it cannot be read, or changes all the while.
        OSError: the copy cannot be written.
    """
    if file.problem:
        raise _NotReadError(file.problem)
    for _ in range(_TRIES):
        with _of_source():
            before = source.version(file)
        path, sha256, size = _copy_hashed(source, file, folder)
        with _of_source():
            if source.version(file) == before:
                return _Copy(path, sha256, size, before)
        path.unlink()
    raise _NotReadError("is still being written: the next run takes it")


@contextmanager
def _of_source() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError) as error:
        # Damaged, packed in an unknown way, or under a password.
        raise _NotReadError(f"cannot be unpacked ({error})") from error
    except OSError as error:
        raise _NotReadError(f"cannot be read ({error.strerror or error}); the next run tries again") from error


def _copy_hashed(source: Source, file: SourceFile, folder: Path) -> tuple[Path, str, int]:
    digest, size = hashlib.sha256(), 0
    with _of_source():
        stream = source.open(file)
    with stream, tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        while True:
            with _of_source():
                chunk = stream.read(_CHUNK_BYTES)
            if not chunk:
                return Path(copy.name), digest.hexdigest(), size
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)


class _Landing:
    """Puts the files of a source into the landing folder, some at a time: those are on disk before the ledger speaks of one."""

    def __init__(self, source: Source, landing: Path, scratch: Path, ledger: Ledger, header_of: HeaderOf) -> None:
        self._source, self._landing, self._scratch = source, landing, scratch
        self._ledger, self._header_of = ledger, header_of
        self._known = {file.sha256: file for file in ledger.landed()}
        self._loaded = {load.batch for load in ledger.loads() if load.status == "loaded"}
        self._last_seen = ledger.last_seen(source.name)
        self._pull: int | None = None
        self.arrivals = Arrivals()

    def has_seen(self, file: SourceFile) -> bool:
        """Is this version of the file the one that was seen last?"""
        return self._last_seen.get(file.name, ("", ""))[0] == file.version

    def take(self, files: Iterator[SourceFile]) -> int:
        """The next files that are new or changed, in one transaction of the ledger; how many were looked at."""
        moved: list[Path] = []
        replaced: list[Path] = []
        count = looked_at = size = 0
        with self._ledger.together():
            for file in files:
                looked_at += 1
                if (taken := self._take(file, moved, replaced)) is not None:
                    count += 1
                    size += taken
                if count >= _FILES_TOGETHER or size >= _BYTES_TOGETHER:
                    break
            durable.sync_moved(moved)
        # Only now that the ledger knows the new name.
        for path in replaced:
            path.unlink(missing_ok=True)
        return looked_at

    def _take(self, file: SourceFile, moved: list[Path], replaced: list[Path]) -> int | None:
        """The bytes that were copied; none where the version is known, or cannot be read."""
        _, seen = self._last_seen.get(file.name, ("", ""))
        if self.has_seen(file) and not self._is_gone(self._known.get(seen)):
            self.arrivals.offered.add(seen)
            return None
        try:
            copy = _copy(self._source, file, self._scratch)
        except FileNotFoundError:
            return None  # gone since it was listed; should it come back, the next run finds it
        except _NotReadError as error:
            self.arrivals.unreadable.append(f"{file_shown(file.name)} {error}")
            # It is there, though: what it brought before is not taken for removed.
            self.arrivals.offered |= {seen} - {""}
            return None
        sha256 = copy.sha256
        target = self._landing / sha256[:2] / f"{sha256}{_endings(file.name)}"
        twin = self._known.get(sha256)
        if twin is not None and self._is_gone(twin):
            # Nothing was loaded of it, and its original went since it names somebody whom the home forgot: it is tried once more.
            self._put(copy, target, moved)
            self.arrivals.offered.add(sha256)
            self._ledger.see(sha256, self._source.name, file.name, copy.version)
            return copy.bytes
        is_there = twin is not None and is_kept(self._landing, twin)
        # Bytes that come back under a name that held others in between put right what these brought.
        if seen and seen != sha256:
            twin = None
        is_taken = twin is not None and bool(twin.withdrawn_at or twin.file == file.name or twin.batch in self._loaded)
        if is_taken and is_there:
            copy.path.unlink()
        else:
            if is_taken and twin is not None:
                target = landed_path(self._landing, twin)  # the original was lost: here it is again
            self._put(copy, target, moved)
        if not is_taken:
            self._enter(file, copy, target, twin, replaced)
        self.arrivals.offered.add(sha256)
        self._ledger.see(sha256, self._source.name, file.name, copy.version)
        return copy.bytes

    def _put(self, copy: _Copy, target: Path, moved: list[Path]) -> None:
        target.parent.mkdir(exist_ok=True)
        durable.move(copy.path, target)
        moved.append(target)
        target.chmod(self._landing.stat().st_mode & 0o444)

    def _is_gone(self, file: Landed | None) -> bool:
        """Is nothing left of a file: neither loaded rows, nor its original, nor rows that were kept in its place?"""
        if file is None or file.withdrawn_at or file.batch in self._loaded:
            return False
        return not is_kept(self._landing, file)

    def _enter(self, file: SourceFile, copy: _Copy, target: Path, twin: Landed | None, replaced: list[Path]) -> None:
        header = self._header_of(target, file.name)
        if twin is None:
            landed = self._ledger.land(copy.sha256, self._source.name, file.name, copy.bytes, header, self._pull)
            self._known[copy.sha256], self._pull = landed, landed.pull
            self.arrivals.new += 1
            return
        # Nothing could read it under its old name: the new one is the remedy that was asked for.
        self._ledger.rename(copy.sha256, file.name, header)
        self._known[copy.sha256] = replace(twin, file=file.name, header=header)
        if (old := landed_path(self._landing, twin)) != target:
            replaced.append(old)


def land(source: Source, landing: Path, scratch: Path, ledger: Ledger, header_of: HeaderOf = read_header) -> Arrivals:
    """Copy every new or changed file of a source to ``landing``."""
    landing.mkdir(parents=True, exist_ok=True)
    work, files = _Landing(source, landing, scratch, ledger, header_of), list(source.files())
    source.fetch([file for file in files if not work.has_seen(file)])
    coming = iter(files)
    while work.take(coming):
        pass
    source.landed()
    ledger.list_source(source.name, len(files))
    return work.arrivals
