"""What the contracts of a project carry along (``extra``), as dimensions of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestration.pull.contracts.contract import Contract


def extra_dimensions(contracts: Iterable[Contract]) -> dict[str, dict[str, list[str]]]:
    """``one`` (a record has one value of it) or ``several`` -> kind -> the names that contracts carry for its records, sorted."""
    found: dict[str, dict[str, set[str]]] = {"one": {}, "several": {}}
    for contract in contracts:
        for name, mapping in contract.extra.items():
            found["several" if mapping.split else "one"].setdefault(contract.kind, set()).add(name)
    return {how: {kind: sorted(names) for kind, names in sorted(kinds.items())} for how, kinds in found.items()}


def names_of(dimensions: dict[str, dict[str, list[str]]]) -> list[str]:
    """All names of ``extra_dimensions``, sorted."""
    return sorted({name for kinds in dimensions.values() for names in kinds.values() for name in names})


def split_in_some(contracts: Iterable[Contract]) -> Iterator[tuple[Contract, str]]:
    """Contracts that carry one value of a name of which an earlier one carries several, or the other way round."""
    first: dict[str, bool] = {}
    for contract in contracts:
        for name, mapping in contract.extra.items():
            if first.setdefault(name, bool(mapping.split)) != bool(mapping.split):
                yield contract, name
