"""A file's rows beside what they became: rejected ones, records, words, and columns that nothing uses."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.check.hints import hint
from orchestration.check.masking import Masks, sources_of
from orchestration.check.report import ColumnFacts, Rejected, Unused, WordFacts
from orchestration.core.connections import connect
from orchestration.core.literals import identifier, literal
from orchestration.core.output import shown
from orchestration.pull.contracts.library import Contract, Mapping
from orchestration.pull.contracts.params import given_to
from orchestration.pull.files.headers import by_name
from orchestration.pull.files.readers import open_rows
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.quarantine import valueless
from orchestration.pull.jobs import Job, options_beside, options_of
from orchestration.pull.kinds import NUMBERS, all_kinds
from orchestration.pull.rows.canonical import mark_repeated, put_beside, put_companion, unknown_columns
from orchestration.pull.rows.sifting import sift
from orchestration.pull.rows.statement import REPEATED
from orchestration.pull.rows.values import declare, trimmed

if TYPE_CHECKING:
    from orchestration.settings import Settings

SHOWN_RECORDS = 5
MAX_REASONS = 12
MAX_VALUES = 4
MAX_WORDS = 30
#: Of more words than these it shows only what an SQL expression made of them.
MAX_SQL_WORDS = 12


class Beside:
    """A file's rows (``file``; ``mapped``, as the contract's query has them), the loaded ones and the rejected ones."""

    def __init__(self, job: Job, loaded: Path, rejected: Path, landing: Path, scratch: Path, is_zone_known: bool) -> None:
        self.contract = job.contract
        self.is_canonical = self.contract.name == f"canonical_{self.contract.kind}"
        #: Does anybody say in which zone clock times are, be it UTC?
        self.is_zone_known = is_zone_known
        self.kind = all_kinds()[self.contract.kind]
        rows = open_rows(landed_path(landing, job.file), job.file.file, options_of(self.contract), scratch)
        self.header = rows.header
        self.con = connect()
        declare(self.con)
        self.con.execute("set TimeZone = 'UTC'")
        put_beside(self.con, "file", rows)
        self.messages = rows.messages
        for name, path in (("loaded", loaded), ("rejected", rejected)):
            self.con.execute(f"create temp table {name} as select * from read_parquet(?)", [str(path)])
        for name in self.contract.also_reads if self.contract.query else ():
            companion = self.contract.also_reads[name]
            options = options_beside(self.contract, name)
            parts = [open_rows(landed_path(landing, file), file.file, options, scratch) for file in job.companions[name]]
            put_companion(self.con, name, parts, companion.key)
        # From here on no statement of the contract can reach a file or an extension.
        self.con.execute("set enable_external_access = false")
        present = {name.lower() for name in rows.header}
        #: Columns that the contract lets a file lack, and this one does.
        self.added = [name for name in self.contract.optional_columns if name.lower() not in present]
        for name in self.added:
            self.con.execute(f"alter table file add column {identifier(name)} varchar")
        self.con.execute(f"create temp table mapped as {self.contract.query or 'select * from file'}")
        if self.contract.query and self.contract.also_reads:
            mark_repeated(self.con)
        self.columns = [name for name in sift(self.con, self.contract).header if name not in ("_row", REPEATED)]
        self.masks = Masks(self.contract, self.kind, [*self.header, *self.columns])
        #: Canonical columns and those that are carried along -> where they come from, and SQL of their values in ``loaded``.
        self.mapped = {
            name: (self.contract.columns[name], identifier(name)) for name in self.kind.columns if name in self.contract.columns
        }
        for name, mapping in self.contract.extra.items():
            self.mapped[f"extra.{name}"] = mapping, f"json_extract_string(extra, '$.{name}')"
        self.masks.words = {name: self._words_of(name) for name in self.mapped if self._holds_words(name)}

    def _holds_words(self, name: str) -> bool:
        column = self.kind.columns.get(name)
        return not column or (column.type in ("one_of", "word", "text") and not (column.is_id and column.name in self.kind.key))

    def _words_of(self, name: str) -> set[str]:
        """Texts that several rows hold in a column, in the file or as values."""
        mapping, value = self.mapped[name]
        said = f"select {self._cells(mapping)} as word from mapped union all select {value} from loaded"
        found = self.all(f"select word from ({said}) where word is not null group by word having count(*) >= 4 limit 500")
        return {word for (word,) in found}

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(values)).fetchall()

    # -- the text of a column in the file --------------------------------------------------------------------------------

    def text(self, mapping: Mapping) -> str | None:
        """SQL over ``mapped``: what is in the file, trimmed; none for columns that are not in it, and for fixed values."""
        if mapping.value is not None or not (mapping.sql or mapping.place_in or sources_of(mapping, self.columns)):
            return None
        return trimmed(mapping, by_name(self.columns), tried=True)

    def _cells(self, mapping: Mapping) -> str:
        """SQL: the cells that a column is made of, for people."""
        names = sources_of(mapping, self.columns)
        if mapping.value is not None or not names:
            return "cast(null as varchar)"
        if len(names) > 3:
            return self.text(mapping) or "cast(null as varchar)"
        return f"nullif(concat_ws(' | ', {', '.join(f'trim(cast({identifier(name)} as varchar))' for name in names)}), '')"

    # -- facts -------------------------------------------------------------------------------------------------------

    def rejected(self) -> list[Rejected]:
        """Rows that are rejected, by reason; the most frequent first."""
        found = self.all(
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
                self._values_of(column, reason),
                hint(self, column, reason) if column else None,
            )
            for (column, reason), (rows, first) in ordered
        ]

    def _values_of(self, column: str | None, reason: str) -> list[tuple[str, int]]:
        """The most frequent cells at which a column failed."""
        mapping = self.contract.columns.get(column or "")
        if column is None or mapping is None or reason == "is required but empty":
            return []
        found = self.all(
            f"with cells as (select _row, {self._cells(mapping)} as cell from mapped), "
            f"failed as (select _row from rejected where {_names(column)} and contains(reason, ?)) "
            "select cell, count(*) from cells inner join failed using (_row) group by cell order by 2 desc, 1 limit ?",
            reason,
            MAX_VALUES,
        )
        merged = Counter[str]()
        for cell, rows in found:
            if (masked := self.masks.cell(column, cell)) is not None:
                merged[masked] += rows
        return merged.most_common()

    def rows_to_show(self) -> list[int]:
        """Numbers of five loaded rows, from the first to the last."""
        ((count,),) = self.all("select count(*) from loaded")
        if not count:
            return []
        last = min(SHOWN_RECORDS, count) - 1
        places = sorted({round(step * (count - 1) / max(last, 1)) for step in range(last + 1)})
        return [row[0] for place in places for row in self.all("select _row from loaded order by _row limit 1 offset ?", place)]

    def column_facts(self, rows: list[int]) -> list[ColumnFacts]:
        """Every column of the kind that is mapped, in its order, and those that are carried along."""
        names = list(self.mapped)
        counted = ", ".join(f"count({value})" for _, value in self.mapped.values())
        ((*filled,),) = self.all(f"select {counted} from loaded")
        cells = ", ".join(f"{self._cells(mapping)} as c_{place}" for place, (mapping, _) in enumerate(self.mapped.values()))
        values = ", ".join(f"cast({value} as varchar) as v_{place}" for place, (_, value) in enumerate(self.mapped.values()))
        looked_at = self.all(
            f"with cells as (select _row, {cells} from mapped where _row in (select unnest(?))), "
            f"typed as (select _row, {values} from loaded) "
            "select cells.* exclude (_row), typed.* exclude (_row) from cells inner join typed using (_row) order by _row",
            rows,
        ) if rows else []  # fmt: skip
        facts = []
        for place, name in enumerate(names):
            pairs = [
                (
                    self.masks.cell(name, row[place]),
                    self.masks.cell(name, _short(row[len(names) + place], self._is_number(name))),
                )
                for row in looked_at
            ]
            facts.append(ColumnFacts(name, self._origin(self.mapped[name][0]), filled[place], pairs))
        return facts

    def _is_number(self, name: str) -> bool:
        return name in self.kind.columns and self.kind.columns[name].type in NUMBERS

    def _origin(self, mapping: Mapping) -> str:
        if mapping.value is not None:
            return f"= {mapping.value}"
        names = sources_of(mapping, self.columns)
        if mapping.place_in:
            return f"place in {', '.join(mapping.place_in)}"
        if mapping.source is not None:
            return shown(mapping.source) if names else f"{shown(mapping.source)} (not in the file)"
        return f"sql of {', '.join(shown(name) for name in names[:2])}{', …' if len(names) > 2 else ''}" if names else "sql"

    def words(self) -> list[WordFacts]:
        """For each column of fixed words what its words became, the most frequent first."""
        found = []
        for name in self.kind.columns:
            mapping = self.contract.columns.get(name)
            column = self.kind.columns[name]
            if mapping is None or (column.type not in ("one_of", "word", "boolean") and not mapping.map):
                continue
            if column.is_personal or (before := self.text(mapping)) is None:
                continue
            if mapping.sql is not None and len(names := sources_of(mapping, self.columns)) == 1:
                before = f"nullif(trim(cast({identifier(names[0])} as varchar)), '')"
            rows = self.all(
                f"with texts as (select _row, {before} as word from mapped), "
                f"said as (select _row, cast({identifier(name)} as varchar) as meant, false as is_rejected from loaded union all "
                f"select _row, null, true from rejected where {_names(name)}) "
                "select word, meant, count(*), is_rejected from texts inner join said using (_row) "
                f"group by all order by 3 desc, 1, 2{'' if mapping.sql else f' limit {MAX_WORDS}'}"
            )
            if mapping.sql is not None and len(rows) > MAX_SQL_WORDS:
                rows = _by_meaning(rows)
            found += [
                WordFacts(name, self.masks.cell(name, word), self.masks.cell(name, value), count, is_rejected)
                for word, meant, count, is_rejected in rows
                for value in (_short(meant, column.type in NUMBERS),)
            ]
        return found

    def unused(self) -> list[Unused]:
        """Columns that nothing uses, the fullest first."""
        names = unknown_columns(self.contract, self.header)
        if not names:
            return []
        ((*filled,),) = self.all(f"select {', '.join(f'count({identifier(name)})' for name in names)} from file")
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
