"""A file's rows beside what they became, to be asked by SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.check.masking import Masks, sources_of
from orchestration.core.connections import connect
from orchestration.core.literals import identifier
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import by_name
from orchestration.pull.files.readers import open_rows
from orchestration.pull.home.landing import landed_path
from orchestration.pull.jobs import Job, options_beside, options_of
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.canonical import mark_repeated, put_beside, put_companion
from orchestration.pull.rows.sifting import sift
from orchestration.pull.rows.statement import REPEATED
from orchestration.pull.rows.values import declare, trimmed


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
        said = f"select {self.cells(mapping)} as word from mapped union all select {value} from loaded"
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

    def cells(self, mapping: Mapping) -> str:
        """SQL: the cells that a column is made of, for people."""
        names = sources_of(mapping, self.columns)
        if mapping.value is not None or not names:
            return "cast(null as varchar)"
        if len(names) > 3:
            return self.text(mapping) or "cast(null as varchar)"
        return f"nullif(concat_ws(' | ', {', '.join(f'trim(cast({identifier(name)} as varchar))' for name in names)}), '')"
