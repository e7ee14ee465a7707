"""Rows of a kind, as the pull types them."""

from __future__ import annotations

from typing import Any

from reading import Canonical, canonicalise

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import FileMatch, Mapping
from orchestration.pull.files.records import from_records
from orchestration.pull.rows.sorting import Origin

REQUIRED = {
    "tickets": {"ticket_id": "T", "created_at": "2026-06-01T10:00:00Z", "status": "open"},
    "calls": {"call_id": "K", "started_at": "2026-06-01T10:00:00Z"},
    "orders": {"order_id": "O", "ordered_at": "2026-06-01T10:00:00Z", "status": "paid"},
    "ticket_events": {"ticket_id": "T", "event_at": "2026-06-01T10:00:00Z", "event_type": "status_changed"},
}  # fmt: skip


def read(kind: str, rows: list[dict[str, Any]], mappings: dict[str, Mapping] | None = None, **contract: Any) -> Canonical:
    """Rows of a kind, by a contract whose columns are called as the canonical ones."""
    whole = [{**REQUIRED[kind], **row} for row in rows]
    names = dict.fromkeys(name for row in whole for name in row)
    columns = {**{name: Mapping(source=name) for name in names}, **(mappings or {})}
    made = Contract(name="test", kind=kind, files=FileMatch(name="x"), columns=columns, **contract)
    content = from_records(((number, {**dict.fromkeys(names), **row}) for number, row in enumerate(whole, start=2)), [])
    return canonicalise(content, made, Origin("s", "f.csv", 1, "test"))


def values(result: Canonical, column: str) -> list[Any]:
    assert result.quarantined.num_rows == 0, result.quarantined["reason"].to_pylist()
    return result.loaded[column].to_pylist()
