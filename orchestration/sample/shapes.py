"""The sample's frames in the shapes of the exports, with a few percent of the dirt that real ones have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.sample import company, phone
from orchestration.sample.dirt import repeated, respelled, spoilt, text_times
from orchestration.sample.life import Life
from orchestration.sample.money import amounts, priced_items

EVENTS_QUERY = """
    select
        ticket_id,
        strftime(event_at, '%Y-%m-%dT%H:%M:%SZ') as event_at,
        event_type,
        actor_type,
        actor_id,
        from_value,
        to_value
    from frame
"""

CONNECT_QUERY = """
    select
        call_id as ContactId,
        'VOICE' as Channel,
        method as InitiationMethod,
        "initial" as InitialContactId,
        previous as PreviousContactId,
        strftime("at", '%Y-%m-%dT%H:%M:%SZ') as InitiationTimestamp,
        strftime(
            coalesce(ends_at, queued_at + to_seconds(cast(wait + coalesce(talk + hold, 0) as bigint))), '%Y-%m-%dT%H:%M:%SZ'
        ) as DisconnectTimestamp,
        updated_at as LastUpdateTimestamp,
        case when transferred then DisconnectTimestamp end as TransferCompletedTimestamp,
        case when queued_at is not null and method <> 'OUTBOUND' then {
            'Name': queue,
            'EnqueueTimestamp': strftime(queued_at, '%Y-%m-%dT%H:%M:%SZ'),
            'Duration': cast(wait as bigint)
        } end as Queue,
        case when answered then {
            'Username': agent,
            'ConnectedToAgentTimestamp':
                strftime(queued_at + to_seconds(cast(wait as bigint)), '%Y-%m-%dT%H:%M:%SZ'),
            'AgentInteractionDuration': cast(talk as bigint),
            'CustomerHoldDuration': cast(hold as bigint),
            'AfterContactWorkDuration': cast(wrap as bigint)
        } end as Agent,
        {'Address': phone, 'Type': 'TELEPHONE_NUMBER'} as CustomerEndpoint,
        {
            'Topic': topic,
            'Resolved': resolved,
            'Escalated': escalated,
            'SolvedAtOnce': is_claimed,
            'Order': order_id,
            'Rating': cast(rating as bigint),
            'ConsultSeconds': cast(consult as bigint),
            'Voicemail': voicemail
        } as Attributes
    from frame
"""


def local(times: pd.Series) -> pd.Series:
    """UTC instants as wall-clock time of the company, without a zone (as an account-zone export has them)."""
    array = pa.array(times.to_numpy().astype("datetime64[s]")).cast(pa.timestamp("s", "UTC"))
    shifted = pc.local_timestamp(array.cast(pa.timestamp("s", company.TIMEZONE)))
    return pd.Series(shifted.to_numpy(zero_copy_only=False), index=times.index)


def zendesk_tickets(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Zendesk's tickets CSV: account time zone, its words for status and channel, custom fields at the end."""
    t = life.tickets
    solved = t["solved_again_at"].where(~t["reopened_at"].isna(), t["solved_at"])
    is_open = t["solved_at"].isna() | (~t["reopened_at"].isna() & t["solved_again_at"].isna())
    status = np.select([is_open & t["answered_at"].isna(), is_open], ["New", "Open"], "Closed")
    status = np.where(is_open & (t["replies"] > 1), "Pending", status)
    via = t["via"].where(t["via"] != company.MARKETPLACE_VIA, "Web service")
    updated = t[["at", "answered_at", "solved_at", "reopened_at", "solved_again_at"]].max(axis=1)
    frame = pd.DataFrame(
        {
            "Id": t["ticket_id"],
            "Requester external id": t["customer_id"],
            "Requester id": t["customer_id"].str[1:],
            "Requester email": t["email"],
            "Assignee": t["agent"].where(~t["answered_at"].isna()),
            "Group": t["team"],
            "Subject": "About " + t["order_id"].fillna("my account"),
            "Tags": np.where(t["is_spam"], "spam", _tags(t)),
            "Status": status,
            "Priority": t["priority"],
            "Via": via,
            "Ticket type": np.select([t["is_complaint"], t["topic"] == "return"], ["complaint", "return_request"], "question"),
            "Created at": local(t["at"]),
            "Updated at": local(updated),
            "Solved at": local(solved.where(~is_open)),
            "Satisfaction Score": t["rating"],
            "Reopens": (~t["reopened_at"].isna()).astype(int),
            "Replies": t["replies"],
            "Topic [list]": t["topic"],
            "Solved at first contact [flag]": t["is_claimed"],
            "Order [txt]": t["order_id"],
            "Country [list]": t["country"],
            "Marketplace [list]": np.where(t["via"] == company.MARKETPLACE_VIA, t["channel"], None),
            # By the number, so that a customer keeps the plan.
            "Plan tier [list]": np.array(company.PLANS)[t["customer_id"].str[1:].astype(int).to_numpy() % len(company.PLANS)],
        }
    )
    frame = text_times(frame, ["Created at", "Updated at", "Solved at"])
    frame.loc[is_open.to_numpy(), "Solved at"] = "1900-01-01 00:00:00"
    frame = spoilt(rng, frame, "Created at", ["31.02.2026", "n/a", None], 0.008)
    frame = spoilt(rng, frame, "Status", ["Gone", None], 0.004)
    frame = spoilt(rng, frame, "Group", [" First line "], 0.02)
    frame = respelled(rng, frame, "Status", 0.05)
    return repeated(rng, frame, 0.01)


def _tags(tickets: pd.DataFrame) -> np.ndarray:
    """What agents note beside a ticket: words with blanks between them."""
    order = np.where(tickets["order_id"].isna(), "", "order")
    again = np.where(tickets["reopened_at"].isna(), "", "reopened")
    return np.char.strip(np.char.add(np.char.add(order.astype(str), " "), again.astype(str)))


def ticket_events(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Canonical events: what happened in each ticket, automatic replies and notes included."""
    t = life.tickets
    answered = t[~t["answered_at"].isna()]
    solved = t[~t["solved_at"].isna()]
    reopened = t[~t["reopened_at"].isna()]
    again = t[~t["solved_again_at"].isna()]
    mails = t[t["via"] == "Mail"]
    noted = answered[rng.random(len(answered)) < 0.3]
    minute = np.timedelta64(1, "m")
    several = answered[(answered["replies"] > 1) & ~answered["solved_at"].isna()]

    def events(
        rows: pd.DataFrame,
        at: pd.Series,
        event: str,
        actor: str,
        before: str | None = None,
        after: str | pd.Series | None = None,
    ) -> pd.DataFrame:
        actor_id = {"agent": rows["agent"], "customer": rows["customer_id"]}.get(actor)
        return pd.DataFrame(
            {"ticket_id": rows["ticket_id"], "event_at": at, "event_type": event, "actor_type": actor,
             "actor_id": actor_id, "from_value": before, "to_value": after}
        )  # fmt: skip

    held = several[several["is_held"]]
    escalated = t[~t["escalated_at"].isna()]
    rated = t[~t["rated_at"].isna()]
    changed = rated[~rated["rated_before_at"].isna()]
    other = changed["rating"].map({"Good": "bad", "Bad": "good"})
    merged = t[t["is_merged"]]

    def part_of(rows: pd.DataFrame, share: float) -> pd.Series:
        return rows["answered_at"] + (rows["solved_at"] - rows["answered_at"]) * share

    between = part_of(several, 0.6)
    frame = pd.concat(
        [
            events(t, t["at"], "created", "customer", None, "new"),
            events(mails, mails["at"] + np.timedelta64(20, "s"), "auto_reply", "system"),
            events(noted, noted["answered_at"] - minute, "internal_note", "agent"),
            events(answered, answered["answered_at"], "public_reply", "agent"),
            events(answered, answered["answered_at"], "status_changed", "agent", "new", "pending"),
            events(several, between, "customer_message", "customer"),
            events(several, between, "status_changed", "system", "pending", "open"),
            events(several, several["solved_at"] - minute, "public_reply", "agent"),
            events(solved, solved["solved_at"], "status_changed", "agent", "pending", "solved"),
            events(reopened, reopened["reopened_at"], "status_changed", "customer", "solved", "open"),
            events(again, again["solved_again_at"], "status_changed", "agent", "open", "solved"),
            events(answered, answered["at"] + np.timedelta64(5, "s"), "assigned", "system", None, answered["first_agent"]),
            events(escalated, escalated["escalated_at"], "escalated", "agent"),
            events(escalated, escalated["escalated_at"], "assigned", "agent", None, escalated["agent"]),
            events(held, part_of(held, 0.7), "status_changed", "agent", "open", "on_hold"),
            events(held, part_of(held, 0.9), "status_changed", "agent", "on_hold", "open"),
            events(changed, changed["rated_before_at"], "rated", "customer", None, other),
            events(rated, rated["rated_at"], "rated", "customer", None, rated["rating"].str.lower()),
            events(merged, merged["solved_at"], "merged", "agent"),
        ],
        ignore_index=True,
    )
    frame["event_at"] = frame["event_at"].astype("datetime64[s]")
    frame = frame.sort_values(["ticket_id", "event_at"], kind="stable", ignore_index=True)
    frame = spoilt(rng, frame, "event_type", ["clicked"], 0.003)
    is_status = frame["event_type"] == "status_changed"
    frame.loc[is_status, "to_value"] = respelled(rng, frame[is_status].copy(), "to_value", 0.03)["to_value"]
    return repeated(rng, frame, 0.005).astype({"event_at": "datetime64[us]"})


def connect_contacts(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Contact records; some calls send a second, newer record once the wrap-up is known."""
    frame = phone.contacts(life)
    for column in ("at", "queued_at", "ends_at"):
        frame[column] = frame[column].astype("datetime64[us]")
    known_at = frame["ends_at"].fillna(frame["queued_at"]) + np.timedelta64(1, "h")
    frame["updated_at"] = np.datetime_as_string(known_at.to_numpy(), unit="s")
    frame["updated_at"] = frame["updated_at"].astype(object) + "Z"
    frame["queue"] = frame["team"]
    early = frame[frame["answered"] & (rng.random(len(frame)) < 0.03)].copy()
    early["wrap"] = np.nan
    early["updated_at"] = np.datetime_as_string((early["queued_at"] + np.timedelta64(5, "m")).to_numpy(), unit="s")
    early["updated_at"] = early["updated_at"].astype(object) + "Z"
    frame.loc[(rng.random(len(frame)) < 0.006) & frame["answered"], "talk"] = -1
    objects = ["method", "initial", "previous", "agent", "queue", "phone", "topic", "order_id", "call_id", "updated_at"]
    return pd.concat([early, frame], ignore_index=True).astype(dict.fromkeys(objects, object))


def trustpilot_reviews(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Trustpilot's reviews CSV; texts hold line breaks, quotes and emoji."""
    r = life.reviews
    frame = pd.DataFrame(
        {
            "Webshop Name": "Acme",
            "Review Id": r["review_id"],
            "Review Created (UTC)": r["created_at"],
            "Review Username": r["customer_id"],
            "Review User Email": r["email"],
            "Review Title": r["text"].str.extract(r"^([^,;!.\n]*[^\s,;!.])", expand=False),
            "Review Content": r["text"],
            "Review Stars": r["stars"],
            "Reference Id": r["order_id"],
            "Company Reply Date (UTC)": r["replied_at"],
            "Review Language": r["language"],
        }
    )
    frame = text_times(frame, ["Review Created (UTC)", "Company Reply Date (UTC)"])
    return repeated(rng, spoilt(rng, frame, "Review Stars", ["five", None], 0.01), 0.01)


def orders(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Canonical orders. An order's earlier state can be beside its final one."""
    o, money = life.orders, amounts(life)
    status = np.select(
        [
            ~o["refunded_at"].isna() & ~money["is_kept"],
            ~o["cancelled_by"].isna(),
            ~o["delivered_at"].isna(),
            ~o["shipped_at"].isna(),
        ],
        ["refunded", "cancelled", "delivered", "shipped"],
        "paid",
    )
    frame = pd.DataFrame(
        {
            "order_id": o["order_id"],
            "ordered_at": o["ordered_at"],
            "status": status,
            "customer_id": o["customer_id"],
            "customer_email": o["email"].str.upper(),
            "customer_phone": o["phone"].str.replace(" ", ""),
            "sales_channel": np.where(o["channel"] == "webshop", "webshop", "marketplace"),
            "marketplace": np.where(o["channel"] == "webshop", None, o["channel"]),
            "brand": "Acme",
            "country": o["country"],
            "currency": money["currency"],
            "total_amount": money["total"],
            "discount_amount": money["discount"],
            "tax_amount": money["tax"],
            "gift_card_amount": money["gift_card"],
            "paid_at": o["ordered_at"],
            "promised_ship_at": o["promised_ship_at"],
            "shipped_at": o["shipped_at"],
            "promised_delivery_at": np.datetime_as_string(o["promised_on"].to_numpy().astype("datetime64[D]")),
            "delivered_at": o["delivered_at"],
            "cancelled_at": o["cancelled_at"],
            "cancelled_by": o["cancelled_by"],
            "refunded_at": o["refunded_at"],
            "refund_amount": money["refund"],
            "claim_type": o["claim"],
            "affiliate_code": o["affiliate"],
            "updated_at": o[["ordered_at", "shipped_at", "delivered_at", "cancelled_at", "refunded_at"]].max(axis=1),
        }
    )
    instants = ["ordered_at", "paid_at", "promised_ship_at", "shipped_at", "delivered_at", "cancelled_at", "refunded_at"]
    frame = text_times(frame, [*instants, "updated_at"])
    early = frame[frame["status"].eq("delivered") & ~money["is_kept"] & (rng.random(len(frame)) < 0.03)].copy()
    early["status"], early["delivered_at"], early["updated_at"] = "shipped", None, early["shipped_at"]
    frame = pd.concat([early, frame], ignore_index=True)
    # The payment tool books refunds as negative amounts; guests are customer 0.
    frame["refund_amount"] = frame["refund_amount"].where(rng.random(len(frame)) < 0.5, -frame["refund_amount"])
    frame = spoilt(rng, frame, "customer_id", ["0", "guest"], 0.01)
    totals = frame["total_amount"]
    frame = spoilt(rng, frame, "total_amount", ["12,50 €", "12.50.0", "-12.50"], 0.006)
    # What came back is of orders that can be read.
    frame["total_amount"] = frame["total_amount"].where(frame["refund_amount"].isna(), totals)
    frame = respelled(rng, frame, "status", 0.02)
    return repeated(rng, frame, 0.01)


def order_items(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Canonical order lines, with the types that Parquet keeps."""
    return priced_items(life).drop(columns=["order_row", "amount", "full_amount"])


def surveys(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Canonical survey responses: relational NPS, effort after tickets, satisfaction after calls."""
    s = life.surveys
    frame = pd.DataFrame(
        {
            "response_id": s["response_id"],
            "kind": s["kind"],
            "responded_at": s["at"],
            "score": s["score"],
            "scale_min": s["low"],
            "scale_max": s["high"],
            "polarity": s["polarity"],
            "mode": s["mode"],
            "survey_id": s["survey_id"],
            "channel": s["channel"],
            "topic": s["topic"],
            "issue_solved": s["solved"],
            "customer_id": s["customer_id"],
            "customer_email": s["email"],
            "ticket_id": s["ticket_id"],
            "call_id": s["call_id"],
        }
    )
    frame = text_times(frame, ["responded_at"])
    return spoilt(rng, frame, "score", ["ten"], 0.005)


def customers(life: Life, rng: np.random.Generator) -> pd.DataFrame:
    """Canonical customers; a few e-mail addresses carry blanks and capitals."""
    c = life.customers
    frame = pd.DataFrame(
        {
            "customer_id": c["customer_id"],
            "email": c["email"],
            "phone": c["phone"],
            "created_at": c["joined_at"],
            "segment": c["segment"],
            "country": c["country"],
            "language": c["language"],
            "preferred_channel": c["preferred_channel"],
            "marketing_opt_in": c["opt_in"],
            "referred_by": c["customer_id"].shift(7).where(c["is_referred"]),
        }
    )
    hit = rng.random(len(frame)) < 0.03
    frame["email"] = frame["email"].where(~hit, " " + frame["email"].str.title())
    return repeated(rng, spoilt(rng, frame, "customer_id", [None], 0.002), 0.005)
