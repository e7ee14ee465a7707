"""Rows in the form of two vendors."""

from __future__ import annotations

from typing import Any


def connect(contact: str, method: str, at: str, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "ContactId": contact, "Channel": "VOICE", "InitiationMethod": method, "InitiationTimestamp": f"2026-05-04T{at}Z",
        "DisconnectTimestamp": "2026-05-04T12:00:00Z", "LastUpdateTimestamp": "2026-05-04T13:00:00Z", "Agent": None,
        "Queue": {"Name": "Sales", "EnqueueTimestamp": f"2026-05-04T{at}Z", "Duration": 20},
        "InitialContactId": None, "PreviousContactId": None, "NextContactId": None, "TransferCompletedTimestamp": None,
        "CustomerEndpoint": {"Address": "+4930111222"},
    }  # fmt: skip
    return {**record, **more}


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
