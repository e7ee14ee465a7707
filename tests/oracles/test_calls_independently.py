"""Calls of several legs, and calls with tickets, against a second computation over a small export made for it."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import Cxhouse, Home

# A home of its own takes most of a minute.
pytestmark = pytest.mark.ci

Row = dict[str, Any]
FIRST = datetime(2026, 6, 1, 8)
INTERACTIONS = 300
#: The defaults of short_abandon_seconds and service_level_seconds.
SHORT, WITHIN = 5, 20
CALL_COLUMNS = [
    "call_id", "interaction_id", "started_at", "direction", "queued_at", "answered_at", "ended_at", "disposition", "wait_seconds",
    "talk_seconds", "hold_seconds", "wrap_up_seconds", "agent_id", "team", "topic", "resolved", "ticket_id", "customer_id",
    "leg_type", "ivr_seconds", "consult_seconds",
]  # fmt: skip
TICKET_COLUMNS = [
    "ticket_id", "created_at", "status", "channel", "customer_id", "topic", "solved_at", "reopens", "agent_replies", "agent_id",
]  # fmt: skip
SURVEY_COLUMNS = ["response_id", "kind", "responded_at", "score", "call_id", "issue_solved"]


def leg(draw: random.Random, at: datetime, place: int, tickets: list[str]) -> Row:
    """One leg that begins at an instant, the first (0) of its interaction or a later one."""
    disposition = draw.choice(
        ["answered"] * 6 + ["abandoned"] * 3 + ["voicemail", "excluded", "excluded", ""] + ["callback"] * (place < 2)
    )
    kind = draw.choice([""] * 7 + ["ivr"]) if place == 0 else draw.choice([""] * 6 + ["consult", "callback"])
    in_menu = draw.choice([None, None, 0, 12]) if kind in ("", "ivr") else None
    queued = at + timedelta(seconds=(in_menu or 0) + draw.choice([0, 0, 3]))
    wait = draw.randint(0, 60)
    row: Row = {"started_at": at, "direction": draw.choice(["inbound"] * 9 + ["outbound"]), "disposition": disposition}
    row |= {"leg_type": kind, "ivr_seconds": in_menu, "consult_seconds": draw.choice([None, 0, 0, 0, 30])}
    if kind == "ivr":
        return {**row, "disposition": "", "ended_at": queued, "queued_at": None, "wait_seconds": None, "topic": ""}
    row["queued_at"] = queued if draw.random() < 0.9 else None
    row["wait_seconds"] = wait if draw.random() < 0.5 else None
    row["ended_at"] = queued + timedelta(seconds=wait)
    if disposition == "answered" or (disposition == "" and draw.random() < 0.5):
        row["answered_at"] = queued + timedelta(seconds=wait) if draw.random() < 0.9 else None
        row["talk_seconds"] = draw.randint(1, 600) if draw.random() < 0.9 else None
        row["hold_seconds"] = draw.choice([None, draw.randint(0, 90)])
        row["wrap_up_seconds"] = draw.choice([None, draw.randint(0, 90)])
        row["ended_at"] = queued + timedelta(seconds=wait + (row["talk_seconds"] or 0))
        row["agent_id"] = draw.choice(["ann", "bob", "cyd"])
        row["resolved"] = draw.choice(["yes", "no", ""])
    row["topic"] = draw.choice(["", "", "billing", "delivery"])
    row["ticket_id"] = draw.choice(tickets) if tickets and draw.random() < 0.5 else None
    return row


def export(seed: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Legs, tickets and surveys: every leg of an interaction may name a ticket, of before or after its creation."""
    draw = random.Random(seed)
    legs: list[Row] = []
    tickets: list[Row] = []
    surveys: list[Row] = []
    for number in range(INTERACTIONS):
        begins = FIRST + timedelta(minutes=17 * number)
        near = [row["ticket_id"] for row in tickets[-2:]]
        if draw.random() < 0.4:
            ticket = f"T{number}"
            near.append(ticket)
            created = begins + timedelta(minutes=draw.choice([-30, 1, 5, 200]))
            solved = created + timedelta(hours=2) if draw.random() < 0.7 else None
            tickets.append(
                {
                    "ticket_id": ticket, "created_at": created, "status": "solved" if solved else "open", "channel": "phone",
                    "customer_id": f"C{number}", "topic": draw.choice(["billing", "delivery", ""]),
                    "solved_at": solved, "reopens": 0, "agent_replies": draw.choice([0, 1, 2]), "agent_id": "ann",
                }
            )  # fmt: skip
        several = draw.random() < 0.5
        count = draw.randint(2, 4) if several else 1
        # Its id is that of no leg, of the first one, or none is given.
        interaction = draw.choice([f"I{number}", f"L{number}-0"]) if several else draw.choice([None, f"I{number}"])
        own = []
        for place in range(count):
            row = leg(draw, begins + timedelta(minutes=2 * place), place, near)
            own.append({"call_id": f"L{number}-{place}", "interaction_id": interaction, "customer_id": f"C{number}", **row})
        legs += own
        if own[0]["disposition"] in ("voicemail", "callback") and draw.random() < 0.6:
            later = begins + timedelta(minutes=draw.randint(20, 2200))
            back = {"direction": "outbound", "disposition": draw.choice(["answered", "answered", "failed"]), "started_at": later}
            legs.append({"call_id": f"B{number}", "customer_id": f"C{number}", **back})
        if draw.random() < 0.3:
            names = [row["call_id"] for row in own] + ([interaction] if interaction else [])
            surveys.append(
                {
                    "response_id": f"S{number}", "kind": "csat", "responded_at": begins + timedelta(days=1), "score": 5,
                    "call_id": draw.choice(names), "issue_solved": "yes",
                }
            )  # fmt: skip
    draw.shuffle(legs)
    return legs, tickets, surveys


LEGS, TICKETS, SURVEYS = export(11)


def write(path: Path, names: list[str], rows: list[Row]) -> None:
    with path.open("w", newline="") as stream:
        out = csv.DictWriter(stream, names)
        out.writeheader()
        out.writerows(rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Home:
    folder = tmp_path_factory.mktemp("calls")
    home = Home(folder / "home", folder / "exports", None)
    home.exports.mkdir()
    # Legs of one interaction lie in two files.
    half = len(LEGS) // 2
    write(home.exports / "calls_1.csv", CALL_COLUMNS, LEGS[:half])
    write(home.exports / "calls_2.csv", CALL_COLUMNS, LEGS[half:])
    write(home.exports / "tickets.csv", TICKET_COLUMNS, TICKETS)
    write(home.exports / "surveys.csv", SURVEY_COLUMNS, SURVEYS)
    cxhouse("run", "--exports", home.exports, *home.options, "--as-of", "2026-06-30")
    return home


def has_agent(leg: Row) -> bool:
    evidence = leg.get("answered_at") or leg.get("talk_seconds")
    return leg["disposition"] == "answered" or (not leg["disposition"] and bool(evidence))


def seconds(before: datetime | None, after: datetime | None) -> int | None:
    return int((after - before).total_seconds()) if before and after else None


def first(legs: list[Row], column: str) -> Any:
    return next((leg[column] for leg in legs if leg.get(column) not in (None, "")), None)


def menu_seconds(leg: Row) -> int | None:
    if leg.get("leg_type") == "ivr" and leg["ivr_seconds"] is None:
        return seconds(leg["started_at"], leg["ended_at"])
    return leg.get("ivr_seconds")


def consult_seconds(leg: Row) -> int | None:
    if leg.get("leg_type") == "consult" and leg["consult_seconds"] is None:
        return leg["talk_seconds"] if leg.get("talk_seconds") is not None else seconds(leg["started_at"], leg["ended_at"])
    return leg.get("consult_seconds")


def handling(leg: Row) -> int | None:
    if leg.get("talk_seconds") is None:
        return None
    return leg["talk_seconds"] + (leg.get("hold_seconds") or 0) + (leg.get("wrap_up_seconds") or 0)


def call_of(legs: list[Row]) -> Row:
    """What the legs of one interaction are together."""
    legs = sorted(legs, key=lambda leg: (leg["started_at"], leg["call_id"]))
    # The menu and a colleague meet no customer; a menu alone is the call.
    own = [leg for leg in legs if leg.get("leg_type") not in ("ivr", "consult")]
    base = (own or legs)[0]
    with_agent = [leg for leg in own if has_agent(leg)]
    # It ended where it last came to people: not in a queue that it left again, nor in a call back to whoever left a message.
    came = [leg for leg in own if leg["direction"] == "inbound" and not leg.get("leg_type") and leg["disposition"] != "excluded"]
    last = ([leg for leg in came if leg["disposition"]] or came or [base])[-1]
    stated = last["disposition"]
    asking = [leg for leg in own if leg["disposition"] == "callback"]
    resolved = first(legs[::-1], "resolved")
    if asking and (not with_agent or legs.index(asking[0]) < legs.index(with_agent[0])):
        disposition = "callback"
    elif len(legs) > 1 and with_agent:
        disposition = "answered"
    elif stated or not own:
        disposition = stated or "ended_in_ivr"
    else:
        # A single leg without a word: who met an agent was answered, of others nobody knows. So was who was helped.
        disposition = "answered" if with_agent or resolved == "yes" else "unknown"
    answering = (with_agent or [last])[0]
    # The wait is that for the first agent: a queue on the way to the second is none.
    queueing = next((leg for leg in own if leg.get("queued_at") or leg.get("wait_seconds") is not None), base)
    waiting = answering if with_agent and legs.index(queueing) > legs.index(answering) else queueing
    after_menu = timedelta(seconds=(base.get("ivr_seconds") or 0) if waiting is base else 0)
    queued = waiting.get("queued_at") or base["started_at"] + (after_menu if base is legs[0] else timedelta(0))
    answered, ended = answering.get("answered_at"), max((leg["ended_at"] for leg in legs if leg.get("ended_at")), default=None)
    wait = waiting.get("wait_seconds")
    parting = asking[0] if disposition == "callback" else answering
    if legs.index(parting) > legs.index(waiting):
        # It began in another queue, and goes on from there.
        until = parting.get("answered_at") if parting in with_agent else None
        if until is None and parting.get("wait_seconds") is not None:
            at = parting["queued_at"] or parting["started_at"] + timedelta(seconds=parting.get("ivr_seconds") or 0)
            until = at + timedelta(seconds=parting["wait_seconds"])
        if until is None and parting["disposition"] == "abandoned":
            until = parting["ended_at"]
        wait = seconds(queued, until)
    if wait is None:
        wait = seconds(queued, answered)
    if wait is None and disposition == "abandoned":
        wait = seconds(queued, ended)
    spoken = [leg for leg in legs if leg.get("leg_type") != "consult"]
    talked = [leg["talk_seconds"] for leg in spoken if leg.get("talk_seconds") is not None]
    beside = sum((leg.get("hold_seconds") or 0) + (leg.get("wrap_up_seconds") or 0) for leg in spoken)
    in_menu = [s for leg in legs if (s := menu_seconds(leg)) is not None]
    asked = [s for leg in legs if (s := consult_seconds(leg)) is not None]
    has_consult = any(leg.get("leg_type") == "consult" or leg.get("consult_seconds") for leg in legs)
    later = [
        leg.get("answered_at") or leg["started_at"]
        for leg in with_agent
        if legs.index(leg) > legs.index(base) or leg.get("leg_type") == "callback"
    ]
    # Of a call of several legs each agent has their own; of one leg it is the call's.
    parts = [(leg["agent_id"], handling(leg)) for leg in with_agent if leg.get("agent_id")]
    whole = [(answering.get("agent_id") or "unknown", handling(base))]
    is_inbound = legs[0]["direction"] == "inbound"
    is_contact = is_inbound and disposition in ("answered", "abandoned", "voicemail", "callback", "unknown")
    is_answered = is_inbound and disposition == "answered"
    return {
        "call_id": legs[0]["call_id"], "started_at": legs[0]["started_at"], "disposition": disposition, "wait": wait,
        "handle": sum(talked) + beside if is_answered and talked else None, "agent": answering.get("agent_id") or "unknown",
        "is_contact": is_contact, "is_answered": is_answered, "is_transferred": len(with_agent) > 1,
        "is_resolved": resolved == "yes", "topic": first(legs, "topic"), "ticket_id": first(legs, "ticket_id"),
        "ids": [leg["call_id"] for leg in legs], "interaction": first(legs, "interaction_id"),
        "queued": queued, "ivr": sum(in_menu) if in_menu else None, "consult": sum(asked) if asked else None,
        "is_consulted": has_consult if is_answered else None, "customer": legs[0]["customer_id"],
        "is_called_out": not is_inbound and disposition == "answered", "is_inbound": is_inbound,
        "met_agent_later_at": min(later, default=None),
        "parts": parts if is_contact and len(legs) > 1 else whole * is_answered,
        "asks_for_a_call": is_contact
        and (disposition in ("callback", "voicemail") or any(leg.get("leg_type") == "callback" for leg in legs)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def calls() -> list[Row]:
    grouped = defaultdict(list)
    for leg in LEGS:
        grouped[leg.get("interaction_id") or leg["call_id"]].append(leg)
    return [call_of(legs) for legs in grouped.values()]


@pytest.fixture(scope="module")
def opened(calls: list[Row]) -> dict[str, Row]:
    """For each ticket that was opened in a call: the last call that names it and began before it."""
    found: dict[str, Row] = {}
    for ticket in TICKETS:
        naming = [call for call in calls if call["ticket_id"] == ticket["ticket_id"]]
        before = [call for call in naming if call["started_at"] <= ticket["created_at"] + timedelta(seconds=10)]
        if before:
            found[ticket["ticket_id"]] = max(before, key=lambda call: call["started_at"])
    return found


def test_the_legs_of_each_call(home: Home, calls: list[Row]) -> None:
    rows = home.query(
        "select call_id, disposition, wait_seconds, handle_seconds, agent_id, is_transferred, is_contact, queued_at, "
        "ivr_seconds, consult_seconds, is_consulted from fct_calls"
    )
    columns = (
        "call_id", "disposition", "wait", "handle", "agent", "is_transferred", "is_contact", "queued", "ivr", "consult",
        "is_consulted",
    )  # fmt: skip
    assert sorted(rows, key=str) == sorted((tuple(call[name] for name in columns) for call in calls), key=str)
    assert sum(call["is_transferred"] for call in calls) > 30
    assert {call["disposition"] for call in calls} >= {"callback", "unknown", "excluded", "voicemail", "abandoned", "answered"}
    assert sum(call["disposition"] == "ended_in_ivr" for call in calls) > 5


def test_calls_that_are_returned(home: Home, calls: list[Row]) -> None:
    expected = []
    for call in calls:
        if call["asks_for_a_call"]:
            out = [
                other["started_at"] for other in calls
                if other["customer"] == call["customer"] and other["is_called_out"] and other["started_at"] > call["queued"]
            ]  # fmt: skip
            returned = min([*out, *filter(None, [call["met_agent_later_at"]])], default=None)
            in_time = returned is not None and returned <= call["queued"] + timedelta(hours=24)
            expected.append((call["call_id"], returned, in_time))
    assert sorted(home.query("select call_id, returned_at, is_returned_in_time from fct_call_returns")) == sorted(expected)
    judged = [in_time for _, _, in_time in expected]
    times = [seconds(call["queued"], at) for call in calls for name, at, _ in expected if name == call["call_id"] and at]
    assert kpi(home, "call_return_rate") == (sum(judged), len(judged), 0)
    assert kpi(home, "call_return_time") == (sum(filter(None, times)), len(times), 0)
    assert 5 < sum(judged) < len(judged) - 5


def kpi(home: Home, name: str) -> tuple[float, float, int]:
    """Numerator, denominator and pending cases of the whole time."""
    (found,) = home.query(
        "select numerator, denominator, n_pending from kpis where kpi_id = ? and grain = 'all' and dimension = 'all'", name
    )
    return found


def test_the_kpis_of_calls(home: Home, calls: list[Row]) -> None:
    offered = [call for call in calls if call["is_contact"]]
    known = [call for call in offered if call["disposition"] != "unknown"]
    ends = [call["disposition"] for call in known]
    hung_up = [call for call in known if call["disposition"] == "abandoned"]
    short = {call["call_id"] for call in hung_up if call["wait"] is not None and call["wait"] <= SHORT}
    counted = [call for call in known if call["call_id"] not in short]
    abandoned = [call for call in counted if call["disposition"] == "abandoned"]
    answered = [call for call in calls if call["is_answered"]]
    waits = [call["wait"] for call in answered if call["wait"] is not None]
    measured = [call for call in counted if not (call["is_answered"] and call["wait"] is None)]
    handled = [call["handle"] for call in answered if call["handle"] is not None]
    expected = {
        "call_abandonment_rate": (len(abandoned), len(counted), len(offered) - len(known)),
        "call_service_level": (
            sum(call["is_answered"] and call["wait"] <= WITHIN for call in measured), len(measured),
            len(offered) - len(known) + len(counted) - len(measured),
        ),
        "call_wait_time": (sum(waits), len(waits), len(answered) - len(waits)),
        "average_handle_time": (sum(handled), len(handled), len(answered) - len(handled)),
        "callback_request_rate": (ends.count("callback"), len(known), len(offered) - len(known)),
        "voicemail_rate": (ends.count("voicemail"), len(known), len(offered) - len(known)),
        "consult_rate": (sum(call["is_consulted"] for call in answered), len(answered), 0),
    }  # fmt: skip
    for name, counts in expected.items():
        assert kpi(home, name) == counts, name
        assert counts[1] > 50


def test_each_agent_has_their_own_part_of_a_call(home: Home, calls: list[Row]) -> None:
    expected = {}
    for agent in {agent for call in calls for agent, _ in call["parts"]}:
        times = [time for call in calls for name, time in call["parts"] if name == agent]
        known = [time for time in times if time is not None]
        expected[agent] = (sum(known), len(known), len(times) - len(known))
    rows = home.query(
        "select member, numerator, denominator, n_pending from kpis "
        "where kpi_id = 'agent_handle_time' and grain = 'all' and dimension = 'agent'"
    )
    assert {member: tuple(counts) for member, *counts in rows} == expected
    assert kpi(home, "agent_handle_time") == tuple(map(sum, zip(*expected.values(), strict=True)))
    assert min(known for _, known, _ in expected.values()) > 50


def test_the_kpis_of_the_menu(home: Home, calls: list[Row]) -> None:
    entered = [
        call for call in calls
        if call["is_inbound"] and (call["disposition"] == "ended_in_ivr" or (call["is_contact"] and call["ivr"]))
    ]  # fmt: skip
    known = [call for call in entered if call["disposition"] != "unknown"]
    contained = [call for call in known if call["disposition"] == "ended_in_ivr"]
    times = [call["ivr"] for call in entered if call["ivr"] is not None]
    asked = [call["consult"] for call in calls if call["is_consulted"]]
    assert kpi(home, "ivr_containment_rate") == (len(contained), len(known), len(entered) - len(known))
    assert kpi(home, "ivr_time") == (sum(times), len(times), len(entered) - len(times))
    assert kpi(home, "consult_time") == (sum(filter(None, asked)), sum(s is not None for s in asked), asked.count(None))
    assert len(known) - len(contained) > 20


def test_a_call_and_its_tickets_are_one_contact(home: Home, calls: list[Row], opened: dict[str, Row]) -> None:
    part_of = {ticket: call for ticket, call in opened.items() if call["is_contact"]}
    tickets_of = defaultdict(list)
    for ticket in TICKETS:
        if ticket["ticket_id"] in part_of:
            tickets_of[part_of[ticket["ticket_id"]]["call_id"]].append(ticket)
    expected = []
    for call in calls:
        if call["is_contact"]:
            own = tickets_of[call["call_id"]]
            solved = all(ticket["status"] == "solved" for ticket in own) if own else call["is_resolved"]
            # Without a topic of its own, that of all tickets which it opened, contact or not.
            of_tickets = {t["topic"] for t in TICKETS if opened.get(t["ticket_id"]) is call and t["topic"]}
            topic = call["topic"] or (of_tickets.pop() if len(of_tickets) == 1 else "unknown")
            expected.append(("call", call["call_id"], solved, topic))
    for ticket in TICKETS:
        if ticket["ticket_id"] not in part_of:
            expected.append(("ticket", ticket["ticket_id"], ticket["status"] == "solved", ticket["topic"] or "unknown"))
    rows = home.query("select contact_type, contact_id, is_solved, topic from fct_contacts")
    assert sorted(rows) == sorted(expected)
    assert len(part_of) > 20
    assert len(TICKETS) - len(part_of) > 20


def test_a_survey_names_a_leg_or_the_whole_of_a_call(home: Home, calls: list[Row]) -> None:
    call_by_name = {name: call["call_id"] for call in calls for name in [*call["ids"], call["interaction"]]}
    expected = sorted((row["response_id"], call_by_name[row["call_id"]]) for row in SURVEYS)
    assert home.query("select response_id, call_id from fct_survey_responses order by 1") == expected
    by_interaction = [row for row in SURVEYS if row["call_id"].startswith("I")]
    assert len(by_interaction) > 10
    assert len(SURVEYS) - len(by_interaction) > 10
