"""A home that only lands files, and one that a run writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.core.lock import release_writer_lock, take_writer_lock
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.reading import Places, Untrusted
from orchestration.pull.sources.locations import forget_listings
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull


class Home:
    """A home that only lands."""

    def __init__(self, path: Path, exports: Any) -> None:
        self.settings = Settings(home=path / "home", exports=exports)
        self.settings.scratch.mkdir(parents=True)
        self.ledger = Ledger(self.settings.ledger)
        self.progress: list[str] = []

    def land(self) -> Any:
        forget_listings()
        self.pull = Pull(self.settings, self.progress.append)
        return self.pull._land(Untrusted(Places(self.settings.landing, self.settings.scratch), self.ledger))

    def contents(self) -> dict[str, bytes]:
        return {file.file: landed_path(self.settings.landing, file).read_bytes() for file in self.ledger.landed()}


@contextmanager
def writing(home: Path) -> Iterator[None]:
    """As a run, which is the home's writer."""
    take_writer_lock(home)
    try:
        yield
    finally:
        release_writer_lock(home)
