"""How values of a file are shown: nothing of a person, nothing that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestration.output import shown
from orchestration.pull.contracts import Contract, Mapping
from orchestration.pull.kinds import NUMBERS, TIMES, Kind

#: Longer texts of a person are told by their length.
_MAX_SHAPE = 40
#: As in the reasons of the quarantine: an address, or digits enough for a telephone number.
_LOOKS_PERSONAL = re.compile(r"@|\d{7,}")
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


def sources_of(mapping: Mapping, header: Iterable[str]) -> list[str]:
    """Columns of a file that a canonical column is made of."""
    if mapping.sql is not None:
        return columns_in(mapping.sql, header)
    return [name for name in header if mapping.source is not None and name.lower() == mapping.source.lower()]


class Masks:
    """Decides for each canonical column how the cells it is made of may be shown."""

    def __init__(self, contract: Contract, kind: Kind, header: list[str]) -> None:
        self._kind = kind
        mapped = [(kind.columns[name], mapping) for name, mapping in contract.columns.items()]
        #: Columns of the file that hold persons' own texts.
        self.personal = {
            source.lower() for column, mapping in mapped if column.is_personal for source in sources_of(mapping, header)
        }
        self._sources = {column.name: {name.lower() for name in sources_of(mapping, header)} for column, mapping in mapped}

    def cell(self, column: str, text: str | None) -> str | None:
        """The text of a cell, or a canonical value, of a column as it may be shown."""
        if text is None:
            return None
        spec = self._kind.columns[column]
        is_personal = spec.is_personal or bool(self._sources.get(column, set()) & self.personal)
        if spec.type in TIMES:
            is_personal = is_personal or "@" in text or len(text) > _MAX_SHAPE
        elif spec.is_id:
            is_personal = is_personal or bool(_ADDRESS_OR_PHONE.search(text))
        elif spec.type in (*NUMBERS, "boolean", "one_of", "word"):
            is_personal = is_personal or len(text) > _MAX_SHAPE or bool(_LOOKS_PERSONAL.search(text))
        else:
            is_personal = is_personal or bool(_LOOKS_PERSONAL.search(text))
        return shown(shape(text) if is_personal else text)
