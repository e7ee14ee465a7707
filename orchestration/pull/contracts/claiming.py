"""Which contract reads which file."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import FileMatch, Mapping
from orchestration.pull.files.readers import file_format
from orchestration.pull.kinds import Kind, all_kinds


def canonical(kind: Kind, header: list[str], timezone: str = "UTC", source: str | None = None) -> Contract:
    """The contract of a file that already carries the canonical names (those that it has)."""
    present = {column.strip().lower(): column for column in header}
    columns = {name: Mapping(source=present[name]) for name in kind.columns if name in present}
    for name in kind.required_columns:
        columns.setdefault(name, Mapping(source=name))
    return Contract(
        name=f"canonical_{kind.name}",
        kind=kind.name,
        files=FileMatch(name=f"{kind.name}*", columns=list(kind.required_columns)),
        timezone=timezone,
        source=Mapping(value=source) if source else None,
        columns=columns,
    )


def _canonical_kind(file_name: str) -> Kind | None:
    """The kind whose name the file's name starts with; the longest, so that ticket_events.csv is not tickets."""
    base_name = file_name.rpartition("/")[2].lower()
    for name in sorted(all_kinds(), key=len, reverse=True):
        if re.match(rf"{name}(?![a-z])", base_name):
            return all_kinds()[name]
    return None


def _may_look_different(file_name: str, header: list[str], contract: Contract) -> bool:
    """May a contract find another header in a file than who does not know it? To look costs a reading of the file."""
    if file_format(file_name) not in ("json", "ndjson"):
        return contract.has_form_of_its_own
    # Whose list of records is found without being named has no other one to name.
    return bool(contract.encoding or (contract.records and not header))


def claims(
    file_name: str,
    header: list[str],
    contracts: list[Contract],
    header_by: Callable[[Contract], list[str]] = lambda _: [],
    timezone: str = "UTC",
    source: str | None = None,
) -> list[Contract]:
    """The contracts that read a file: for each kind the first that claims it; else the canonical one by its name.

    ``header_by`` reads the header as a contract says that it is written (encoding, delimiter, sheet); ``timezone`` and
    ``source`` are those of files that need no contract.
    """
    by_kind: dict[str, list[Contract]] = {}

    def take(contract: Contract) -> None:
        """For each kind the first contract; further ones of its family make further records of a row."""
        first = by_kind.setdefault(contract.kind, [contract])[0]
        if first is not contract and contract.family and contract.family == first.family:
            by_kind[contract.kind].append(contract)

    for contract in contracts:
        claimed = contract.files.claims(file_name, header) or (
            _may_look_different(file_name, header, contract)
            and contract.files.matches_name(file_name)
            and contract.files.claims(file_name, header_by(contract))
        )
        if claimed:
            take(contract)
    if by_kind:
        return list(chain.from_iterable(by_kind.values()))
    kind = _canonical_kind(file_name)
    own = canonical(kind, header, timezone, source) if kind else None
    if file_format(file_name) in ("csv", "xlsx") and not (own and own.files.claims(file_name, header)):
        # Something may be above the header: each contract knows its own by the columns.
        for contract in contracts:
            if contract.files.columns and contract.files.claims(file_name, header_by(contract)):
                take(contract)
        below = header_by(own) if kind and own else []
        if kind and not by_kind and own and own.files.claims(file_name, below):
            own = canonical(kind, below, timezone, source)
    return list(chain.from_iterable(by_kind.values())) or ([own] if own else [])
