"""What the rows of a file say: all that is asked of them in the process that may end over it.

That process imports this module while nobody asks it anything yet; so it imports no more than the rows need.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.check.beside import Beside
from orchestration.check.doubts import doubts
from orchestration.check.facts import column_facts, rejected, rows_to_show, unused, words
from orchestration.pull.jobs import Job
from orchestration.pull.reading import read_job  # noqa: F401  what is asked before


def facts_of(
    job: Job, loaded: Path, rejected_rows: Path, landing: Path, scratch: Path, is_zone_known: bool, as_of: datetime
) -> dict[str, Any]:
    """What the rows of a file say, by the field of a reading."""
    with Beside(job, loaded, rejected_rows, landing, scratch, is_zone_known) as beside:
        rows = rows_to_show(beside)
        return {
            "rejected": rejected(beside),
            "rows_shown": rows,
            "columns": column_facts(beside, rows),
            "words": words(beside),
            "unused": unused(beside),
            "doubts": doubts(beside, as_of),
            "messages": beside.messages,
        }
