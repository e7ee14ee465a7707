"""One bad row never stops a run: it is in quarantine with its reason, and the figures are as if it had not been there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import duckdb
import pytest
import yaml
from homes import Cxhouse, Home

# A home of its own takes most of a minute.
pytestmark = pytest.mark.ci

#: Nobody's, and no business of a message.
PERSON = "max.muster@leak.example IBAN DE02120300000000202051"
NOTES_CONTRACT = {
    "name": "notes", "kind": "tickets", "files": {"name": "notes*"},
    "columns": {
        "ticket_id": "nr", "created_at": "at", "status": {"value": "open"}, "agent_replies": {"sql": "cast(note as integer)"},
    },
}  # fmt: skip
MAIL_CONTRACT = {
    "name": "mail_desk", "kind": "tickets", "files": {"name": "mails*"}, "timezone": "Europe/Helsinki", "delimiter": ";",
    "columns": {
        "ticket_id": "id", "created_at": {"from": "opened", "format": "%a, %d %b %Y %H:%M:%S %z"},
        "first_response_at": {"from": "answered", "format": "%a, %d %b %Y %H:%M:%S %z"}, "status": "state",
    },
}  # fmt: skip
FILES = {
    # An offset in the value wins over the contract's zone.
    "mails.csv": "id;opened;answered;state\n"
    "M1;Tue, 5 May 2026 08:00:00 -0700;Tue, 5 May 2026 08:30:00 -0700;Open\n",
    # SQL of the contract that fails on a value.
    "notes.csv": f"nr,at,note\nN1,2026-05-10T10:00:00,3\nN2,2026-05-10T10:00:00,{PERSON}\n",
    # A scale of six; a score above its scale; placeholders that would glue strangers together.
    "tickets.csv": "ticket_id,created_at,status,channel,customer_id,customer_email,customer_phone,csat_score,csat_scale\n"
    "S1,2026-05-10T10:00:00,On Hold,E-Mail,0,guest,anonymous,6,6\n"
    "S2,2026-05-10T11:00:00,on-hold,chat,0,,0000000,7,6\n"
    "S3,2026-05-10T12:00:00,ON_HOLD,chat,0,n/a,private,2,6\n"
    "0,2026-05-10T13:00:00,open,chat,A,,,,\n",
    # A day of holding, a number beyond all reason, and a word of no meaning.
    "calls.csv": "call_id,started_at,queued_at,answered_at,ended_at,disposition,talk_seconds,hold_seconds,queue\n"
    + "".join(f"K{n},2026-05-10T10:00:00,2026-05-10T10:00:00,2026-05-10T10:00:10,,answered,100,5,q\n" for n in range(4))
    + "stuck,2026-05-10T10:00:00,,2026-05-10T10:00:10,,answered,100,100000,q\n"
    + "huge,2026-05-10T10:00:00,,2026-05-10T10:00:10,,answered,100,8000000000000000000,q\n"
    + "odd,2026-05-10T10:00:00,,2026-05-10T10:00:10,,picked up,100,5,q\n",
    "reviews.csv": "review_id,created_at,rating,rating_scale\n"
    "R1,2026-05-10,3,5\nR2,2026-05-10,-3,5\nR3,2026-05-10,9,5\nR4,2026-05-10,8,10\n",
    "surveys.csv": "response_id,kind,responded_at,score,scale_min,scale_max\n"
    "Q1,nps,2026-05-10,9,0,10\nQ2,nps,2026-05-10,12,0,10\nQ3,nps,2026-05-10,12,,\nQ4,csat,2026-05-10,4,1,5\n",
    # A refund is its size, whatever its sign.
    "orders.csv": "order_id,ordered_at,status,customer_id,currency,total_amount,refund_amount,refunded_at\n"
    "O1,2026-05-01,delivered,C1,EUR,80.00,-30.00,2026-05-05\n"
    "O2,2026-05-01,refunded,C2,EUR,50.00,(50.00),2026-05-05\n"
    "O3,2026-05-01,Canceled,C3,EUR,\"1,020.50\",,\n"
    "O4,2026-05-01,paid,C4,EUR,-70.00,,\n",
    "order_items.csv": "order_id,line_id,product_id,quantity,unit_price\nO1,1,unknown,2,40\nO2,1,p,1e300,50\n",
    "web_sessions.csv": "session_id,started_at,page_views,help_page_views\n"
    "W1,2026-05-10,3,1\nW2,2026-05-10,7000000000000000000,1\n",
    "agents.csv": "agent_id,work_date,worked_minutes,absence\n"
    "ann,2026-05-10,480,\nbob,2026-05-10,1600,\ncid,2026-05-10,0,Holiday\n",
    "ticket_events.csv": "ticket_id,event_at,event_type,actor_type,from_value,to_value\n"
    "S1,2026-05-10T10:00:00,Created,customer,,New\n"
    "S1,2026-05-10T10:30:00,status changed,agent,New,On-Hold\n"
    "S1,2026-05-10T10:40:00,status_changed,agent,on hold,parked\n"
    "S1,2026-05-10T10:50:00,rated,customer,,Good\n",
}  # fmt: skip
REJECTED = {
    ("notes.csv", 3): "agent_replies has a value on which the SQL of the contract fails",
    ("tickets.csv", 3): "csat_score is above its scale",
    ("tickets.csv", 5): "ticket_id is a word or number that stands for none",
    ("calls.csv", 6): "hold_seconds '100000' lies outside of 0 to 86,400",
    ("calls.csv", 7): "hold_seconds a value of 19 characters lies outside of 0 to 86,400",
    ("calls.csv", 8): "disposition 'picked up' is not one of: answered, abandoned, voicemail, callback, failed, excluded, "
    "ended_in_ivr",
    ("reviews.csv", 3): "rating '-3' lies outside of 0 to 100",
    ("reviews.csv", 4): "rating is above its scale (rating_scale; 5 where it is not given)",
    ("surveys.csv", 3): "score is off its scale",
    ("surveys.csv", 4): "score is off the scale of 0 to 10",
    ("orders.csv", 5): "total_amount '-70.00' lies outside of 0 to 1,000,000,000",
    ("order_items.csv", 3): "quantity '1e300' lies outside of 0 to 1,000,000",
    ("web_sessions.csv", 3): "page_views a value of 19 characters lies outside of 0 to 100,000",
    ("agents.csv", 3): "worked_minutes '1600' lies outside of 0 to 1,440",
    ("ticket_events.csv", 4): "to_value a value of 6 characters is not one of: new, open, pending, on_hold, solved, closed",
}


class Inbox(HTTPServer):
    """A web hook."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        super().__init__(("127.0.0.1", 0), _Hook)


class _Hook(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Ran(Home):
    """A home, what the run said, and what was sent."""

    said: str
    sent: list[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Iterator[Ran]:
    root = tmp_path_factory.mktemp("bad_rows")
    for folder in ("exports", "config/contracts"):
        (root / folder).mkdir(parents=True)
    for name, text in FILES.items():
        (root / "exports" / name).write_text(text)
    inbox = Inbox()
    Thread(target=inbox.serve_forever, daemon=True).start()
    for contract in (NOTES_CONTRACT, MAIL_CONTRACT):
        (root / "config" / "contracts" / f"{contract['name']}.yml").write_text(yaml.safe_dump(contract))
    settings = {"as_of": "2026-05-31", "notify": [f"json://127.0.0.1:{inbox.server_port}/x"]}
    (root / "config" / "cxhouse.yml").write_text(yaml.safe_dump(settings))
    home = Ran(root / "home", root / "exports", root / "config")
    done = cxhouse("run", "--exports", home.exports, *home.options)
    home.said, home.sent = done.stdout + done.stderr, inbox.bodies
    yield home
    inbox.shutdown()


def test_bad_rows_lie_in_quarantine_with_their_reasons_and_nothing_else_does(ran: Ran) -> None:
    with duckdb.connect() as con:
        rows = con.execute(
            "select _file, _row, reason from read_parquet(?, union_by_name = true)", [f"{ran.path}/quarantine/*/*.parquet"]
        ).fetchall()
    assert {(file, row): reason for file, row, reason in rows} == REJECTED
    ledger = ran.query("select sum(rows_read), sum(rows_loaded), sum(rows_quarantined) from load_ledger")
    ((read, loaded, quarantined),) = ledger
    assert read == sum(text.count("\n") - 1 for text in FILES.values())
    assert (loaded, quarantined) == (read - len(REJECTED), len(REJECTED))


def test_the_figures_are_those_of_the_good_rows(ran: Ran) -> None:
    assert ran.kpi("average_handle_time") == 105
    assert ran.kpi("call_wait_time") == 10
    assert ran.kpi("nps") == 100
    # 3 of 5 stars, and 8 of 10, which is 1 + 7 * 4 / 9 of five.
    assert ran.kpi("review_score") == pytest.approx((3 + 1 + 28 / 9) / 2)
    assert ran.query("select order_id, refund_value, is_refunded, status, order_value from fct_orders order by 1") == [
        ("O1", 30.0, False, "delivered", 80.0), ("O2", 50.0, True, "refunded", 50.0), ("O3", None, False, "cancelled", 1020.5),
    ]  # fmt: skip
    assert ran.query("select product_id, quantity from fct_order_items") == [("unknown", 2.0)]
    assert ran.query("select first_response_seconds from fct_tickets where ticket_id = 'M1'") == [(1800,)]
    assert ran.query("select created_at = timestamp '2026-05-05 15:00:00' from fct_tickets where ticket_id = 'M1'") == [(True,)]


def test_words_are_the_same_however_they_are_spelled(ran: Ran) -> None:
    assert ran.query("select ticket_id, status from fct_tickets where ticket_id like 'S%' order by 1") == [
        ("S1", "on_hold"), ("S3", "on_hold"),
    ]  # fmt: skip
    assert ran.query("select event_type, to_status from fct_ticket_events order by event_at") == [
        ("created", "new"), ("status_changed", "on_hold"), ("rated", None),
    ]  # fmt: skip
    # "Good" is the top of a scale of two; a six of six too.
    answers = "select source_id, score, scale_max, is_satisfied from fct_csat_answers where category = 'ticket' order by 1"
    assert ran.query(answers) == [
        ("S1", 2.0, 2, True), ("S3", 2.0, 6, False),
    ]  # fmt: skip


def test_placeholders_are_nobody(ran: Ran) -> None:
    assert ran.query("select distinct customer_key from fct_tickets where ticket_id like 'S%'") == [("unknown",)]
    assert ran.query("select count(*) from dim_customers where customer_key <> 'unknown'") == [(3,)]


def test_no_value_of_a_person_is_anywhere_but_where_the_rows_are_kept(ran: Ran) -> None:
    parts = [part.encode() for part in PERSON.split() if len(part) > 6]
    kept = {"landing", "quarantine"}
    files = [path for path in ran.path.rglob("*") if path.is_file() and path.relative_to(ran.path).parts[0] not in kept]
    assert len(files) > 50
    assert [path for path in files if any(part in path.read_bytes() for part in parts)] == []
    assert not any(part.decode() in ran.said for part in parts)
    assert ran.sent, "the run brought alerts"
    assert not any(part.decode() in body for body in ran.sent for part in parts)
    assert json.loads(ran.sent[0])["title"].startswith("cxhouse")
