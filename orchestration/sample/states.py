"""What the sample's agents do all day, as the log of their contact centre records it: it goes back three months.

From random numbers of its own, so that the rest of the sample is the same without it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from orchestration.sample.company import Scope

#: Days that the log goes back.
DAYS = 91
#: Mean seconds of a contact, of what is left to do after it, and until the next one on a day on which all are there.
BUSY, AFTER, AVAILABLE = 900, 120, 310
#: The team whose agents chat, with several customers at once.
CHATTING = "First line"
#: By channel; the first two of three contacts come from the larger one.
QUEUES = {"chat": ("Shop", "Shop", "Accounts"), "phone": ("Hotline", "Hotline", "Business")}
Span = tuple[str, float, float | None, str | None]


def agent_states(scope: Scope, roster: pd.DataFrame) -> pd.DataFrame:
    """One row for each state, in canonical columns. Who is offline stays so until the next row; some log-outs are forgotten."""
    rng = np.random.default_rng([scope.seed, 199])
    first = np.datetime_as_string(np.datetime64(scope.day_after, "D") - min(DAYS, scope.days))
    days = roster[(roster["work_date"] >= first) & (roster["work_date"] < str(scope.day_after))]
    staffed = days["absence"].isna().groupby([days["team"], days["work_date"]]).transform("mean")
    rows = []
    contacts = 0
    for day, share in zip(days.to_dict("records"), staffed, strict=True):
        if not pd.isna(day["absence"]):
            continue
        begin = np.datetime64(day["shift_starts_at"].removesuffix("Z"), "s")
        length = (np.datetime64(day["shift_ends_at"].removesuffix("Z"), "s") - begin) / np.timedelta64(1, "s")
        channel = "chat" if day["team"] == CHATTING else "phone"
        # Fewer agents wait less for the next contact.
        for state, start, end, contact in _day(rng, float(length), AVAILABLE * share**2, day["team"] == CHATTING):
            contacts += contact is not None
            rows.append(
                {
                    "agent_id": day["agent_id"],
                    "started_at": begin + np.timedelta64(int(start), "s"),
                    "state": state,
                    "ended_at": np.datetime64("NaT") if end is None else begin + np.timedelta64(int(end), "s"),
                    "contact_id": None if contact is None else f"task{contacts:07d}",
                    "channel": None if contact is None else channel,
                    "queue": None if contact is None else QUEUES[channel][contacts % 3],
                }
            )
    frame = pd.DataFrame(rows, columns=["agent_id", "started_at", "state", "ended_at", "contact_id", "channel", "queue"])
    # A report that was sent twice repeats some rows.
    frame = pd.concat([frame, frame.iloc[:: max(1, len(frame) // 20)]], ignore_index=True)
    for name in ("started_at", "ended_at"):
        values = frame[name].to_numpy().astype("datetime64[s]")
        text = np.char.add(np.datetime_as_string(values), "Z").astype(object)
        frame[name] = np.where(np.isnat(values), None, text)
    return frame


def _day(rng: np.random.Generator, length: float, waiting: float, does_chat: bool) -> Iterator[Span]:
    """The states of one shift, by seconds since its begin: late by some minutes, a meal, a pause, now and then a meeting."""
    at = max(-300.0, rng.normal(90, 150))
    leaves = length + rng.normal(120, 240)
    planned = [(rng.uniform(0.4, 0.55) * length, "break", 1800.0), (rng.uniform(0.7, 0.85) * length, "break", 900.0)]
    if rng.random() < 0.3:
        planned.append((rng.uniform(0.1, 0.3) * length, "other_work", 2700.0))
    planned.sort()
    while at < leaves:
        if planned and at >= planned[0][0]:
            _, state, lasts = planned.pop(0)
            lasts *= rng.uniform(0.9, 1.15)
            yield state, at, at + lasts, None
            at += lasts
            continue
        waited = rng.exponential(waiting)
        yield "available", at, at + waited, None
        at += waited
        busy = rng.lognormal(np.log(BUSY) - 0.18, 0.6)
        yield "busy", at, at + busy, "contact"
        if does_chat and rng.random() < 0.5:
            # A second chat meanwhile; it may last longer than the first.
            began = at + busy * rng.uniform(0.1, 0.8)
            ends = began + BUSY * rng.uniform(0.3, 0.8)
            yield "busy", began, ends, "contact"
            busy = max(busy, ends - at)
        at += busy
        after = rng.exponential(AFTER)
        yield "after_call", at, at + after, None
        at += after
    if rng.random() < 0.02:
        yield "available", at, None, None
    else:
        yield "offline", at, None, None
