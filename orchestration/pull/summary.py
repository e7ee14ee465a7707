"""What became of a file, in one line."""

from __future__ import annotations

from orchestration.pull.collisions import Collisions
from orchestration.pull.home.ledger import Load


def what_became(file: str, load: Load, found: Collisions) -> str:
    """What became of a file's rows, in one line."""
    kind = load.kind.replace("_", " ")
    parts = [f"{file}: {load.rows_read:,} rows -> {found.records:,} {kind}"]
    if load.rows_merged:
        parts.append(f"{load.rows_merged:,} rows carry no record of their own")
    if found.repeated:
        parts.append(f"{found.repeated:,} rows repeat another one word for word")
    if load.rows_loaded - found.records - found.repeated > 0:
        parts.append(f"{load.rows_loaded - found.records - found.repeated:,} rows are other versions of a record")
    return "; ".join(parts)
