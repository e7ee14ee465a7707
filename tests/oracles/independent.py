"""Every KPI computed a second way: plain Python over the raw rows, sharing nothing with the models.

Slow and simple on purpose. Periods are calendar months in the reporting time zone.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

UTC = ZoneInfo("UTC")
Row = dict[str, Any]


def read_raw(home: Path, kind: str) -> list[Row]:
    """All raw rows of a kind, missing values as None."""
    frames = [pd.read_parquet(path) for path in sorted((home / "raw" / kind).glob("0*.parquet"))]
    if not frames:
        return []
    frame = pd.concat(frames, ignore_index=True).astype(object)
    records = frame.where(frame.notna(), None).to_dict("records")
    return [{k: v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for k, v in record.items()} for record in records]


def newest_of(rows: list[Row], key: Callable[[Row], Any], created: str, updated: str | None = "updated_at") -> list[Row]:
    """The newest version of each record."""
    best: dict[Any, tuple[Any, Row]] = {}
    for row in rows:
        moment = (row.get(updated) if updated else None) or (row[created] if created else None) or datetime.min
        rank = (moment, row["_batch"], row["_row"])
        if key(row) not in best or rank > best[key(row)][0]:
            best[key(row)] = (rank, row)
    return [row for _, row in best.values()]


@dataclass
class Calendar:
    """Opening hours of one calendar: rows of the seed, and the days on which other hours hold (none: closed)."""

    timezone: ZoneInfo
    hours: list[Row]
    special: dict[date, list[tuple[str, str]]]

    def openings(self, day: date) -> list[tuple[str, str]]:
        """Clock times between which the calendar is open on a day of its zone."""
        if day in self.special:
            return self.special[day]
        return [
            (row["opens_at"], row["closes_at"])
            for row in self.hours
            if int(row["weekday"]) == day.isoweekday() and holds(row, day)
        ]

    def seconds(self, start: datetime, end: datetime) -> int:
        """Open seconds between two naive UTC instants, by walking the days."""
        start, end = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
        total = 0.0
        day = start.astimezone(self.timezone).date() - timedelta(days=1)
        while day <= end.astimezone(self.timezone).date():
            for opens, closes in self.openings(day):
                low = max(self._instant(day, opens), start)
                high = min(self._instant(day, closes), end)
                total += max((high - low).total_seconds(), 0)
            day += timedelta(days=1)
        return round(total)

    def _instant(self, day: date, clock: str) -> datetime:
        hours, minutes = map(int, clock.split(":"))
        local = datetime.combine(day, time()) + timedelta(hours=hours, minutes=minutes)
        return local.replace(tzinfo=self.timezone).astimezone(UTC)


def holds(row: Row, day: date) -> bool:
    """Do a seed's `valid_from` and `valid_to` cover a day?"""
    begins = not row["valid_from"] or date.fromisoformat(row["valid_from"]) <= day
    return begins and (not row["valid_to"] or day < date.fromisoformat(row["valid_to"]))


def read_seed(path: Path) -> list[Row]:
    """The rows of a seed; empty cells are empty texts."""
    return list(pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"))


@dataclass
class Samples:
    """The cases of one KPI in one period."""

    numerator: float = 0.0
    denominator: float = 0.0
    values: list[float] = field(default_factory=list)
    pending: int = 0


#: What may become of a call in the sample that came to agents.
CAME_TO_AGENTS = ("answered", "abandoned", "callback", "voicemail")


def with_callbacks(legs: list[Row]) -> list[Row]:
    """Calls as customers know them: the callback that somebody asked for belongs to the call, and has the last word on it."""
    back = {leg["interaction_id"]: leg for leg in legs if leg["leg_type"] == "callback"}
    calls = []
    for leg in legs:
        if leg["leg_type"] is None:
            later = back.get(leg["call_id"])
            of_later = {name: later[name] for name in ("resolved", "agent_id", "answered_at")} if later else {}
            calls.append({**leg, **of_later, "callback": later, "returned_at": later["answered_at"] if later else None})
    return calls


class Company:
    """Raw rows of a home, brought to cases."""

    def __init__(self, home: Path, as_of: datetime, timezone: str, seeds: Path) -> None:
        self.as_of, self.timezone = as_of, ZoneInfo(timezone)

        def newest(rows: list[Row], key: Callable[[Row], Any], created: str, updated: str | None = "updated_at") -> list[Row]:
            happened = [row for row in rows if not created or row[created] is None or row[created] <= as_of]
            return newest_of(happened, key, created, updated)

        self.seeds = seeds
        scores = pd.concat(map(pd.read_parquet, (home / "raw" / "text_sentiment").glob("*.parquet"))).astype(object)
        scores = scores.where(scores.notna(), None)
        self.scores = {(row["record_kind"], row["record_id"]): row for row in scores.to_dict("records")}
        self.tickets = newest(read_raw(home, "tickets"), lambda r: r["ticket_id"], "created_at")
        legs = newest(read_raw(home, "calls"), lambda r: r["call_id"], "started_at")
        self.calls_out = [leg for leg in legs if leg["direction"] == "outbound"]
        self.menu_calls = [leg for leg in legs if leg["disposition"] == "ended_in_ivr"]
        beside = {leg["call_id"] for leg in [*self.calls_out, *self.menu_calls]}
        self.calls = with_callbacks([leg for leg in legs if leg["call_id"] not in beside])
        self.orders = newest(read_raw(home, "orders"), lambda r: r["order_id"], "ordered_at")
        self.reviews = newest(read_raw(home, "reviews"), lambda r: r["review_id"], "created_at")
        self.surveys = newest(read_raw(home, "surveys"), lambda r: r["response_id"], "responded_at", None)
        self.roster = newest(read_raw(home, "agents"), lambda r: (r["agent_id"], r["work_date"]), "", None)
        self.items = newest(read_raw(home, "order_items"), lambda r: (r["order_id"], r["line_id"]), "", None)
        self.customers = newest(read_raw(home, "customers"), lambda r: r["customer_id"], "created_at")
        self.sessions = newest(read_raw(home, "web_sessions"), lambda r: r["session_id"], "started_at", None)
        self.signups = newest(read_raw(home, "signups"), lambda r: r["signup_id"], "started_at", None)
        self.subscriptions = newest(read_raw(home, "subscriptions"), lambda r: r["subscription_id"], "started_at", None)
        self.shipments = newest(read_raw(home, "shipments"), lambda r: r["shipment_id"], "shipped_at", None)
        self.invitations = newest(read_raw(home, "survey_invitations"), lambda r: r["invitation_id"], "sent_at", None)
        self.costs = newest(read_raw(home, "costs"), lambda r: r["cost_id"], "", None)
        self.competitors = newest(read_raw(home, "competitors"), lambda r: (r["competitor"], r["period_start"]), "", None)
        self._fill_from_parcels()
        self._fill_from_lines()
        self._exchange(home)
        usage_key = ("customer_id", "user_id", "feature", "used_at")
        self.usage = newest(read_raw(home, "product_usage"), lambda r: tuple(r[c] for c in usage_key), "used_at", None)
        self.events: dict[str, list[Row]] = defaultdict(list)
        unique = {
            tuple(r[c] for c in ("ticket_id", "event_at", "event_type", "actor_id", "from_value", "to_value")): r
            for r in read_raw(home, "ticket_events")
        }
        for row in sorted(unique.values(), key=lambda r: (r["event_at"], r["_row"])):
            self.events[row["ticket_id"]].append(row)
        self.person = self._persons()
        for ticket in self.tickets:
            self._live(ticket)
        self.calendars = self._calendars()

    def _fill_from_parcels(self) -> None:
        """What an order does not say of its way, its parcels do."""
        parcels: dict[str, list[Row]] = defaultdict(list)
        for row in self.shipments:
            parcels[row["order_id"]].append(row)
        for order in self.orders:
            own = parcels.get(order["order_id"], [])
            order["shipped_whole_at"] = order["shipped_at"] or max((row["shipped_at"] for row in own), default=None)
            if own and not order["shipped_at"]:
                order["shipped_at"] = min(row["shipped_at"] for row in own)
            if own and not order["delivered_at"] and all(row["delivered_at"] for row in own):
                order["delivered_at"] = max(row["delivered_at"] for row in own)

    def _fill_from_lines(self) -> None:
        """An order without a total is worth its lines."""
        amounts: dict[str, float] = defaultdict(float)
        for line in self.items:
            amounts[line["order_id"]] += line["quantity"] * float(line["unit_price"])
        for order in self.orders:
            if order["total_amount"] is None:
                order["total_amount"] = amounts.get(order["order_id"])

    def _exchange(self, home: Path) -> None:
        """Amounts of orders in euros, by the newest rate of their day; prices of lines stay, with the rate beside them."""
        rates: dict[str, list[tuple[date, float]]] = defaultdict(list)
        for row in sorted(read_raw(home, "exchange_rates"), key=lambda r: r["rate_date"]):
            rates[row["currency"]].append((row["rate_date"], float(row["rate"])))
        in_euros: dict[str, float] = {}
        for order in self.orders:
            day = self.day(order["ordered_at"])
            known = [rate for on, rate in rates[order["currency"]] if on <= day]
            rate = 1.0 if order["currency"] == "EUR" else 1 / known[-1]
            in_euros[order["order_id"]] = rate
            for column in ("total_amount", "refund_amount", "gift_card_amount"):
                if order[column] is not None:
                    order[column] = float(order[column]) * rate
        for line in self.items:
            # The orders of some lines are in quarantine.
            line["in_euros"] = in_euros.get(line["order_id"], 1.0)

    # -- identity: union-find over identifiers

    def _persons(self) -> Callable[[Row], str | None]:
        parent: dict[str, str] = {}

        def find(x: str) -> str:
            while parent.setdefault(x, x) != x:
                x = parent[x]
            return x

        def identifiers(row: Row) -> list[str]:
            email = row.get("customer_email") or row.get("email")
            phone = row.get("customer_phone") or row.get("phone")
            digits = "".join(c for c in phone or "" if c.isdigit() or c == "+")
            return [
                *([f"id:{row['customer_id']}"] if row.get("customer_id") else []),
                *([f"email:{email.strip().lower()}"] if email and email.strip() else []),
                *([f"phone:{digits}"] if len(digits) >= 5 else []),
            ]

        for rows in (
            self.tickets, self.calls, self.menu_calls, self.calls_out, self.orders, self.reviews, self.surveys, self.customers,
            self.sessions, self.signups, self.subscriptions, self.invitations, self.usage,
        ):  # fmt: skip
            for row in rows:
                names = identifiers(row)
                for other in names[1:]:
                    parent[find(other)] = find(names[0])
        return lambda row: find(identifiers(row)[0]) if identifiers(row) else None

    # -- tickets

    def _live(self, ticket: Row) -> None:
        events = self.events.get(ticket["ticket_id"], [])
        replies = [e["event_at"] for e in events if e["event_type"] == "public_reply" and e["actor_type"] in (None, "agent")]
        ticket["first_response"] = min(replies) if replies else ticket["first_response_at"]
        ticket["replies"] = len(replies) if replies else (ticket["agent_replies"] or 0)
        # Replies without the time of the first one (its event is in quarantine) tell nothing of the response.
        # Nor does a log that lacks the ticket's creation (in quarantine): what else it lacks nobody knows.
        ticket["is_log_whole"] = any(e["event_type"] == "created" for e in events)
        ticket["is_response_tracked"] = bool(ticket["first_response"]) or (ticket["is_log_whole"] and not ticket["replies"])
        spans, state = [], None
        for event in events:
            if event["event_type"] not in ("created", "status_changed") or not event["to_value"]:
                continue
            off = event["to_value"] in ("solved", "closed")
            before = state in ("solved", "closed")
            if off != before:
                spans.append((event["event_at"], off))
            state = event["to_value"]
        solvings = [at for at, off in spans if off]
        ticket["reopenings"] = [at for at, off in spans if not off] if solvings else []
        if solvings:
            ticket["is_solved"] = state in ("solved", "closed")
            ticket["first_solved"] = min(solvings)
            ticket["last_solved"] = max(solvings) if ticket["is_solved"] else None
            ticket["reopened"] = len(ticket["reopenings"])
            ticket["solvings"] = solvings
            # Solved by the list after all that the log has: the log's last event is in quarantine, or in a file to come.
            last_change = max(e["event_at"] for e in events if e["event_type"] in ("created", "status_changed"))
            later = [at for at in (ticket["solved_at"], ticket["closed_at"]) if at and at > last_change]
            if later and not ticket["is_solved"] and ticket["status"] in ("solved", "closed"):
                ticket["is_solved"], ticket["last_solved"] = True, min(later)
        else:
            at = ticket["solved_at"] or ticket["closed_at"]
            # Solved nobody knows when.
            ticket["is_solved"] = ticket["status"] in ("solved", "closed")
            ticket["first_solved"] = ticket["last_solved"] = at if ticket["is_solved"] else None
            ticket["reopened"] = ticket["reopens"] or 0
            ticket["solvings"] = [at] if ticket["is_solved"] and at else []
        is_merged = ticket["merged_into"] or ticket["is_merged"] or any(e["event_type"] == "merged" for e in events)
        ticket["counts"] = not is_merged and not ticket["is_spam"] and not ticket["is_deleted"]
        ratings = [e for e in events if e["event_type"] == "rated"]
        scores = [{"good": 2, "bad": 1}[e["to_value"]] for e in ratings if e["to_value"] in ("good", "bad")]
        ticket["last_csat"] = scores[-1] if scores else ticket["csat_score"]
        ticket["rated_at"] = ratings[-1]["event_at"] if ratings else ticket["last_solved"] or ticket["created_at"]
        ticket["escalated_ever"] = bool(ticket["escalated"]) or any(e["event_type"] == "escalated" for e in events)
        answers = [e for e in events if e["event_type"] in ("public_reply", "auto_reply")]
        # What a bot solved is due no person's response.
        if ticket["is_solved"] and not ticket["first_response"] and any(e["actor_type"] == "bot" for e in answers):
            ticket["is_response_tracked"] = False
        ticket["states"] = self._states(ticket, events)

    @staticmethod
    def _states(ticket: Row, events: list[Row]) -> list[tuple[str, datetime, datetime]]:
        """(state, from, to) up to the last solving, of a solved ticket with a whole log of its states."""
        changes = [(e["event_at"], e["to_value"]) for e in events if e["event_type"] in ("created", "status_changed")]
        if not changes or not ticket["last_solved"] or not ticket["is_log_whole"]:
            return []
        starts = [(ticket["created_at"], "new"), *changes, (ticket["last_solved"], "end")]
        return [(state, at, then) for (at, state), (then, _) in itertools.pairwise(starts) if then > at]

    def _calendars(self) -> Callable[[Row], Calendar]:
        hours, special = read_seed(self.seeds / "business_hours.csv"), read_seed(self.seeds / "business_holidays.csv")
        calendars = {}
        for name in {row["calendar"] for row in hours}:
            own = [row for row in hours if row["calendar"] == name]
            days: dict[date, list[tuple[str, str]]] = {}
            for row in special:
                if row["calendar"] == name:
                    opening = [(row["opens_at"], row["closes_at"])] if row["opens_at"] else []
                    days.setdefault(date.fromisoformat(row["holiday_on"]), []).extend(opening)
            calendars[name] = Calendar(ZoneInfo(own[0]["timezone"]), own, days)
        return lambda case: calendars["chat" if case["channel"] == "chat" else "desk"]

    # -- periods

    def month(self, instant: datetime) -> date:
        return instant.replace(tzinfo=UTC).astimezone(self.timezone).date().replace(day=1)

    def day(self, instant: datetime) -> date:
        return instant.replace(tzinfo=UTC).astimezone(self.timezone).date()


def topic_of(row: Row) -> str:
    """What a row's topic is compared by."""
    return (row["topic"] or "").strip().lower()


def percentile(values: Iterable[float], share: float) -> float:
    """Linear interpolation between the closest ranks."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def wilson(good: float, seen: float) -> tuple[float, float]:
    """Wilson's 95 % interval (Wilson 1927)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    share = good / seen
    centre = (share + z * z / (2 * seen)) / (1 + z * z / seen)
    half = z / (1 + z * z / seen) * math.sqrt(share * (1 - share) / seen + z * z / (4 * seen * seen))
    return centre - half, centre + half
