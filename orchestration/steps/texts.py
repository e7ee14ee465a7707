"""Texts as a step: scored, and their topics found, from the staging tables, before the facts are built on it."""

from __future__ import annotations

from orchestration.steps.run import Run
from orchestration.texts.sources import TABLES
from orchestration.texts.step import score_texts

#: Who wrote them.
_AUTHORS = ("conformed.int_call_legs", "conformed.int_record_customers")


def read_texts(run: Run) -> dict[str, int]:
    """Score the texts that are new, find topics, and write the tables that the models read; returns their rows."""
    wanted = [*(f"staging.{name}" for name in TABLES), *_AUTHORS]
    with run.current.timed("texts"), run.warehouse.tables(wanted) as con:
        return score_texts(run.settings, con, run.progress)
