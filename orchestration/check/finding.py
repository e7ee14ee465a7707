"""What the rows of a file say: all that is asked of them in the process that may end over it.

That process imports this module while nobody asks it anything yet; so it imports no more than the rows need.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.check.doubts import doubts
from orchestration.check.facts import Beside
from orchestration.pull.jobs import Job
from orchestration.pull.reading import read_job  # what is asked before

__all__ = ["facts_of", "read_job"]


def facts_of(
    job: Job, loaded: Path, rejected: Path, landing: Path, scratch: Path, is_zone_known: bool, as_of: datetime
) -> dict[str, Any]:
    """What the rows of a file say, by the field of a reading."""
    with Beside(job, loaded, rejected, landing, scratch, is_zone_known) as beside:
        rows = beside.rows_to_show()
        return {
            "rejected": beside.rejected(),
            "rows_shown": rows,
            "columns": beside.column_facts(rows),
            "words": beside.words(),
            "unused": beside.unused(),
            "doubts": doubts(beside, as_of),
            "messages": beside.messages,
        }
