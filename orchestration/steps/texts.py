"""The sentiment of texts as a step: scored from the staging tables, before the facts are built on it."""

from __future__ import annotations

from orchestration.steps.run import Run
from orchestration.texts.sources import TABLES
from orchestration.texts.step import score_texts


def read_texts(run: Run) -> dict[str, int]:
    """Score the texts that are new, and write the tables that the models read; returns their rows."""
    with run.current.timed("texts"), run.warehouse.tables(f"staging.{name}" for name in TABLES) as con:
        return score_texts(run.settings, con, run.progress)
