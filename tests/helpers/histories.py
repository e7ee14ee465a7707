"""Random histories of a company's exports: any order, repeats, late rows, corrections, and a date that moves.

And what takes back: deletions, snapshots, orders whose lines come again, files that are withdrawn and restored.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

FIRST = datetime(2026, 5, 1)
DAYS = 75
Row = dict[str, str]
Rows = st.SearchStrategy[Row]

instants = st.integers(0, DAYS * 24 * 4).map(lambda quarter: (FIRST + timedelta(minutes=15 * quarter)).isoformat())
maybe_instants = st.one_of(st.just(""), instants)
#: Of two days with shifts, so close together that states of an agent overlap and follow each other.
_shifts = st.integers(0, 2 * 24 * 4).map(lambda quarter: (FIRST + timedelta(days=30, hours=20, minutes=15 * quarter)).isoformat())
channels = st.sampled_from(["email", "chat", "phone", "web", ""])
agents = st.sampled_from(["ann", "bob", "cy", ""])
topics = st.sampled_from(["delivery", "refund", ""])


def _ids(prefix: str, count: int) -> st.SearchStrategy[str]:
    return st.integers(1, count).map(lambda number: f"{prefix}{number}")


def _sampled(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


def _rows(**columns: st.SearchStrategy[str]) -> Rows:
    return st.fixed_dictionaries(columns)


def _born(ticket: str) -> datetime:
    """When a ticket was created, where export and log agree on it."""
    return FIRST + timedelta(days=12 + 6 * int(ticket[1:]), hours=9)


def _about(instant: datetime) -> st.SearchStrategy[str]:
    """Instants around another one: within the seconds of clock skew and beyond, before and after."""
    return st.sampled_from([-3600, -60, -4, 0, 0, 3, 900]).map(lambda s: (instant + timedelta(seconds=s)).isoformat())


_deleted = {"is_deleted": st.sampled_from(["", "", "", "false", "true"])}
_person = {
    "customer_id": st.one_of(st.just(""), _ids("c", 5)),
    "customer_email": st.one_of(st.just(""), _ids("m", 4).map(lambda name: f"{name}@example.org")),
    "customer_phone": st.one_of(st.just(""), _ids("+49170000000", 3)),
}

KINDS: dict[str, Rows] = {
    "tickets": _rows(
        ticket_id=_ids("t", 8), created_at=instants, updated_at=maybe_instants, channel=channels, agent_id=agents,
        tags=_sampled("", "", "late", "late, vip"),
        status=_sampled("new", "open", "solved", "closed"), topic=topics, team=_sampled("one", "two", ""),
        created_by_type=_sampled("", "", "agent", "customer"), first_solved_at=maybe_instants, closed_at=maybe_instants,
        vendor_first_response_seconds=_sampled("", "", "600", "864000"),
        vendor_full_resolution_seconds=_sampled("", "", "1209600"),
        first_response_at=maybe_instants, solved_at=maybe_instants, agent_replies=_sampled("", "0", "1", "3"),
        reopens=_sampled("", "0", "1"), is_spam=_sampled("", "", "true"),
        merged_into=st.one_of(st.just(""), st.just(""), _ids("t", 4)), follow_up_of=st.one_of(st.just(""), _ids("t", 4)),
        csat_score=_sampled("", "1", "5"), priority=_sampled("", "urgent"), type=_sampled("", "Complaint"),
        solved_on_first_contact=_sampled("", "", "true", "false"), **_deleted, **_person,
    ),
    "ticket_events": _rows(
        ticket_id=_ids("t", 9), event_at=instants, event_id=st.one_of(st.just(""), _ids("e", 6)),
        event_type=_sampled("created", "status_changed", "public_reply", "customer_message", "rated", "merged", "escalated",
                            "assigned", "priority_changed", "team_changed"),
        actor_type=_sampled("agent", "customer", "system", "bot"), actor_id=agents, team=_sampled("", "one", "two"),
        from_value=_sampled("", "open", "solved", "low", "one"),
        to_value=_sampled("", "open", "pending", "on_hold", "solved", "closed", "bad", "4", "urgent", "two"),
    ),
    "calls": _rows(
        call_id=_ids("k", 6), started_at=instants, answered_at=maybe_instants, wait_seconds=_sampled("", "3", "40"),
        disposition=_sampled("", "answered", "abandoned", "excluded", "voicemail", "callback", "ended_in_ivr"),
        talk_seconds=_sampled("", "60"), agent_id=agents,
        topic=topics, resolved=_sampled("", "true", "false"), csat_score=_sampled("", "4"), team=_sampled("", "one"),
        solved_on_first_contact=_sampled("", "", "true"), escalated=_sampled("", "true"), transferred=_sampled("", "true"),
        interaction_id=st.one_of(st.just(""), _ids("k", 4)), ticket_id=st.one_of(st.just(""), _ids("t", 8)),
        direction=_sampled("", "inbound", "outbound"), channel=_sampled("", "", "chat"), updated_at=maybe_instants,
        leg_type=_sampled("", "", "", "ivr", "consult", "callback"), ivr_seconds=_sampled("", "0", "9"),
        consult_seconds=_sampled("", "0", "30"), **_deleted, **_person,
    ),
    "reviews": _rows(
        review_id=_ids("r", 5), created_at=instants, rating=_sampled("1", "3", "5", "nine"), source=_sampled("", "shop"),
        order_id=st.one_of(st.just(""), _ids("o", 6)), replied_at=maybe_instants,
        customer_id=_person["customer_id"], customer_email=_person["customer_email"], **_deleted,
    ),
    "orders": _rows(
        order_id=_ids("o", 7), ordered_at=instants, status=_sampled("created", "delivered", "cancelled", "refunded", "returned"),
        total_amount=_sampled("", "10", "25.5"), promised_delivery_at=maybe_instants, delivered_at=maybe_instants,
        cancelled_at=maybe_instants, cancelled_by=_sampled("", "seller", "buyer"), refunded_at=maybe_instants,
        updated_at=maybe_instants, country=_sampled("", "DE", "FR"), sales_channel=channels, paid_at=maybe_instants,
        promised_ship_at=maybe_instants, shipped_at=maybe_instants, affiliate_code=_sampled("", "", "X"),
        refund_amount=_sampled("", "3"), marketplace=_sampled("", "amazon"), claim_type=_sampled("", "", "guarantee"),
        currency=_sampled("", "", "EUR", "USD", "gbp"), tax_amount=_sampled("", "2"), discount_amount=_sampled("", "1"),
        fulfilled_by=_sampled("", "marketplace"), gift_card_amount=_sampled("", "", "5"),
        **_deleted, **_person,
    ),
    "order_items": _rows(
        order_id=_ids("o", 8), line_id=_sampled("1", "2"), product_id=_ids("p", 3), category=_sampled("", "lamps", "desks"),
        quantity=_sampled("1", "2", "0.5"), unit_price=_sampled("3", "19.99"), product_name=_sampled("", "Lamp"),
        unit_cost=_sampled("", "1"), **_deleted,
    ),
    "surveys": _rows(
        response_id=_ids("s", 6), kind=_sampled("nps", "csat", "ces", "brand"), responded_at=instants,
        attributes=_sampled("", "fast", "fast;kind"), attributes_asked=_sampled("", "fast,kind"),
        score=_sampled("", "1", "5", "9", "10"), ticket_id=st.one_of(st.just(""), _ids("t", 8)), agent_id=agents,
        call_id=st.one_of(st.just(""), _ids("k", 6)), issue_solved=_sampled("", "true", "false"), **_deleted,
        **_person,
    ),
    "customers": _rows(
        customer_id=_ids("c", 6), email=_person["customer_email"], phone=_person["customer_phone"], created_at=maybe_instants,
        segment=_sampled("", "vip", "new"), country=_sampled("", "DE", "FR"), updated_at=maybe_instants,
        referred_by=_sampled("", "", "c1"), preferred_channel=_sampled("", "email"), marketing_opt_in=_sampled("", "false"),
        **_deleted,
    ),
    "web_sessions": _rows(
        session_id=_ids("w", 6), started_at=instants, ended_at=maybe_instants, visitor_id=st.one_of(st.just(""), _ids("v", 3)),
        customer_id=_person["customer_id"], page_views=_sampled("", "1", "4"), help_page_views=_sampled("", "0", "2"),
        pricing_page_viewed=_sampled("", "true"), pricing_page_clicked=_sampled("", "true"), source=_sampled("", "Google"),
    ),
    "signups": _rows(
        signup_id=_ids("a", 4), started_at=instants, completed_at=maybe_instants, visitor_id=st.one_of(st.just(""), _ids("v", 3)),
        customer_id=_person["customer_id"], customer_email=_person["customer_email"],
    ),
    "subscriptions": _rows(
        subscription_id=_ids("m", 4), customer_id=_ids("c", 5), started_at=instants, is_trial=_sampled("", "true", "false"),
        trial_ends_at=maybe_instants, ended_at=maybe_instants, plan=_sampled("", "plus"), **_deleted,
    ),
    "shipments": _rows(
        shipment_id=_ids("p", 5), order_id=_ids("o", 7), shipped_at=instants, delivered_at=maybe_instants,
        is_tracked=_sampled("", "true", "false"), **_deleted,
    ),
    "product_usage": _rows(
        customer_id=_ids("c", 5), used_at=instants, user_id=_sampled("", "u"), feature=_sampled("", "search", "share"),
    ),
    "transcripts": _rows(
        transcript_id=_ids("x", 5), created_at=instants, text=_sampled("never arrived", "thank you", ""),
        call_id=st.one_of(st.just(""), _ids("k", 6)), ticket_id=st.one_of(st.just(""), _ids("t", 8)),
        customer_id=_person["customer_id"], language=_sampled("", "en"),
    ),
    "survey_invitations": _rows(
        invitation_id=_ids("i", 5), sent_at=instants, kind=_sampled("nps", "csat"), survey_id=_sampled("", "one"),
        response_id=st.one_of(st.just(""), _ids("s", 6)), customer_id=_person["customer_id"],
    ),
    "costs": _rows(
        cost_id=_ids("x", 4), cost_date=_sampled("2026-05-28", "2026-06-28", "2026-07-28"), amount=_sampled("10", "99.5"),
        category=_sampled("", "tools"), team=_sampled("", "one"), currency=_sampled("", "EUR", "USD"),
    ),
    "exchange_rates": _rows(
        rate_date=_sampled("2026-04-30", "2026-05-28", "2026-06-27", "2026-06-29"), base_currency=_sampled("EUR", "EUR", "CHF"),
        currency=_sampled("USD", "USD", "GBP", "EUR"), rate=_sampled("1.25", "0.8", "2"), **_deleted,
    ),
    "returns": _rows(
        return_id=_ids("r", 4), order_id=_ids("o", 7), requested_at=instants, refund_amount=_sampled("", "2.5"),
        return_shipping_amount=_sampled("", "4.99"), outcome=_sampled("", "refund", "exchange"), **_deleted,
    ),
    "competitors": _rows(
        competitor=_sampled("a", "b"), period_start=_sampled("2026-05-01", "2026-06-01", "2026-07-01"),
        category=_sampled("", "lamps"), rating=_sampled("", "4.5", "9"), rating_scale=_sampled("", "10"), nps=_sampled("", "20"),
    ),
    "agents": _rows(
        agent_id=_sampled("ann", "bob", "cy"), work_date=_sampled("2026-05-04", "2026-06-01", "2026-06-02", "2026-07-01"),
        team=_sampled("", "one", "two"), scheduled_minutes=_sampled("", "480"), worked_minutes=_sampled("", "0", "300"),
        absence=_sampled("", "", "sick"), hired_on=_sampled("", "2026-05-10"), left_on=_sampled("", "2026-06-20"),
        monthly_pay=_sampled("", "2000", "3000"),
        shift_starts_at=_sampled("", "2026-05-31T22:00:00Z", "2026-06-01T06:00:00Z", "2026-06-28T21:00:00Z"),
        shift_ends_at=_sampled("", "2026-06-01T04:00:00Z", "2026-06-01T14:00:00Z", "2026-06-29T05:00:00Z"),
    ),
    "agent_states": _rows(
        agent_id=_sampled("ann", "bob", "cy"), started_at=_shifts, ended_at=st.one_of(st.just(""), _shifts),
        state=_sampled("logged_in", "available", "available", "busy", "busy", "after_call", "break", "offline"),
        contact_id=_sampled("", "", "k1", "k2"), channel=_sampled("", "chat"), queue=_sampled("", "q"),
        duration_seconds=_sampled("", "", "900", "50000"), **_deleted,
    ),
}  # fmt: skip


#: Kinds of which some files are snapshots (a contract with `mode: full`).
SNAPSHOTS = ("calls", "order_items", "orders", "tickets")


@dataclass(frozen=True)
class Export:
    """One uploaded file of canonical columns."""

    kind: str
    rows: list[Row]
    is_snapshot: bool = False

    @property
    def name(self) -> str:
        return f"full_{self.kind}" if self.is_snapshot else self.kind

    def text(self) -> str:
        stream = io.StringIO()
        writer = csv.DictWriter(stream, fieldnames=list(self.rows[0]))
        writer.writeheader()
        writer.writerows(self.rows)
        return stream.getvalue()


@dataclass(frozen=True)
class Step:
    """What happens before one run: exports arrive (maybe none), the date moves, a contract may change."""

    exports: list[Export]
    as_of: datetime
    #: What the user's contract of reviews makes of a missing source.
    review_source: str
    #: What the user's journey map calls the stage of an order.
    order_stage: str
    #: The models that the run gets to before it breaks off; none: all of them.
    only: str | None
    #: Which of the landed files is withdrawn, or restored if it is withdrawn already; none: none of them.
    takes_back: int | None

    def describe(self) -> str:
        sizes = [(e.name, len(e.rows)) for e in self.exports]
        return f"{self.as_of} {sizes} {self.review_source} {self.order_stage} {self.only or 'all'} {self.takes_back}"


#: Columns that some files have and others lack: what a file cannot tell is unknown for its records.
LACKED = (
    "cancelled_by", "refunded_at", "refund_amount", "affiliate_code", "claim_type", "delivered_at", "shipped_at", "escalated",
    "first_response_at", "solved_on_first_contact", "answered_at", "talk_seconds", "replied_at", "completed_at", "response_id",
    "left_on", "hired_on", "referred_by", "topic", "tax_amount", "discount_amount",
)  # fmt: skip


def without(kind: str, rows: list[Row], is_snapshot: bool, lacked: set[str]) -> Export:
    """A file that lacks some columns; what identifies a record stays."""
    kept = {"response_id"} if kind == "surveys" else set()
    # The SQL of the contract of snapshots names it.
    kept |= {"topic"} if is_snapshot and kind == "tickets" else set()
    return Export(kind, [{name: text for name, text in row.items() if name not in lacked - kept} for row in rows], is_snapshot)


#: What much depends on comes more often.
WEIGHTED = [*sorted(KINDS), "tickets", "tickets", "tickets", "ticket_events", "calls", "calls", "orders", "order_items"]


def exports(most_rows: int) -> st.SearchStrategy[Export]:
    any_rows = st.sampled_from(WEIGHTED).flatmap(
        lambda kind: st.builds(
            without,
            st.just(kind),
            st.lists(KINDS[kind], min_size=1, max_size=most_rows),
            st.sampled_from([False, kind in SNAPSHOTS]),
            st.one_of(st.just(set()), st.sets(st.sampled_from(LACKED), min_size=6, max_size=len(LACKED))),
        )
    )
    return st.one_of(any_rows, any_rows, logs(), agreeing_tickets(), opening_calls())


@st.composite
def logs(draw: st.DrawFn) -> Export:
    """A log that tells creations by its own clock, and several changes of one second in any order of rows."""
    ahead = timedelta(seconds=draw(st.sampled_from([0, 0, -5, 7200, 3600])))
    rows = []
    for ticket in draw(st.lists(_ids("t", 8), min_size=1, max_size=6, unique=True)):
        created_at = _born(ticket) - ahead
        opener = draw(_sampled("customer", "agent", ""))
        event = {"ticket_id": ticket, "event_id": "", "actor_type": opener, "actor_id": "", "from_value": ""}
        rows.append({**event, "event_at": created_at.isoformat(), "event_type": "created", "to_value": "open"})
        chain = draw(st.permutations([("open", "pending"), ("pending", "open"), ("open", "solved"), ("solved", "open")]))
        second = (created_at + timedelta(hours=draw(st.sampled_from([-1, 0, 30])))).isoformat()
        for one, other in chain[: draw(st.integers(0, 4))]:
            change = {"event_at": second, "event_type": "status_changed", "from_value": one, "to_value": other}
            rows.append({**event, **change})
        if draw(st.booleans()):
            at = draw(_about(created_at))
            rows.append(
                {**event, "event_at": at, "event_type": draw(_sampled("public_reply", "customer_message")), "to_value": ""}
            )
        for what in draw(st.lists(_sampled("public_reply", "assigned", "customer_message"), max_size=2)):
            at = (created_at + timedelta(hours=draw(st.integers(0, 40)))).isoformat()
            who = "customer" if what == "customer_message" else draw(_sampled("bot", "bot", "agent"))
            to = draw(_sampled("ann", "robo")) if what == "assigned" else ""
            rows.append({**event, "event_at": at, "event_type": what, "actor_type": who, "actor_id": "robo", "to_value": to})
    return Export("ticket_events", rows)


@st.composite
def agreeing_tickets(draw: st.DrawFn) -> Export:
    """Tickets whose creation is that of the logs, but for the clocks."""
    rows = draw(st.lists(KINDS["tickets"], min_size=2, max_size=8))
    return Export("tickets", [{**row, "created_at": _born(row["ticket_id"]).isoformat()} for row in rows], draw(st.booleans()))


@st.composite
def opening_calls(draw: st.DrawFn) -> Export:
    """Calls in which tickets were opened, or that came shortly after."""
    rows = draw(st.lists(KINDS["calls"], min_size=1, max_size=6))
    tickets = [draw(_ids("t", 8)) for _ in rows]
    contacts = [{"ticket_id": ticket, "started_at": draw(_about(_born(ticket)))} for ticket in tickets]
    return Export("calls", [{**row, **of_ticket} for row, of_ticket in zip(rows, contacts, strict=True)])


@st.composite
def basis(draw: st.DrawFn, most_rows: int) -> list[Export]:
    """What every history begins with, so that none is a history of nothing: tickets, their log, orders and customers."""
    some = [Export(kind, draw(st.lists(KINDS[kind], min_size=3, max_size=most_rows))) for kind in ("orders", "customers")]
    return [draw(agreeing_tickets()), draw(logs()), *some]


#: Selections after which a run may break off, as a failed gate or a killed run does.
BREAKS = ("config.schema:staging", "config.schema:seeds config.schema:staging config.schema:conformed", "fct_touchpoints")


def histories(most_steps: int, most_exports: int, most_rows: int) -> st.SearchStrategy[list[Step]]:
    """Steps of a history, the first with a basis; the date mostly moves on by a few days, and now and then back."""
    moment = st.integers(20, DAYS + 20).map(lambda day: FIRST + timedelta(days=day, hours=5))
    step: Callable[..., Step] = Step
    steps = st.builds(
        step,
        st.lists(exports(most_rows), max_size=most_exports),
        moment,
        st.sampled_from(["shop", "shop", "shop", "market"]),
        st.sampled_from(["purchase", "purchase", "loyalty"]),
        st.sampled_from([None, None, *BREAKS]),
        st.one_of(st.none(), st.integers(0, 30)),
    )
    return st.builds(_begun, basis(most_rows), st.lists(steps, min_size=2, max_size=most_steps))


def _begun(first: list[Export], steps: list[Step]) -> list[Step]:
    return [replace(steps[0], exports=[*first, *steps[0].exports]), *steps[1:]]


def histories_of_agents(most_steps: int, most_rows: int) -> st.SearchStrategy[list[Step]]:
    """Rosters and logs of states that overlap, end later, are deleted and withdrawn; the date moves to and fro."""
    some = st.sampled_from(["agent_states", "agent_states", "agents"]).flatmap(
        lambda kind: st.builds(Export, st.just(kind), st.lists(KINDS[kind], min_size=1, max_size=most_rows))
    )
    moment = st.integers(0, 70).map(lambda hours: FIRST + timedelta(days=31, hours=hours))
    step: Callable[..., Step] = Step
    steps = st.builds(
        step, st.lists(some, min_size=1, max_size=3), moment, st.just("shop"), st.just("purchase"), st.none(),
        st.one_of(st.none(), st.integers(0, 30)),
    )  # fmt: skip
    return st.lists(steps, min_size=3, max_size=most_steps)
