"""The optional exports of the sample, in canonical columns: the site, accounts, subscriptions, parcels, usage, surveys, money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.sample import company
from orchestration.sample.company import Scope, busy_times, pick
from orchestration.sample.life import NOT_A_TIME, Life, seconds, until

SITE_SOURCES = {"google": 0.5, "newsletter": 0.15, "direct": 0.25, "instagram": 0.1}
MEDIUMS = {"google": "organic", "newsletter": "email", "direct": "none", "instagram": "social"}
FEATURES = {"wish list": 0.4, "express delivery": 0.3, "member prices": 0.2, "early access": 0.1}
BRAND_ATTRIBUTES = ("friendly", "fast", "good value", "sustainable", "modern")
COMPETITORS = {"Bestware": 4.3, "Homely": 3.9}
MINUTE, DAY = np.timedelta64(60, "s"), np.timedelta64(86400, "s")


def _text(times: np.ndarray | pd.Series) -> np.ndarray:
    """Instants as texts, missing ones as None."""
    values = np.asarray(times).astype("datetime64[s]")
    return np.where(np.isnat(values), None, np.datetime_as_string(values).astype(object))


def _sessions(rng: np.random.Generator, starts: np.ndarray, pages: np.ndarray, **columns: object) -> pd.DataFrame:
    size = len(starts)
    source = pick(rng, SITE_SOURCES, size)
    length = seconds(20 + 45 * (pages - 1) * rng.lognormal(0, 0.5, size))
    frame = pd.DataFrame({"started_at": starts, "page_views": pages, "source": source, **columns})
    # A session of one page has no known end.
    frame["ended_at"] = np.where(pages > 1, starts + length, NOT_A_TIME)
    frame["medium"] = frame["source"].map(MEDIUMS)
    frame["device"] = pick(rng, {"mobile": 0.6, "desktop": 0.4}, size)
    return frame


def web_sessions(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Visits before orders, visits of people who look for help, and visits of people who never come back."""
    orders = life.orders[life.orders["channel"].eq("webshop") & (rng.random(len(life.orders)) < 0.8)]
    number = orders["customer_id"].str[1:]
    is_known = rng.random(len(orders)) < 0.6
    pricing = rng.random(len(orders)) < 0.45
    buying = _sessions(
        rng, orders["ordered_at"].to_numpy().astype("datetime64[s]") - seconds(rng.uniform(3, 50, len(orders)) * 60),
        3 + rng.poisson(5, len(orders)), visitor_id="v" + number, customer_id=orders["customer_id"].where(is_known),
        country=orders["country"], pricing_page_viewed=pricing,
        pricing_page_clicked=pricing & (rng.random(len(orders)) < 0.75), help_page_views=0,
    )  # fmt: skip
    asking = life.tickets[rng.random(len(life.tickets)) < 0.35]
    helped = life.customers.sample(min(len(life.customers), 2 * len(asking)), random_state=int(rng.integers(1 << 30)))
    looking = np.datetime64(life.scope.starts_at, "s") + seconds(rng.random(len(helped)) * life.scope.seconds)
    times = np.concatenate(
        [
            asking["at"].to_numpy().astype("datetime64[s]") - seconds(rng.uniform(0.1, 20, len(asking)) * 3600),
            busy_times(rng, looking, office=False),
        ]
    )
    who = np.concatenate([asking["customer_id"].to_numpy(), helped["customer_id"].to_numpy()])
    help_pages = 1 + rng.poisson(1.2, len(who))
    helping = _sessions(
        rng, times, help_pages + rng.poisson(1, len(who)), visitor_id="v" + pd.Series(who, dtype=object).str[1:],
        customer_id=who, country=None, pricing_page_viewed=False, pricing_page_clicked=False, help_page_views=help_pages,
    )  # fmt: skip
    strangers = round(1.5 * len(life.customers))
    seen = rng.random(strangers) < 0.2
    moments = np.datetime64(life.scope.starts_at, "s") + seconds(rng.random(strangers) * life.scope.seconds)
    passing = _sessions(
        rng, busy_times(rng, moments, office=False), 1 + rng.poisson(1.1, strangers),
        visitor_id=[f"x{life.first}-{n}" for n in range(strangers)], customer_id=None,
        country=pick(rng, company.COUNTRIES, strangers), pricing_page_viewed=seen,
        pricing_page_clicked=seen & (rng.random(strangers) < 0.3), help_page_views=0,
    )  # fmt: skip
    parts = []
    for part in (buying, helping, passing):
        part["started_at"], part["ended_at"] = _text(part["started_at"]), _text(part["ended_at"])
        parts.append(part.astype(object))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["started_at"] < life.scope.ends_at.isoformat()].reset_index(drop=True)
    frame.insert(0, "session_id", [f"w{life.first}-{n:06d}" for n in range(len(frame))])
    return frame


def signups(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Accounts of those who joined while the sample lasts, and forms that strangers left half filled."""
    joined = life.customers[life.customers["joined_at"].to_numpy() > np.datetime64(life.scope.starts_at, "s")]
    started = joined["joined_at"].to_numpy().astype("datetime64[s]")
    strangers = round(0.3 * len(joined))
    abandoned = np.datetime64(life.scope.starts_at, "s") + seconds(rng.random(strangers) * life.scope.seconds)
    own = pd.DataFrame(
        {
            "started_at": _text(started),
            "completed_at": _text(until(life.scope, started + seconds(rng.uniform(1, 9, len(joined)) * 60))),
            "visitor_id": "v" + joined["customer_id"].str[1:],
            "customer_id": joined["customer_id"],
            "customer_email": joined["email"],
        }
    )
    other = pd.DataFrame({"started_at": _text(abandoned), "visitor_id": [f"x{life.first}-{n}" for n in range(strangers)]})
    frame = pd.concat([own, other.astype(object)], ignore_index=True)
    frame.insert(0, "signup_id", [f"a{life.first}-{n:06d}" for n in range(len(frame))])
    return frame


def _members(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Who subscribed to the membership, from when until when; drawn first, so that usage agrees with it."""
    members = life.customers[rng.random(len(life.customers)) < 0.25]
    size = len(members)
    starts = members["joined_at"].to_numpy().astype("datetime64[s]") + seconds(rng.exponential(40, size) * 86400)
    is_trial = rng.random(size) < 0.6
    trial_ends = np.where(is_trial, starts + 30 * DAY, NOT_A_TIME)
    leaves_trial = is_trial & (rng.random(size) < 0.3)
    stays_days = np.where(leaves_trial, rng.uniform(1, 29, size), rng.exponential(420, size))
    ends = starts + seconds(stays_days * 86400)
    frame = pd.DataFrame(
        {
            "customer_id": members["customer_id"], "started_at": starts, "is_trial": is_trial, "trial_ends_at": trial_ends,
            "ended_at": until(life.scope, ends), "end_reason": np.where(leaves_trial, "trial cancelled", "cancelled"),
            "plan": pick(rng, {"plus": 0.8, "family": 0.2}, size), "monthly_amount": np.where(leaves_trial, 0.0, 4.99),
        }
    )  # fmt: skip
    frame["end_reason"] = frame["end_reason"].where(~frame["ended_at"].isna())
    return frame[frame["started_at"] < life.scope.ends_at].reset_index(drop=True)


def _member_rng(life: Life) -> np.random.Generator:
    return np.random.default_rng([life.scope.seed, life.first, 77])


def subscriptions(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """A paid membership, often begun with a free month."""
    frame = _members(life, _member_rng(life))
    for column in ("started_at", "trial_ends_at", "ended_at"):
        frame[column] = _text(frame[column])
    frame.insert(0, "subscription_id", [f"m{life.first}-{n:05d}" for n in range(len(frame))])
    return frame


_USES_A_MONTH = 1.5


def product_usage(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """What members use of their membership; some families are two users."""
    members = _members(life, _member_rng(life))
    starts = members["started_at"].to_numpy().astype("datetime64[s]")
    ends = members["ended_at"].to_numpy().astype("datetime64[s]")
    ends = np.where(np.isnat(ends), np.datetime64(life.scope.ends_at, "s"), ends)
    span = (ends - starts).astype(int)
    # As often by the day for who joined lately as for who has been there for long.
    row = np.repeat(np.arange(len(members)), rng.poisson(_USES_A_MONTH * span / (30 * 86_400)))
    used = starts[row] + seconds(rng.random(len(row)) * span[row])
    family = (members["plan"].to_numpy() == "family")[row]
    frame = pd.DataFrame(
        {
            "customer_id": members["customer_id"].to_numpy()[row],
            "used_at": _text(used),
            "user_id": np.where(family & (rng.random(len(row)) < 0.4), "second", "first"),
            "feature": pick(rng, FEATURES, len(row)),
            "duration_seconds": np.round(rng.lognormal(4, 0.7, len(row))).astype(int),
        }
    )
    return frame.sort_values(["used_at", "customer_id"], kind="stable", ignore_index=True)


def shipments(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Parcels of the carriers; a few orders come in two."""
    sent = life.orders[~life.orders["shipped_at"].isna() & (rng.random(len(life.orders)) < 0.9)]
    twice = sent[rng.random(len(sent)) < 0.08]
    frame = pd.DataFrame(
        {
            "shipment_id": [*("p" + sent["order_id"] + "-1"), *("p" + twice["order_id"] + "-2")],
            "order_id": [*sent["order_id"], *twice["order_id"]],
            "shipped_at": _text(np.concatenate([sent["shipped_at"], twice["shipped_at"]])),
            "carrier": pick(rng, {"DHL": 0.6, "DPD": 0.3, "GLS": 0.1}, len(sent) + len(twice)),
            "delivered_at": _text(np.concatenate([sent["delivered_at"], twice["delivered_at"]])),
        }
    )
    return frame


def survey_invitations(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """An invitation for each answer, and those that nobody answered."""
    answered = life.surveys
    asked = life.orders[~life.orders["delivered_at"].isna() & (rng.random(len(life.orders)) < 0.25)]
    sent = np.concatenate(
        [
            answered["at"].to_numpy().astype("datetime64[s]") - seconds(rng.exponential(0.3, len(answered)) * 86400),
            asked["delivered_at"].to_numpy().astype("datetime64[s]") + seconds(rng.uniform(1, 4, len(asked)) * 86400),
        ]
    )
    frame = pd.DataFrame(
        {
            "sent_at": until(life.scope, sent),
            "kind": [*answered["kind"], *["nps"] * len(asked)],
            "survey_id": [*answered["survey_id"], *["relationship"] * len(asked)],
            "channel": [*answered["channel"], *["email"] * len(asked)],
            "response_id": [*answered["response_id"], *[None] * len(asked)],
            "customer_id": [*answered["customer_id"], *asked["customer_id"]],
            "customer_email": [*answered["email"], *asked["email"]],
        }
    )
    frame = frame[~frame["sent_at"].isna()].reset_index(drop=True)
    frame["sent_at"] = _text(frame["sent_at"])
    frame.insert(0, "invitation_id", [f"i{life.first}-{n:06d}" for n in range(len(frame))])
    return frame


def brand_surveys(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """What customers think of the company as a whole: satisfaction, and what they see in the brand."""
    asked = life.customers[rng.random(len(life.customers)) < 0.12]
    size = len(asked)
    at = np.datetime64(life.scope.starts_at, "s") + seconds(rng.random(size) * life.scope.seconds)
    chances = rng.random((size, len(BRAND_ATTRIBUTES))) < np.array([0.55, 0.4, 0.35, 0.2, 0.25])
    picked = [";".join(name for name, hit in zip(BRAND_ATTRIBUTES, row, strict=True) if hit) or None for row in chances]
    is_brand = rng.random(size) < 0.5
    frame = pd.DataFrame(
        {
            "response_id": [f"b{life.first}-{n:05d}" for n in range(size)],
            "kind": np.where(is_brand, "brand", "csat"),
            "responded_at": _text(at),
            "score": np.where(is_brand, np.nan, np.clip(np.round(rng.normal(6.4, 1.0, size)), 1, 7)),
            "scale_max": 7,
            "mode": "relational",
            "survey_id": "image",
            "channel": "email",
            "attributes": np.where(is_brand, np.array(picked, dtype=object), None),
            "attributes_asked": np.where(is_brand, ";".join(BRAND_ATTRIBUTES), None),
            "customer_id": asked["customer_id"].to_numpy(),
        }
    )
    return frame


def staff_surveys(scope: Scope) -> pd.DataFrame:
    """Once a quarter the agents are asked whether they would recommend to work here."""
    rng = np.random.default_rng([scope.seed, 101])
    quarters = np.arange(np.datetime64(scope.starts_at, "D"), np.datetime64(scope.day_after, "D"), 91)
    agent, day = np.tile(np.arange(scope.agents), len(quarters)), np.repeat(quarters, scope.agents)
    frame = pd.DataFrame(
        {
            "response_id": [f"e{n:05d}" for n in range(len(agent))],
            "kind": "enps",
            "responded_at": _text(day.astype("datetime64[s]") + 10 * 60 * MINUTE),
            "score": np.clip(np.round(rng.normal(7.4, 2.1, len(agent))), 0, 10),
            "survey_id": "staff",
            "agent_id": [f"agent{n:03d}" for n in agent],
        }
    )
    return frame[rng.random(len(frame)) < 0.7].reset_index(drop=True)


def costs(scope: Scope) -> pd.DataFrame:
    """What the service costs: pay of each team and tools, once a month."""
    rng = np.random.default_rng([scope.seed, 102])
    months = np.arange(np.datetime64(scope.starts_at, "M"), np.datetime64(scope.day_after, "M"))
    categories = [("agent pay", team) for team in company.TEAMS] + [("tools", None)]
    month, category = np.repeat(months, len(categories)), categories * len(months)
    size = len(month)
    usual = np.where([name == "tools" for name, _ in category], 90, 250) * scope.agents / 9
    return pd.DataFrame(
        {
            "cost_id": [f"cost{n:04d}" for n in range(size)],
            "cost_date": np.datetime_as_string(month.astype("datetime64[D]") + 27),
            "amount": np.round(usual * rng.uniform(0.9, 1.1, size), 2),
            "category": [c for c, _ in category],
            "team": [team for _, team in category],
            "currency": "EUR",
        }
    )  # fmt: skip


def competitors(scope: Scope) -> pd.DataFrame:
    """Stars of two competitors each month, and a net promoter score that one of them publishes."""
    rng = np.random.default_rng([scope.seed, 103])
    months = np.arange(np.datetime64(scope.starts_at, "M"), np.datetime64(scope.day_after, "M"))
    name, month = np.tile(list(COMPETITORS), len(months)), np.repeat(months, len(COMPETITORS))
    size = len(name)
    rating = np.array([COMPETITORS[n] for n in name]) + rng.normal(0, 0.08, size)
    return pd.DataFrame(
        {
            "competitor": name,
            "period_start": np.datetime_as_string(month.astype("datetime64[D]")),
            "source": "Trustpilot",
            "rating": np.round(rating, 2),
            "rating_scale": 5,
            "reviews": rng.poisson(180, size),
            "nps": np.where(name == "Bestware", np.round(rng.normal(28, 4, size)), np.nan),
        }
    )
