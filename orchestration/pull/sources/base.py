"""Where exports are stored. A source lists files and opens them; a remote store implements the same two methods."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.limits import limits
from orchestration.core.output import shown
from orchestration.pull.contracts.naming import in_order
from orchestration.pull.files.readers import file_format


@dataclass(frozen=True)
class SourceFile:
    """A file in a source: how it is called, what changes when its content may have, and where the source finds it."""

    name: str
    version: str
    location: str
    #: The file within it, where the location is a `.zip`.
    member: str | None = None
    #: Why it is not to be opened; none: nothing is known against it.
    problem: str | None = None


#: An archive may unpack to so many times its size, and in any case to so many bytes.
_MAX_RATIO, _MAX_UNPACKED = 200, 2**30
#: Some hundred thousand names: each takes memory and time before the first byte of a file is read.
_MAX_LISTING = 2**24


class UnreadableSourceError(CxhouseError):
    """A source that cannot be listed now; the others are read."""


class Source(Protocol):
    """A place that holds exports."""

    name: str

    def files(self) -> Iterator[SourceFile]:
        """The files that may be exports, in the order of their names (see naming.py)."""
        ...

    def open(self, file: SourceFile) -> BinaryIO:
        """The file's bytes."""
        ...

    def version(self, file: SourceFile) -> str:
        """Its version as it is now."""
        ...

    def fetch(self, files: list[SourceFile]) -> None:
        """Called once with all that will be opened, so that a remote source can read several at a time."""
        ...

    def landed(self) -> None:
        """Called once all of them were opened."""
        ...


class FolderSource:
    """A folder and its subfolders, a `.zip` being one of them. Hidden files and links out of the folder are passed over."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigurationError(
                f"no exports folder at {folder}; name one with --exports (or CXHOUSE_EXPORTS), "
                "or write sample exports with 'cxhouse sample'"
            )
        self.name = folder.resolve().name
        self._folder = folder.resolve()

    def files(self) -> Iterator[SourceFile]:
        found: dict[str, SourceFile] = {}
        for path in self._folder.rglob("*"):
            relative = path.relative_to(self._folder).as_posix()
            if not is_hidden(relative) and _lies_in(path, self._folder):
                found.update(exports_at(path, relative))
        # The order of arrival decides between versions of a record that nothing else puts in order.
        yield from (found[relative] for relative in in_order(found))

    def open(self, file: SourceFile) -> BinaryIO:
        return open_export(file)

    def version(self, file: SourceFile) -> str:
        return version_now(file)

    def fetch(self, files: list[SourceFile]) -> None:
        """Nothing: they are here."""

    def landed(self) -> None:
        """Nothing: they stay where they are."""


def version_now(file: SourceFile) -> str:
    """What a file's version is now: its size and time, and the sum of a member of a `.zip`."""
    status = Path(file.location).stat()
    return ":".join([str(status.st_size), str(status.st_mtime_ns), *file.version.split(":")[2:]])


def open_export(file: SourceFile) -> BinaryIO:
    """The bytes of an export, be it a member of a `.zip`."""
    if file.member is None:
        return os.fdopen(_opened(file.location), "rb")
    status = Path(file.location).stat()
    packed = _archive(file.location, status.st_size, status.st_mtime_ns)
    if packed.getinfo(file.member).file_size > limits().unpacked:
        raise zipfile.LargeZipFile(f"it unpacks to more than {limits().unpacked:,} bytes")
    return cast(BinaryIO, packed.open(file.member))


@lru_cache(maxsize=1)
def _archive(location: str, size: int, changed: int) -> zipfile.ZipFile:
    """An archive as it was at a time: its list is read once, not again for each file in it."""
    del size, changed  # another one is another archive
    return zipfile.ZipFile(location)


def _opened(location: str) -> int:
    """A handle of a regular file: a pipe that took its place since it was listed would never end."""
    handle = os.open(location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"{printable(location)} is no file any more")
    return handle


def _lies_in(path: Path, folder: Path) -> bool:
    """Is it a file of the folder, wherever links lead?"""
    try:
        return path.resolve().is_relative_to(folder) and path.is_file()
    except (OSError, RuntimeError):
        return False  # a link that leads to itself, or a folder that may not be entered


def exports_at(path: Path, relative: str) -> dict[str, SourceFile]:
    """The exports that a file is or holds, by their names; none where it is none."""
    try:
        status = path.stat()
    except OSError:
        return {}  # gone since it was listed
    version = f"{status.st_size}:{status.st_mtime_ns}"
    if path.suffix.lower() == ".zip":
        return archive_members(path, relative, version)
    return {relative: SourceFile(printable(relative), version, str(path))} if file_format(path.name) else {}


def archive_members(path: Path, relative: str, version: str) -> dict[str, SourceFile]:
    """The exports in a `.zip`; one that cannot be read is a file that no contract reads, so that it is named."""
    whole = SourceFile(printable(relative), version, str(path))
    try:
        if (listing := _listing_bytes(path)) > _MAX_LISTING:
            message = f"lists its files in {listing:,} bytes, more than {_MAX_LISTING:,}: is it an export?"
            return {relative: replace(whole, problem=message)}
        with zipfile.ZipFile(path) as packed:
            infos = [info for info in packed.infolist() if file_format(info.filename) and not is_hidden(info.filename)]
            size = os.fstat(packed.fp.fileno()).st_size if packed.fp else 0
    except (zipfile.BadZipFile, OSError):
        return {relative: whole}
    if not infos:
        return {relative: replace(whole, problem="is an archive without an export in it: archives in archives are not opened")}
    unpacked, most = sum(info.file_size for info in infos), min(limits().unpacked, max(_MAX_UNPACKED, _MAX_RATIO * size))
    if unpacked > most:
        return {relative: replace(whole, problem=f"unpacks to {unpacked:,} bytes, more than {most:,}: is it an export?")}
    members = {f"{relative}/{info.filename}": info for info in infos}
    return {
        name: SourceFile(printable(name), f"{version}:{info.CRC}", str(path), info.filename) for name, info in members.items()
    }


def _listing_bytes(path: Path) -> int:
    """How long the list of an archive's files is, as its last bytes say: the library reads all of it before anybody can ask."""
    with path.open("rb") as stream:
        end = vars(zipfile)["_EndRecData"](stream)
    return int(end[5]) if end else 0


def is_hidden(name: str) -> bool:
    """Is a file, or a folder that it is in, hidden, or what macOS adds to a `.zip`?"""
    return any(part.startswith(".") or part == "__MACOSX" for part in Path(name).parts)


def printable(name: str) -> str:
    """A file name as text that can be stored and shown: a byte that is no text, and a line break, become a mark."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return shown(text)
