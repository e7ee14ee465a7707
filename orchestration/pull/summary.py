"""What became of files, in one line each."""

from __future__ import annotations

from orchestration.pull.collisions import Collisions
from orchestration.pull.ledger import Load
from orchestration.pull.personal import file_shown


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


def rows_and_records(loads: list[Load], files: dict[int, str]) -> list[str]:
    """For each file of these loads its rows and what they became, such as "orders.csv: 4 rows -> 3 orders, 4 order items"."""
    lines: dict[int, list[Load]] = {}
    for load in loads:
        if load.status == "loaded" and load.records is not None:
            lines.setdefault(load.batch, []).append(load)
    return [
        f"{file_shown(files[batch])}: {max(load.rows_read for load in made):,} rows -> "
        + ", ".join(f"{load.records:,} {load.kind.replace('_', ' ')}" for load in made)
        for batch, made in sorted(lines.items())
    ]
