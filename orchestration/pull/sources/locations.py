"""Every place that the settings name as sources of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from orchestration.core.lock import is_writer
from orchestration.pull.sources.base import FolderSource, Source, SourceFile
from orchestration.settings.locations import ApiLocation, DatabaseLocation, Location
from orchestration.settings.model import Settings

if TYPE_CHECKING:
    from orchestration.pull.sources.asked import AskedSource

#: Sources that were opened for a run: each is listed once, though a run asks twice what there is.
_opened: dict[str, list[Source]] = {}
#: Who hears of progress: they are opened before a run knows.
_hearer: list[Callable[[str], None]] = []


class NamedSource:
    """A source whose files are called as if they were in a folder of its name."""

    def __init__(self, name: str, source: Source) -> None:
        self.name, self.source = name, source

    def files(self) -> Iterator[SourceFile]:
        for file in self.source.files():
            yield replace(file, name=f"{self.name}/{file.name}")

    def open(self, file: SourceFile) -> BinaryIO:
        return self.source.open(file)

    def version(self, file: SourceFile) -> str:
        return self.source.version(file)

    def fetch(self, files: list[SourceFile]) -> None:
        self.source.fetch(files)

    def landed(self) -> None:
        self.source.landed()


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


def all_files(settings: Settings) -> Source:
    """The sources of a run that hold files, as one."""
    sources = [source for source in sources_of(settings) if _asked(source) is None]
    return sources[0] if len(sources) == 1 else AllSources(sources)


def asked_sources(settings: Settings) -> list[AskedSource]:
    """The sources of a run that hold no files, but are asked for records."""
    return [asked for source in sources_of(settings) if (asked := _asked(source)) is not None]


def _asked(source: Source) -> AskedSource | None:
    from orchestration.pull.sources.asked import AskedSource

    inner = source.source if isinstance(source, NamedSource) else source
    return inner if isinstance(inner, AskedSource) else None


def sources_of(settings: Settings, progress: Callable[[str], None] | None = None) -> list[Source]:
    """The sources of a run, in the order of the settings; ``progress`` hears of long ones from now on.

    Raises:
        ConfigurationError: a folder is not there, or a store needs a package that is not installed.
    """
    if progress is not None:
        _hearer[:] = [progress]
    locations = [(name, place.model_dump_json()) for name, place in settings.exports.items()]
    key = f"{settings.home} {settings.config_dir} {settings.since} {sorted(locations)}"
    if key not in _opened:
        _opened[key] = [_source(name, place, settings) for name, place in settings.exports.items()]
    return _opened[key]


def _tell(text: str) -> None:
    for hearer in _hearer:
        hearer(text)


def forget_listings() -> None:
    """A new run begins: what the sources hold is looked up again."""
    _opened.clear()
    _hearer.clear()


def _source(name: str, place: Location | ApiLocation | DatabaseLocation, settings: Settings) -> Source:
    may_ask = partial(is_writer, settings.home)
    if isinstance(place, ApiLocation):
        from orchestration.pull.sources.api.source import ApiSource

        source: Source = ApiSource(name, place, settings.asked / name, may_ask, settings.config_dir, settings.since, _tell)
    elif isinstance(place, DatabaseLocation):
        from orchestration.pull.sources.database import DatabaseSource

        source = DatabaseSource(name, place, settings.asked / name, may_ask, settings.since, _tell)
    elif place.folder is not None:
        source = FolderSource(place.folder)
    else:
        from orchestration.pull.sources.remote.source import RemoteSource

        source = RemoteSource(name, place, settings.downloads / (name or "exports"), _tell)
    return NamedSource(name, source) if name else source
