"""Shipped contracts over small files in the vendors' true forms, with invented values."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reading import Canonical, canonicalise, read
from vendor_rows import ZENDESK, connect

from orchestration.pull.contracts.contract import faults_between
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.sorting import Origin

CONTRACTS = {contract.name: contract for contract in load_contracts(None)}


def test_shipped_contracts_are_valid() -> None:
    """Those of a user are looked at in each run; of these the SQL is parsed here only."""
    assert len(CONTRACTS) > 50
    assert not {name: wrong for name, made in CONTRACTS.items() if (wrong := faults_between(made.model_dump(by_alias=True)))}


def test_a_contract_whose_columns_say_utc_says_it_too() -> None:
    """Else `cxhouse check` doubts each file of it, and names a setting that would make its times wrong."""
    says = re.compile(r"(\b|_)(utc|gmt)\b", re.IGNORECASE)
    named = {name for name, made in CONTRACTS.items() if any(says.search(m.source or m.sql or "") for m in made.mappings)}
    assert {"aircall_csv_calls", "trustpilot_reviews", "typeform_responses", "woocommerce_orders"} <= named
    assert {name for name in named if "timezone" not in CONTRACTS[name].model_fields_set} == set()


def loaded(contract: str, path: Path, **companions: Path) -> Canonical:
    made = CONTRACTS[contract]
    content = read(path, path.name, options_of(made))
    assert made.files.claims(path.name, content.header), "the contract does not claim its own vendor's file"
    others = {name: read(companion, companion.name, options_of(made)) for name, companion in companions.items()}
    assert set(others) == set(made.also_reads)
    assert all(made.also_reads[name].claims(companions[name].name, other.header) for name, other in others.items())
    return canonicalise(content, made, Origin("test", path.name, 1, contract), others)


def rows(result: Canonical, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in result.loaded.to_pylist()]


def test_connect_legs_callbacks_and_chats(tmp_path: Path) -> None:
    agent = {"Agent": {"Username": "kim", "ConnectedToAgentTimestamp": "2026-05-04T09:01:00Z", "AgentInteractionDuration": 50}}
    records = [
        connect("L1", "INBOUND", "09:00:00", NextContactId="L2", TransferCompletedTimestamp="2026-05-04T09:05:00Z", **agent),
        connect("L2", "TRANSFER", "09:05:00", InitialContactId="L1", PreviousContactId="L1", **agent),
        connect("M1", "INBOUND", "09:10:00", NextContactId="M2"),
        connect("M2", "QUEUE_TRANSFER", "09:11:00", InitialContactId="M1", PreviousContactId="M1"),
        connect("C1", "INBOUND", "09:20:00", NextContactId="C2"),
        connect("C2", "CALLBACK", "09:25:00", InitialContactId="C1", PreviousContactId="C1", **agent),
        # Nobody picked the callback up.
        connect("D1", "INBOUND", "09:30:00", NextContactId="D2"),
        connect("D2", "CALLBACK", "09:35:00", InitialContactId="D1", PreviousContactId="D1"),
        # What it went on as is in another file.
        connect("E1", "INBOUND", "09:40:00", NextContactId="E2"),
        connect("F1", "INBOUND", "09:45:00"),
        connect("H1", "API", "09:50:00", Channel="CHAT", **agent),
        connect("T1", "API", "09:55:00", Channel="TASK"),
        connect("O1", "OUTBOUND", "10:00:00", Queue=None),
        connect("S1", "DISCONNECT", "10:05:00", Queue=None, InitialContactId="L1"),
    ]
    path = tmp_path / "contact_records.ndjson"
    path.write_text("\n".join(map(json.dumps, records)))
    result = loaded("amazon_connect_calls", path)
    assert result.quarantined.num_rows == 0
    assert rows(result, "call_id", "interaction_id", "channel", "disposition", "direction", "transferred") == [
        ("L1", "L1", None, "answered", "inbound", True),
        ("L2", "L1", None, "answered", "inbound", False),
        ("M1", "M1", None, "excluded", "inbound", False),
        ("M2", "M1", None, "abandoned", "inbound", False),
        ("C1", "C1", None, "callback", "inbound", False),
        ("C2", "C1", None, "answered", "inbound", False),
        ("D1", "D1", None, "callback", "inbound", False),
        ("D2", "D1", None, "failed", "inbound", False),
        ("E1", "E1", None, None, "inbound", False),
        ("F1", "F1", None, "abandoned", "inbound", False),
        ("H1", "H1", "chat", "answered", "inbound", False),
        ("T1", "T1", "task", "abandoned", "inbound", False),
        ("O1", "O1", None, "excluded", "outbound", False),
        ("S1", "L1", None, "excluded", "inbound", False),
    ]


def test_freshdesk_hours_are_clock_times_or_numbers(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(
        "Ticket ID,Status,Priority,Source,Created time,Resolved time,Due by Time,Agent,"
        "First response time (in hrs),Resolution time (in hrs)\n"
        "1,Closed,High,Email,2026-02-02 09:00:00,,,Lea,0:45:00,80:00:00\n"
        "2,Closed,High,Email,2026-02-02 09:00:00,,,Lea,1.50,125.5\n"
        "3,Closed,High,Email,2026-02-02 09:00:00,,,Lea,2,\n"
    )
    columns = ("vendor_first_response_business_seconds", "vendor_full_resolution_business_seconds")
    assert rows(loaded("freshdesk_tickets", path), *columns) == [(2700, 288000), (5400, 451800), (7200, None)]


def test_zendesk_metrics_deleted_and_merged(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_text(ZENDESK)
    result = loaded("zendesk_tickets", path)
    assert result.quarantined.num_rows == 0
    assert rows(
        result, "ticket_id", "customer_id", "status", "is_deleted", "is_merged", "csat_score", "priority", "agent_id"
    ) == [
        ("501", "crm-1", "solved", False, False, 2, "normal", "Lea"),
        ("502", "8002", "closed", True, False, None, None, "Lea"),
        ("503", "8003", "closed", False, True, 5, "low", "Lea"),
        ("504", "8003", "on_hold", False, False, None, "high", None),
    ]
    first = result.loaded.to_pylist()[0]
    assert (first["first_response_at"], first["first_solved_at"]) == (datetime(2026, 2, 1, 10, 30), datetime(2026, 2, 1, 12))
    names = ["first_response", "first_response_business", "first_resolution", "full_resolution", "requester_wait"]
    assert [first[f"vendor_{name}_seconds"] for name in names] == [1800, 900, 7200, 86400, None]


def test_zendesk_business_hours_alone_tell_no_instant(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text(
        "Id,Requester id,Status,Priority,Via,Created at,Updated at,Solved at,Satisfaction Score,"
        "First reply time in minutes within business hours\n"
        "601,8100,Open,-,Mail,2026-02-01 10:00:00,2026-02-01 11:00:00,,,17\n"
    )
    (row,) = loaded("zendesk_tickets", path).loaded.to_pylist()
    assert (row["first_response_at"], row["vendor_first_response_seconds"]) == (None, None)
    assert (row["vendor_first_response_business_seconds"], row["customer_id"], row["priority"]) == (1020, "8100", None)


PHONENOW = "Call Id,Agent,Date,Time,Topic,Answered (Y/N),Resolved,Speed of answer in seconds,AvgTalkDuration,Satisfaction rating"


def test_phonenow_calls(tmp_path: Path) -> None:
    """A workbook: clock times and durations are cells of times, or fractions of a day where the cells are plain numbers."""
    from datetime import date, time

    cells: list[tuple[Any, ...]] = [
        ("ID1", "Ada", date(2021, 3, 1), time(9, 12, 58), "Payment", "Y", "Y", 17, time(0, 2, 23), 4),
        ("ID2", "Bo", date(2021, 3, 1), 0.5, "Streaming", "Y", "N", 70, 0.001, 2),
        ("ID3", "Ada", date(2021, 3, 2), time(18, 0, 1), "Payment", "N", "N", None, None, None),
        # Nobody says what became of it, which is not that the customer hung up.
        ("ID4", "Ada", date(2021, 3, 2), time(18, 5), "Payment", None, "N", None, None, None),
        ("ID5", "Bo", "soon", time(18, 6), "Payment", "N", "N", None, None, None),
        ("ID6", "Bo", date(2021, 3, 3), None, "Payment", "N", "N", None, None, None),
    ]
    path = tmp_path / "01 Call-Center.xlsx"
    pd.DataFrame(cells, columns=PHONENOW.split(",")).to_excel(path, index=False)
    result = loaded("phonenow_calls", path)
    assert rows(result, "call_id", "started_at", "disposition", "wait_seconds", "talk_seconds", "resolved", "csat_score") == [
        ("ID1", datetime(2021, 3, 1, 9, 12, 58), "answered", 17, 143, True, 4),
        ("ID2", datetime(2021, 3, 1, 12), "answered", 70, 86, False, 2),
        ("ID3", datetime(2021, 3, 2, 18, 0, 1), "abandoned", None, None, False, None),
        ("ID4", datetime(2021, 3, 2, 18, 5), None, None, None, False, None),
    ]
    assert [(row["_row"], row["column_name"], row["reason"]) for row in result.quarantined.to_pylist()] == [
        (6, "started_at, queued_at", "started_at 'soon 18:06:00' is not a valid instant; "
                                     "queued_at 'soon 18:06:00' is not a valid instant"),
        (7, "started_at, queued_at", "started_at '2021-03-03 (no time)' is not a valid instant; "
                                     "queued_at '2021-03-03 (no time)' is not a valid instant"),
    ]  # fmt: skip


#: An incident by row of its log; what is not named stays as it was.
INCIDENT = {
    "number": "INC7", "incident_state": "New", "reopen_count": "0", "sys_mod_count": "0", "caller_id": "Caller 4",
    "opened_at": "3/5/2016 23:16", "sys_updated_by": "Updated by 2", "sys_updated_at": "3/5/2016 23:20",
    "contact_type": "Phone", "category": "Category 9", "priority": "2 - High", "assignment_group": "Group 1",
    "assigned_to": "?", "resolved_at": "5/5/2016 10:00", "closed_at": "?",
}  # fmt: skip


def servicenow(folder: Path, *changes: dict[str, str]) -> Path:
    records = []
    for change in changes:
        records.append({**(records[-1] if records else INCIDENT), **change})
    path = folder / "incident_event_log.csv"
    pd.DataFrame(records).to_csv(path, index=False)
    return path


CHANGES = (
    {},
    {"sys_mod_count": "1", "assignment_group": "Group 2"},
    # Two rows of one count, and states that follow within one minute.
    {"sys_mod_count": "2", "incident_state": "Active", "assigned_to": "Resolver 3", "sys_updated_at": "4/5/2016 08:00"},
    {"sys_mod_count": "2", "incident_state": "Awaiting User Info"},
    {"sys_mod_count": "10", "incident_state": "-100"},
    {"sys_mod_count": "11", "incident_state": "Resolved", "sys_updated_at": "5/5/2016 10:00"},
)


def test_servicenow_incidents(tmp_path: Path) -> None:
    result = loaded("servicenow_incidents", servicenow(tmp_path, *CHANGES))
    # Every row is a version; one that tells no state cannot be one.
    assert [(row["_row"], row["reason"]) for row in result.quarantined.to_pylist()] == [(6, "status is required but empty")]
    versions = rows(result, "status", "updated_at", "team", "agent_id")
    assert versions[0] == ("new", datetime(2016, 5, 3, 23, 20), "Group 1", None)
    assert versions[3][:2] == ("pending", datetime(2016, 5, 4, 8, 0, 0, 2000))
    last = result.loaded.to_pylist()[-1]
    assert (last["ticket_id"], last["created_at"], last["status"]) == ("INC7", datetime(2016, 5, 3, 23, 16), "solved")
    assert (last["channel"], last["priority"], last["customer_id"]) == ("phone", "high", "Caller 4")
    assert (last["solved_at"], last["closed_at"], last["agent_id"]) == (datetime(2016, 5, 5, 10), None, "Resolver 3")


def test_servicenow_incident_events(tmp_path: Path) -> None:
    result = loaded("servicenow_incident_events", servicenow(tmp_path, *CHANGES))
    assert result.quarantined.num_rows == 0
    assert rows(result, "event_type", "from_value", "to_value", "event_at") == [
        ("created", None, "new", datetime(2016, 5, 3, 23, 20)),
        ("assigned", "Group 1", "Group 2", datetime(2016, 5, 3, 23, 20, 0, 1000)),
        ("status_changed", "new", "open", datetime(2016, 5, 4, 8, 0, 0, 2000)),
        ("status_changed", "open", "pending", datetime(2016, 5, 4, 8, 0, 0, 2000)),
        ("internal_note", None, None, datetime(2016, 5, 4, 8, 0, 0, 10000)),
        ("status_changed", "pending", "solved", datetime(2016, 5, 5, 10, 0, 0, 11000)),
    ]
    # A longer log with other rows above tells the same events; a state that nobody knows is seen.
    other = {"number": "INC6", "sys_mod_count": "0", "incident_state": "Parked"}
    longer = loaded("servicenow_incident_events", servicenow(tmp_path, other, {**INCIDENT, **CHANGES[0]}, *CHANGES[1:]))
    assert rows(longer, "event_id", "event_type", "event_at") == rows(result, "event_id", "event_type", "event_at")
    assert [row["reason"].partition(" is not")[0] for row in longer.quarantined.to_pylist()] == [
        "to_value a value of 6 characters"
    ]


@pytest.fixture
def olist(tmp_path: Path) -> dict[str, Path]:
    """The marketplace's files, by what is between `olist_` and `_dataset`."""
    texts = {
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
        "order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,k1,delivered,2018-01-09 21:57:05,2018-01-09 22:10:13,2018-01-11 14:58:04,2018-01-26 10:57:55,2018-02-01 00:00:00\n"
        "o2,k2,unavailable,2018-07-11 12:22:08,2018-07-13 13:25:17,,,2018-08-09 00:00:00\n"
        "o3,k3,canceled,2018-07-12 12:00:00,,,,2018-08-09 00:00:00\n",
        "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "k1,u1,1000,sao paulo,SP\nk2,u1,1000,sao paulo,SP\n",
        "order_payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
        "o1,1,credit_card,8,100.45\no1,2,voucher,1,20.0\no2,1,boleto,1,30.5\no2,2,voucher,1,many\n",
        "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        "o1,1,p1,s1,2018-01-17 12:15:10,99.9,7.65\no1,2,p1,s1,2018-01-17 12:15:10,5.0,7.90\no2,1,p2,s1,,30.5,0.0\n"
        "o3,1,p9,s1,,1,0\n",
        "products": "product_id,product_category_name,product_name_lenght,product_weight_g\np1,bebes,49,728\np2,novidade,30,5\n",
        "order_reviews": "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,"
        'review_answer_timestamp\nr1,o1,1,,"Ruim, muito",2018-01-27 00:00:00,2018-01-28 04:10:37\n'
        "r1,o3,5,Bom,,2018-07-27 00:00:00,\n",
    }
    paths = {name: tmp_path / f"olist_{name}_dataset.csv" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text)
    paths["categories"] = tmp_path / "product_category_name_translation.csv"
    paths["categories"].write_text("\ufeffproduct_category_name,product_category_name_english\nbebes,baby\n")
    return paths


def test_olist_orders(olist: dict[str, Path]) -> None:
    result = loaded("olist_orders", olist["orders"], customers=olist["customers"], payments=olist["order_payments"])
    assert (result.loaded.num_rows, result.quarantined.num_rows) == (3, 0)
    assert rows(result, "order_id", "status", "cancelled_by", "customer_id", "total_amount") == [
        ("o1", "delivered", None, "u1", Decimal("120.45")),
        # One payment cannot be read: what was paid in all is unknown.
        ("o2", "cancelled", "seller", "u1", None),
        ("o3", "cancelled", None, None, None),
    ]
    first, second, _ = result.loaded.to_pylist()
    # Summer time in January, and none in July; a promised day lasts until it ends there.
    assert (first["ordered_at"], second["ordered_at"]) == (datetime(2018, 1, 9, 23, 57, 5), datetime(2018, 7, 11, 15, 22, 8))
    assert first["promised_delivery_at"] == datetime(2018, 2, 2, 1, 59, 59, 999999)
    assert (first["delivered_at"], second["delivered_at"]) == (datetime(2018, 1, 26, 12, 57, 55), None)


def test_olist_lines_and_reviews(olist: dict[str, Path]) -> None:
    lines = loaded("olist_order_items", olist["order_items"], products=olist["products"], categories=olist["categories"])
    assert rows(lines, "order_id", "line_id", "product_id", "category", "unit_price") == [
        ("o1", "1", "p1", "baby", Decimal("99.9")),
        ("o1", "2", "p1", "baby", Decimal(5)),
        ("o2", "1", "p2", "novidade", Decimal("30.5")),
        ("o3", "1", "p9", None, Decimal(1)),
    ]
    reviews = loaded("olist_reviews", olist["order_reviews"], orders=olist["orders"], customers=olist["customers"])
    assert rows(reviews, "review_id", "order_id", "rating", "rating_scale", "customer_id", "created_at") == [
        ("r1:o1", "o1", 1, 5, "u1", datetime(2018, 1, 27, 2)),
        ("r1:o3", "o3", 5, 5, None, datetime(2018, 7, 27, 3)),
    ]
    assert (lines.quarantined.num_rows, reviews.quarantined.num_rows) == (0, 0)
