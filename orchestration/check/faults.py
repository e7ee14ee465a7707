"""What of a contract does not fit a file's columns: all of it at once, without reading a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from orchestration.check.claiming import close_to
from orchestration.connections import connect
from orchestration.errors import RefusedFileError
from orchestration.pull.canonical import require_columns
from orchestration.pull.contracts import Contract, Mapping
from orchestration.pull.kinds import all_kinds
from orchestration.pull.literals import identifier
from orchestration.pull.values import declare


@dataclass(frozen=True)
class Fault:
    """Something that a contract asks for and a file cannot give."""

    text: str
    #: The column that may be meant.
    near: str | None = None
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
        return sorted(self._faults(contract, header, companions), key=lambda fault: (not fault.stops, not fault.refuses))

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
        present = {name.lower() for name in header}
        optional = [name for name in contract.optional_columns if name.lower() not in present]
        for name, columns in companions.items():
            self._table(name, columns)
        self._table("file", [*header, *optional])
        if contract.query is None:
            self._con.execute("create or replace temp view mapped as select * from file")
            try:
                require_columns(contract, kind, list(header))
            except RefusedFileError as error:
                lacking: list[str] = [
                    m.source for name, m in contract.columns.items() if name in kind.required_columns and m.source
                ]
                meant = {name: close for name in lacking if name.lower() not in present and (close := close_to(name, header))}
                hints = "".join(f"; is {close} its {name}?" for name, close in meant.items())
                yield Fault(f"it {error}{hints}", next(iter(meant.values()), None), refuses=True)
        elif (told := self._error(f"create or replace temp view mapped as {contract.query}")) is not None:
            yield Fault(f"query: {told}", stops=True)
            return
        columns = [str(row[0]) for row in self._con.execute("describe mapped").fetchall()]
        yield from self._of_mappings(contract, [name for name in columns if name not in optional])

    def _of_mappings(self, contract: Contract, columns: list[str]) -> Iterator[Fault]:
        present = {name.lower() for name in columns}
        required = all_kinds()[contract.kind].required_columns if contract.query is None else []
        taken = {(mapping.source or "").lower() for mapping in contract.columns.values()}
        free = [name for name in columns if name.lower() not in taken]
        mapped: dict[str, Mapping] = {**contract.columns, **({"source": contract.source} if contract.source else {})}
        for name, mapping in mapped.items():
            if mapping.sql is not None and (told := self._error(f"select ({mapping.sql}) from mapped")) is not None:
                yield Fault(f"{name}: {told}", stops=True)
            elif mapping.source and mapping.source.lower() not in present and name not in required:
                near = close_to(mapping.source, free)
                yield Fault(f"{name} stays empty: there is no column {mapping.source}{f' (is it {near}?)' if near else ''}", near)
        if contract.continuation is not None:
            named = " and ".join(f"{identifier(name)} is not null" for name in contract.continuation.of)
            for sql in (contract.continuation.rows, named):
                if (told := self._error(f"select ({sql}) from mapped")) is not None:
                    yield Fault(f"continuation: {told}", stops=True)

    def _table(self, name: str, columns: list[str]) -> None:
        listed = ", ".join(f"{identifier(column)} varchar" for column in columns)
        self._con.execute(f"create or replace temp table {identifier(name)} ({listed}{', ' if listed else ''}_row bigint)")

    def _error(self, sql: str) -> str | None:
        """What the database says against a statement; its first line says it."""
        try:
            self._con.execute(sql)
        except duckdb.Error as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            candidates = next((line for line in lines if line.startswith("Candidate bindings")), "")
            return " ".join(
                [lines[0].removeprefix("Binder Error: ").rstrip("."), f"({candidates})" if candidates else ""]
            ).strip()
        return None
