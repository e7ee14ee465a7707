"""An API as a source of exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from orchestration.pull.sources.api.client import Client
from orchestration.pull.sources.api.description import load_description
from orchestration.pull.sources.api.streams import Asked, StreamReader
from orchestration.pull.sources.asked import AskedSource
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.settings.locations import ApiLocation


class ApiSource(AskedSource):
    """A vendor's API. Its streams are read one after the other; what is new of each becomes a file.

    Raises:
        ConfigurationError: there is no such description, stream or param, or one is lacking.
    """

    def __init__(
        self,
        name: str,
        location: ApiLocation,
        folder: Path,
        may_ask: Callable[[], bool],
        config_dir: Path | None,
        since: date | None,
        progress: Callable[[str], None],
    ) -> None:
        super().__init__(name, folder, may_ask)
        self._description = load_description(location.api, config_dir)
        self._streams = self._description.chosen(location)
        self._asked = Asked(self._description.values(location), location.since or self._description.begin, since)
        self._client = Client(name, self._description, location)
        self._progress = progress

    def ask(self) -> None:
        for stream, spec in self._streams.items():
            reader = StreamReader(stream, spec, self._client, self.deliveries, self._asked, self._tell)
            try:
                reader.read()
            except UnreadableSourceError as error:
                work = self.deliveries.work(stream)
                records = work["records"] if work else 0
                there = f"; {records:,} records are kept, and the next run goes on from there" if records else ""
                text = str(error)
                raise UnreadableSourceError(f"{text if text.startswith(stream) else f'{stream}: {text}'}{there}") from error

    def _tell(self, text: str) -> None:
        self._progress(f"pull: {self.name}: {text}")

    def described(self) -> list[str]:
        self.deliveries.look()
        lines = []
        for name, stream in self._streams.items():
            known = self.deliveries.known(name)
            how = "reads what changed" if stream.changes else "asks for each changed record" if stream.each else "reads all of it"
            if self.deliveries.work(name):
                state = f"in the middle, {self.deliveries.work(name)['records']:,} records so far"  # type: ignore[index]
            elif "read_at" in known:
                state = f"{known.get('records', 0):,} records, read at {known['read_at'][:16]}"
            else:
                state = "not read yet"
            lines.append(f"{self.name}/{name} (API of {self._description.vendor}): {state}; a run {how}")
        return lines
