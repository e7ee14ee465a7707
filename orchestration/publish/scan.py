"""The last gate: no text that is about to be published holds what leads to somebody."""

from __future__ import annotations

from collections import Counter
from functools import partial

import duckdb

from orchestration.connections import connect
from orchestration.gates.verdicts import Verdict
from orchestration.personal_data import CANDIDATE, CANDIDATE_ID, finds
from orchestration.publish.candidate import Candidate
from orchestration.publish.publications import Publication, PublicTable
from orchestration.pull.literals import literal
from orchestration.settings import Settings

_ROWS_AT_ONCE = 10_000


def scan(candidate: Candidate, tables: list[str], settings: Settings) -> list[Verdict]:
    """What is found in the written ``tables`` (`publication.table`): a verdict for each column with personal data.

    Columns in the setting ``impersonal_columns`` are not looked at, nor those of the project's own texts. No verdict holds a value.
    """
    verdicts = []
    for publication in candidate.publications:
        wanted = [table for table in publication.tables if f"{publication.name}.{table.name}" in tables]
        with connect(candidate.database(publication), read_only=True) as con:
            for table in sorted(wanted, key=lambda table: table.name):
                skipped = {*table.of_project, *_impersonal(table, settings)}
                verdicts += _scan_table(con, publication, table.name, skipped)
    return verdicts


def _impersonal(table: PublicTable, settings: Settings) -> set[str]:
    named = (name.partition(".") for name in settings.impersonal_columns)
    return {column for name, _, column in named if name == table.name}


def _scan_table(con: duckdb.DuckDBPyConnection, publication: Publication, table: str, skipped: set[str]) -> list[Verdict]:
    columns = con.execute(
        "select column_name from duckdb_columns() where table_name = ? and data_type = 'VARCHAR' order by column_index",
        [table],
    ).fetchall()
    verdicts = []
    for (column,) in columns:
        if column not in skipped and (found := _rows_by_kind(con, table, column)):
            verdicts.append(_verdict(publication, table, column, found))
    return verdicts


def _rows_by_kind(con: duckdb.DuckDBPyConnection, table: str, column: str) -> Counter[str]:
    """Rows of a column by the kind of personal data in them; each different text is looked at once."""
    is_id = column.endswith("_id")
    look, candidate = partial(finds, is_id=is_id), CANDIDATE_ID if is_id else CANDIDATE
    cursor = con.execute(
        f'select text, rows from (select "{column}" as text, count(*) as rows from "{table}" group by 1) '
        f"where regexp_matches(text, {literal(candidate)})"
    )
    found: Counter[str] = Counter()
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for text, count in rows:
            for kind in look(text):
                found[kind] += count
    return found


def _verdict(publication: Publication, table: str, column: str, found: Counter[str]) -> Verdict:
    kinds = ", ".join(f"{count:,} with {'an' if kind[0] in 'eI' else 'a'} {kind}" for kind, count in sorted(found.items()))
    return Verdict(
        gate=f"published/{publication.name}",
        expectation=f"Column {column} of {table} holds no personal data",
        severity="critical",
        passed=False,
        failed_rows=max(found.values()),
        problem=f"rows of {table}.{column}: {kinds}",
        remedy=f"fix the export or the contract, so that another column fills this one; where its values are nobody's, add "
        f"{table}.{column} to the setting impersonal_columns",
    )
