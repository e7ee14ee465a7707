"""Which columns a file has values for by its contract, and which words they cannot have, whatever its rows hold."""

from __future__ import annotations

import re

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import by_name, found, options
from orchestration.pull.kinds import Kind


def available_columns(contract: Contract, kind: Kind, header: list[str], lacking: list[str]) -> tuple[str, ...]:
    """Columns of the kind of which a file says something, and as ``column!word`` the words of theirs that it cannot say.

    Args:
        contract: what reads the file.
        kind: the columns.
        header: the file's columns, or those of the contract's query.
        lacking: optional columns that the file has not; what only they would give is not available.
    """
    away = {name.lower() for name in lacking}
    there = [name for name in header if name.lower() not in away]
    present = by_name(there)

    def is_available(mapping: Mapping) -> bool:
        if mapping.sql is None:
            is_given = bool(mapping.place_in or mapping.value not in (None, "") or options(present, mapping.option_of))
            return is_given or found(present, mapping.source) is not None
        sql = mapping.sql.lower()
        return not any(_names(sql, name) for name in away) or any(_names(sql, name.lower()) for name in there)

    available = [name for name in kind.columns if name in contract.columns and is_available(contract.columns[name])]
    closed = [name for name in available if kind.columns[name].type == "one_of"]
    never = [
        f"{name}!{word}" for name in closed for word in kind.columns[name].values if not may_say(contract.columns[name], word)
    ]
    return (*available, *never)


def _names(sql: str, column: str) -> bool:
    """Does an SQL text name a column? (Both in lower case.)"""
    return f'"{column}"' in sql or (column.isidentifier() and re.search(rf"(?<![\w\"'.]){column}(?![\w\"'.])", sql) is not None)


def may_say(mapping: Mapping, word: str) -> bool:
    """May a mapping give a word? One that maps everything else ("*") gives those that it names; others, whatever they find."""
    if mapping.value is not None:
        return str(mapping.value).lower() == word
    return "*" not in mapping.map or word in (str(value) for value in mapping.map.values())
