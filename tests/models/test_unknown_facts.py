"""What exports do not tell, or tell in contradiction, is unknown: neither late, nor on time, nor nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from homes import Cxhouse, Home

# A home of its own takes most of a minute.
pytestmark = pytest.mark.ci

HEAD = "order_id,ordered_at,status,promised_ship_at,shipped_at,promised_delivery_at,delivered_at,cancelled_at"
ON_JUNE_1 = "2026-06-01T10:00:00Z"

#: T2 overdue, T3 delivered nobody knows when, T4 delivered before it was ordered, T5 five seconds of clock skew.
TELLING = f"""{HEAD}
T1,{ON_JUNE_1},delivered,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,2026-06-04T09:00:00Z,
T2,{ON_JUNE_1},shipped,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,,
T3,{ON_JUNE_1},delivered,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,,
T4,2026-06-03T10:00:00Z,delivered,2026-06-04,2026-06-03T12:00:00Z,2026-06-05,2026-06-02T09:00:00Z,
T5,{ON_JUNE_1},delivered,2026-06-02,2026-06-02T09:00:05Z,2026-06-05,2026-06-02T09:00:00Z,
"""

#: A shop with delivery dates, that never says when it delivered; one of its orders was cancelled by nobody known.
SILENT = "Number,Placed,State,Due\n" + "".join(
    f"S{number},{ON_JUNE_1},{state},2026-06-05\n"
    for number, state in enumerate(["delivered", "delivered", "shipped", "cancelled"])
)
SILENT_CONTRACT = """name: silent_shop
kind: orders
files: {name: "silent*.csv", columns: [Number, Placed]}
columns: {order_id: Number, ordered_at: Placed, status: State, promised_delivery_at: Due}
"""

#: A shop whose file has no word for a cancelled order, so that there being none tells nothing.
MUTE = f"Nr,Placed,Sent\nM1,{ON_JUNE_1},{ON_JUNE_1}\nM2,{ON_JUNE_1},\n"
MUTE_CONTRACT = """name: mute_shop
kind: orders
files: {name: "mute*.csv", columns: [Nr, Placed, Sent]}
columns:
  order_id: Nr
  ordered_at: Placed
  status: {sql: "case when Sent is not null then 'shipped' else 'paid' end", map: {paid: paid, shipped: shipped, "*": null}}
"""

#: Another shop whose orders the same contract reads, and whose file has more columns: who cancelled, refunds, affiliates.
MORE = f"""order_id,ordered_at,status,cancelled_by,refund_amount,affiliate_code,claim_type
B1,{ON_JUNE_1},cancelled,seller,,,
B2,{ON_JUNE_1},cancelled,buyer,,,
B3,{ON_JUNE_1},delivered,,5,,
B4,{ON_JUNE_1},delivered,,,ZOE,chargeback
"""

CALLS_HEAD = (
    "call_id,interaction_id,channel,started_at,direction,queued_at,answered_at,ended_at,disposition,wait_seconds,talk_seconds,"
    "agent_id,team"
)
CALLS = f"""{CALLS_HEAD}
sound,,,2026-06-10T10:00:00Z,inbound,2026-06-10T10:00:00Z,2026-06-10T10:00:10Z,2026-06-10T10:05:00Z,answered,,290,ann,desk
wrong,,,2026-06-10T10:00:00Z,inbound,2026-06-10T10:00:00Z,2026-06-10T08:00:10Z,2026-06-10T10:05:00Z,answered,,290,ann,desk
silent,,,2026-06-10T10:00:00Z,inbound,,,2026-06-10T10:05:00Z,,,,,desk
leg1,leg1,voice,2026-06-11T10:00:00Z,inbound,2026-06-11T10:00:00Z,2026-06-11T10:00:12Z,2026-06-11T10:02:00Z,answered,12,100,ann,desk
leg2,leg1,voice,2026-06-11T10:02:00Z,inbound,2026-06-11T10:02:00Z,2026-06-11T10:02:40Z,2026-06-11T10:07:00Z,answered,40,260,bob,desk
back1,back1,voice,2026-06-11T11:00:00Z,inbound,2026-06-11T11:00:00Z,,2026-06-11T11:01:00Z,callback,60,,,desk
back2,back1,voice,2026-06-11T11:01:00Z,outbound,2026-06-11T11:01:00Z,2026-06-11T11:10:00Z,2026-06-11T11:15:00Z,answered,540,200,ann,desk
chat,,chat,2026-06-11T12:00:00Z,inbound,2026-06-11T12:00:00Z,2026-06-11T12:00:30Z,2026-06-11T12:11:00Z,answered,30,600,cyd,desk
"""

#: Messages: one whose second leg names the customer and is asked about, one of nobody known that opened a ticket of somebody.
MESSAGES_HEAD = (
    "call_id,interaction_id,channel,started_at,customer_id,ticket_id,agent_id,disposition,solved_on_first_contact,resolved"
)
MESSAGES = f"""{MESSAGES_HEAD}
w1,w1,messaging,2026-07-12T10:00:00Z,,,ann,answered,yes,
w2,w1,messaging,2026-07-12T10:05:00Z,who1,,bob,answered,,yes
n1,,messaging,2026-07-13T10:00:00Z,,x1,ann,answered,,yes
"""
OPENED = "ticket_id,created_at,status,topic,customer_id\nx1,2026-07-13T10:02:00Z,solved,billing,who2\n"
ASKED = "response_id,kind,responded_at,score,call_id,issue_solved\ns1,csat,2026-07-12T12:00:00Z,5,w2,true\n"

#: Berlin's clocks go back at 01:00 UTC on 2026-10-25: four calls of the first half hour at 02:00, two of the second.
NIGHT = f"{CALLS_HEAD}\n" + "".join(
    f"night{number},,,{at}:00Z,inbound,{at}:00Z,{at}:10Z,{at}:40Z,answered,10,30,eve,night\n"
    for number, at in enumerate(
        [f"2026-10-18T00:{minute}" for minute in ("05", "20")]
        + [f"2026-10-25T00:{minute}" for minute in ("00", "10", "20", "29")]
        + [f"2026-10-25T01:{minute}" for minute in ("00", "29")]
    )
)
ROSTER = "agent_id,work_date,team,scheduled_minutes,worked_minutes\neve,2026-10-18,night,480,480\neve,2026-11-01,night,480,480\n"


def run(cxhouse: Cxhouse, home: Home) -> subprocess.CompletedProcess[str]:
    return cxhouse("run", "--exports", home.exports, *home.options, "--as-of", "2026-11-02")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> tuple[Home, str]:
    """A home of three shops and a call centre, and what its run said."""
    folder = tmp_path_factory.mktemp("unknown")
    home = Home(folder / "home", folder / "exports", folder / "config")
    files: dict[Path, str] = {
        home.exports / "orders.csv": TELLING,
        home.exports / "silent.csv": SILENT,
        home.exports / "mute.csv": MUTE,
        home.exports / "more" / "orders.csv": MORE,
        home.exports / "calls.csv": CALLS,
        home.exports / "calls_of_the_night.csv": NIGHT,
        home.exports / "calls_of_messages.csv": MESSAGES,
        home.exports / "tickets.csv": OPENED,
        home.exports / "surveys.csv": ASKED,
        home.exports / "agents.csv": ROSTER,
        folder / "config" / "cxhouse.yml": "reporting_timezone: Europe/Berlin\nmin_people: 1\n",
        folder / "config" / "contracts" / "silent.yml": SILENT_CONTRACT,
        folder / "config" / "contracts" / "mute.yml": MUTE_CONTRACT,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home, run(cxhouse, home).stdout


def counts(home: Home, kpi_id: str) -> tuple[object, ...]:
    """Numerator, denominator and pending cases over all time."""
    return home.query(
        "select numerator, denominator, n_pending from kpis where kpi_id = ? and grain = 'all' and dimension = 'all'", kpi_id
    )[0]


def test_a_delivery_without_a_date_is_neither_late_nor_on_time(built: tuple[Home, str]) -> None:
    home, _ = built
    # On time T1 and T5, late T2; pending are T3, T4, and all three of the shop that never tells.
    assert counts(home, "on_time_delivery_rate") == (2, 3, 5)
    assert counts(home, "on_time_shipping_rate") == (5, 5, 0)


def test_what_an_export_never_tells_leaves_its_kpi_without_a_value(built: tuple[Home, str], cxhouse: Cxhouse) -> None:
    home, _ = built
    missing = "select status, missing_export, value, n_pending from kpis where kpi_id = ?"
    amounts = "total_amount (orders) or unit_price (order_items), which canonical_orders, mute_shop, silent_shop cannot tell"
    assert home.query(missing, "order_size") == [("not_available", amounts, None, 12)]
    assert home.query(missing, "review_score") == [("not_available", "reviews", None, None)]
    shown = cxhouse("kpis", *home.options, "--kpi", "order_size").stdout
    assert "needs total_amount" in " ".join(shown.split())


def test_an_export_that_can_tell_counts_and_one_that_cannot_is_left_out(built: tuple[Home, str], cxhouse: Cxhouse) -> None:
    """Files of one contract may have other columns: what a file cannot tell is unknown for its records alone."""
    home, _ = built
    # Pending: the silent shop's cancelled order; its others, those of the mute shop and those of the first file are not judged.
    assert counts(home, "cancellation_rate") == (1, 4, 1)
    assert counts(home, "refund_rate") == (1, 4, 11)
    assert counts(home, "referral_rate") == (1, 4, 11)
    facts = "select has_refund, has_affiliate_code, is_defective, is_cancelled_by_seller from fct_orders where order_id = ?"
    assert home.query(facts, "T1") == [(None, None, None, None)]
    assert home.query(facts, "B4") == [(False, True, True, False)]
    covered = "select contract, records, records_left_out, lacks from kpi_coverage where kpi_id = ? order by 1"
    assert home.query(covered, "cancellation_rate") == [
        ("canonical_orders", 9, 5, "cancelled_by (orders)"),
        ("mute_shop", 2, 2, "cancelled_by (orders)"),
        ("silent_shop", 4, 4, "cancelled_by (orders)"),
    ]
    ledger = "select file from load_ledger where kind = 'orders' and available_columns like '%cancelled_by%'"
    assert home.query(ledger) == [("more/orders.csv",)]
    said = cxhouse("kpis", *home.options, "--kpi", "cancellation_rate", "--grain", "all").stdout
    assert "leaves out 5 of 9 orders of canonical_orders, which cannot tell cancelled_by" in said.replace("\n", " ")
    assert "leaves out 5 of 9 orders of canonical_orders" in (home.path / "published" / "report.html").read_text()


def test_a_call_answered_before_it_was_queued_has_no_known_wait(built: tuple[Home, str]) -> None:
    home, _ = built
    # Waits of 10 and 12 seconds, and eight of 10 at night.
    assert counts(home, "call_wait_time") == (102, 10, 1)
    # Offered: all of these, the callback; not known: the wrong and the silent one.
    assert counts(home, "call_service_level") == (10, 11, 2)


def test_silence_is_no_abandoned_call(built: tuple[Home, str]) -> None:
    home, _ = built
    assert counts(home, "call_abandonment_rate") == (0, 12, 1)


def test_legs_are_one_call_and_a_chat_is_none(built: tuple[Home, str]) -> None:
    home, _ = built
    calls = (
        "select call_id, channel, disposition, wait_seconds, handle_seconds, is_transferred from fct_calls "
        "where started_at between '2026-06-11' and '2026-06-30' order by 1"
    )
    assert home.query(calls) == [
        ("back1", "phone", "callback", 60, None, False),
        ("chat", "chat", "answered", 30, None, False),
        ("leg1", "phone", "answered", 12, 360, True),
    ]
    assert home.query("select count(*) from fct_contacts where channel = 'chat'") == [(1,)]
    handled = home.query("select agent_id, sum(calls_handled), sum(handle_seconds) from fct_agent_days group by 1 order by 1")
    assert [row for row in handled if row[0] == "bob"] == [("bob", 1, 260)]


def test_what_a_later_leg_says_is_said_of_the_call(built: tuple[Home, str]) -> None:
    home, _ = built
    calls = "select customer_key <> 'unknown', is_fcr_claimed, is_fcr_verified from fct_calls where call_id = 'w1'"
    assert home.query(calls) == [(True, True, True)]
    # The answer is of the call, and about the agent of the leg that was asked about.
    assert home.query("select call_id, agent_id from fct_survey_responses") == [("w1", "bob")]


def test_a_call_of_nobody_known_is_of_the_person_of_its_ticket(built: tuple[Home, str]) -> None:
    home, _ = built
    persons = (
        "select calls.topic, calls.customer_key = tickets.customer_key, calls.customer_key <> 'unknown' from fct_calls as calls "
        "inner join fct_tickets as tickets on calls.call_id = tickets.opened_by_call_id"
    )
    assert home.query(persons) == [("billing", True, True)]
    assert home.query("select contact_id from fct_contacts where topic = 'billing'") == [("n1",)]
    # One contact each: two legs, and a message with its ticket.
    assert home.query("select contacts_of_year from segments order by customer_key") == [(1,), (1,)]


def test_contradictions_are_listed_with_file_and_row(built: tuple[Home, str]) -> None:
    home, output = built
    found = home.query("select kind, record_id, rule, difference_seconds, _file, _row from quality_time_order order by 1, 2, 3")
    assert [row[:4] for row in found] == [
        ("calls", "wrong", "answered_at before queued_at", 7190),
        ("calls", "wrong", "answered_at before started_at", 7190),
        ("orders", "T4", "delivered_at before ordered_at", 90000),
        ("orders", "T4", "delivered_at before shipped_at", 97200),
    ]
    assert {row[4] for row in found} == {"calls.csv", "orders.csv"}
    assert all(row[5] is not None for row in found)
    assert "No record's instants contradict each other" in output
    # Its warning names kind, rule and the first record; a terminal may break its lines anywhere.
    words = " ".join(output.split())
    assert "orders, delivered_at before ordered_at: 1 record, by 90000 s; first: orders.csv, row" in words


def test_a_half_hour_that_happens_twice_is_two(built: tuple[Home, str]) -> None:
    home, _ = built
    at_two = (
        "select starts_at::varchar, calls_forecast from fct_staffing_half_hours "
        "where team = 'night' and half_hour = 4 and date_day = ? order by 1"
    )
    assert home.query(at_two, "2026-10-25") == [("2026-10-25 00:00:00", 2), ("2026-10-25 01:00:00", 2)]
    # The mean of four and two: the week did not bring six.
    assert home.query(at_two, "2026-11-01") == [("2026-11-01 01:00:00", 3)]
    lengths = (
        "select date_day::varchar, count(*) from fct_staffing_half_hours where team = 'night' and date_day in (?, ?) group by 1"
    )
    assert sorted(home.query(lengths, "2026-10-25", "2026-11-01")) == [("2026-10-25", 50), ("2026-11-01", 48)]
