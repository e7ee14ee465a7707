"""A file's rows beside what they became: rejected ones, records, words, and columns that nothing uses."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from orchestration.check.beside import Beside
from orchestration.check.hints import hint
from orchestration.check.masking import sources_of
from orchestration.check.report import ColumnFacts, Rejected, Unused, WordFacts
from orchestration.core.literals import identifier, literal
from orchestration.core.output import shown
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.contracts.params import given_to
from orchestration.pull.home.quarantine import valueless
from orchestration.pull.kinds import NUMBERS
from orchestration.pull.rows.canonical import unknown_columns

if TYPE_CHECKING:
    from orchestration.settings.model import Settings

SHOWN_RECORDS = 5
MAX_REASONS = 12
MAX_VALUES = 4
MAX_WORDS = 30
#: Of more words than these it shows only what an SQL expression made of them.
MAX_SQL_WORDS = 12


def rejected(beside: Beside) -> list[Rejected]:
    """Rows that are rejected, by reason; the most frequent first."""
    found = beside.all(
        "select column_name, reason, count(*), list(_row order by _row)[:5] from rejected group by all order by min(_row)"
    )
    groups: dict[tuple[str | None, str], tuple[int, list[int]]] = {}
    for columns, reason, rows, first in found:
        for key in _problems(columns, reason):
            so_far, rows_so_far = groups.get(key, (0, []))
            groups[key] = (so_far + rows, sorted([*rows_so_far, *first])[:SHOWN_RECORDS])
    ordered = sorted(groups.items(), key=lambda item: (-item[1][0], item[1][1]))[:MAX_REASONS]
    return [
        Rejected(
            column,
            shown(reason),
            rows,
            first,
            _values_of(beside, column, reason),
            hint(beside, column, reason) if column else None,
        )
        for (column, reason), (rows, first) in ordered
    ]


def _values_of(beside: Beside, column: str | None, reason: str) -> list[tuple[str, int]]:
    """The most frequent cells at which a column failed."""
    mapping = beside.contract.columns.get(column or "")
    if column is None or mapping is None or reason == "is required but empty":
        return []
    found = beside.all(
        f"with cells as (select _row, {beside.cells(mapping)} as cell from mapped), "
        f"failed as (select _row from rejected where {_names(column)} and contains(reason, ?)) "
        "select cell, count(*) from cells inner join failed using (_row) group by cell order by 2 desc, 1 limit ?",
        reason,
        MAX_VALUES,
    )
    merged = Counter[str]()
    for cell, rows in found:
        if (masked := beside.masks.cell(column, cell)) is not None:
            merged[masked] += rows
    return merged.most_common()


def rows_to_show(beside: Beside) -> list[int]:
    """Numbers of five loaded rows, from the first to the last."""
    ((count,),) = beside.all("select count(*) from loaded")
    if not count:
        return []
    last = min(SHOWN_RECORDS, count) - 1
    places = sorted({round(step * (count - 1) / max(last, 1)) for step in range(last + 1)})
    return [row[0] for place in places for row in beside.all("select _row from loaded order by _row limit 1 offset ?", place)]


def column_facts(beside: Beside, rows: list[int]) -> list[ColumnFacts]:
    """Every column of the kind that is mapped, in its order, and those that are carried along."""
    names = list(beside.mapped)
    counted = ", ".join(f"count({value})" for _, value in beside.mapped.values())
    ((*filled,),) = beside.all(f"select {counted} from loaded")
    cells = ", ".join(f"{beside.cells(mapping)} as c_{place}" for place, (mapping, _) in enumerate(beside.mapped.values()))
    values = ", ".join(f"cast({value} as varchar) as v_{place}" for place, (_, value) in enumerate(beside.mapped.values()))
    looked_at = beside.all(
        f"with cells as (select _row, {cells} from mapped where _row in (select unnest(?))), "
        f"typed as (select _row, {values} from loaded) "
        "select cells.* exclude (_row), typed.* exclude (_row) from cells inner join typed using (_row) order by _row",
        rows,
    ) if rows else []  # fmt: skip
    facts = []
    for place, name in enumerate(names):
        pairs = [
            (
                beside.masks.cell(name, row[place]),
                beside.masks.cell(name, _short(row[len(names) + place], _is_number(beside, name))),
            )
            for row in looked_at
        ]
        facts.append(ColumnFacts(name, _origin(beside, beside.mapped[name][0]), filled[place], pairs))
    return facts


def _is_number(beside: Beside, name: str) -> bool:
    return name in beside.kind.columns and beside.kind.columns[name].type in NUMBERS


def _origin(beside: Beside, mapping: Mapping) -> str:
    if mapping.value is not None:
        return f"= {mapping.value}"
    names = sources_of(mapping, beside.columns)
    if mapping.place_in:
        return f"place in {', '.join(mapping.place_in)}"
    if mapping.source is not None:
        return shown(mapping.source) if names else f"{shown(mapping.source)} (not in the file)"
    return f"sql of {', '.join(shown(name) for name in names[:2])}{', …' if len(names) > 2 else ''}" if names else "sql"


def words(beside: Beside) -> list[WordFacts]:
    """For each column of fixed words what its words became, the most frequent first."""
    found = []
    for name in beside.kind.columns:
        mapping = beside.contract.columns.get(name)
        column = beside.kind.columns[name]
        if mapping is None or (column.type not in ("one_of", "word", "boolean") and not mapping.map):
            continue
        if column.is_personal or (before := beside.text(mapping)) is None:
            continue
        if mapping.sql is not None and len(names := sources_of(mapping, beside.columns)) == 1:
            before = f"nullif(trim(cast({identifier(names[0])} as varchar)), '')"
        rows = beside.all(
            f"with texts as (select _row, {before} as word from mapped), "
            f"said as (select _row, cast({identifier(name)} as varchar) as meant, false as is_rejected from loaded union all "
            f"select _row, null, true from rejected where {_names(name)}) "
            "select word, meant, count(*), is_rejected from texts inner join said using (_row) "
            f"group by all order by 3 desc, 1, 2{'' if mapping.sql else f' limit {MAX_WORDS}'}"
        )
        if mapping.sql is not None and len(rows) > MAX_SQL_WORDS:
            rows = _by_meaning(rows)
        found += [
            WordFacts(name, beside.masks.cell(name, word), beside.masks.cell(name, value), count, is_rejected)
            for word, meant, count, is_rejected in rows
            for value in (_short(meant, column.type in NUMBERS),)
        ]
    return found


def unused(beside: Beside) -> list[Unused]:
    """Columns that nothing uses, the fullest first."""
    names = unknown_columns(beside.contract, beside.header)
    if not names:
        return []
    ((*filled,),) = beside.all(f"select {', '.join(f'count({identifier(name)})' for name in names)} from file")
    return sorted((Unused(shown(n), f) for n, f in zip(names, filled, strict=True)), key=lambda one: -one.filled)


def says_its_zone(contract: Contract, settings: Settings) -> bool:
    """The contract itself, the parameter that it asks for, or the setting for files without a contract."""
    if contract.name == f"canonical_{contract.kind}":
        return "exports_timezone" in settings.model_fields_set
    if contract.timezone == "UTC" and "timezone" in contract.params:
        return "timezone" in given_to([contract.name, contract.family or contract.name], settings.contract_params)
    return "timezone" in contract.model_fields_set


def _problems(columns: str | None, reason: str) -> list[tuple[str | None, str]]:
    """The problems of a rejected row, each with its column, without the values."""
    if columns is None:
        return [(None, reason)]
    names = "|".join(map(re.escape, columns.split(", ")))
    parts = re.split(rf"; (?=(?:{names}) )", valueless(reason))
    pairs = [part.partition(" ") for part in parts]
    return list(dict.fromkeys((name, text) for name, _, text in pairs))


def _names(column: str) -> str:
    """SQL over ``rejected``: did the row fail in this column, among others?"""
    return f"list_contains(string_split(column_name, ', '), {literal(column)})"


def _by_meaning(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What SQL made of any words, where these are many."""
    merged = Counter[tuple[str | None, bool]]()
    for _, meant, count, is_rejected in rows:
        merged[meant, is_rejected] += count
    return [(meant, meant, count, is_rejected) for (meant, is_rejected), count in merged.most_common()]


def _short(value: str | None, is_number: bool) -> str | None:
    """A value without the zeros that say nothing."""
    if value is None:
        return None
    if is_number and "." in value:
        return value.rstrip("0").removesuffix(".")
    return value
