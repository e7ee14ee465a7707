"""Sources that are asked for records, not for files: vendors' APIs and databases. What they send becomes files of the home."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from orchestration.pull.sources.api.deliveries import Deliveries
from orchestration.pull.sources.base import SourceFile, UnreadableSourceError


class AskedSource(ABC):
    """A source that is asked once a run, when its files are listed; what it sends is stored in the home until it has landed.

    Only the home's writer asks: whoever else looks (a sensor) sees what was received before.
    """

    def __init__(self, name: str, folder: Path, may_ask: Callable[[], bool]) -> None:
        self.name, self.deliveries, self._may_ask = name, Deliveries(folder), may_ask
        self._files: list[SourceFile] | None = None
        self._problem: UnreadableSourceError | None = None
        self._unread: set[str] = set()

    @abstractmethod
    def ask(self) -> None:
        """Read what is new into the deliveries.

        Raises:
            UnreadableSourceError: it cannot be read now.
        """

    @abstractmethod
    def described(self) -> list[str]:
        """A line for each thing that is read, with how far it was read; asks nobody."""

    def files(self) -> Iterator[SourceFile]:
        """All that was ever received, as files, in the order of their coming: those that landed are known to the ledger.

        Raises:
            UnreadableSourceError: it cannot be read now. What was read lands when the rest is there, too.
        """
        if self._problem is not None:
            raise self._problem
        if self._files is None and not self._may_ask():
            yield from self._offered()
            return
        if self._files is None:
            self.deliveries.open()
            try:
                self.ask()
            except UnreadableSourceError as error:
                self._problem = error
                raise
            self._files = self._offered()
        yield from self._files

    def _offered(self) -> list[SourceFile]:
        offered = self.deliveries.offered()
        return [SourceFile(name, str(size), str(self.deliveries.path(name))) for name, size in offered.items()]

    def open(self, file: SourceFile) -> BinaryIO:
        """The bytes of a file that has not landed.

        Raises:
            OSError: it cannot be read.
        """
        try:
            return Path(file.location).open("rb")
        except FileNotFoundError:
            raise
        except OSError:
            self._unread.add(Path(file.location).name)
            raise

    def version(self, file: SourceFile) -> str:
        """Its version: what was written once does not change."""
        return file.version

    def fetch(self, files: list[SourceFile]) -> None:  # noqa: B027 (there is nothing to do)
        """Nothing: they are here."""

    def landed(self) -> None:
        """All have landed: their bytes go."""
        self.deliveries.drop(but=self._unread)
