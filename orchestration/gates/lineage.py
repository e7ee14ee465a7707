"""From rows that failed an expectation back to the files and lines that they came from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from orchestration.core.personal_data import finds
from orchestration.pull.kinds import all_kinds
from orchestration.pull.personal import file_shown, files_shown, may_be_shown

Row = Mapping[str, Any]
#: Columns in which tables that watch over others say what is wrong in a sentence of ours (contracts, columns, counts, files), or
#: name tickets: nobody's, unless there is an address or an account in them.
FINDINGS = ("finding", "tickets_that_differ")


def lineage(row: Row) -> str | None:
    """The file and row of a row that still carries them."""
    if row.get("_file") is None or row.get("_row") is None:
        return None
    return f"{file_shown(row['_file'])}, row {row['_row']}"


def names_a_file(place: str) -> bool:
    """Is a place that ``Tracer.places`` gives a row of a file?"""
    return re.search(r", row \d+$", place) is not None


def staged(key: list[str]) -> list[str]:
    """The staging table, if any, whose records this key identifies."""
    return [f"staging.stg_{kind.name}" for kind in all_kinds().values() if set(kind.key) == set(key)][:1]


def _is_number_of_record(column: str, value: str) -> bool:
    return column.endswith("_id") and re.fullmatch(r"[\w.:/#-]{1,60}", value) is not None and not finds(value, is_id=True)


class Tracer:
    """Traces rows of one warehouse. ``salt`` keeps the hashes of identifiers from being guessed."""

    def __init__(self, con: duckdb.DuckDBPyConnection, salt: str) -> None:
        self._con, self._salt = con, salt

    def places(self, key: list[str], rows: Iterable[Row], is_impersonal: bool) -> list[str]:
        """For each row of a table with this key: its file and line, or, where it has none, its key.

        The values of a table that may hold personal data are hashed, and those of others that look like a person's.
        """
        return [lineage(row) or self._staged(key, row) or self._named(key, row, is_impersonal) for row in rows]

    def _staged(self, key: list[str], row: Row) -> str | None:
        if not staged(key) or any(row.get(column) is None for column in key):
            return None
        condition = " and ".join(f"cast({column} as varchar) = ?" for column in key)
        try:
            found = self._con.execute(
                f"select _file, _row from {staged(key)[0]} where {condition}", [str(row[column]) for column in key]
            ).fetchone()
        except duckdb.CatalogException:
            return None
        return f"{file_shown(found[0])}, row {found[1]}" if found else None

    def _named(self, key: list[str], row: Row, is_impersonal: bool) -> str:
        return ", ".join(f"{column} {self._shown(column, row[column], is_impersonal)}" for column in key if column in row)

    def _shown(self, column: str, value: Any, is_impersonal: bool) -> str:
        # In a shifted row a column that is nobody's holds somebody all the same.
        if not isinstance(value, str) or (is_impersonal and (may_be_shown(value) or _is_number_of_record(column, value))):
            return str(value)
        if is_impersonal and column in FINDINGS and not finds(value, is_id=True):
            return files_shown(value)
        return "#" + hashlib.sha256((self._salt + value).encode()).hexdigest()[:12]
