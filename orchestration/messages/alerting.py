"""Alerts as people get them: grouped by cause, each group with an owner and a state, sent once, snoozed by whoever knows of it.

The published table ``alerts`` says what wants attention in a version. What is new of it, what goes on and what is over, is known
from version to version, in the home (``alerts.json``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import none_of
from orchestration.dashboard.alerts import in_words
from orchestration.dashboard.drivers import miss_driver
from orchestration.dashboard.families import family_of
from orchestration.dashboard.kpi import kpis_of
from orchestration.publish.reading import open_published
from orchestration.published.marts import ALL, Marts, Row, View, period_name
from orchestration.runs.alert_groups import (
    GOING_ON,
    NEW,
    RESOLVED,
    SEVERITIES,
    WORSE,
    Group,
    RememberedGroup,
    day_of,
    known_groups,
    remember,
    urgency,
)
from orchestration.runs.alerts import BY_SEVERITY, send
from orchestration.settings.alerting import AlertOwner
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import MARTS_FILE

#: For so many days a group that is over stays in the list.
_REMEMBERED_DAYS = 31
#: A message names the first few; the list has them all.
_NAMED = 10


# -- groups of a version -----------------------------------------------------------------------------------------------


def groups_of(marts: Marts, owners: Sequence[AlertOwner] = ()) -> list[Group]:
    """The open alerts of a version by cause, the most severe first; every one is new as yet."""
    if not marts.has("alerts"):
        return []
    rows = marts.rows(f"select * from alerts where closed_at is null and kind <> 'run' order by {BY_SEVERITY}")
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row)
    return [_group(marts, key, alerts, owners) for key, alerts in found.items()]


def _key(row: Row) -> str:
    """The cause: a measure whatever its statistic, clock and period; a policy; a table of the gates."""
    subject = str(row["subject"])
    if row["kind"] in ("breach", "anomaly"):
        subject = family_of(subject)[0]
    if row["member"] in (None, ALL) or row["kind"] == "policy":
        return subject
    return f"{subject}, {row['dimension']} {row['member']}"


def _group(marts: Marts, key: str, rows: list[Row], owners: Sequence[AlertOwner]) -> Group:
    worst = rows[0]
    owner = next((owner.name for owner in owners if _is_of(owner, rows)), "")
    since = min(row["raised_at"] for row in rows).date()
    return Group(key, worst["severity"], _text(marts, worst), [row["alert_id"] for row in rows], since, owner=owner)


def _is_of(owner: AlertOwner, rows: list[Row]) -> bool:
    """One of the alerts is of the owner's subjects and of the owner's members, where these are given."""
    return any(
        (not owner.subjects or any(fnmatchcase(str(row["subject"]), pattern) for pattern in owner.subjects))
        and (not owner.members or f"{row['dimension']}={row['member']}" in owner.members)
        for row in rows
    )


def _text(marts: Marts, row: Row) -> str:
    words = in_words(marts, row)
    if not words.value:
        return words.what
    period = f" in {period_name(row['grain'], row['period_start'])}" if row["grain"] else ""
    limit = f", {'usual' if row['kind'] == 'anomaly' else 'limit'} {words.limit}" if words.limit else ""
    return f"{words.what}: {words.value}{period}{limit}"


# -- from version to version -------------------------------------------------------------------------------------------


def compared(now: Iterable[Group], known: dict[str, RememberedGroup], today: date) -> list[Group]:
    """The groups of a version with their states, then those that are over; ``known`` is what the version before left.

    A group is new that was not open before, worse where its severity rose, and resolved where no alert of it is left.
    """
    found = []
    for group in now:
        before = known.get(group.key)
        if before is None or before.state == RESOLVED:
            found.append(group)
            continue
        is_worse = SEVERITIES.index(group.severity) < SEVERITIES.index(before.severity)
        found.append(
            replace(
                group,
                state=WORSE if is_worse else GOING_ON,
                since=min(group.since, date.fromisoformat(before.since)),
                snoozed_until=day_of(before.snoozed_until),
            )
        )
    open_now = {group.key for group in found}
    for key, before in known.items():
        resolved_on = day_of(before.resolved_on) or today
        if key not in open_now and today - resolved_on < timedelta(days=_REMEMBERED_DAYS):
            found.append(replace(before.group(key), state=RESOLVED, resolved_on=resolved_on))
    return found


def to_notify(groups: Iterable[Group], known: dict[str, RememberedGroup], today: date) -> list[Group]:
    """What a message says: new groups, worse ones, those over, and those whose snooze is.

    A snoozed group is silent until its day, unless it becomes worse.
    """
    due = []
    for group in groups:
        before = known.get(group.key)
        was_over = before is not None and before.state == RESOLVED
        if group.is_snoozed(today) and group.state != WORSE:
            continue
        is_awake = group.state == GOING_ON and group.snoozed_until is not None
        if group.state in (NEW, WORSE) or (group.state == RESOLVED and not was_over) or is_awake:
            due.append(group)
    return due


def send_new_alerts(settings: Settings) -> list[Group]:
    """Bring the states to the published version, and send what is new, worse or resolved to owners; returns what was worth it."""
    known = known_groups(settings.home)
    with open_published(settings.published / MARTS_FILE) as con:
        marts = Marts(con)
        today = marts.today
        groups = compared(groups_of(marts, settings.alert_owners), known, today)
        due = [replace(group, why=_why(marts, group)) for group in to_notify(groups, known, today)]
    awake = [group if group.is_snoozed(today) else replace(group, snoozed_until=None) for group in groups]
    remember(settings.home, awake)
    for to, owned in _by_recipient(settings, due):
        send(settings, _title(owned), _body(owned), to)
    return due


def listed(settings: Settings) -> tuple[list[Group], date]:
    """The groups as the newest publication left them, and its reporting day."""
    known = known_groups(settings.home)
    with open_published(settings.published / MARTS_FILE) as con:
        marts = Marts(con)
        groups = compared(groups_of(marts, settings.alert_owners), known, marts.today)
        # What is remembered is of this version: its states are what the version brought.
        return [replace(group, state=known[group.key].state) if group.key in known else group for group in groups], marts.today


def snooze(settings: Settings, key: str, until: date | None) -> Group:
    """Keep a group silent before a day; None ends its snooze.

    Raises:
        ConfigurationError: no open group has this key.
    """
    groups, _ = listed(settings)
    still = {group.key: group for group in groups if group.state != RESOLVED}
    if key not in still:
        raise ConfigurationError(none_of(key, list(still), "open group of alerts "))
    snoozed = replace(still[key], snoozed_until=until)
    remember(settings.home, [snoozed if group.key == key else group for group in groups])
    return snoozed


def _why(marts: Marts, group: Group) -> str:
    """Whom a missed target of the whole is mostly due to, in the newest month."""
    if group.state == RESOLVED or group.key not in marts.definitions:
        return ""
    kpi = kpis_of(marts, View(), group.key)[group.key]
    return miss_driver(marts, kpi) if kpi.status == "breach" else ""


# -- messages ----------------------------------------------------------------------------------------------------------


def _by_recipient(settings: Settings, due: list[Group]) -> list[tuple[list[str], list[Group]]]:
    """To whom which groups go: those of an owner with addresses to these, all others to ``notify``."""
    addresses = {owner.name: owner.to for owner in settings.alert_owners}
    by_owner: dict[str, list[Group]] = {}
    for group in due:
        by_owner.setdefault(group.owner if addresses.get(group.owner) else "", []).append(group)
    return [(addresses.get(name) or settings.notify, groups) for name, groups in by_owner.items()]


def _title(groups: list[Group]) -> str:
    counts = {state: sum(group.state == state for group in groups) for state in (NEW, WORSE, GOING_ON, RESOLVED)}
    return f"cxhouse alerts: {', '.join(f'{count} {state}' for state, count in counts.items() if count)}"


def _body(groups: list[Group]) -> str:
    shown = sorted(groups, key=urgency)
    lines = []
    for group in shown[:_NAMED]:
        owner = f" ({group.owner})" if group.owner else ""
        more = f" And {len(group.alerts) - 1} more of the same." if len(group.alerts) > 1 and group.state != RESOLVED else ""
        what = group.state if group.state == RESOLVED else f"{group.state}, {group.severity}"
        lines.append(f"- {what}{owner}: {group.text}.{f' {group.why}' if group.why else ''}{more}")
    if len(shown) > _NAMED:
        lines.append(f"- and {len(shown) - _NAMED} more: cxhouse alerts")
    return "\n".join([*lines, "Each with the query of its cases: table alerts. To keep one silent: cxhouse alerts snooze."])
