"""What of a contract does not fit a file's columns: all of it at once, without reading a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import duckdb

from orchestration.check.claiming import close_to
from orchestration.core.connections import connect
from orchestration.core.errors import RefusedFileError
from orchestration.core.literals import identifier
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import by_name, found
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.canonical import require_columns
from orchestration.pull.rows.sifting import sift
from orchestration.pull.rows.values import declare


@dataclass(frozen=True)
class Fault:
    """Something that a contract asks for and a file cannot give."""

    text: str
    #: The column that may be meant.
    near: str | None = None
    #: The column that is not there.
    lacks: str | None = None
    #: What a run does: it stops at a contract whose SQL cannot run, and refuses a file; else the column stays empty.
    stops: bool = False
    refuses: bool = False


class Tables:
    """Empty tables with the columns of files, on which a contract's SQL is tried."""

    def __init__(self) -> None:
        self._con = connect()
        declare(self._con)
        # As in the pull, no statement of a contract reaches a file or an extension.
        self._con.execute("set enable_external_access = false")

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def faults(self, contract: Contract, header: list[str], companions: dict[str, list[str]]) -> list[Fault]:
        """All that is wrong between a contract and a file of this header, what weighs most first."""
        found = list(self._faults(contract, [*header, *_unnamed(contract)], companions))
        if contract.lacking_params:
            # A run refuses the file for want of values before it tries any SQL.
            found = [replace(fault, stops=False, refuses=fault.refuses or fault.stops) for fault in found]
        return sorted(found, key=lambda fault: (not fault.stops, not fault.refuses))

    def _faults(self, contract: Contract, header: list[str], companions: dict[str, list[str]]) -> Iterator[Fault]:
        absent = [name for name in contract.also_reads if name not in companions]
        if absent:
            yield Fault(
                f"the contract also reads {', '.join(absent)} ({', '.join(contract.also_reads[name].name for name in absent)}), "
                "which is not among these files",
                refuses=True,
            )
            return
        kind = all_kinds()[contract.kind]
        present = by_name(header)
        optional = [name for name in contract.optional_columns if name.lower() not in present]
        if (lacks := _refusal(contract.require_params)) is not None:
            yield Fault(f"it {lacks}", refuses=True)
        for name, columns in companions.items():
            self._table(name, columns)
        self._table("file", [*header, *optional])
        is_needed = contract.query is None or not header
        if is_needed and (lacks := _refusal(require_columns, contract, kind, header)) is not None:
            named = {m.source: name for name, m in contract.columns.items() if name in kind.required_columns and m.source}
            read = {found(present, mapping.source) for mapping in contract.columns.values()}
            # A column that is another one's already is not the one that is missing.
            free = [column for column in header if column not in read]
            meant = {
                name: close
                for name, column in named.items()
                if found(present, name) is None and (close := close_to(name, free, kind, column))
            }
            hints = "".join(f"; is {close} its {name}?" for name, close in meant.items())
            yield Fault(f"it {lacks}{hints}", next(iter(meant.values()), None), refuses=True)
        if not header:
            return
        if (error := self._error(f"create or replace temp table mapped as {contract.query or 'select * from file'}")) is not None:
            yield Fault(f"query: {error}", stops=True)
            return
        columns = [str(row[0]) for row in self._con.execute("describe mapped").fetchall()]
        yield from self._of_rows(contract)
        yield from self._of_mappings(contract, [name for name in columns if name not in optional])

    def _of_rows(self, contract: Contract) -> Iterator[Fault]:
        """What says which rows carry a record."""
        try:
            sift(self._con, contract)
        except RefusedFileError as error:
            yield Fault(f"it {error}", refuses=True)
        except duckdb.Error as error:
            yield Fault(f"`where` or `continuation`: {_first_line(error)}", stops=True)
        self._con.execute("drop table if exists flagged")

    def _of_mappings(self, contract: Contract, columns: list[str]) -> Iterator[Fault]:
        present = by_name(columns)
        required = all_kinds()[contract.kind].required_columns if contract.query is None else []
        taken = {found(present, mapping.source) for mapping in contract.mappings}
        free = [name for name in columns if name not in taken]
        mapped: dict[str, Mapping] = {**contract.columns, **({"source": contract.source} if contract.source else {})}
        mapped |= {f"extra.{name}": mapping for name, mapping in contract.extra.items()}
        for name, mapping in mapped.items():
            if mapping.sql is not None and (error := self._error(f"select ({mapping.sql}) from mapped")) is not None:
                yield Fault(f"{name}: {error}", stops=True)
            elif mapping.source and found(present, mapping.source) is None and name not in required:
                near = close_to(mapping.source, free, all_kinds()[contract.kind], name)
                text = f"{name} stays empty: there is no column {mapping.source}{f' (is it {near}?)' if near else ''}"
                yield Fault(text, near, mapping.source)

    def _table(self, name: str, columns: list[str]) -> None:
        listed = ", ".join(f"{identifier(column)} varchar" for column in columns)
        self._con.execute(f"create or replace temp table {identifier(name)} ({listed}{', ' if listed else ''}_row bigint)")

    def _error(self, sql: str) -> str | None:
        """What the database says against a statement; its first line says it."""
        try:
            self._con.execute(sql)
        except duckdb.Error as error:
            return _first_line(error)
        return None


def _unnamed(contract: Contract) -> list[str]:
    """Columns whose names the settings are still to give: in the contract they are called as the parameter is."""
    text = contract.model_dump_json(exclude={"params"})
    return [reference for name in contract.lacking_params if (reference := f"${{{name}}}") in text]


def _first_line(error: duckdb.Error) -> str:
    """What the database says, and the columns that it would know."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    candidates = next((f" ({line})" for line in lines if line.startswith("Candidate bindings")), "")
    return lines[0].removeprefix("Binder Error: ").rstrip(".") + candidates


def _refusal(check: Callable[..., object], *arguments: object) -> str | None:
    """Why the pull would refuse a file; none where it would not."""
    try:
        check(*arguments)
    except RefusedFileError as error:
        return str(error)
    return None
