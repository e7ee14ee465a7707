"""Shipped contracts over small files in the vendors' true forms, with invented values."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reading import Canonical, canonicalise, read

from orchestration.pull.contracts import load_contracts
from orchestration.pull.loading import options_of
from orchestration.pull.sorting import Origin

CONTRACTS = {contract.name: contract for contract in load_contracts(None)}


def loaded(contract: str, path: Path) -> Canonical:
    made = CONTRACTS[contract]
    content = read(path, path.name, options_of(made))
    assert made.files.claims(path.name, content.header), "the contract does not claim its own vendor's file"
    return canonicalise(content, made, Origin("test", path.name, 1, contract))


def rows(result: Canonical, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in result.loaded.to_pylist()]


SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,\
Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Zip,Shipping Country,Notes,Cancelled at,\
Refunded Amount,Id,Source
#2001,eve@shop.example,paid,2026-03-28 23:30:00 -0700,fulfilled,2026-03-30 09:00:00 -0700,USD,30.00,4.00,2.00,34.00,0.00,\
2026-03-28 23:29:00 -0700,3,Plate,8.00,PL-1,'01067,US,"Ring twice
and wait",,0.00,77001,web
#2001,eve@shop.example,,,,,,,,,,,2026-03-28 23:29:00 -0700,1,Fork,6.00,,,,,,,,
#2001,eve@shop.example,,,,,,,,,,,2026-03-28 23:29:00 -0700,2,Spoon,0.00,SP-1,,,,,,,
#2002,,pending,,,,USD,0.00,0.00,0.00,0.00,0.00,2026-03-29 01:00:00 -0700,1,Sample,0.00,SA-1,,US,,,0.00,77002,pos
#2003,fay@shop.example,partially_refunded,2026-03-29 02:00:00 -0700,fulfilled,2026-03-31 02:00:00 -0700,USD,50.00,0.00,0.00,\
50.00,0.00,2026-03-29 02:00:00 -0700,5,Pan,10.00,PA-1,,US,,,12.50,77003,web
#2004,gil@shop.example,voided,,unfulfilled,,USD,9.00,0.00,0.00,9.00,0.00,2026-03-29 03:00:00 -0700,1,Lid,9.00,LI-1,,US,,\
2026-03-29 04:15:00 -0700,0.00,77004,web
#2005,hal@shop.example,refunded,2026-03-29 05:00:00 -0700,unfulfilled,,USD,7.00,0.00,0.00,7.00,0.00,\
2026-03-29 05:00:00 -0700,1,Jug,7.00,JU-1,,US,,,7.00,77005,web
#2009,ida@shop.example,,,,,,,,,,,2026-03-29 06:00:00 -0700,1,Bowl,5.00,BO-1,,,,,,,
"""


@pytest.fixture
def shopify(tmp_path: Path) -> Path:
    path = tmp_path / "orders_export.csv"
    path.write_text(SHOPIFY)
    return path


def test_shopify_orders(shopify: Path) -> None:
    result = loaded("shopify_orders", shopify)
    assert (result.rows_read, result.loaded.num_rows, result.rows_merged, result.quarantined.num_rows) == (8, 5, 2, 1)
    # A row whose order is not in the file continues nothing: it is not lost without a word.
    assert "status is required but empty" in result.quarantined["reason"].to_pylist()[0]
    assert rows(result, "order_id", "status", "total_amount", "refund_amount") == [
        ("#2001", "shipped", Decimal(34), Decimal(0)),
        ("#2002", "created", Decimal(0), Decimal(0)),
        ("#2003", "shipped", Decimal(50), Decimal("12.5")),
        ("#2004", "cancelled", Decimal(9), Decimal(0)),
        ("#2005", "refunded", Decimal(7), Decimal(7)),
    ]
    first, second, _, voided, _ = result.loaded.to_pylist()
    assert (first["ordered_at"], first["shipped_at"]) == (datetime(2026, 3, 29, 6, 29), datetime(2026, 3, 30, 16))
    assert (first["delivered_at"], first["cancelled_by"], second["customer_email"]) == (None, None, None)
    assert (voided["cancelled_at"], voided["cancelled_by"]) == (datetime(2026, 3, 29, 11, 15), None)


def test_shopify_order_items(shopify: Path) -> None:
    result = loaded("shopify_order_items", shopify)
    assert (result.rows_read, result.rows_merged, result.quarantined.num_rows) == (8, 0, 0)
    assert rows(result, "order_id", "line_id", "product_id", "quantity")[:4] == [
        ("#2001", "1", "PL-1", 3),
        ("#2001", "2", "Fork", 1),
        ("#2001", "3", "SP-1", 2),
        ("#2002", "1", "SA-1", 1),
    ]


def connect(contact: str, method: str, at: str, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "ContactId": contact, "Channel": "VOICE", "InitiationMethod": method, "InitiationTimestamp": f"2026-05-04T{at}Z",
        "DisconnectTimestamp": "2026-05-04T12:00:00Z", "LastUpdateTimestamp": "2026-05-04T13:00:00Z", "Agent": None,
        "Queue": {"Name": "Sales", "EnqueueTimestamp": f"2026-05-04T{at}Z", "Duration": 20},
        "InitialContactId": None, "PreviousContactId": None, "NextContactId": None, "TransferCompletedTimestamp": None,
        "CustomerEndpoint": {"Address": "+4930111222"},
    }  # fmt: skip
    return {**record, **more}


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
        # What it went on as stands in another file.
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


ZENDESK = """\
Summation column,Id,Requester id,Requester external id,Requester email,Assignee,Group,Subject,Tags,Status,Priority,Via,\
Ticket type,Created at,Updated at,Solved at,Satisfaction Score,Reopens,Replies,First reply time in minutes,\
First reply time in minutes within business hours,First resolution time in minutes,Full resolution time in minutes
1,501,8001,crm-1,,Lea,Support,Hi,vip,Solved,Normal,Mail,Question,2026-02-01 10:00:00,2026-02-02 10:00:00,\
2026-02-02 10:00:00,Good,1,2,30,15,120,1440
1,502,8002,-,,Lea,Support,Hi,-,Deleted,-,Mail,-,2026-02-01 11:00:00,2026-02-01 11:01:00,,Not Offered,0,0,,,,
1,503,8003,,,Lea,Support,Hi,"closed_by_merge vip",Closed,Low,Web form,,2026-02-01 12:00:00,2026-02-01 13:00:00,,5,0,0,-,-,,
1,504,8003,,,-,-,Hi,not_closed_by_merge,Hold,High,Chat,,2026-02-01 12:00:00,2026-02-01 13:00:00,,Offered,0,0,,,,
"""


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


def test_trustpilot_reviews(tmp_path: Path) -> None:
    path = tmp_path / "trustpilot.csv"
    path.write_text(
        "Review Id,Review Created (UTC),Review User Email,Review Stars,Review Title,Review Content,Review Language,Webshop Name,"
        "Reference Id,Company Reply Date (UTC)\n"
        'r-1,2026-01-03 23:59:02,jo@x.example,4,"Fine, mostly",Good \N{GRINNING FACE},en,Our shop,#2001,2026-01-05 08:00:00\n'
    )
    (row,) = loaded("trustpilot_reviews", path).loaded.to_pylist()
    assert (row["review_id"], row["rating"], row["rating_scale"], row["order_id"]) == ("r-1", 4, 5, "#2001")
    assert (row["created_at"], row["replied_at"]) == (datetime(2026, 1, 3, 23, 59, 2), datetime(2026, 1, 5, 8))
