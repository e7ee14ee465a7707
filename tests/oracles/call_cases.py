"""Cases of the menu, of calls back and of consultations, from raw rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from independent import CAME_TO_AGENTS, Company, Row
from support_cases import Cases

COMES_BACK_WITHIN = timedelta(days=7)
RETURNED_WITHIN = timedelta(hours=24)


def contained(c: Company) -> Cases:
    for k in c.menu_calls:
        yield k["started_at"], True
    for k in c.calls:
        if k["ivr_seconds"]:
            yield k["started_at"], False


def falsely_contained(c: Company) -> Cases:
    came: dict[str | None, list[datetime]] = defaultdict(list)
    for t in c.tickets:
        if t["counts"]:
            came[c.person(t)].append(t["created_at"])
    for k in c.calls:
        came[c.person(k)].append(k["started_at"])
    for k in c.menu_calls:
        person, at = c.person(k), k["started_at"]
        # Before the window is over only those who came back would be known.
        if person is not None and at + COMES_BACK_WITHIN <= c.as_of:
            yield at, any(at < other < at + COMES_BACK_WITHIN for other in came[person])


def times_in_menu(c: Company) -> Cases:
    for k in [*c.menu_calls, *c.calls]:
        if k["ivr_seconds"] is not None:
            yield k["started_at"], k["ivr_seconds"]


def callbacks_asked_for(c: Company) -> Cases:
    for k in c.calls:
        if k["disposition"] in CAME_TO_AGENTS:
            yield k["queued_at"], k["disposition"] == "callback"


def requests(c: Company) -> list[tuple[Row, datetime | None]]:
    """Calls whose callers wait for one, and when they got it: in the callback, or in a call out to them."""
    found = []
    for k in c.calls:
        if k["disposition"] in ("callback", "voicemail"):
            later = [o for o in c.calls_out if o["disposition"] == "answered" and o["started_at"] > k["queued_at"]]
            out = [o["started_at"] for o in later if c.person(k) and c.person(o) == c.person(k)]
            found.append((k, min([*out, *filter(None, [k["returned_at"]])], default=None)))
    return found


def returned_in_time(c: Company) -> Cases:
    for k, at in requests(c):
        ends = k["queued_at"] + RETURNED_WITHIN
        in_time = at is not None and at <= ends
        if in_time or (ends <= c.as_of and (at or c.person(k))):
            yield k["queued_at"], in_time


def times_to_return(c: Company) -> Cases:
    for k, at in requests(c):
        if at:
            yield k["queued_at"], (at - k["queued_at"]).total_seconds()


def voicemails(c: Company) -> Cases:
    for k in c.calls:
        if k["disposition"] in CAME_TO_AGENTS:
            yield k["queued_at"], k["disposition"] == "voicemail"


def consulted(c: Company) -> Cases:
    for k in c.calls:
        if k["disposition"] == "answered":
            yield k["answered_at"], bool(k["consult_seconds"])


def times_of_consultation(c: Company) -> Cases:
    for k in c.calls:
        if k["disposition"] == "answered" and k["consult_seconds"]:
            yield k["answered_at"], k["consult_seconds"]


MEANS = {
    "ivr_containment_rate": contained,
    "ivr_false_containment_rate": falsely_contained,
    "ivr_time": times_in_menu,
    "callback_request_rate": callbacks_asked_for,
    "voicemail_rate": voicemails,
    "call_return_rate": returned_in_time,
    "call_return_time": times_to_return,
    "consult_rate": consulted,
    "consult_time": times_of_consultation,
}
