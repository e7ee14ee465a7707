"""Words of doubt: what is possible in a file, and looks wrong. Each says what was seen, and what it may come from."""

from __future__ import annotations

from datetime import datetime

from orchestration.check.beside import Beside
from orchestration.check.doubts_of_times import doubts_of_times
from orchestration.check.doubts_of_values import doubts_of_values
from orchestration.check.report import Doubt


def doubts(beside: Beside, as_of: datetime) -> list[Doubt]:
    """All that looks wrong in a file's rows; ``as_of`` in UTC."""
    return [*doubts_of_values(beside), *doubts_of_times(beside, as_of)]
