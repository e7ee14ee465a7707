"""Files to look at, as a pull would land them; nothing of the user's is copied or changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from orchestration.core.errors import ConfigurationError
from orchestration.pull.contracts.naming import in_order
from orchestration.pull.files.readers import FORMATS
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Landed
from orchestration.pull.reading import Places, Untrusted
from orchestration.pull.sources.base import (
    FolderSource,
    Source,
    SourceFile,
    exports_at,
    is_hidden,
    open_export,
    printable,
    version_now,
)

_CHUNK_BYTES = 2**20
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class PassedOver:
    """A file that no run reads, and why."""

    file: str
    why: str


@dataclass
class Arrivals:
    """The files in the order of their names, numbered as they would land."""

    landing: Path
    landed: list[Landed] = field(default_factory=list)
    #: Files whose bytes another one has too: they are read once.
    twins: dict[str, str] = field(default_factory=dict)
    passed_over: list[PassedOver] = field(default_factory=list)
    #: Where each of the landed files is stored, by its batch.
    places: dict[int, Path] = field(default_factory=dict)
    #: Reads them.
    untrusted: Untrusted = field(init=False)

    def __post_init__(self) -> None:
        self.untrusted = Untrusted(Places(self.landing, self.landing.parent))


class NamedFiles:
    """Files that were named one by one, called by their paths below the folder that they share."""

    def __init__(self, paths: Sequence[Path], exports: Path | None) -> None:
        found = [path.resolve() for path in paths]
        inside = exports is not None and exports.is_dir() and all(path.is_relative_to(exports.resolve()) for path in found)
        root = exports.resolve() if exports is not None and inside else Path(os.path.commonpath([path.parent for path in found]))
        self.name = root.name
        self._paths = {path.relative_to(root).as_posix(): path for path in found}

    def files(self) -> Iterator[SourceFile]:
        found = {name: file for relative, path in self._paths.items() for name, file in exports_at(path, relative).items()}
        yield from (found[name] for name in in_order(found))

    def others(self) -> dict[str, Path]:
        return {name: path for name, path in self._paths.items() if _is_none(path, name)}

    def open(self, file: SourceFile) -> BinaryIO:
        return open_export(file)

    def version(self, file: SourceFile) -> str:
        return version_now(file)

    def fetch(self, files: list[SourceFile]) -> None:
        """Nothing: they are here."""

    def landed(self) -> None:
        """Nothing: they stay where they are."""


def source_of(places: Sequence[Path], exports: Path | None) -> tuple[Source, list[PassedOver]]:
    """What a run would be given: a folder, or files.

    Raises:
        ConfigurationError: a place does not exist, or folders are mixed with files.
    """
    if missing := [str(place) for place in places if not place.exists()]:
        raise ConfigurationError(f"no such file or folder: {printable(', '.join(missing))}")
    folders = [place for place in places if place.is_dir()]
    if folders and len(places) > 1:
        raise ConfigurationError("name one folder, or files")
    if folders:
        return FolderSource(folders[0]), passed_over(folders[0])
    named = NamedFiles(places, exports)
    return named, [_why(name, path) for name, path in named.others().items()]


def passed_over(folder: Path) -> list[PassedOver]:
    """What of a folder of exports no run reads; hidden files are nobody's exports."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    names = [name for name in in_order(paths) if not is_hidden(name)]
    return [_why(name, paths[name]) for name in names if _is_none(paths[name], name)]


def _is_none(path: Path, name: str) -> bool:
    return all(file.problem for file in exports_at(path, name).values())


def _why(name: str, path: Path) -> PassedOver:
    ending = path.suffix.lower()
    if problem := next((file.problem for file in exports_at(path, name).values()), None):
        return PassedOver(printable(name), problem.removeprefix("is "))
    if ending not in _ARCHIVES:
        return PassedOver(printable(name), f"its ending is none of {', '.join(FORMATS)} (also with .gz, .zst or .zip)")
    return PassedOver(printable(name), "an archive: unpack it")


def arrive(source: Source, landing: Path) -> Arrivals:
    """Put every file of a source where the pull looks for landed ones, as a link where that is possible."""
    arrived = Arrivals(landing)
    by_hash: dict[str, str] = {}
    for file in source.files():
        digest, size = hashlib.sha256(), 0
        if file.problem:
            continue
        with source.open(file) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
        sha256 = digest.hexdigest()
        if sha256 in by_hash:
            arrived.twins[file.name] = by_hash[sha256]
            continue
        by_hash[sha256] = file.name
        landed = Landed(len(arrived.landed) + 1, sha256, source.name, file.name, size, [], "", pull=1)
        target = landed_path(landing, landed)
        _put(source, file, size, target)
        arrived.landed.append(replace(landed, header=arrived.untrusted.header(target, file.name)))
        arrived.places[landed.batch] = Path(file.location)
    return arrived


def _put(source: Source, file: SourceFile, size: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path = Path(file.location)
    if file.member is None and path.is_file() and path.stat().st_size == size:
        target.symlink_to(path.resolve())
        return
    with source.open(file) as stream, target.open("wb") as copy:
        shutil.copyfileobj(stream, copy)
