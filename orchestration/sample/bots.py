"""Chats that a bot answers first: contained ones, ones that it hands over, and ones in which it leaves the customer alone.

They come on top of the sample's tickets, in files of their own and from random numbers of their own: without them the sample is
the same to the byte.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.sample import company
from orchestration.sample.company import Scope, busy_times, pick
from orchestration.sample.life import NOT_A_TIME, Life, seconds, until

BOT = "helper-bot"
#: What becomes of a chat. `back`: contained, and the customer writes an e-mail about the same within days.
ENDS = {"contained": 0.42, "handed over": 0.36, "back": 0.12, "left": 0.06, "talking": 0.04}
FILES = ("tickets_chat.csv", "ticket_events_chat.csv")


def bot_conversations(life: Life, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Canonical tickets and their events: a chat for about every fourth customer."""
    scope = life.scope
    chats = _chats(life, scope, rng)
    again = chats[chats["end"].eq("back")].copy()
    again["at"] = until(scope, again["at"].to_numpy().astype("datetime64[s]") + seconds(rng.uniform(0.3, 4, len(again)) * 86400))
    again = again[~again["at"].isna()]
    again["ticket_id"] += "-2"
    again["answered_at"] = until(
        scope, again["at"].to_numpy().astype("datetime64[s]") + seconds(rng.uniform(1, 9, len(again)) * 3600)
    )
    again["solved_at"] = again["answered_at"] + np.timedelta64(600, "s")
    again["rated_at"] = until(scope, again["solved_at"] + np.timedelta64(3600, "s"))
    again["rating"] = np.where(rng.random(len(again)) < 0.7, "good", "bad")
    return _tickets(chats, again), _events(chats, again)


def _chats(life: Life, scope: Scope, rng: np.random.Generator) -> pd.DataFrame:
    people = life.customers[rng.random(len(life.customers)) < 0.25].reset_index(drop=True)
    size = len(people)
    starts = np.datetime64(scope.starts_at, "s") + seconds(rng.uniform(0, scope.days * 86400 * 0.999, size))
    frame = pd.DataFrame({"customer_id": people["customer_id"], "country": people["country"]})
    frame["at"] = until(scope, busy_times(rng, starts.astype("datetime64[s]"), office=True))
    frame["ticket_id"] = "chat-" + people["customer_id"]
    frame["topic"] = pick(rng, company.GENERAL_TOPICS, size)
    frame["end"] = pick(rng, ENDS, size)
    frame["team"] = frame["topic"].map(company.TOPIC_TEAM)
    number = rng.integers(0, scope.agents, size)
    frame["agent"] = [f"agent{n:03d}" for n in number]
    at = frame["at"].to_numpy().astype("datetime64[s]")
    frame["bot_at"] = at + seconds(rng.uniform(1, 6, size))
    frame["said_at"] = at + seconds(rng.uniform(30, 120, size))
    frame["bot_again_at"] = frame["said_at"] + np.timedelta64(3, "s")
    handed = frame["end"].eq("handed over").to_numpy()
    given = at + seconds(rng.uniform(130, 600, size))
    answered = given + seconds(rng.exponential(240, size) + 5)
    frame["handed_at"] = until(scope, np.where(handed, given, NOT_A_TIME))
    frame["answered_at"] = until(scope, np.where(handed, answered, NOT_A_TIME))
    closed = frame["end"].isin(["contained", "back"]).to_numpy()
    solved = np.where(handed, answered + seconds(rng.uniform(120, 3600, size)), at + seconds(rng.uniform(200, 900, size)))
    frame["solved_at"] = until(scope, np.where(handed | closed, solved, NOT_A_TIME))
    good = rng.random(size) < np.select([frame["end"].eq("contained"), handed], [0.82, 0.88], 0.25)
    is_rated = ~frame["solved_at"].isna() & (rng.random(size) < 0.3)
    frame["rated_at"] = until(scope, np.where(is_rated, frame["solved_at"].to_numpy() + np.timedelta64(90, "s"), NOT_A_TIME))
    frame["rating"] = np.where(good, "good", "bad")
    return frame[~frame["at"].isna()].reset_index(drop=True)


def _text(times: pd.Series) -> np.ndarray:
    values = times.to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(values), None, np.char.add(np.datetime_as_string(values), "Z").astype(object))


def _tickets(chats: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    frame = pd.concat([chats.assign(channel="chat"), again.assign(channel="email")], ignore_index=True)
    return pd.DataFrame(
        {
            "ticket_id": frame["ticket_id"],
            "created_at": _text(frame["at"]),
            "status": np.where(frame["solved_at"].isna(), "open", "solved"),
            "channel": frame["channel"],
            "customer_id": frame["customer_id"],
            "agent_id": frame["agent"].where(~frame["answered_at"].isna()),
            "team": frame["team"],
            "country": frame["country"],
            "priority": "normal",
            "topic": frame["topic"],
            "solved_at": _text(frame["solved_at"]),
            "follow_up_of": frame["ticket_id"].str.removesuffix("-2").where(frame["ticket_id"].str.endswith("-2")),
        }
    )


def _events(chats: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    def events(rows: pd.DataFrame, at: str, event: str, actor: str, value: pd.Series | str | None = None) -> pd.DataFrame:
        who = {"agent": rows["agent"], "customer": rows["customer_id"], "bot": BOT}.get(actor)
        frame = pd.DataFrame({"ticket_id": rows["ticket_id"], "at": rows[at], "event_type": event, "actor_type": actor})
        return frame.assign(actor_id=who, team=rows["team"], to_value=value)

    # What a bot leaves alone it has answered once, and the customer's is the last word.
    went_on = chats[~chats["end"].isin(["left", "talking"])]
    frame = pd.concat(
        [
            events(chats, "at", "created", "customer", "new"),
            events(chats, "bot_at", "public_reply", "bot"),
            events(chats[chats["end"].ne("talking")], "said_at", "customer_message", "customer"),
            events(went_on, "bot_again_at", "public_reply", "bot"),
            events(chats, "handed_at", "assigned", "bot", chats["agent"]),
            events(chats, "answered_at", "public_reply", "agent"),
            events(chats, "solved_at", "status_changed", "system", "solved"),
            events(chats, "rated_at", "rated", "customer", chats["rating"]),
            events(again, "at", "created", "customer", "new"),
            events(again, "answered_at", "public_reply", "agent"),
            events(again, "solved_at", "status_changed", "agent", "solved"),
            events(again, "rated_at", "rated", "customer", again["rating"]),
        ],
        ignore_index=True,
    )
    frame = frame[~frame["at"].isna()].sort_values(["ticket_id", "at"], kind="stable", ignore_index=True)
    frame.insert(1, "event_at", _text(frame["at"]))
    return frame.drop(columns="at")
