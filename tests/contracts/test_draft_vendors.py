"""Drafts of vendors' exports, as if no contract of theirs were shipped: each is a contract, of the right kind or marked, and
each value that it reads otherwise than the shipped contract is behind a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from reading import canonicalise, read
from vendor_cases import CASES, CONTRACTS, VENDORS, Case, _loaded, _plain

from orchestration.draft.drafting import draft
from orchestration.draft.parts import Draft, Entry
from orchestration.draft.trial import draft_and_try
from orchestration.draft.writing import text
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.readers import file_format
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import NUMBERS, TIMES, all_kinds
from orchestration.pull.rows.sorting import Origin

#: File -> the kinds that its shipped contracts make of it.
KINDS: dict[Path, set[str]] = {}
for case in CASES:
    KINDS.setdefault(case.path, set()).add(CONTRACTS[case.contract].kind)
DRAFTED = [case for case in CASES if file_format(case.path.name)]
#: Columns in which a draft says more than the shipped contract, and nothing else.
MORE = {
    ("amazon_connect_calls", "channel"): "a call without a channel is one by phone",
    ("genesys_cloud_interactions", "channel"): "a call without a channel is one by phone",
    ("freshdesk_tickets", "topic"): "Freshservice's category, which Freshdesk does not have",
    ("freshdesk_api_tickets", "escalated"): "Freshdesk's rule of who is notified, which is no other tier or group",
    ("trustpilot_api_reviews", "customer_id"): "Trustpilot's number of a consumer, which no other system has",
    ("osticket_tickets", "is_merged"): "0 in every row of the fixture; the vendor's other words are not known",
    ("ebay_uk_orders", "customer_email"): "eBay's alias of a buyer, which no other system has",
    ("zendesk_tickets", "order_id"): "a custom field, by a parameter of the shipped contract that the case does not give",
}


@dataclass(frozen=True)
class Other:
    """A value that a draft reads otherwise."""

    row: int
    column: str
    drafted: Any
    shipped: Any
    is_marked: bool


def _is_marked(made: Draft, entry: Entry, cell: str | None) -> bool:
    """Stands a `check` at the column's line, at the line of this cell's word, or at the key that all such columns hang on?"""
    if entry.doubts:
        return True
    for word in entry.words:
        if word.written == (cell or "").strip() and (word.doubt or (word.value is None and not word.is_missing)):
            return True
    column_type = all_kinds()[made.kind].columns[entry.column].type
    keys = [made.keys.get("timezone")] if column_type in TIMES else [made.keys.get("decimal")] if column_type in NUMBERS else []
    return any(key is not None and key.doubt for key in keys)


def others(case: Case, made: Draft) -> tuple[list[Other], int]:
    """What a draft reads otherwise than the shipped contract, and how many values it reads alike."""
    contract = Contract.model_validate(made.as_contract())
    content = read(case.path, case.path.name, options_of(contract))
    cells = {row["_row"]: row for row in content.table.to_pylist()}
    shipped = {row["_row"]: row for row in _loaded(case).loaded.to_pylist()}
    found, alike = [], 0
    for row in canonicalise(content, contract, Origin("x", case.path.name, 1, contract.name)).loaded.to_pylist():
        number = row["_row"]
        if number not in shipped:
            continue
        for name, entry in made.entries.items():
            mine, its = _plain(row[name]), _plain(shipped[number][name])
            if mine == its or _is_the_same(name, mine, its, row):
                alike += mine is not None
                continue
            cell = cells[number].get(entry.looks.seen.name) if entry.looks else None
            found.append(Other(number, name, mine, its, _is_marked(made, entry, cell)))
    return found, alike


def _is_the_same(name: str, mine: Any, its: Any, row: dict[str, Any]) -> bool:
    """Parts of a second, the scale of no answer, what nobody says is gone, versions that are ordered by arrival."""
    if name.endswith("_at") and mine is not None and its is not None:
        return bool(mine[:19] == its[:19])
    if name.endswith("_scale"):
        return row[{"csat_scale": "csat_score", "rating_scale": "rating"}[name]] is None
    if name == "is_deleted":
        return not mine and not its
    return name == "updated_at" and its is None


@pytest.mark.parametrize("case", DRAFTED, ids=lambda case: f"{case.contract}-{case.path.name}")
def test_what_a_draft_reads_otherwise_is_marked(case: Case) -> None:
    made = draft(case.path, CONTRACTS[case.contract].kind)
    found, _ = others(case, made)
    unmarked = [one for one in found if not one.is_marked and (case.contract, one.column) not in MORE]
    assert unmarked == [], text(made, "next", 0, 0)


def test_a_draft_reads_most_values_as_the_shipped_contract() -> None:
    """What is marked everywhere is never wrong, and of no use."""
    sure = ("freshdesk_tickets", "etsy_orders", "surveymonkey_responses", "ringcentral_calls")
    cases = [case for case in DRAFTED if case.contract in sure]
    read_so = [others(case, draft(case.path, CONTRACTS[case.contract].kind)) for case in cases]
    assert sum(alike for _, alike in read_so) > 2 * sum(len(found) for found, _ in read_so)


@pytest.mark.parametrize("path", sorted({case.path for case in DRAFTED}), ids=lambda path: str(path.relative_to(VENDORS)))
def test_a_vendors_export(path: Path) -> None:
    made, load, reject = draft_and_try(path, None, None, None)
    written = yaml.safe_load(text(made, "next", load, reject))
    kinds = written.pop("kinds", {written.get("kind"): {}})
    contracts = [Contract.model_validate({"kind": kind, **written, **part}) for kind, part in kinds.items()]
    # A file of items may hold its orders too, whose shipped contract reads another file.
    assert {contract.kind for contract in contracts} & KINDS[path] or made.keys["kind"].doubt
    assert load + reject > 0
    # What a draft does not read is asked about.
    assert (
        not reject
        or made.doubts
        or any(entry.doubts or any(word.doubt for word in entry.words) for entry in made.entries.values())
    )
