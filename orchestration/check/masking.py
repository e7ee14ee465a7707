"""How values of a file are shown: nothing of a person, nothing that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orchestration.core.output import shown
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import by_name, found, options
from orchestration.pull.kinds import TIMES, Column, Kind
from orchestration.pull.personal import may_be_shown

#: Longer texts of a person are shown by their length.
_MAX_SHAPE = 40
_ADDRESS_OR_NUMBER = re.compile(r"@|\d{7,}")
_ADDRESS_OR_PHONE = re.compile(r"@|^\+[\d\s()./-]{7,}$")


def shape(text: str) -> str:
    """A personal text as the kinds of its characters: 'ann@x.org' is 'xxx@x.xxx'; a long one as its length."""
    if len(text) > _MAX_SHAPE:
        return f"({len(text):,} characters)"
    return "".join("9" if c.isdigit() else "x" if c.isalpha() else c for c in text)


def columns_in(sql: str, names: Iterable[str]) -> list[str]:
    """Columns of a file that an SQL text speaks of."""
    text = re.sub(r"'[^']*'", "''", sql.lower())
    named = set(re.findall(r'"([^"]+)"', text)) | set(re.findall(r"\w+", re.sub(r'"[^"]+"', " ", text)))
    return [name for name in names if name.lower() in named]


def sources_of(mapping: Mapping, header: Sequence[str]) -> list[str]:
    """Columns of a file that a canonical column is made of."""
    if mapping.sql is not None:
        return columns_in(mapping.sql, header)
    present = by_name(header)
    if mapping.option_of:
        return list(options(present, mapping.option_of))
    named = (found(present, name) for name in (mapping.place_in or [mapping.source or ""]))
    return [name for name in named if name is not None]


class Masks:
    """Decides for each canonical column how the cells it is made of may be shown."""

    def __init__(self, contract: Contract, kind: Kind, header: list[str]) -> None:
        self._kind = kind
        mapped = [(kind.columns[name], mapping) for name, mapping in contract.columns.items()]
        named = contract.columns | {f"extra.{name}": mapping for name, mapping in contract.extra.items()}
        self._sources = {name: {source.lower() for source in sources_of(mapping, header)} for name, mapping in named.items()}
        #: Columns of the file that hold persons' own texts.
        self._personal = set[str]().union(
            *(
                # A direction that says which of two numbers is the customer's is a word, not a number.
                self._sources[column.name] - (self._of_words(mapped) if mapping.sql is not None else set())
                for column, mapping in mapped
                if column.is_personal
            )
        )
        #: Texts that several rows of a column hold: words of the export, though they look like a name ("In Progress").
        self.words: dict[str, set[str]] = {}

    def _of_words(self, mapped: Iterable[tuple[Column, Mapping]]) -> set[str]:
        """Columns of the file that are, as they are, a column with a fixed vocabulary."""
        columns = [column.name for column, mapping in mapped if column.values and mapping.sql is None and not column.is_personal]
        return set[str]().union(*(self._sources[name] for name in columns))

    def cell(self, column: str, text: str | None) -> str | None:
        """The text of a cell, or a canonical value, of a column as it may be shown."""
        if text is None:
            return None
        return shown(text if self._is_nobodys(column, text) else shape(text))

    def _is_nobodys(self, column: str, text: str) -> bool:
        # What is carried along is no column of the kind.
        spec = self._kind.columns.get(column)
        if (spec and spec.is_personal) or self._sources.get(column, set()) & self._personal:
            return False
        if spec and spec.type in TIMES:
            return "@" not in text and len(text) <= _MAX_SHAPE
        if spec and spec.is_id and not re.search(r"\s", text.strip()):
            return not _ADDRESS_OR_PHONE.search(text)
        if text in self.words.get(column, ()):
            return not _ADDRESS_OR_NUMBER.search(text)
        return may_be_shown(text)
