"""Values of an API's answers: where they are, which instants they give, and how they are written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

#: Numbers above are milliseconds since 1970, those below seconds.
_MILLISECONDS = 10**11


def dug(value: Any, key: str) -> Any:
    """What is under a dotted key; none where nothing does."""
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def as_line(record: dict[str, Any]) -> bytes:
    """A record as a line of NDJSON, UTF-8."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def with_value(value: dict[str, Any], path: list[str], what: Any) -> dict[str, Any]:
    """A copy of nested objects in which the value at a path is another one."""
    key, *below = path
    return {**value, key: with_value(value.get(key) or {}, below, what) if below else what}


def written(moment: datetime, form: str) -> str | int:
    """An instant as an API wants it; whole seconds."""
    match form:
        case "epoch_seconds":
            return int(moment.timestamp())
        case "epoch_milliseconds":
            return int(moment.timestamp()) * 1000
        case "date":
            return f"{moment:%Y-%m-%d}"
        case "iso_without_zone":
            return f"{moment:%Y-%m-%dT%H:%M:%S}"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def instant_of(value: Any) -> datetime | None:
    """An instant that an API or the state gives, in UTC; without a zone it is in UTC."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_text(value: date | datetime | None) -> str | None:
    """ISO 8601; none for none."""
    return None if value is None else value.isoformat()
