"""Landing: every pulled file is kept byte for byte, once, named by the hash of its content."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.pull.ledger import Landed, Ledger
from orchestration.pull.readers import FORMATS, read_header
from orchestration.pull.sources import Source, SourceFile
from orchestration.pull.unpacking import COMPRESSIONS

_CHUNK_BYTES = 2**20
#: How the names of files end that hold the rows that were kept in the place of an original (see originals.py).
KEPT_ROWS = ".rows"


@dataclass
class Arrivals:
    """What a source held: how many files were new, and the hashes of all that it offers now."""

    new: int = 0
    offered: set[str] = field(default_factory=set)
    #: Members of `.zip` files that cannot be unpacked, and why.
    unreadable: list[str] = field(default_factory=list)

    def add(self, other: Arrivals) -> None:
        """Count in what another source held."""
        self.new += other.new
        self.offered |= other.offered
        self.unreadable += other.unreadable


def landed_path(landing: Path, file: Landed) -> Path:
    """Where a landed file lies."""
    return landing / file.sha256[:2] / f"{file.sha256}{_endings(file.file)}"


def _endings(name: str) -> str:
    """The endings that say how the file is to be read; nothing else of a name that anybody may choose."""
    return "".join(suffix for suffix in Path(name.lower()).suffixes[-2:] if suffix in FORMATS or suffix in COMPRESSIONS)


def _copy_hashed(source: Source, file: SourceFile, folder: Path) -> tuple[Path, str, int]:
    digest, size = hashlib.sha256(), 0
    with source.open(file) as stream, tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return Path(copy.name), digest.hexdigest(), size


def _put(copy: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    os.replace(copy, target)
    target.chmod(target.parent.parent.stat().st_mode & 0o444)


def _is_gone(landing: Path, file: Landed | None, loaded: set[int]) -> bool:
    """Is nothing left of a file: neither loaded rows, nor its original, nor rows that were kept in its place?"""
    if file is None or file.withdrawn_at or file.batch in loaded or landed_path(landing, file).exists():
        return False
    return not any((landing / file.sha256[:2]).glob(f"{file.sha256}.*{KEPT_ROWS}"))


def land(source: Source, landing: Path, scratch: Path, ledger: Ledger) -> Arrivals:
    """Copy every new or changed file of a source to ``landing``."""
    landing.mkdir(parents=True, exist_ok=True)
    known = {file.sha256: file for file in ledger.landed()}
    loaded = {load.batch for load in ledger.loads() if load.status == "loaded"}
    arrivals = Arrivals()
    last_seen = ledger.last_seen(source.name)
    pull: int | None = None
    files = list(source.files())
    source.fetch([file for file in files if last_seen.get(file.name, ("", ""))[0] != file.version])
    for file in files:
        version, seen = last_seen.get(file.name, ("", ""))
        if version == file.version and not _is_gone(landing, known.get(seen), loaded):
            arrivals.offered.add(seen)
            continue
        try:
            copy, sha256, size = _copy_hashed(source, file, scratch)
        except FileNotFoundError:
            if file.name in source.problems and seen:
                arrivals.offered.add(seen)  # it is offered, though not to be had now
            continue  # gone since it was listed; should it come back, the next run finds it
        except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            # Damaged, packed in an unknown way, or under a password.
            arrivals.unreadable.append(f"{file.name} cannot be unpacked ({error})")
            continue
        target = landing / sha256[:2] / f"{sha256}{_endings(file.name)}"
        twin = known.get(sha256)
        if twin is not None and _is_gone(landing, twin, loaded):
            # Nothing was loaded of it, and its original went since it names somebody whom the home forgot: it is tried once more.
            _put(copy, target)
            arrivals.offered.add(sha256)
            ledger.see(sha256, source.name, file.name, file.version)
            continue
        # Bytes that come back under a name that held others in between put right what these brought.
        if seen and seen != sha256:
            twin = None
        if twin is not None and (twin.withdrawn_at or twin.file == file.name or twin.batch in loaded):
            copy.unlink()
        else:
            # The file is in place before the ledger speaks of it: a crash between the two only repeats the copy.
            _put(copy, target)
            header = read_header(target, file.name)
            if twin is None:
                known[sha256] = ledger.land(sha256, source.name, file.name, size, header, pull)
                pull = known[sha256].pull
                arrivals.new += 1
            else:
                # Nothing could read it under its old name: the new one is the remedy that was asked for.
                ledger.rename(sha256, file.name, header)
                known[sha256] = replace(twin, file=file.name, header=header)
                if (old := landed_path(landing, twin)) != target:
                    old.unlink(missing_ok=True)
        arrivals.offered.add(sha256)
        ledger.see(sha256, source.name, file.name, file.version)
    ledger.list_source(source.name, len(files))
    arrivals.unreadable += [f"{name} could not be downloaded: {why}" for name, why in source.problems.items()]
    source.landed()
    return arrivals
