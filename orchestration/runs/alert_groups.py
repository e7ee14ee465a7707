"""The alerts of a home by cause, as it remembers them: since when, whose, and until when silent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.core import durable

_STATE = "alerts.json"
SEVERITIES = ("critical", "warning", "notice")
NEW, WORSE, GOING_ON, RESOLVED = "new", "worse", "going on", "resolved"


@dataclass(frozen=True)
class Group:
    """What has one cause: the alerts of one measure, policy or table, of the whole or of one member."""

    key: str
    severity: str
    #: The most severe alert, in words, with its value and limit.
    text: str
    #: Ids of its alerts; those of a group that is over are those it had.
    alerts: list[str]
    since: date
    state: str = NEW
    owner: str = ""
    #: Silent before this day.
    snoozed_until: date | None = None
    #: The day of the first version without it.
    resolved_on: date | None = None
    #: Whom a missed target is mostly due to.
    why: str = ""

    def is_snoozed(self, today: date) -> bool:
        return self.snoozed_until is not None and today < self.snoozed_until


@dataclass(frozen=True)
class RememberedGroup:
    """What the home remembers of a group; days as ISO texts."""

    severity: str
    text: str
    alerts: list[str] = field(default_factory=list)
    since: str = ""
    state: str = NEW
    owner: str = ""
    snoozed_until: str | None = None
    resolved_on: str | None = None

    def group(self, key: str) -> Group:
        """What was remembered, as a group."""
        return Group(
            key, self.severity, self.text, self.alerts, date.fromisoformat(self.since), self.state, self.owner,
            day_of(self.snoozed_until), day_of(self.resolved_on),
        )  # fmt: skip


def day_of(text: str | None) -> date | None:
    """A remembered day."""
    return date.fromisoformat(text) if text else None


def remembered_groups(home: Path, today: date) -> list[Group]:
    """The groups as the newest publication of a home left them, by what the home remembers alone."""
    found = [known.group(key) for key, known in known_groups(home).items()]
    return sorted(found, key=lambda group: (group.is_snoozed(today), *urgency(group)))


def urgency(group: Group) -> tuple[int, int]:
    """By which groups are sorted: what has changed first, then the most severe."""
    return (WORSE, NEW, GOING_ON, RESOLVED).index(group.state), SEVERITIES.index(group.severity)


def known_groups(home: Path) -> dict[str, RememberedGroup]:
    """What a home remembers of each group, by its key."""
    path = home / _STATE
    if not path.exists():
        return {}
    kept: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    # What another release remembers beside is of no use here.
    names = {field.name for field in fields(RememberedGroup)}
    return {
        key: RememberedGroup(**{name: value for name, value in state.items() if name in names}) for key, state in kept.items()
    }


def remember(home: Path, groups: Iterable[Group]) -> None:
    """Take these groups for those that there are."""

    def day(value: date | None) -> str | None:
        return value.isoformat() if value else None

    kept = {
        group.key: asdict(
            RememberedGroup(
                group.severity, group.text, group.alerts, group.since.isoformat(), group.state, group.owner,
                day(group.snoozed_until), day(group.resolved_on),
            )
        )
        for group in groups
    }  # fmt: skip
    durable.write_text(home / _STATE, json.dumps(kept, indent=1))
