"""Texts in batches, and what a home keeps of them between runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.settings.model import Settings
from orchestration.texts.sources import EACH

#: The key of a text: the same words in the same stated language are scored once.
HASH = """sha256(coalesce(stated_language, '') || '|' || "text")"""
#: Texts that are held at a time.
_BATCH = 5_000


@dataclass(frozen=True)
class Kept:
    """What the home keeps between runs: learned models, and what the tables in ``raw`` were made by. All of it may be removed."""

    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / "made_by.json"

    @property
    def words(self) -> Path:
        return self.folder / "words.npz"

    @property
    def topics(self) -> Path:
        return self.folder / "topics.json"

    def model(self, language: str, found: str) -> Path:
        return self.folder / f"{language}.{found}.npz"


def kept_of(settings: Settings) -> Kept:
    """The scored texts of a home."""
    return Kept(settings.home / "texts")


def texts_of(con: duckdb.DuckDBPyConnection, hashes: str) -> Iterator[list[tuple[str, str, str | None]]]:
    """Texts in batches, as (hash, text, stated language): those whose ``text_hash`` the query ``hashes`` gives, in its order.

    Between batches ``con`` runs nothing else.
    """
    con.execute(
        f"""
        select text_hash, min("text"), min(stated_language)
        from (select *, {HASH} as text_hash from ({EACH}))
        where text_hash in ({hashes})
        group by text_hash
        order by text_hash
        """
    )
    while batch := con.fetchmany(_BATCH):
        yield batch
