"""Each shipped contract over an export in its vendor's true form, with invented values: ``tests/contracts/vendors/<contract>/``.

A folder holds export files and ``expected.json``, a list of cases. A case says what becomes of one file under the contract:

- ``file``: the export, beside it; ``../<other contract>/<file>`` where one file feeds two contracts.
- ``rows``: the canonical rows in the order of the file, worked out by hand: every column that has a value, instants in UTC as
  ISO 8601. ``_why`` is for readers.
- ``quarantined``: number of the row -> what its reason says (in part). ``rows_merged``: rows that go on with another's record;
  ``rows_left_out``: rows that carry none.
- ``companions``: table of ``also_reads`` -> its file. ``params``: what the settings give to the contract.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from reading import canonicalise, loaded, read, written
from vendor_cases import CASES, CONTRACTS, VENDORS, Case, _contracts, _loaded, as_texts

from orchestration.pull.contracts.claiming import claims
from orchestration.pull.files.readers import read_header
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.sorting import Origin


def _ids(case: Case) -> str:
    return f"{case.contract}-{case.path.name}"


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_rows(case: Case) -> None:
    result = _loaded(case)
    quarantined = {str(row["_row"]): row["reason"] for row in result.quarantined.to_pylist()}
    assert quarantined.keys() == case.quarantined.keys(), quarantined
    assert [f"{row}: {quarantined[row]}" for row, part in case.quarantined.items() if part not in quarantined[row]] == []
    assert [as_texts(row) for row in result.loaded.to_pylist()] == [
        {name: value for name, value in row.items() if name != "_why"} for row in case.rows
    ]
    assert (result.rows_merged, result.rows_left_out) == (case.rows_merged, case.rows_left_out)


def test_minutes_pass_on_no_clock_that_is_put_forward(tmp_path: Path) -> None:
    """A day after the evening before the clocks went forward is an hour later on them."""
    contract = written(tmp_path, {"zendesk_tickets": {"timezone": "Europe/Berlin"}})["zendesk_tickets"]
    names = [*contract.files.columns, "First reply time in minutes", "First resolution time in minutes"]
    cells = ["1", "7", "solved", "mail", "2026-03-28 20:00", "2026-04-01 10:00", "2026-04-01 10:00", "-", '"1,440"', "1500"]
    path = tmp_path / "tickets.csv"
    path.write_text(f"{','.join(names)}\n{','.join(cells)}\n")
    row = loaded(path, contract).loaded.to_pylist()[0]
    assert row["created_at"] == datetime(2026, 3, 28, 19)
    assert row["first_response_at"] == datetime(2026, 3, 29, 19)
    assert row["first_solved_at"] == datetime(2026, 3, 29, 20)


@pytest.mark.parametrize("reply_date", ["Company Reply Date (UTC)", "Business Reply Date (UTC)", None])
def test_what_only_an_optional_column_says_a_file_without_it_does_not(reply_date: str | None, tmp_path: Path) -> None:
    """Else a file that says nothing of replies would say that there was none."""
    path = tmp_path / "reviews.csv"
    names = ["Review Id", "Review Created (UTC)", "Review Stars", "Review Content", *([reply_date] if reply_date else [])]
    path.write_text(f"{','.join(names)}\nr1,2026-01-03 10:00:00,4,Fine{',' if reply_date else ''}\n")
    contract = CONTRACTS["trustpilot_reviews"]
    content = read(path, path.name, options_of(contract))
    available = canonicalise(content, contract, Origin("test", path.name, 1, contract.name)).available_columns
    assert ("replied_at" in available) == bool(reply_date)
    assert {"review_id", "rating_scale", "source"} <= set(available)


def test_a_file_of_ebay_cannot_say_that_an_order_was_cancelled() -> None:
    """So that no rate of cancellations is counted from it; Shopify's can, and Amazon's order report says nothing but paid."""
    cases = {
        case.contract: case for case in CASES if case.contract in ("ebay_orders", "shopify_orders", "amazon_order_report_orders")
    }
    available = {name: _loaded(case).available_columns for name, case in cases.items()}
    assert {name: "status!cancelled" in columns for name, columns in available.items()} == {
        "ebay_orders": True,
        "shopify_orders": False,
        "amazon_order_report_orders": True,
    }
    assert {name for name in available["ebay_orders"] if "!" in name} == {
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
