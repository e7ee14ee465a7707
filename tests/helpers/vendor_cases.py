"""The shipped contracts, and their fixtures in `tests/contracts/vendors/`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from reading import Canonical, canonicalise, read

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import LINEAGE
from orchestration.pull.rows.sorting import Origin

VENDORS = Path(__file__).parents[1] / "contracts" / "vendors"


CONTRACTS = {contract.name: contract for contract in load_contracts(None)}


@dataclass(frozen=True)
class Case:
    """What becomes of one file under one contract."""

    contract: str
    file: str
    rows: list[dict[str, Any]]
    quarantined: dict[str, str] = field(default_factory=dict)
    rows_merged: int = 0
    rows_left_out: int = 0
    companions: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return (VENDORS / self.contract / self.file).resolve()


def _cases() -> list[Case]:
    found = []
    for path in sorted(VENDORS.glob("*/expected.json")):
        text = path.read_text(encoding="utf-8")
        found += [Case(path.parent.name, **case) for case in json.loads(text, parse_float=Decimal)]
    return found


CASES = _cases()


ALL_PARAMS: dict[str, dict[str, Any]] = {}


for _case in CASES:
    if _case.params:
        ALL_PARAMS.setdefault(CONTRACTS[_case.contract].family or _case.contract, _case.params)


def _contracts(cases: list[Case]) -> dict[str, Contract]:
    """The shipped contracts, with the settings that cases give to theirs."""
    params = {CONTRACTS[case.contract].family or case.contract: case.params for case in cases if case.params}
    bases = {CONTRACTS[case.contract].extends for case in cases}
    if params and not bases & ALL_PARAMS.keys() and all(ALL_PARAMS[name] == given for name, given in params.items()):
        # One set for all: to read every contract takes a second.
        params = ALL_PARAMS
    return {contract.name: contract for contract in load_contracts(None, params)}


def _loaded(case: Case) -> Canonical:
    contract = _contracts([case])[case.contract]
    contract.require_params()
    paths = {name: (VENDORS / case.contract / file).resolve() for name, file in case.companions.items()}
    assert set(paths) == set(contract.also_reads)
    others = {name: read(path, path.name, options_of(contract.also_reads[name])) for name, path in paths.items()}
    assert all(contract.also_reads[name].claims(paths[name].name, other.header) for name, other in others.items())
    content = read(case.path, case.path.name, options_of(contract))
    return canonicalise(content, contract, Origin("test", case.path.name, 1, contract.name), others)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return Decimal(repr(value)) if isinstance(value, float) else value


def as_texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if value is not None and name not in LINEAGE}
