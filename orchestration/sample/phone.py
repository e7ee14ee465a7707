"""What calls to agents do not show: the menu, callbacks and voicemails and what came of them, and agents who ask a colleague."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.sample.company import to_open_hours
from orchestration.sample.life import NOT_A_TIME, Life, seconds

#: Beside each call to agents so many end in the menu, ask to be called back, and leave a voicemail.
IN_MENU, CALLED_BACK, VOICEMAIL = 0.18, 0.08, 0.06
#: Of those so many are reached, in the hours of the desk.
REACHED, HOURS_UNTIL_REACHED = 0.85, 5
CONSULTED = 0.09
_PHONE = 303


def contacts(life: Life) -> pd.DataFrame:
    """The calls to agents and those beside them, each a contact; what a call in the menu lacks is null."""
    rng = np.random.default_rng([life.scope.seed, life.first, _PHONE])
    calls = life.calls.assign(method="INBOUND", initial=None, previous=None, voicemail=False)
    asked = calls["answered"] & (rng.random(len(calls)) < CONSULTED)
    calls["consult"] = np.where(asked, np.round(rng.exponential(50, len(calls)) + 5), np.where(calls["answered"], 0, np.nan))
    requests, voicemails = _requests(calls, CALLED_BACK, "asked", rng), _requests(calls, VOICEMAIL, "voicemail", rng)
    voicemails["voicemail"] = True
    calls_out = _returns(voicemails, "out", rng).assign(method="OUTBOUND", initial=None, previous=None)
    # Agents wait until they have dialled.
    calls_out["at"] = calls_out["queued_at"] + seconds(calls_out["wait"].to_numpy())
    parts = [_in_menu(calls, rng), requests, _returns(requests, "back", rng), voicemails, calls_out]
    beside = pd.concat(parts, ignore_index=True)
    has_happened = beside["ends_at"] < np.datetime64(life.scope.ends_at, "s")
    return pd.concat([calls, beside[has_happened]], ignore_index=True)


def _like(calls: pd.DataFrame, share: float, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """Further calls of some of the callers, weeks after the first, that met no agent."""
    frame = calls[rng.random(len(calls)) < share].copy()
    frame["call_id"] = frame["call_id"].str.replace("call", kind)
    weeks = rng.integers(2, 9, len(frame)) * np.timedelta64(7, "D")
    frame["at"] = frame["at"].to_numpy().astype("datetime64[s]") + weeks
    frame["queued_at"] = frame["at"] + np.timedelta64(6, "s")
    frame[["talk", "hold", "wrap", "rating", "consult"]] = np.nan
    frame[["answered", "transferred", "resolved", "escalated", "is_claimed"]] = False
    return frame


def _in_menu(calls: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    frame = _like(calls, IN_MENU, "menu", rng)
    frame["queued_at"], frame["wait"], frame["topic"], frame["order_id"] = NOT_A_TIME, np.nan, None, None
    frame["ends_at"] = frame["at"].to_numpy() + seconds(rng.exponential(40, len(frame)) + 8)
    return frame


def _requests(calls: pd.DataFrame, share: float, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    frame = _like(calls, share, kind, rng)
    frame["wait"] = np.round(rng.exponential(40, len(frame)) + 30)
    frame["ends_at"] = frame["queued_at"].to_numpy() + seconds(frame["wait"].to_numpy())
    return frame


def _returns(requests: pd.DataFrame, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """The call back for each request: the contact that goes on with it, which not always reaches somebody."""
    frame = requests.copy()
    size = len(frame)
    frame["initial"] = frame["previous"] = requests["call_id"]
    frame["call_id"] = kind + "-" + requests["call_id"]
    frame["method"] = "CALLBACK"
    frame["voicemail"] = False
    frame["at"] = frame["queued_at"] = requests["ends_at"]
    asked_at = frame["at"].to_numpy().astype("datetime64[s]")
    reached_at = to_open_hours(asked_at + seconds(rng.exponential(HOURS_UNTIL_REACHED * 3600, size) + 60))
    frame["wait"] = (reached_at - asked_at).astype(float)
    frame["answered"] = rng.random(size) < REACHED
    for name, mean in {"talk": 180, "hold": 10, "wrap": 40}.items():
        frame[name] = np.where(frame["answered"], np.round(rng.exponential(mean, size) + 5), np.nan)
    frame["resolved"] = frame["answered"] & (rng.random(size) < 0.8)
    talked = frame[["talk", "hold"]].fillna(0).sum(axis="columns").to_numpy()
    frame["ends_at"] = frame["at"].to_numpy() + seconds(frame["wait"].to_numpy() + talked)
    return frame
