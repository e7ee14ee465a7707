"""Read the drafted file by its draft, so that a rule that was wrong shows before a person relies on it."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.core.errors import CxhouseError
from orchestration.draft.drafting import draft
from orchestration.draft.layout import ROWS
from orchestration.draft.parts import Draft
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.readers import open_rows
from orchestration.pull.files.records import Block, Rows
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.canonical import canonicalise
from orchestration.pull.rows.sorting import Origin

#: Shown of each column.
_REASONS = 2


def draft_and_try(path: Path, kind: str | None, name: str | None, timezone: str | None) -> tuple[Draft, int, int]:
    """A draft, with the rows that it loads and rejects: all that is read of a file, in the process that may end over it.

    Raises:
        ConfigurationError, RefusedFileError: see ``draft``.
    """
    made = draft(path, kind, name, timezone)
    loaded, rejected = try_out(made, path)
    key = made.keys["kind"]
    if rejected and not loaded and made.other_kinds and key.doubt is None:
        doubt = f"no row loads as it is: is it another kind? Next come {', '.join(made.other_kinds)}: --kind says which"
        made.keys["kind"] = replace(key, doubt=doubt)
    return made, loaded, rejected


def try_out(made: Draft, path: Path) -> tuple[int, int]:
    """Rows that the draft loads, and rows that it rejects, of the first 20,000; each reason becomes a doubt of its column.

    Of several kinds, the records of all of them.

    Raises:
        ValueError: the draft is no valid contract; a fault of this program.
    """
    done = [_tried(part, path) for part in made.kinds]
    return sum(loaded for loaded, _ in done), sum(rejected for _, rejected in done)


def _tried(made: Draft, path: Path) -> tuple[int, int]:
    contract = Contract.model_validate(made.as_contract())
    rows = open_rows(path, path.name, options_of(contract))
    with tempfile.TemporaryDirectory() as folder:
        loaded, rejected = Path(folder, "loaded.parquet"), Path(folder, "rejected.parquet")
        try:
            done = canonicalise(_first(rows), contract, Origin("draft", path.name, 1, contract.name), loaded, rejected)
        except CxhouseError as error:
            made.doubts.append(f"it does not read its own file: {error}")
            return 0, made.rows
        problems = pq.read_table(rejected, columns=["column_name", "reason"]).to_pylist()
    _note(made, problems, done.rows_read)
    return done.rows_loaded, done.rows_quarantined


def _first(rows: Rows) -> Rows:
    def blocks() -> Iterator[Block]:
        count = 0
        for block in rows.blocks():
            yield Block(block.table.slice(0, ROWS - count), block.broken)
            count += block.table.num_rows
            if count >= ROWS:
                return

    return Rows(rows.header, blocks, rows.messages)


def _note(made: Draft, problems: list[dict[str, str | None]], rows: int) -> None:
    by_column: dict[str, Counter[str]] = {}
    for problem in problems:
        for name in re.split(r", ", problem["column_name"] or ""):
            said = [part for part in (problem["reason"] or "").split("; ") if not name or part.startswith(f"{name} ")]
            by_column.setdefault(name, Counter()).update(said[:1] or [problem["reason"] or ""])
    for name, reasons in by_column.items():
        shown = "; ".join(f"{reason.removeprefix(name).strip()} ({count:,})" for reason, count in reasons.most_common(_REASONS))
        doubt = f"{reasons.total():,} of {rows:,} rows are rejected for it: {shown}"
        entry = made.entries.get(name)
        if entry is None:
            made.doubts.append(f"{reasons.total():,} of {rows:,} rows are rejected: {shown}")
        elif entry.mapping.get("sql") != "null" and reasons.total() > sum(word.rows for word in entry.words if word.doubt):
            entry.doubts.append(doubt)
