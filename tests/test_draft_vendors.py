"""Drafts of vendors' exports, as if no contract of theirs were shipped: each is a contract, of the right kind or marked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from test_vendors import CASES, CONTRACTS, VENDORS

from orchestration.draft.drafting import draft
from orchestration.draft.trial import try_out
from orchestration.draft.writing import text
from orchestration.pull.contracts import Contract
from orchestration.pull.readers import file_format

#: File -> the kinds that its shipped contracts make of it.
KINDS: dict[Path, set[str]] = {}
for case in CASES:
    KINDS.setdefault(case.path, set()).add(CONTRACTS[case.contract].kind)
FILES = sorted(path for path in KINDS if file_format(path.name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(VENDORS)))
def test_a_vendors_export(path: Path) -> None:
    made = draft(path)
    load, reject = try_out(made, path)
    contract = Contract.model_validate(yaml.safe_load(text(made, "next", load, reject)))
    assert contract.kind in KINDS[path] or made.keys["kind"].doubt
    assert load + reject > 0
    # What a draft does not read is asked about.
    assert (
        not reject
        or made.doubts
        or any(entry.doubts or any(word.doubt for word in entry.words) for entry in made.entries.values())
    )
