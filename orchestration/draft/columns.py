"""What is in a column of a file: its values, how often each, and what shape they have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from orchestration.draft.lexicon import missing_words

_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]{2,}")
_PHONE = re.compile(r"'?[+(]?\d[\d\s().\-/]{5,22}\d(\s*(x|ext\.?)\s*\d+)?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[.'’-])*(\s+[^\W\d_](?:[^\W\d_]|[.'’-])*)+")
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Seen:
    """A column of a file as its rows show it."""

    name: str
    position: int
    rows: int
    #: Trimmed text that is not empty -> in how many rows.
    counts: Counter[str]
    #: What rows below the header say of it: a question, a unit.
    described: str = ""

    @cached_property
    def missing(self) -> dict[str, int]:
        """Words that stand for nothing -> in how many rows."""
        words = missing_words()
        found = {text: count for text, count in self.counts.items() if len(text) <= 20 and text.casefold() in words}
        codes = sum(count for text, count in self.counts.items() if _COUNTRY.fullmatch(text))
        # Where all else are codes of countries, NA is Namibia's.
        return {text: count for text, count in found.items() if text != "NA" or codes < self.filled * 0.8 or codes == count}

    @property
    def filled(self) -> int:
        """Rows with any text, words for missing among them."""
        return self.counts.total()

    @cached_property
    def values(self) -> dict[str, int]:
        """Text that says something -> in how many rows."""
        return {text: count for text, count in self.counts.items() if text not in self.missing}

    @cached_property
    def present(self) -> int:
        """Rows with a text that says something."""
        return sum(self.values.values())

    @property
    def is_unique(self) -> bool:
        return bool(self.values) and len(self.values) == self.present

    def share(self, fits: Callable[[str], object]) -> float:
        """Share of the rows that say something whose text fits; 0 where none says anything."""
        if not self.present:
            return 0.0
        return sum(count for text, count in self.values.items() if fits(text)) / self.present

    @cached_property
    def emails(self) -> float:
        return self.share(_EMAIL.fullmatch)

    @cached_property
    def phones(self) -> float:
        return self.share(lambda text: _PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= 7)

    @cached_property
    def is_written_as_phones(self) -> bool:
        """Phone numbers by their signs, not any long number."""
        return self.phones > 0.9 and self.share(lambda text: re.search(r"^'?\+|[\s()/-]", text)) > 0.5 and not self.dated

    @cached_property
    def dated(self) -> bool:
        return self.share(lambda text: re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b", text)) > 0.5

    @cached_property
    def person_names(self) -> float:
        """Share of texts that look like a first and a last name."""
        return self.share(_NAME.fullmatch)

    @cached_property
    def mean_length(self) -> float:
        return sum(len(text) * count for text, count in self.values.items()) / self.present if self.present else 0.0

    @property
    def may_be_shown(self) -> bool:
        """Few short texts, no addresses, no long numbers: words of a system, not of a person."""
        few = len(self.values) <= 40 and (len(self.values) <= 12 or len(self.values) < self.present / 2)
        return (
            few and self.person_names < 0.6 and all(len(text) <= 40 and not re.search(r"@|\d{7,}", text) for text in self.values)
        )


def seen(name: str, position: int, texts: Iterable[str | None], described: str = "") -> Seen:
    """The column of these cells."""
    cells = list(texts)
    counts = Counter(text for cell in cells if cell is not None and (text := cell.strip()))
    return Seen(name, position, len(cells), counts, described)
