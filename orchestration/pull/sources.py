"""Where exports lie. A source lists files and opens them; a remote store implements the same two methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from orchestration.errors import ConfigurationError
from orchestration.output import shown
from orchestration.pull.naming import in_order
from orchestration.pull.readers import file_format


@dataclass(frozen=True)
class SourceFile:
    """A file in a source: how it is called, what changes when its content may have, and where the source finds it."""

    name: str
    version: str
    location: str


class Source(Protocol):
    """A place that holds exports."""

    name: str

    def files(self) -> Iterator[SourceFile]:
        """The files that may be exports, in the order of their names (see naming.py)."""
        ...

    def open(self, file: SourceFile) -> BinaryIO:
        """The file's bytes."""
        ...


class FolderSource:
    """A folder and its subfolders. Hidden files and links out of the folder are passed over."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigurationError(
                f"no exports folder at {folder}; name one with --exports (or CXHOUSE_EXPORTS), "
                "or write sample exports with 'cxhouse sample'"
            )
        self.name = folder.resolve().name
        self._folder = folder.resolve()

    def files(self) -> Iterator[SourceFile]:
        paths = {path.relative_to(self._folder).as_posix(): path for path in self._folder.rglob("*")}
        # The order of arrival decides between versions of a record that nothing else puts in order.
        for relative in in_order(paths):
            path = paths[relative]
            hidden = any(part.startswith(".") for part in Path(relative).parts)
            inside = path.resolve().is_relative_to(self._folder)
            if path.is_file() and inside and not hidden and file_format(path.name):
                stat = path.stat()
                yield SourceFile(printable(relative), f"{stat.st_size}:{stat.st_mtime_ns}", str(path))

    def open(self, file: SourceFile) -> BinaryIO:
        return Path(file.location).open("rb")


def printable(name: str) -> str:
    """A file name as text that can be stored and shown: a byte that is no text, and a line break, become a mark."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return shown(text)


def open_source(location: str) -> Source:
    """The source at a location: a folder's path (``file://`` allowed).

    Raises:
        ConfigurationError: there is no folder there, or the location's scheme is not known.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        return FolderSource(Path(location).expanduser())
    if scheme == "file":
        return FolderSource(Path(rest))
    raise ConfigurationError(f"exports location {location!r}: only folders can be read; copy the files to a folder")
