"""Each shipped contract over an export in its vendor's true form, with invented values: ``tests/vendors/<contract>/``.

A folder holds export files and ``expected.json``, a list of cases. A case says what becomes of one file under the contract:

- ``file``: the export, beside it; ``../<other contract>/<file>`` where one file feeds two contracts.
- ``rows``: the canonical rows in the order of the file, worked out by hand: every column that has a value, instants in UTC as
  ISO 8601. ``_why`` is for readers.
- ``quarantined``: number of the row -> what its reason says (in part). ``rows_merged``: rows that go on with another's record;
  ``rows_left_out``: rows that carry none.
- ``companions``: table of ``also_reads`` -> its file. ``params``: what the settings give to the contract.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reading import Canonical, canonicalise, read

from orchestration.pull.contracts import Contract, claims, load_contracts
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import LINEAGE
from orchestration.pull.params import require_params
from orchestration.pull.readers import read_header
from orchestration.pull.sorting import Origin

VENDORS = Path(__file__).with_name("vendors")
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


def _ids(case: Case) -> str:
    return f"{case.contract}-{case.path.name}"


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
    require_params(contract)
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


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if value is not None and name not in LINEAGE}


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_rows(case: Case) -> None:
    result = _loaded(case)
    quarantined = {str(row["_row"]): row["reason"] for row in result.quarantined.to_pylist()}
    assert quarantined.keys() == case.quarantined.keys(), quarantined
    assert [f"{row}: {quarantined[row]}" for row, part in case.quarantined.items() if part not in quarantined[row]] == []
    assert [_told(row) for row in result.loaded.to_pylist()] == [
        {name: value for name, value in row.items() if name != "_why"} for row in case.rows
    ]
    assert (result.rows_merged, result.rows_left_out) == (case.rows_merged, case.rows_left_out)


@pytest.mark.parametrize("reply_date", ["Company Reply Date (UTC)", "Business Reply Date (UTC)", None])
def test_what_only_an_optional_column_tells_a_file_without_it_does_not(reply_date: str | None, tmp_path: Path) -> None:
    """Else a file that says nothing of replies would say that there was none."""
    path = tmp_path / "reviews.csv"
    names = ["Review Id", "Review Created (UTC)", "Review Stars", "Review Content", *([reply_date] if reply_date else [])]
    path.write_text(f"{','.join(names)}\nr1,2026-01-03 10:00:00,4,Fine{',' if reply_date else ''}\n")
    contract = CONTRACTS["trustpilot_reviews"]
    content = read(path, path.name, options_of(contract))
    told = canonicalise(content, contract, Origin("test", path.name, 1, contract.name)).told_columns
    assert ("replied_at" in told) == bool(reply_date)
    assert {"review_id", "rating_scale", "source"} <= set(told)


def test_a_file_of_ebay_cannot_say_that_an_order_was_cancelled() -> None:
    """So that no rate of cancellations is counted from it; Shopify's can, and Amazon's order report says nothing but paid."""
    cases = {
        case.contract: case for case in CASES if case.contract in ("ebay_orders", "shopify_orders", "amazon_order_report_orders")
    }
    told = {name: _loaded(case).told_columns for name, case in cases.items()}
    assert {name: "status!cancelled" in columns for name, columns in told.items()} == {
        "ebay_orders": True,
        "shopify_orders": False,
        "amazon_order_report_orders": True,
    }
    assert {name for name in told["ebay_orders"] if "!" in name} == {
        f"status!{word}" for word in ("delivered", "cancelled", "returned", "refunded")
    }


FILES = sorted({case.path for case in CASES})


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_each_file_is_read_by_its_own_contracts(path: Path) -> None:
    """As the pull asks, and whatever comes first in the alphabet: no two contracts of one kind claim it."""
    header = read_header(path, path.name)
    cases = [case for case in CASES if case.path == path]
    expected = {case.contract for case in cases}
    every = list(_contracts(cases).values())
    chosen = claims(path.name, header, every, lambda contract: read_header(path, path.name, options_of(contract)))
    assert {contract.name for contract in chosen} == expected
    claiming = set()
    for contract in every:
        alone = claims(path.name, header, [contract], lambda contract: read_header(path, path.name, options_of(contract)))
        claiming |= {found.name for found in alone if found.name == contract.name}
    assert claiming == expected


def test_every_shipped_contract_has_a_fixture() -> None:
    elsewhere = (Path(__file__).with_name("test_shipped_contracts.py")).read_text(encoding="utf-8")
    covered = {case.contract for case in CASES}
    assert [name for name in CONTRACTS if name not in covered and f'loaded("{name}"' not in elsewhere] == []
    assert sorted(folder.name for folder in VENDORS.iterdir() if folder.name not in covered) == []


def test_every_shipped_contract_names_its_vendor() -> None:
    assert [name for name, contract in CONTRACTS.items() if not contract.vendor or not contract.description] == []
