"""Where exports lie. A source lists files and opens them; a remote store implements the same two methods."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from orchestration.errors import ConfigurationError, CxhouseError
from orchestration.output import shown
from orchestration.pull.naming import in_order
from orchestration.pull.readers import file_format
from orchestration.pull.unpacking import MAX_BYTES


@dataclass(frozen=True)
class SourceFile:
    """A file in a source: how it is called, what changes when its content may have, and where the source finds it."""

    name: str
    version: str
    location: str
    #: The file within it, where the location is a `.zip`.
    member: str | None = None


class UnreadableSourceError(CxhouseError):
    """A source that cannot be listed now; the others are read."""


class Source(Protocol):
    """A place that holds exports."""

    name: str

    @property
    def problems(self) -> dict[str, str]:
        """Files that are listed and could not be read, and why."""
        ...

    def files(self) -> Iterator[SourceFile]:
        """The files that may be exports, in the order of their names (see naming.py)."""
        ...

    def open(self, file: SourceFile) -> BinaryIO:
        """The file's bytes."""
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
        self.problems: dict[str, str] = {}
        self._folder = folder.resolve()

    def files(self) -> Iterator[SourceFile]:
        found: dict[str, SourceFile] = {}
        for path in self._folder.rglob("*"):
            relative = path.relative_to(self._folder).as_posix()
            if not is_hidden(relative) and path.resolve().is_relative_to(self._folder) and path.is_file():
                found.update(exports_at(path, relative))
        # The order of arrival decides between versions of a record that nothing else puts in order.
        yield from (found[relative] for relative in in_order(found))

    def open(self, file: SourceFile) -> BinaryIO:
        return open_export(file)

    def fetch(self, files: list[SourceFile]) -> None:
        """Nothing: they are here."""

    def landed(self) -> None:
        """Nothing: they stay where they are."""


def open_export(file: SourceFile) -> BinaryIO:
    """The bytes of an export, be it a member of a `.zip`."""
    if file.member is None:
        return Path(file.location).open("rb")
    with zipfile.ZipFile(file.location) as packed:
        if packed.getinfo(file.member).file_size > MAX_BYTES:
            raise zipfile.LargeZipFile(f"it unpacks to more than {MAX_BYTES:,} bytes")
        # The file stays open as long as what is read from it.
        return cast(BinaryIO, packed.open(file.member))


def exports_at(path: Path, relative: str) -> dict[str, SourceFile]:
    """The exports that a file is or holds, by their names; none where it is none."""
    stat = path.stat()
    version = f"{stat.st_size}:{stat.st_mtime_ns}"
    if path.suffix.lower() == ".zip":
        return archive_members(path, relative, version)
    return {relative: SourceFile(printable(relative), version, str(path))} if file_format(path.name) else {}


def archive_members(path: Path, relative: str, version: str) -> dict[str, SourceFile]:
    """The exports in a `.zip`; one that cannot be read is a file that no contract reads, so that it is named."""
    try:
        with zipfile.ZipFile(path) as packed:
            infos = [info for info in packed.infolist() if file_format(info.filename) and not is_hidden(info.filename)]
    except (zipfile.BadZipFile, OSError):
        return {relative: SourceFile(printable(relative), version, str(path))}
    members = {f"{relative}/{info.filename}": info for info in infos}
    return {
        name: SourceFile(printable(name), f"{version}:{info.CRC}", str(path), info.filename) for name, info in members.items()
    }


def is_hidden(name: str) -> bool:
    """Is a file, or a folder that it lies in, hidden, or what macOS adds to a `.zip`?"""
    return any(part.startswith(".") or part == "__MACOSX" for part in Path(name).parts)


def printable(name: str) -> str:
    """A file name as text that can be stored and shown: a byte that is no text, and a line break, become a mark."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return shown(text)
