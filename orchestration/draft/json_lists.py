"""Which list of a JSON file holds the records, where it has several, or one below the top."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.core.limits import limits
from orchestration.pull.files.unpacking import open_bytes

#: Lists are looked for so far below the top.
_DEEP = 3


def list_of_records(path: Path) -> tuple[str, list[str]] | None:
    """The key (dotted) of the largest list of objects, and those of the others; none where the reader finds it by itself."""
    with open_bytes(path, path.name) as stream:
        data = stream.read(limits().json)
    try:
        top = json.loads(data)
    except ValueError:
        # Objects one after the other; or no JSON, which reading will say.
        return None
    if not isinstance(top, dict):
        return None
    found = dict(_lists(top, "", 1))
    if len([key for key in top if key in found]) == 1 or not found:
        return None
    best = max(found, key=lambda key: found[key])
    return best, [key for key in found if key != best]


def _lists(holder: dict[str, Any], above: str, depth: int) -> Iterator[tuple[str, int]]:
    """Each list of objects, and how many values its objects have."""
    for key, value in holder.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield above + key, sum(len(item) for item in value)
        elif isinstance(value, dict) and depth < _DEEP:
            yield from _lists(value, f"{above}{key}.", depth + 1)
