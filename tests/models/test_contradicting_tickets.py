"""Tickets whose export contradicts itself, or does not tell: the figures are right or unknown, never pressed into shape."""

from __future__ import annotations

import csv
import random
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from homes import Cxhouse, Home
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.warehouse.warehouse import Warehouse

# A home of its own takes most of a minute.
pytestmark = pytest.mark.ci

AS_OF = "2026-07-01"
Rows = list[dict[str, object]]
CHAINS = 40


def tickets(*rows: str, columns: str) -> Rows:
    names = ["ticket_id", "created_at", "status", "channel", *columns.split()]
    return [dict(zip(names, row.split("|"), strict=True)) for row in rows]


def log(*rows: str) -> Rows:
    names = ["ticket_id", "event_at", "event_type", "actor_type", "from_value", "to_value"]
    return [dict(zip(names, row.split("|"), strict=True)) for row in rows]


def chains(seed: int) -> tuple[Rows, Rows, dict[str, tuple[str, int]]]:
    """Tickets with several changes within a second, their rows shuffled: what each ends in, and how often it was reopened."""
    draw = random.Random(seed)
    states = ["new", "open", "pending", "on_hold", "solved", "closed"]
    listed, events, expected = [], [], {}
    for number in range(CHAINS):
        ticket, at, state = f"chain{number}", datetime(2026, 6, 3, 9), "new"
        events.append({"ticket_id": ticket, "event_at": at, "event_type": "created", "actor_type": "customer", "to_value": state})
        reopens = 0
        for _ in range(3):
            at += timedelta(minutes=draw.randint(1, 500))
            edges: set[tuple[str, str]] = set()
            # Each state is left at most once within the instant: there is one way to order its changes.
            left = {state}
            for _ in range(draw.randint(1, 4)):
                then = draw.choice([other for other in states if other not in left])
                reopens += state in ("solved", "closed") and then not in ("solved", "closed")
                edges.add((state, then))
                left.add(then)
                state = then
            for before, then in edges:
                change = {
                    "event_at": at,
                    "event_type": "status_changed",
                    "actor_type": "agent",
                    "from_value": before,
                    "to_value": then,
                }
                events.append({"ticket_id": ticket, **change})
        listed.append({"ticket_id": ticket, "created_at": "2026-06-03 09:00:00", "status": state, "channel": "email"})
        expected[ticket] = (state, reopens)
    draw.shuffle(events)
    return listed, events, expected


CHAIN_TICKETS, CHAIN_EVENTS, CHAIN_ENDS = chains(7)

#: desk -> its list and its log; each desk has contracts of its own.
DESKS: dict[str, tuple[Rows, Rows]] = {
    "ties": (
        tickets(
            "tie1|2026-06-01 09:00:00|solved|email|2026-06-01 11:00:00",
            "tie2|2026-06-01 09:00:00|solved|email|2026-06-01 11:00:00",
            columns="solved_at",
        )
        + CHAIN_TICKETS,
        log(
            "tie1|2026-06-01 11:00:00|status_changed|agent|pending|solved",
            "tie1|2026-06-01 11:00:00|status_changed|agent|open|pending",
            "tie1|2026-06-01 09:30:00|status_changed|agent|new|open",
            "tie1|2026-06-01 09:00:00|created|customer||new",
            "tie2|2026-06-01 09:00:00|created|customer||new",
            "tie2|2026-06-01 09:30:00|status_changed|agent|new|open",
            "tie2|2026-06-01 11:00:00|status_changed|agent|open|pending",
            "tie2|2026-06-01 11:00:00|status_changed|agent|pending|solved",
        )
        + CHAIN_EVENTS,
    ),
    "late_log": (
        tickets(
            "old1|2026-01-10 09:00:00|closed|email|2026-01-11 09:00:00",
            "old2|2026-01-12 09:00:00|closed|email|2026-01-13 09:00:00",
            "half|2026-05-20 09:00:00|solved|email|2026-06-02 12:00:00",
            "new1|2026-06-01 09:00:00|solved|email|2026-06-01 11:00:00",
            "new2|2026-06-02 09:00:00|solved|email|2026-06-02 11:00:00",
            "mute|2026-06-03 09:00:00|open|email|",
            columns="solved_at",
        ),
        log(
            "half|2026-06-01 08:00:00|status_changed|agent|pending|open",
            "half|2026-06-02 10:00:00|public_reply|agent||",
            "half|2026-06-02 12:00:00|status_changed|agent|open|solved",
            "new1|2026-06-01 09:00:00|created|customer||new",
            "new1|2026-06-01 10:00:00|public_reply|agent||",
            "new1|2026-06-01 11:00:00|status_changed|agent|new|solved",
            "new2|2026-06-02 09:00:00|created|customer||new",
            "new2|2026-06-02 10:00:00|public_reply|agent||",
            "new2|2026-06-02 11:00:00|status_changed|agent|new|solved",
            "mute|2026-06-03 09:00:00|created|customer||new",
        ),
    ),
    # Its log ends on 3 June, and the list goes on for two days.
    "log_ended": (
        tickets(
            "e1|2026-06-01 09:00:00|solved|email|2026-06-01 11:00:00",
            "e2|2026-06-02 09:00:00|open|email|",
            "e3|2026-06-03 09:00:00|open|email|",
            "e4|2026-06-03 09:00:00|solved|email|2026-06-04 09:00:00",
            "e5|2026-06-05 09:00:00|open|email|",
            columns="solved_at",
        ),
        log(
            "e1|2026-06-01 09:00:00|created|customer||new",
            "e1|2026-06-01 11:00:00|status_changed|agent|new|solved",
            "e2|2026-06-02 09:00:00|created|customer||new",
            "e2|2026-06-02 10:00:00|public_reply|agent||",
            "e3|2026-06-03 09:00:00|created|customer||new",
            "e4|2026-06-03 09:00:00|created|customer||new",
        ),
    ),
    "migrated": (
        tickets(
            "m1|2026-06-01 08:00:00|closed|email|2025-11-03 10:00:00|2025-11-05 10:00:00||0|1",
            "m2|2026-06-01 09:00:00|solved|email|2026-06-01 10:00:00|2026-06-01 11:00:00||0|1",
            "early|2026-06-10 10:00:00|solved|email|2026-06-10 08:00:00|2026-06-10 12:00:00||0|1",
            "skew|2026-06-10 10:00:00|solved|email|2026-06-10 09:59:55|2026-06-10 12:00:00||0|1",
            "swapped|2026-06-10 10:00:00|solved|email|2026-06-10 11:00:00|2026-06-10 12:00:00|2026-06-10 15:00:00|0|1",
            columns="first_response_at solved_at first_solved_at reopens agent_replies",
        ),
        [],
    ),
    "two_zones": (
        tickets(
            "z1|2026-06-01 11:00:00|solved|email",
            "z2|2026-06-02 12:30:00|solved|email",
            "z3|2026-06-04 01:10:00|solved|email",
            "z4|2026-06-05 16:00:00|open|email",
            columns="",
        ),
        log(
            "z1|2026-06-01 09:00:00|created|customer||",
            "z1|2026-06-01 09:30:00|public_reply|agent||",
            "z1|2026-06-01 10:00:00|status_changed|agent|open|solved",
            "z2|2026-06-02 10:30:00|created|customer||",
            "z2|2026-06-02 11:00:00|public_reply|agent||",
            "z2|2026-06-02 11:30:00|status_changed|agent|open|solved",
            "z3|2026-06-03 23:10:00|created|customer||",
            "z3|2026-06-03 23:40:00|public_reply|agent||",
            "z3|2026-06-03 23:50:00|status_changed|agent|open|solved",
            "z4|2026-06-05 14:00:00|created|customer||",
            "z4|2026-06-05 14:20:00|public_reply|agent||",
        ),
    ),
    "phone": (
        tickets(
            "p1|2026-06-01 10:06:00|solved|phone|who1|billing|2026-06-01 10:06:00|2026-06-01 10:06:00|0|1",
            columns="customer_id topic first_response_at solved_at reopens agent_replies",
        ),
        [],
    ),
    "metrics": (
        [
            *tickets(
                "v1|2026-04-08 20:52:00|solved|email|2026-04-20 16:30:00|2|3|36000|1021080|",
                "v2|2026-04-24 19:32:00|closed|email|2026-04-26 16:26:00|0|1|161640|161640|",
                "v3|2026-04-24 19:32:00|closed|email|2026-04-26 16:26:00|1|1||170000|",
                "v4|2026-04-30 08:00:00|open|email||0|0|||",
                "round1|2026-04-30 08:00:00|closed|email||0|0|||round2",
                "round2|2026-04-30 08:00:00|closed|email||0|0|||round1",
                columns="solved_at reopens agent_replies vendor_first_resolution_seconds vendor_full_resolution_seconds "
                "merged_into",
            ),
            {
                "ticket_id": "gone",
                "created_at": "2026-04-30 08:00:00",
                "status": "open",
                "channel": "email",
                "is_deleted": "true",
            },
        ],
        [],
    ),
    "opened_by_agents": (
        tickets("written|2026-06-01 09:00:00|open|email", "answered|2026-06-01 09:00:00|open|email", columns=""),
        log(
            "written|2026-06-01 09:00:00|created|agent||new",
            "written|2026-06-01 09:00:00|public_reply|agent||",
            "answered|2026-06-01 09:00:00|created|agent||new",
            "answered|2026-06-01 09:00:00|public_reply|agent||",
            "answered|2026-06-03 09:00:00|customer_message|customer||",
            "answered|2026-06-03 09:20:00|public_reply|agent||",
        ),
    ),
}


#: A shop where nothing was cancelled, and whose export has no column of refunds; reviews that nobody replied to.
CALM_ORDERS = "order_id,ordered_at,status,claim_type\n" + "".join(f"calm{n},2026-06-0{n} 10:00:00,delivered,\n" for n in "123")
SILENT_REVIEWS = "review_id,created_at,rating,text,replied_at\nr1,2026-06-01 10:00:00,1,broken,\n"


def write(path: Path, rows: Rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as stream:
        out = csv.DictWriter(stream, names)
        out.writeheader()
        out.writerows(rows)


def contract(folder: Path, kind: str, desk: str, rows: Rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    content = {
        "name": f"{desk}_{kind}", "kind": kind, "files": {"name": f"{kind}_{desk}_*"}, "columns": {name: name for name in names},
    }  # fmt: skip
    (folder / f"{desk}_{kind}.yml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> tuple[Home, str]:
    """A home of all desks, and what its run said."""
    root = tmp_path_factory.mktemp("contradicting")
    exports, config = root / "exports", root / "config"
    (config / "contracts").mkdir(parents=True)
    exports.mkdir()
    for desk, (listed, events) in DESKS.items():
        for kind, rows in (("tickets", listed), ("ticket_events", events)):
            if rows:
                contract(config / "contracts", kind, desk, rows)
            # Cut into files any way: the order of the rows means nothing.
            for part in range(min(3, len(rows))):
                write(exports / f"{kind}_{desk}_{part}.csv", [{**dict.fromkeys(rows[0], ""), **row} for row in rows[part::3]])
    write(
        exports / "calls.csv",
        [
            {
                "call_id": "k1", "started_at": "2026-06-01 10:00:00", "direction": "inbound", "ended_at": "2026-06-01 10:05:10",
                "answered_at": "2026-06-01 10:00:10", "disposition": "answered", "customer_id": "who1", "topic": "billing",
                "resolved": "yes", "ticket_id": "p1", "talk_seconds": 300,
            }
        ],
    )  # fmt: skip
    (exports / "orders.csv").write_text(CALM_ORDERS)
    (exports / "reviews.csv").write_text(SILENT_REVIEWS)
    home = Home(root / "home", exports, config)
    done = cxhouse("run", "--exports", exports, *home.options, "--as-of", AS_OF)
    return home, done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(built: tuple[Home, str]) -> Home:
    return built[0]


def of_ticket(home: Home, ticket: str, *columns: str) -> tuple:
    return home.query(f"select {', '.join(columns)} from fct_tickets where ticket_id = ?", ticket)[0]


def test_changes_within_a_second_follow_their_chain(home: Home) -> None:
    def spans(ticket: str) -> list[tuple]:
        return home.query(
            "select status, starts_at, ends_at from fct_ticket_status_spans where ticket_id = ? order by span_number", ticket
        )

    assert spans("tie1") == spans("tie2")
    assert [row[0] for row in spans("tie1")] == ["new", "open", "solved"]
    for ticket in ("tie1", "tie2"):
        assert of_ticket(home, ticket, "is_solved", "reopens", "full_resolution_seconds") == (True, 0, 7200)
    last = {ticket: spans(ticket)[-1][0] for ticket in CHAIN_ENDS}
    assert last == {ticket: state for ticket, (state, _) in CHAIN_ENDS.items()}
    found = dict(home.query("select ticket_id, reopens from fct_tickets where ticket_id like 'chain%' and reopens is not null"))
    assert found == {ticket: CHAIN_ENDS[ticket][1] for ticket in found}
    assert len(found) > CHAINS / 2
    assert max(found.values()) > 1


def test_what_the_log_does_not_reach_is_unknown(home: Home) -> None:
    columns = ("first_response_seconds", "is_response_tracked", "is_response_in_time", "agent_replies", "requester_wait_seconds")
    for ticket in ("old1", "old2"):
        assert of_ticket(home, ticket, *columns) == (None, False, None, None, None)
    for ticket in ("new1", "new2"):
        assert of_ticket(home, ticket, *columns) == (3600, True, True, 1, 7200)
    # It has events, but of the middle of its life only: what came before nobody knows, nor whether a reply was the first.
    assert of_ticket(home, "half", "requester_wait_seconds", "first_solved_at", "is_solved") == (None, None, True)
    assert of_ticket(home, "half", "first_response_seconds", "is_response_tracked", "agent_replies") == (None, False, None)
    # The log reaches it, and tells of no reply: that is a miss.
    assert of_ticket(home, "mute", "is_response_tracked", "is_response_in_time") == (True, False)


def test_what_came_after_the_log_had_ended_is_unknown(built: tuple[Home, str]) -> None:
    home, said = built
    columns = ("first_response_seconds", "is_response_tracked", "is_response_in_time", "agent_replies", "requester_wait_seconds")
    # Over by then, without a reply: a miss, and known. Answered, and perhaps once more since.
    assert of_ticket(home, "e1", *columns) == (None, True, False, 0, 7200)
    assert of_ticket(home, "e2", *columns) == (3600, True, True, None, None)
    for ticket in ("e3", "e4", "e5"):
        assert of_ticket(home, ticket, *columns) == (None, False, None, None, None)
    sentence = (
        "the log (contract log_ended_ticket_events) ends on 2026-06-03, its list of tickets (contract log_ended_tickets) goes on"
    )
    assert sentence in " ".join(said.split())


def test_instants_before_the_creation_are_unknown(home: Home) -> None:
    columns = ("first_response_seconds", "full_resolution_seconds", "is_response_tracked", "is_response_in_time", "is_solved")
    assert of_ticket(home, "m1", *columns) == (None, None, False, None, True)
    assert of_ticket(home, "m2", *columns[:2]) == (3600, 7200)
    assert of_ticket(home, "early", *columns) == (None, 7200, False, None, True)
    # Seconds of skew are none.
    assert of_ticket(home, "skew", *columns[:3]) == (0, 7200, True)
    assert of_ticket(home, "swapped", "first_solved_at", "solved_at", "is_solved") == (None, None, True)


def test_two_time_zones_are_recognised(built: tuple[Home, str]) -> None:
    home, said = built
    rows = home.query(
        "select first_response_seconds, full_resolution_seconds, created_at from fct_tickets "
        "where ticket_id like 'z_' order by ticket_id"
    )
    assert [(response, resolution) for response, resolution, _ in rows] == [
        (1800, 3600), (1800, 3600), (1800, 2400), (1200, None),
    ]  # fmt: skip
    assert rows[0][2] == datetime(2026, 6, 1, 9)
    sentence = re.sub(r"\s+", " ", said)
    assert "all 4 tickets' own created events (contract two_zones_ticket_events) lie 2 h before created_at" in sentence
    assert "set `timezone`" in sentence


def test_a_call_and_its_ticket_are_one_contact(home: Home) -> None:
    rows = home.query("select is_solved, is_fcr_observed, is_repeated from fct_contacts where contact_id in ('k1', 'p1')")
    assert [tuple(map(bool, row)) for row in rows] == [(True, True, False)]
    assert of_ticket(home, "p1", "is_response_tracked", "opened_by_call_id", "is_contact") == (False, "k1", True)


def test_who_was_written_to_first_waits_from_the_own_message_on(home: Home) -> None:
    columns = ("response_starts_at", "first_response_seconds", "is_response_tracked", "is_response_in_time")
    assert of_ticket(home, "written", *columns) == (None, None, False, None)
    assert of_ticket(home, "answered", *columns[1:3]) == (1200, True)


def test_a_reopened_ticket_without_a_log(home: Home) -> None:
    columns = ("first_resolution_seconds", "full_resolution_seconds")
    assert of_ticket(home, "v1", *columns) == (36000, 1021080)
    assert of_ticket(home, "v2", *columns) == (161640, 161640)
    assert of_ticket(home, "v3", *columns) == (None, 161640)


def test_the_help_desks_own_figures_are_compared(built: tuple[Home, str]) -> None:
    _, said = built
    sentence = re.sub(r"\s+", " ", said)
    assert "Our figures are those that the help desk itself states" in sentence
    assert "metrics_tickets, figure full_resolution_seconds, tickets_that_differ v3" in sentence


def test_none_is_not_unknown_where_the_export_has_the_column(home: Home) -> None:
    counts = "select numerator, denominator, missing_export from kpis where kpi_id = ? and grain = 'all' and dimension = 'all'"
    assert home.query(counts, "cancellation_rate") == [(0, 3, None)]
    assert home.query(counts, "review_response_rate") == [(0, 1, None)]
    # No column tells of a refund, and no reply has a time.
    told_by = "refunded_at (orders) or refund_amount (orders or returns) or status refunded (orders) or outcome refund (returns)"
    unknown = f"{told_by}, which canonical_orders cannot tell"
    assert home.query(counts, "refund_rate")[0][2] == unknown
    assert home.query(counts, "review_response_time")[0][2] == "replied_at (reviews), which canonical_reviews cannot tell"
    # Who bought is not known: whether anybody bought again nobody knows.
    assert "customer_id (orders)" in str(home.query(counts, "repeat_sales")[0][2])


def test_merge_circles_and_deleted_tickets(home: Home) -> None:
    contacts = home.query("select ticket_id from fct_tickets where is_contact and ticket_id in ('round1', 'round2', 'gone')")
    assert contacts == [("round1",)]
    # A deleted record is none.
    assert home.query("select count(*) from fct_tickets where ticket_id = 'gone'") == [(0,)]


def test_the_backlog_balances(home: Home) -> None:
    rows = home.query("select sum(opening + created + reopened - solved), sum(closing) from fct_backlog_days group by date_day")
    assert len(rows) > 50
    assert all(flow == closing for flow, closing in rows)


STATES = ["new", "open", "pending", "on_hold", "solved", "closed"]
MODELS = ("int_ticket_status_changes", "int_ticket_open_spans", "fct_backlog_days")
FIRST = datetime(2026, 6, 1)


@pytest.fixture(scope="module")
def queries(home: Home) -> dict[str, str]:
    """The compiled SQL of the models that the properties are about."""
    chosen = Settings(exports=str(home.exports), home=home.path, config_dir=home.config, as_of=date(2026, 7, 1))
    prepare_home(chosen)
    return dict(Warehouse(chosen).compiled(*MODELS))


def engine(tables: str) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
    con.execute("create schema staging; create schema conformed; create schema journey")
    con.execute(tables)
    return con


#: Instants of the log of one ticket: each a walk through the states, and how long after the one before it is.
walks = st.lists(
    st.tuples(st.integers(1, 90), st.permutations(STATES).flatmap(lambda order: st.integers(1, 5).map(lambda n: order[:n]))),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(walks, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_shuffle_and_any_cut_gives_the_chain(queries: dict[str, str], walked: list, draw: random.Random, files: int) -> None:
    rows: list[tuple] = [("t", FIRST, "created", None, "new")]
    expected, state, at = ["new"], "new", FIRST
    for seconds, then in walked:
        at += timedelta(seconds=seconds)
        # Each state is left at most once within the instant: one order makes a chain.
        for following in [name for name in then if name != state]:
            rows.append(("t", at, "status_changed", state, following))
            expected.append(following)
            state = following
    draw.shuffle(rows)
    con = engine(
        "create table staging.stg_ticket_events (ticket_id text, event_at timestamp, event_type text, from_value text, "
        "to_value text, event_id text, _batch int, _row int)"
    )
    placed = [(*row, None, draw.randrange(files), number) for number, row in enumerate(rows)]
    con.executemany("insert into staging.stg_ticket_events values (?, ?, ?, ?, ?, ?, ?, ?)", placed)
    found = con.execute(f"select status from ({queries['int_ticket_status_changes']}) order by change_number").fetchall()
    assert [row[0] for row in found] == expected


known_instants = st.integers(-40, 40).map(lambda hours: FIRST + timedelta(hours=9 * hours))
instants = st.one_of(st.none(), known_instants)
LIFE = ("created_at", "first_solved_at", "solved_at", "is_solved", "is_solve_logged", "is_history_told")
lives = st.fixed_dictionaries(
    {
        "created_at": known_instants, "first_solved_at": instants, "solved_at": instants, "is_solved": st.booleans(),
        "is_solve_logged": st.booleans(), "is_history_told": st.booleans(),
        "changes": st.lists(st.tuples(known_instants, st.booleans(), st.booleans()), max_size=5),
    }
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(lives, min_size=1, max_size=6))
def test_the_backlog_balances_whatever_is_known(queries: dict[str, str], drawn: list[dict]) -> None:
    con = engine(
        "create table journey.int_ticket_life (ticket_id text, created_at timestamp, first_solved_at timestamp, "
        "solved_at timestamp, is_solved boolean, is_solve_logged boolean, is_history_told boolean); "
        "create table journey.int_ticket_status_changes (ticket_id text, change_number int, event_at timestamp, "
        "is_off_desk boolean, was_off_desk boolean); create table journey.fct_tickets (ticket_id text, created_at timestamp, "
        "channel text, team text, priority text, is_spam boolean, is_deleted boolean); create table conformed.dim_dates as "
        "select unnest(generate_series(date '2026-05-01', date '2026-07-30', interval 1 day))::date as date_day"
    )
    for number, life in enumerate(drawn):
        values = [life[name] for name in LIFE]
        con.execute("insert into journey.int_ticket_life values (?, ?, ?, ?, ?, ?, ?)", [f"t{number}", *values])
        con.execute(
            "insert into journey.fct_tickets values (?, ?, 'email', 'one', 'low', false, false)",
            [f"t{number}", life["created_at"]],
        )
        for place, change in enumerate(life["changes"]):
            con.execute("insert into journey.int_ticket_status_changes values (?, ?, ?, ?, ?)", [f"t{number}", place, *change])
    con.execute(f"create table journey.int_ticket_open_spans as {queries['int_ticket_open_spans']}")
    assert con.execute("select count(*) from journey.int_ticket_open_spans where solved_at < opened_at").fetchone() == (0,)
    days = con.execute(
        "select sum(opening), sum(created + reopened - solved), sum(closing) "
        f"from ({queries['fct_backlog_days']}) group by date_day order by date_day"
    ).fetchall()
    assert all(opening + flow == closing for opening, flow, closing in days)
    assert sum(flow for _, flow, _ in days) == (days[-1][2] if days else 0)
    found = con.execute("select count(*) from journey.int_ticket_open_spans where solved_at is null").fetchone()
    assert found == (days[-1][2] if days else 0,), "what is not solved is on the desk at the end"
