"""A chunk of customers and what they do: orders, late parcels, contacts, reviews, surveys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.sample import company, story
from orchestration.sample.company import Scope, busy_times, pick, to_open_hours

NOT_A_TIME = np.datetime64("NaT", "s")
MAX_ORDERS = 14


@dataclass(frozen=True)
class Life:
    """Frames of one chunk, in the generator's own columns; instants are UTC, datetime64[s]."""

    scope: Scope
    #: Number of the chunk's first customer.
    first: int
    customers: pd.DataFrame
    orders: pd.DataFrame
    items: pd.DataFrame
    tickets: pd.DataFrame
    calls: pd.DataFrame
    reviews: pd.DataFrame
    surveys: pd.DataFrame


def live(scope: Scope, first: int, count: int) -> Life:
    """Generate customers ``first`` to ``first + count - 1``; the same scope gives the same people."""
    rng = np.random.default_rng([scope.seed, first])
    customers = _customers(rng, scope, first, count)
    orders = _orders(rng, scope, customers)
    items = _items(rng, orders)
    orders["is_bad"] = story.with_bad_product(scope, orders, items)
    orders["refunded_at"] = _refunds(rng, scope, orders)
    contacts = _contacts(rng, scope, customers, orders)
    is_call = (contacts["is_complaint"] & (rng.random(len(contacts)) < 0.35)) | (rng.random(len(contacts)) < 0.3)
    tickets = _tickets(rng, scope, contacts[~is_call].reset_index(drop=True), first)
    calls = _calls(rng, scope, contacts[is_call].reset_index(drop=True), first)
    reviews = _reviews(rng, scope, orders, first)
    surveys = _surveys(rng, scope, customers, orders, tickets, calls, first)
    return Life(scope, first, customers, orders, items, tickets, calls, reviews, surveys)


def seconds(values: np.ndarray) -> np.ndarray:
    """Numbers of seconds as spans of time."""
    return np.round(values).astype("timedelta64[s]")


def _customers(rng: np.random.Generator, scope: Scope, first: int, count: int) -> pd.DataFrame:
    number = np.arange(first, first + count)
    country = pick(rng, company.COUNTRIES, count)
    given = rng.choice(np.array(company.FIRST_NAMES, dtype=object), count)
    family = rng.choice(np.array(company.LAST_NAMES, dtype=object), count)
    ascii_name = pd.Series(given).str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii").str.lower()
    # A young shop: it opens with the sample, and wins customers evenly, so that no cohort is unlike the others.
    joined = rng.random(count) * scope.seconds
    return pd.DataFrame(
        {
            "customer_id": [f"C{n:07d}" for n in number],
            "name": given + " " + family,
            "email": ascii_name + "." + pd.Series(number).astype(str) + "@example.com",
            "phone": [f"+49 151 {n:08d}" for n in number],
            "country": country,
            "language": pd.Series(country).map(company.LANGUAGES),
            "segment": pick(rng, company.SEGMENTS, count),
            "joined_at": np.datetime64(scope.starts_at, "s") + seconds(joined),
            "preferred_channel": pick(rng, {"email": 0.6, "phone": 0.15, "chat": 0.25}, count),
            "opt_in": rng.random(count) < 0.7,
            "orders_per_year": rng.gamma(1.4, 2.0, count) + 0.4,
            # The chance that an order is the last one: some never warm to the shop, others stay for years.
            "leaving": rng.beta(0.7, 2.8, count),
            "is_referred": rng.random(count) < 0.08,
        }
    )


def _season(times: np.ndarray) -> np.ndarray:
    """Share of the yearly peak: quiet in summer, busiest in November and December."""
    day = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return 0.7 + 0.15 * np.cos(2 * np.pi * (day - 340) / 365) + 0.15 * (day > 320)


def _orders(rng: np.random.Generator, scope: Scope, customers: pd.DataFrame) -> pd.DataFrame:
    count = len(customers)
    gaps = rng.exponential(1, (count, MAX_ORDERS)) * (365 / customers["orders_per_year"].to_numpy())[:, None]
    gaps[:, 0] = np.minimum(gaps[:, 0], rng.exponential(9, count))
    days = gaps.cumsum(axis=1)
    at = customers["joined_at"].to_numpy()[:, None] + seconds(days * 86400)
    left = (rng.random((count, MAX_ORDERS)) < customers["leaving"].to_numpy()[:, None]).cumsum(axis=1)
    stays = np.column_stack([np.ones(count, bool), left[:, :-1] == 0])
    kept = stays & (at < np.datetime64(scope.ends_at, "s"))
    row, _ = np.nonzero(kept)
    ordered = busy_times(rng, at[kept], office=False)
    kept_season = rng.random(len(row)) < _season(ordered)
    kept_season &= ordered < np.datetime64(scope.ends_at, "s")
    row, ordered = row[kept_season], ordered[kept_season]
    size = len(row)
    channel = pick(rng, company.SALES_CHANNELS, size)
    frame = customers.loc[row, ["customer_id", "email", "phone", "country", "segment", "language"]].reset_index(drop=True)
    frame["order_id"] = [f"O{customer[1:]}-{n}" for customer, n in zip(frame["customer_id"], _rank(row), strict=True)]
    frame["channel"] = channel
    frame["ordered_at"] = ordered
    cancelled = rng.random(size) < story.cancelling(scope, frame)
    frame["cancelled_by"] = story.cancelled_by(rng, scope, frame, cancelled)
    ship = to_open_hours(ordered + seconds(rng.lognormal(2.1, 0.6, size) * 3600))
    frame["promised_ship_at"] = to_open_hours(ordered + np.timedelta64(36, "h")) + np.timedelta64(8, "h")
    transit = rng.lognormal(0.62, 0.32, size) * story.transit_factor(scope, frame) * np.where(channel == "amazon", 0.85, 1)
    frame["promised_on"] = (ordered + np.timedelta64(5, "D")).astype("datetime64[D]")
    frame["shipped_at"] = until(scope, np.where(cancelled, NOT_A_TIME, ship))
    frame["delivered_at"] = until(scope, np.where(cancelled, NOT_A_TIME, ship + seconds(transit * 86400)))
    frame["cancelled_at"] = until(scope, np.where(cancelled, ordered + np.timedelta64(20, "h"), NOT_A_TIME))
    frame["affiliate"] = np.where(rng.random(size) < 0.06, rng.choice(["BLOG10", "FRIENDS"], size), None)
    frame["claim"] = np.where(rng.random(size) < 0.002, rng.choice(["guarantee", "chargeback"], size), None)
    return frame


def _refunds(rng: np.random.Generator, scope: Scope, orders: pd.DataFrame) -> np.ndarray:
    """When money is paid back, if it is: nine days after the parcel came."""
    delivered = orders["delivered_at"].to_numpy()
    refunded = (rng.random(len(orders)) < np.where(orders["is_bad"], 0.7, 0.03)) & ~np.isnat(delivered)
    return until(scope, np.where(refunded, delivered + np.timedelta64(9, "D"), NOT_A_TIME))


def _rank(row: np.ndarray) -> np.ndarray:
    return pd.Series(row).groupby(row).cumcount().to_numpy() + 1


def until(scope: Scope, times: np.ndarray) -> np.ndarray:
    """What lies after the end of the sample has not happened yet."""
    times = times.astype("datetime64[s]")
    return np.where(times < np.datetime64(scope.ends_at, "s"), times, NOT_A_TIME)


def _items(rng: np.random.Generator, orders: pd.DataFrame) -> pd.DataFrame:
    catalogue = company.products()
    row = np.repeat(np.arange(len(orders)), 1 + rng.poisson(0.7, len(orders)))
    product = np.minimum((rng.exponential(14, len(row))).astype(int), len(catalogue) - 1)
    quantity = 1 + rng.poisson(0.2, len(row))
    price = np.array([p.price for p in catalogue])[product]
    return pd.DataFrame(
        {
            "order_row": row,
            "order_id": orders["order_id"].to_numpy()[row],
            "line_id": _rank(row).astype(str),
            "product_id": np.array([p.product_id for p in catalogue], dtype=object)[product],
            "product_name": np.array([p.name for p in catalogue], dtype=object)[product],
            "category": np.array([p.category for p in catalogue], dtype=object)[product],
            "quantity": quantity,
            "unit_price": price,
            "unit_cost": np.array([p.cost for p in catalogue])[product],
        }
    )


def _contacts(rng: np.random.Generator, scope: Scope, customers: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Why and when people get in touch: about late or broken orders, about others, and again when it was not solved."""
    delivered, promised = orders["delivered_at"].to_numpy(), orders["promised_on"].to_numpy()
    due = promised.astype("datetime64[s]") + np.timedelta64(1, "D")
    late = (np.isnat(delivered) | (delivered > due)) & (due < np.datetime64(scope.ends_at, "s"))
    late &= orders["cancelled_by"].isna().to_numpy()
    damaged = ~np.isnat(delivered) & (rng.random(len(orders)) < np.where(orders["is_bad"], 0.5, 0.025))
    asks_late = late & (rng.random(len(orders)) < 0.45)
    ordered = orders["ordered_at"].to_numpy()
    asks = rng.random(len(orders)) < story.asking(scope, ordered)
    about = np.concatenate([np.flatnonzero(asks_late), np.flatnonzero(damaged), np.flatnonzero(asks)])
    topics = np.concatenate(
        [
            np.full(asks_late.sum(), "late delivery", dtype=object),
            np.full(damaged.sum(), "damaged item", dtype=object),
            story.topics(rng, scope, ordered[asks], pick(rng, company.GENERAL_TOPICS, int(asks.sum()))),
        ]
    )
    starts = np.where(
        topics == "late delivery",
        due[about],
        np.where(topics == "damaged item", delivered[about], ordered[about]),
    )
    starts = starts.astype("datetime64[s]") + seconds(rng.exponential(0.8, len(about)) * 86400)
    frame = orders.loc[about, ["customer_id", "email", "phone", "country", "segment", "language", "order_id", "channel"]]
    frame = frame.assign(topic=topics, at=starts)
    again = frame[rng.random(len(frame)) < story.asking_again(scope, starts, topics)]
    again = again.assign(at=again["at"].to_numpy() + seconds(rng.exponential(3.0, len(again)) * 86400))
    frame = pd.concat([frame, again], ignore_index=True)
    frame["at"] = busy_times(rng, frame["at"].to_numpy().astype("datetime64[s]"), office=True)
    frame["is_complaint"] = frame["topic"].isin(company.COMPLAINT_TOPICS)
    frame = frame[(frame["at"] < scope.ends_at) & (frame["at"] >= scope.starts_at)]
    return frame.sort_values("at", kind="stable").reset_index(drop=True)


def _agent(rng: np.random.Generator, scope: Scope, team: pd.Series) -> np.ndarray:
    """An agent of the team; agents are spread over the teams in turn."""
    place = team.map({name: n for n, name in enumerate(company.TEAMS)}).to_numpy()
    turn = (rng.random(len(team)) * (scope.agents // len(company.TEAMS))).astype(int)
    return np.array([f"agent{p + len(company.TEAMS) * t:03d}" for p, t in zip(place, turn, strict=True)], dtype=object)


def _tickets(rng: np.random.Generator, scope: Scope, contacts: pd.DataFrame, first: int) -> pd.DataFrame:
    size = len(contacts)
    frame = contacts.copy()
    frame["ticket_id"] = [f"{first + 1}{n:06d}" for n in range(size)]
    frame["via"] = np.where(
        (frame["channel"] != "webshop") & (rng.random(size) < 0.7),
        company.MARKETPLACE_VIA,
        story.ways(rng, scope, frame["at"].to_numpy(), pick(rng, company.TICKET_CHANNELS, size)),
    )
    frame["team"] = frame["topic"].map(company.TOPIC_TEAM)
    frame["agent"] = _agent(rng, scope, frame["team"])
    wait = frame["via"].map(company.ANSWER_MINUTES).to_numpy() * rng.lognormal(0, 0.9, size)
    wait *= story.answer_factor(scope, frame["at"].to_numpy(), frame["via"].to_numpy())
    answered = frame["at"].to_numpy().astype("datetime64[s]") + seconds(wait * 60)
    answered = np.where(frame["via"] == "Live chat", answered, to_open_hours(answered))
    never = rng.random(size) < 0.02
    frame["answered_at"] = until(scope, np.where(never, NOT_A_TIME, answered))
    frame["replies"] = np.where(never, 0, 1 + rng.poisson(np.where(frame["is_complaint"], 0.8, 0.25)))
    # A reply that is still to come is none.
    frame["replies"] = frame["replies"].where(~frame["answered_at"].isna(), 0)
    last = answered + seconds(np.maximum(frame["replies"] - 1, 0).to_numpy() * rng.lognormal(2.6, 0.8, size) * 3600)
    frame["solved_at"] = until(scope, np.where(never, NOT_A_TIME, to_open_hours(last) + np.timedelta64(10, "m")))
    reopened = (rng.random(size) < 0.06) & ~np.isnat(frame["solved_at"].to_numpy())
    back = frame["solved_at"].to_numpy().astype("datetime64[s]") + seconds(rng.exponential(1.2, size) * 86400)
    frame["reopened_at"] = until(scope, np.where(reopened, back, NOT_A_TIME))
    again = to_open_hours(back + np.timedelta64(5, "h"))
    frame["solved_again_at"] = until(scope, np.where(reopened, again, NOT_A_TIME))
    frame["escalated_at"] = until(
        scope, np.where(frame["is_complaint"] & (rng.random(size) < 0.12), answered + np.timedelta64(1, "m"), NOT_A_TIME)
    )
    hours = (answered - frame["at"].to_numpy().astype("datetime64[s]")).astype(int) / 3600
    happy = 1 / (1 + np.exp(-(2.9 - 0.05 * hours - 0.7 * frame["is_complaint"] - 1.1 * reopened)))
    solved = ~frame["solved_at"].isna().to_numpy()
    rated_at = frame["solved_at"].to_numpy() + seconds(rng.exponential(7, size) * 3600)
    frame["rated_at"] = until(scope, np.where(solved & (rng.random(size) < 0.32), rated_at, NOT_A_TIME))
    frame["rating"] = np.where(
        ~frame["rated_at"].isna(), np.where(rng.random(size) < happy, "Good", "Bad"), np.where(solved, "Offered", "Not Offered")
    )
    # A few change their mind: first the other answer, then this one.
    frame["rated_before_at"] = np.where(
        rng.random(size) < 0.08, frame["rated_at"].to_numpy() - np.timedelta64(30, "m"), NOT_A_TIME
    )
    frame["priority"] = np.where(frame["is_complaint"], "High", pick(rng, {"Normal": 0.8, "Low": 0.15, "Urgent": 0.05}, size))
    frame["is_spam"] = rng.random(size) < 0.01
    return _handled(rng, scope, frame)


def _handled(rng: np.random.Generator, scope: Scope, frame: pd.DataFrame) -> pd.DataFrame:
    """Who had the ticket first, whether it waited for others, was merged, and what its agent claims."""
    size = len(frame)
    frame["first_agent"] = np.where(frame["escalated_at"].isna(), frame["agent"], _agent(rng, scope, frame["team"]))
    frame["is_held"] = rng.random(size) < 0.35
    frame["is_merged"] = (rng.random(size) < 0.012) & ~frame["solved_at"].isna()
    frame["is_claimed"] = ~frame["solved_at"].isna() & (rng.random(size) < np.where(frame["replies"] == 1, 0.85, 0.08))
    return frame


def _calls(rng: np.random.Generator, scope: Scope, contacts: pd.DataFrame, first: int) -> pd.DataFrame:
    size = len(contacts)
    frame = contacts.copy()
    frame["call_id"] = [f"call-{first + 1}-{n:06d}" for n in range(size)]
    frame["team"] = frame["topic"].map(company.TOPIC_TEAM)
    frame["agent"] = _agent(rng, scope, frame["team"])
    hour = (frame["at"].to_numpy().astype("datetime64[h]").astype(int)) % 24
    load = 1 + 1.2 * np.exp(-((hour - 12) ** 2) / 6)
    frame["queued_at"] = frame["at"].to_numpy().astype("datetime64[s]") + np.timedelta64(6, "s")
    load *= story.queue_factor(scope, frame["at"].to_numpy(), frame["team"].to_numpy())
    wait = np.round(rng.exponential(5 * load) + 1)
    patience = np.round(rng.exponential(60, size) + 2)
    frame["answered"] = wait <= patience
    frame["wait"] = np.minimum(wait, patience)
    frame["talk"] = np.where(frame["answered"], np.round(rng.lognormal(5.2, 0.5, size)), np.nan)
    frame["hold"] = np.where(frame["answered"], np.round(rng.exponential(18, size)) * (rng.random(size) < 0.35), np.nan)
    frame["wrap"] = np.where(frame["answered"], np.round(rng.lognormal(3.6, 0.5, size)), np.nan)
    frame["transferred"] = frame["answered"] & (rng.random(size) < 0.07)
    frame["resolved"] = frame["answered"] & (rng.random(size) < np.where(frame["is_complaint"], 0.72, 0.88))
    frame["escalated"] = frame["answered"] & frame["is_complaint"] & (rng.random(size) < 0.1)
    frame["is_claimed"] = frame["resolved"] & (rng.random(size) < np.where(frame["transferred"], 0.2, 0.85))
    happy = np.clip(4.6 - 0.02 * frame["wait"] - 1.4 * ~frame["resolved"] + rng.normal(0, 0.8, size), 1, 5)
    frame["rating"] = np.where(frame["answered"] & (rng.random(size) < 0.4), np.round(happy), np.nan)
    return frame


def _reviews(rng: np.random.Generator, scope: Scope, orders: pd.DataFrame, first: int) -> pd.DataFrame:
    delivered = orders["delivered_at"].to_numpy()
    frame = orders[~np.isnat(delivered) & (rng.random(len(orders)) < 0.28)].copy()
    size = len(frame)
    arrived = frame["delivered_at"].to_numpy().astype("datetime64[s]")
    late = arrived > frame["promised_on"].to_numpy().astype("datetime64[s]") + np.timedelta64(1, "D")
    liked = np.select([frame["is_bad"], late], [1.6, 2.9], 4.4)
    frame["stars"] = np.clip(np.round(rng.normal(liked, 0.8)), 1, 5).astype(int)
    frame["created_at"] = until(scope, arrived + seconds(rng.exponential(6, size) * 86400))
    said = [rng.choice(len(pool), size) for pool in company.REVIEWS["de"]]
    mood = np.select([frame["stars"] <= 2, frame["stars"] == 3], [company.BLAME, company.MIXED], company.PRAISE)
    frame["text"] = [
        company.REVIEWS[language][kind][said[kind][row]]
        for row, (language, kind) in enumerate(zip(frame["language"], mood, strict=True))
    ]
    answered = to_open_hours(frame["created_at"].to_numpy().astype("datetime64[s]") + seconds(rng.exponential(30, size) * 3600))
    replies = (rng.random(size) < np.where(frame["stars"] <= 3, 0.8, 0.25)) & ~frame["created_at"].isna().to_numpy()
    frame["replied_at"] = until(scope, np.where(replies, answered, NOT_A_TIME))
    frame = frame[~frame["created_at"].isna()].reset_index(drop=True)
    frame["review_id"] = [f"R{first + 1}-{n:06d}" for n in range(len(frame))]
    return frame


def _surveys(
    rng: np.random.Generator, scope: Scope, customers: pd.DataFrame, orders: pd.DataFrame,
    tickets: pd.DataFrame, calls: pd.DataFrame, first: int,
) -> pd.DataFrame:  # fmt: skip
    """Relational NPS by e-mail; effort or recommendation after a ticket, satisfaction after a call: what was answered."""
    bought = orders.groupby("customer_id")["delivered_at"].max().reindex(customers["customer_id"]).to_numpy()
    asked = ~np.isnat(bought.astype("datetime64[s]")) & (rng.random(len(customers)) < 0.35)
    nps = customers.loc[asked, ["customer_id", "email"]].assign(
        kind="nps", mode="relational", survey_id="relationship", channel="email",
        at=bought[asked].astype("datetime64[s]") + seconds(rng.exponential(12, int(asked.sum())) * 86400),
        score=np.clip(np.round(rng.normal(8.1, 2.0, int(asked.sum()))), 0, 10), low=0, high=10, polarity=None,
        ticket_id=None, call_id=None, topic=None, solved=None,
    )  # fmt: skip
    solved = tickets[~tickets["solved_at"].isna() & (rng.random(len(tickets)) < 0.2)]
    effort = np.clip(np.round(rng.normal(2.4 + 0.4 * solved["replies"].to_numpy(), 1.3)), 1, 7)
    ces = solved[["customer_id", "email", "ticket_id", "topic"]].assign(
        kind="ces", mode="transactional", survey_id="after-ticket", channel="email",
        at=solved["solved_at"].to_numpy().astype("datetime64[s]") + seconds(rng.exponential(0.6, len(solved)) * 86400),
        score=effort, low=1, high=7, polarity="effort", call_id=None, solved=solved["reopened_at"].isna().to_numpy(),
    )  # fmt: skip
    finished = tickets[~tickets["solved_at"].isna() & (rng.random(len(tickets)) < 0.12)]
    recommending = rng.normal(8.4 - 1.5 * ~finished["reopened_at"].isna().to_numpy(), 2.0)
    after = finished[["customer_id", "email", "ticket_id", "topic"]].assign(
        kind="nps", mode="transactional", survey_id="after-ticket-nps", channel="email",
        at=finished["solved_at"].to_numpy().astype("datetime64[s]") + seconds(rng.exponential(1.5, len(finished)) * 86400),
        score=np.clip(np.round(recommending), 0, 10), low=0, high=10, polarity=None, call_id=None, solved=None,
    )  # fmt: skip
    called = calls[calls["answered"] & (rng.random(len(calls)) < 0.15)]
    liking = np.clip(np.round(rng.normal(np.where(called["resolved"], 4.6, 3.2), 0.8)), 1, 5)
    csat = called[["customer_id", "email", "call_id", "topic"]].assign(
        kind="csat", mode="transactional", survey_id="after-call", channel="phone",
        at=called["at"].to_numpy().astype("datetime64[s]") + np.timedelta64(30, "m"),
        score=liking, low=1, high=5, polarity=None, ticket_id=None, solved=called["resolved"].to_numpy(),
    )  # fmt: skip
    frame = pd.concat([part.astype(object) for part in (nps, ces, after, csat)], ignore_index=True)
    frame["at"] = frame["at"].to_numpy().astype("datetime64[s]")
    frame = frame[frame["at"] < scope.ends_at].sort_values("at", kind="stable").reset_index(drop=True)
    frame["response_id"] = [f"S{first + 1}-{n:06d}" for n in range(len(frame))]
    return frame
