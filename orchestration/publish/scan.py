"""The last gate: no text that is about to be published holds what leads to somebody."""

from __future__ import annotations

from collections import Counter
from functools import partial

import duckdb

from orchestration.core.connections import connect
from orchestration.core.literals import identifier, literal
from orchestration.core.personal_data import CANDIDATE, CANDIDATE_ID, COMPUTED_KEY, finds
from orchestration.gates.check_results import CheckResult
from orchestration.publish.candidate import Candidate
from orchestration.publish.publications import Publication, PublicTable
from orchestration.settings.model import Settings

_ROWS_AT_ONCE = 10_000


def scan(candidate: Candidate, tables: list[str], settings: Settings) -> list[CheckResult]:
    """What is found in the written ``tables`` (`publication.table`): a check result for each column with personal data.

    Of a table whose changed rows were replaced these are looked at: the others were, when they were published. Columns in the
    setting ``impersonal_columns`` are not looked at, nor the project's own texts. No check result holds a value.
    """
    check_results = []
    for publication in candidate.publications:
        wanted = [table for table in publication.tables if f"{publication.name}.{table.name}" in tables]
        with connect(candidate.database(publication), read_only=True) as con:
            for table in sorted(wanted, key=lambda table: table.name):
                new_rows = candidate.new_rows(publication, table.name)
                rows = f"read_parquet({literal(str(new_rows))})" if new_rows.exists() else identifier(table.name)
                check_results += _scan_table(con, publication, table, rows, settings)
    return check_results


def _scan_table(
    con: duckdb.DuckDBPyConnection, publication: Publication, table: PublicTable, rows: str, settings: Settings
) -> list[CheckResult]:
    """What is found in these ``rows`` of the table, which is SQL to select from."""
    query = "select column_name from duckdb_columns() where table_name = ? and data_type = 'VARCHAR' order by column_index"
    columns = [
        column
        for (column,) in con.execute(query, [table.name]).fetchall()
        if column not in table.of_project and f"{table.name}.{column}" not in settings.impersonal_columns
    ]
    check_results = []
    for column in _suspicious(con, rows, columns):
        if found := _rows_by_kind(con, rows, column):
            check_results.append(_check_result(publication, table.name, column, found))
    return check_results


def _suspicious(con: duckdb.DuckDBPyConnection, rows: str, columns: list[str]) -> list[str]:
    """The columns with a text that may hold something, in one look at the rows."""
    if not columns:
        return []
    looks = ", ".join(f"bool_or({_is_candidate(column)})" for column in columns)
    (found,) = con.execute(f"select {looks} from {rows}").fetchall()
    return [column for column, is_suspicious in zip(columns, found, strict=True) if is_suspicious]


def _is_candidate(column: str) -> str:
    found = f'regexp_matches("{column}", {literal(CANDIDATE_ID if _is_id(column) else CANDIDATE)})'
    return f'{found} and not regexp_full_match("{column}", {literal(COMPUTED_KEY)})'


def _is_id(column: str) -> bool:
    return column.endswith("_id")


def _rows_by_kind(con: duckdb.DuckDBPyConnection, rows: str, column: str) -> Counter[str]:
    """Rows of a column by the kind of personal data in them; each different text is looked at once."""
    look = partial(finds, is_id=_is_id(column))
    cursor = con.execute(f'select "{column}", count(*) from {rows} where {_is_candidate(column)} group by 1')
    found: Counter[str] = Counter()
    while texts := cursor.fetchmany(_ROWS_AT_ONCE):
        for text, count in texts:
            for kind in look(text):
                found[kind] += count
    return found


def _check_result(publication: Publication, table: str, column: str, found: Counter[str]) -> CheckResult:
    kinds = ", ".join(f"{count:,} with {'an' if kind[0] in 'eI' else 'a'} {kind}" for kind, count in sorted(found.items()))
    return CheckResult(
        gate=f"published/{publication.name}",
        expectation=f"Column {column} of {table} holds no personal data",
        severity="critical",
        passed=False,
        failed_rows=max(found.values()),
        problem=f"rows of {table}.{column}: {kinds}",
        remedy=f"fix the export or the contract, so that another column fills this one; where its values are nobody's, add "
        f"{table}.{column} to the setting impersonal_columns",
    )
