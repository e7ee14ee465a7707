"""Which spans of a zone both libraries know alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb


def databases_agree(zone: ZoneInfo, spans: list[tuple[datetime, datetime]]) -> bool:
    """Rules of the newest years differ between releases of the time zone database; that is not ours to test."""
    first, last = min(s for s, _ in spans) - timedelta(days=4), max(e for _, e in spans) + timedelta(days=4)
    rows = duckdb.execute(
        "select moment, moment at time zone 'UTC' at time zone ? from "
        "(select unnest(generate_series(?::timestamp, ?::timestamp, interval 1 day)) as moment)",
        [zone.key, first.replace(tzinfo=None), last.replace(tzinfo=None)],
    ).fetchall()
    return all(moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) == local for moment, local in rows)
