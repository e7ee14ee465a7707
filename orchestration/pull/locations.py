"""Every place that the settings name as sources of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from orchestration.pull.sources import FolderSource, Source, SourceFile
from orchestration.settings import Settings
from orchestration.settings.locations import Location

#: Sources that were opened for a run: each is listed once, though a run asks twice what there is.
_opened: dict[str, list[Source]] = {}


class NamedSource:
    """A source whose files are called as if they were in a folder of its name."""

    def __init__(self, name: str, source: Source) -> None:
        self.name, self._source = name, source

    def files(self) -> Iterator[SourceFile]:
        for file in self._source.files():
            yield replace(file, name=f"{self.name}/{file.name}")

    def open(self, file: SourceFile) -> BinaryIO:
        return self._source.open(file)

    def version(self, file: SourceFile) -> str:
        return self._source.version(file)

    def fetch(self, files: list[SourceFile]) -> None:
        self._source.fetch(files)

    def landed(self) -> None:
        self._source.landed()


class AllSources:
    """Several named sources as one."""

    name = "exports"

    def __init__(self, sources: list[Source]) -> None:
        self._sources = {source.name: source for source in sources}

    def _of(self, file: SourceFile) -> Source:
        return self._sources[file.name.partition("/")[0]]

    def files(self) -> Iterator[SourceFile]:
        for source in self._sources.values():
            yield from source.files()

    def open(self, file: SourceFile) -> BinaryIO:
        return self._of(file).open(file)

    def version(self, file: SourceFile) -> str:
        return self._of(file).version(file)

    def fetch(self, files: list[SourceFile]) -> None:
        for source in self._sources.values():
            source.fetch([file for file in files if self._of(file) is source])

    def landed(self) -> None:
        for source in self._sources.values():
            source.landed()


def all_sources(settings: Settings) -> Source:
    """The sources of a run as one."""
    sources = sources_of(settings)
    return sources[0] if len(sources) == 1 else AllSources(sources)


def sources_of(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> list[Source]:
    """The sources of a run, in the order of the settings.

    Raises:
        ConfigurationError: a folder is not there, or a store needs a package that is not installed.
    """
    key = f"{settings.home} {sorted((name, place.model_dump_json()) for name, place in settings.exports.items())}"
    if key not in _opened:
        _opened[key] = [_source(name, place, settings.downloads, progress) for name, place in settings.exports.items()]
    return _opened[key]


def forget_listings() -> None:
    """A new run begins: what the sources hold is looked up again."""
    _opened.clear()


def _source(name: str, place: Location, downloads: Path, progress: Callable[[str], None]) -> Source:
    if place.folder is not None:
        source: Source = FolderSource(place.folder)
    else:
        from orchestration.pull.remote.source import RemoteSource

        source = RemoteSource(name, place, downloads / (name or "exports"), progress)
    if not name:
        return source
    return NamedSource(name, source)
