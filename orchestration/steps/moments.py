"""Dates that do not go together: of the run, of the one before, and of the machine's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from orchestration.pull.home.ledger import Ledger
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings

#: Clocks may differ by so much.
_SLACK = timedelta(minutes=5)


def odd_moments(settings: Settings, before: RunRecord | None, ledger: Ledger) -> Iterator[str]:
    """What of a run's date, or of the clock, its figures are to be read with; ``before`` is the record of the last run."""
    now = datetime.now(UTC)
    as_of = settings.as_of_instant().replace(tzinfo=UTC)
    if as_of > now + _SLACK:
        yield f"the run speaks of {as_of:%Y-%m-%d %H:%M} UTC, which is yet to come: what is open counts as open until then"
    if before is not None and before.as_of and as_of < (last := _instant(before.as_of)) - _SLACK:
        yield (
            f"the run speaks of {as_of:%Y-%m-%d %H:%M} UTC, and the one before spoke of {last:%Y-%m-%d %H:%M}: "
            "what was known later is left out"
        )
    known = [file.landed_at for file in ledger.landed()[-1:]] + ([before.started_at] if before is not None else [])
    if known and (latest := max(map(_instant, known))) > now + _SLACK:
        yield (
            f"the clock of this machine says {now:%Y-%m-%d %H:%M} UTC, and this home has files or runs of "
            f"{latest:%Y-%m-%d %H:%M}: set the clock, or name the date with --as-of"
        )


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
