"""Exports of forms and lists kept by hand: which kind a draft takes them for, and how it reads their answers and times."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from reading import loaded

from orchestration.draft.parts import Draft
from orchestration.draft.ratings import answer
from orchestration.draft.trial import draft_and_try
from orchestration.pull.contracts.library import Contract

ROWS = 12


def drafted(path: Path, content: str, kind: str | None = None) -> Draft:
    path.write_text(content, encoding="utf-8")
    return draft_and_try(path, kind, None, None)[0]


def read_by(made: Draft, path: Path, column: str) -> list[Any]:
    values: list[Any] = loaded(path, Contract.model_validate(made.as_contract())).loaded[column].to_pylist()
    return values


def table(head: str, row: str) -> str:
    """A file of rows that differ where `#` is (a number) and `@` (a day of the month of two digits)."""
    return "\n".join([head, *(row.replace("#", str(number)).replace("@", f"{number + 10}") for number in range(ROWS))]) + "\n"


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2024/03/05 9:15:00 AM UTC+2", "07:15"),
        ("2024/03/05 9:15:00 AM GMT+1", "08:15"),
        ("2024/03/05 12:15:00 PM UTC-5", "17:15"),
        ("2024/03/05 9:15:00 AM UTC+5:30", "03:45"),
        ("2024-03-05 09:15:00 GMT+1", "08:15"),
        ("2024-03-05 09:15:00 -5", "14:15"),
        ("05.03.2024 09:15:00 +0100", "08:15"),
        ("Tue Mar 05 2024 09:15:00 GMT+0100 (Central European Standard Time)", "08:15"),
        ("Mar 5, 2024 9:15:00 AM GMT+01:00", "08:15"),
    ],
)
def test_a_time_with_its_offset_is_drafted_with_it(tmp_path: Path, written: str, utc: str) -> None:
    path = tmp_path / "survey.csv"
    rows = [f'"{written}",{number % 11},p{number}@example.com' for number in range(ROWS)]
    made = drafted(path, "\n".join(["Timestamp,NPS score,Email", *rows]) + "\n", "surveys")
    assert set(read_by(made, path, "responded_at")) == {datetime.fromisoformat(f"2024-03-05 {utc}")}
    assert not made.entries["responded_at"].doubts
    assert made.keys["timezone"].value == "UTC"


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "top"),
    [
        ("4/5", 4, 5), ("4 / 5", 4, 5), ("4 of 5", 4, 5), ("4 out of 5 stars", 4, 5), ("4 von 5", 4, 5), ("4 sur 5", 4, 5),
        ("8/10", 8, 10), ("4.5/5", 4.5, 5), ("4,5 von 5 Sternen", 4.5, 5), ("★★★★☆", 4, 5), ("★ ★ ★ ☆ ☆", 3, 5), 
        ("⭐⭐⭐", 3, None),
        ("⭐️⭐️", 2, None), ("4 stars", 4, None), ("1 Star", 1, None), ("5 Sterne", 5, None), ("4 - good", 4, None),
        ("Excellent (5)", 5, None), ("FIVE", 5, None), ("five", 5, None),
    ],
)  # fmt: skip
def test_answers(text: str, value: float, top: int | None) -> None:
    said = answer(text)
    assert said is not None
    assert (said.number, said.top) == (value, top)


@pytest.mark.parametrize(
    "text", ["5", "4.5", "6/5", "4 and 5", "3 days", "1/2/2026", "", "good", "O-1001", "5/5/5", "4 of", "1/1"]
)
def test_no_answers(text: str) -> None:
    assert answer(text) is None


@pytest.mark.parametrize("form", ["{}/5", "{} of 5", "{} von 5", "{} out of 5 stars", "{} Sterne", "★", "⭐"])
@pytest.mark.parametrize(
    ("kind", "head", "column", "scale"),
    [
        ("reviews", "Review ID,Date,Rating,Email", "rating", "rating_scale"),
        ("surveys", "Response ID,Submitted at,CSAT score,Email", "score", "scale_max"),
        ("tickets", "Ticket ID,Created at,Satisfaction rating,Status", "csat_score", "csat_scale"),
    ],
)
def test_answers_of_a_scale_are_drafted(tmp_path: Path, form: str, kind: str, head: str, column: str, scale: str) -> None:
    path = tmp_path / f"{kind}.csv"
    numbers = [1, 5, 3, 4, 5, 5, 1, 3, 4, 3, 5, 4]
    texts = [
        (form * number + "☆" * (5 - number)) if form == "★" else form * number if form == "⭐" else form.format(number)
        for number in numbers
    ]
    last = "Solved" if kind == "tickets" else "p@example.com"
    rows = [f"R{place},2026-03-{place + 10} 10:00:00,{text},{last}" for place, text in enumerate(texts)]
    made = drafted(path, "\n".join([head, *rows]) + "\n")
    assert made.kind == kind
    assert read_by(made, path, column) == numbers
    assert set(read_by(made, path, scale)) == {5}
    assert not made.entries[column].doubts


def test_answers_that_no_row_holds_are_mapped_too(tmp_path: Path) -> None:
    """The next file has them: each of its rows would be rejected."""
    path = tmp_path / "reviews.csv"
    made = drafted(path, "Review ID,Date,Rating\n" + "".join(f"R{n},2026-03-{n + 10},{5 - n % 2}/5\n" for n in range(ROWS)))
    path.write_text("Review ID,Date,Rating\nR1,2026-03-10,1/5\nR2,2026-03-10,3/5\n")
    assert read_by(made, path, "rating") == [1, 3]


def test_words_of_a_scale_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "csat.csv"
    words = ["Very satisfied", "Satisfied", "Neutral", "Dissatisfied", "Very dissatisfied", "Satisfied"]
    rows = [f"R{place},2026-03-{place + 10},{word}" for place, word in enumerate(words)]
    made = drafted(path, "\n".join(["Response ID,Submitted at,How satisfied are you with us?", *rows]) + "\n", "surveys")
    assert read_by(made, path, "score") == [5, 4, 3, 2, 1, 4]
    assert set(read_by(made, path, "scale_max")) == {5}
    assert made.entries["score"].doubts
    numbered = drafted(
        path, "Response ID,Submitted at,CSAT\n" + "".join(f"R{n},2026-03-{n + 10},{n % 5 + 1} - word\n" for n in range(ROWS))
    )
    assert "is the highest the best?" in " ".join(numbered.entries["score"].doubts)


# -- kinds -------------------------------------------------------------------------------------------------------------

FORMS: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("forms.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FORMS)
def test_the_kind_of_a_list(tmp_path: Path, case: str) -> None:
    form = FORMS[case]
    assert drafted(tmp_path / form["file"], table(form["header"], form["row"])).kind == form["kind"]


def test_a_file_of_no_kind_says_which_come_next(tmp_path: Path) -> None:
    made = drafted(tmp_path / "stock.csv", table("Shelf,Height,Weight", "S#,10,20"))
    doubt = made.keys["kind"].doubt or ""
    assert "little speaks for any kind" in doubt
    assert "--kind says which" in doubt
    assert len(made.other_kinds) == 3


def test_a_kind_of_which_no_row_loads_is_doubted(tmp_path: Path) -> None:
    made = drafted(
        tmp_path / "tickets.csv",
        table("Ticket ID,Created at,Subject,Requester email,Assignee,Channel", "T#,2026-03-@,x,p#@x.org,kim,Email"),
    )
    assert made.kind == "tickets"
    assert "no row loads as it is" in (made.keys["kind"].doubt or "")


def test_a_state_of_yes_and_no_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "reklamationen.csv"
    rows = "".join(f"{number + 1};{number + 10}.03.2026;K{number};{'ja' if number % 2 else 'nein'}\n" for number in range(ROWS))
    made = drafted(path, "Nr;Eingangsdatum;Kunde;erledigt\n" + rows)
    assert read_by(made, path, "status") == ["open", "solved"] * (ROWS // 2)
    assert made.entries["status"].doubts


def test_of_a_number_and_a_name_the_number_is_the_customer(tmp_path: Path) -> None:
    made = drafted(
        tmp_path / "tickets.csv", table("Ticket-Nr;Erstellt am;Status;Kunde;Kundennr.", "#;@.03.2026;offen;Anna Berg;K#")
    )
    assert made.entries["customer_id"].mapping["from"] == "Kundennr."


# -- records that never were -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "head", "rows", "gone"),
    [
        ("reviews", "Review ID,Date,Rating,Moderation Status", "R{n},2026-03-{d},5,{word}", ["REJECTED", "PENDING", "Spam"]),
        ("reviews", "Review ID,Date,Rating,published", "R{n},2026-03-{d},5,{word}", ["false"]),
        ("reviews", "Bewertungs-ID,Datum,Sterne,Status", "R{n},2026-03-{d},5,{word}", ["Abgelehnt", "ausstehend"]),
        ("orders", "Order ID,Order date,Total,Status", "O{n},2026-03-{d},9.90,{word}", ["draft", "checkout-draft", "Trash"]),
        ("orders", "Order ID,Order date,Total,Status,test", "O{n},2026-03-{d},9.90,paid,{word}", ["true"]),
        ("tickets", "Ticket ID,Created at,Subject,Status", "T{n},2026-03-{d},x,{word}", ["Deleted", "Trash"]),
        ("surveys", "Response ID,Submitted at,NPS score,Response Type", "S{n},2026-03-{d},9,{word}", ["Survey Preview", "Spam"]),
        ("calls", "Call ID,Start time,Direction,Result,is test", "C{n},2026-03-{d} 10:00:00,inbound,answered,{word}", ["true"]),
    ],
)  # fmt: skip
def test_what_was_never_published_or_placed_is_gone(tmp_path: Path, kind: str, head: str, rows: str, gone: list[str]) -> None:
    """Of the other words none is: a review that is published later comes back."""
    there = {"reviews": "Approved", "orders": "paid", "tickets": "Solved", "surveys": "IP Address", "calls": "false"}[kind]
    there = "Freigegeben" if "Datum" in head else "true" if "published" in head else "false" if head.endswith("test") else there
    words = [word for word in gone for _ in range(3)] + [there] * 12
    lines = [rows.format(n=place, d=place % 18 + 10, word=word) for place, word in enumerate(words, start=1)]
    path = tmp_path / f"{kind}.csv"
    made = drafted(path, "\n".join([head, *lines]) + "\n")
    assert made.kind == kind
    assert [bool(value) for value in read_by(made, path, "is_deleted")] == [word in gone for word in words]


def test_spam_among_the_states_of_tickets_is_spam(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    rows = [f"T{n},2026-03-{n + 10},x,{'Spam' if n % 3 == 0 else 'Open'}" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Ticket ID,Created at,Subject,Status", *rows]) + "\n")
    assert read_by(made, path, "is_spam") == [n % 3 == 0 for n in range(1, ROWS)]


def test_a_state_of_reviews_that_only_says_published_is_read_for_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    made = drafted(
        path, "Review ID,Date,Rating,Status\n" + "".join(f"R{n},2026-03-{n + 10},5,Approved\n" for n in range(1, ROWS))
    )
    path.write_text("Review ID,Date,Rating,Status\nR1,2026-03-10,1,Rejected\nR2,2026-03-10,3,Approved\n")
    assert read_by(made, path, "is_deleted") == [True, False]


# -- surveys that nobody answered --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", "-", "n/a"])
def test_surveys_that_were_sent_are_invitations(tmp_path: Path, nothing: str) -> None:
    path = tmp_path / "nps.csv"
    rows = []
    for n in range(ROWS):
        answer = f"2026-04-{n + 10} 08:00:00,{n % 11},fine" if n % 3 == 0 else f"{nothing},{nothing},"
        rows.append(f"S{n + 1},p{n}@example.com,2026-03-{n + 10} 08:00:00,{answer}")
    made = drafted(path, "\n".join(["Survey ID,Email,Sent at,Responded at,NPS score,Comment", *rows]) + "\n")
    assert [part.kind for part in made.kinds] == ["surveys", "survey_invitations"]
    answers, sent = (loaded(path, Contract.model_validate(part.as_contract())) for part in made.kinds)
    assert answers.loaded["response_id"].to_pylist() == ["S1", "S4", "S7", "S10"]
    assert (answers.rows_left_out, answers.quarantined.num_rows) == (8, 0)
    assert sent.loaded["invitation_id"].to_pylist() == [f"S{n + 1}" for n in range(ROWS)]
    assert sent.loaded["response_id"].to_pylist() == [f"S{n + 1}" if n % 3 == 0 else None for n in range(ROWS)]
    assert sent.loaded["sent_at"].to_pylist()[0] == datetime(2026, 3, 10, 8)


def test_what_was_sent_keeps_its_number_when_it_is_answered(tmp_path: Path) -> None:
    """Without a number of its own it is called by whom and when it was sent to, not by what came back."""
    path = tmp_path / "nps.csv"
    head = "Email,Sent at,Responded at,NPS score,Comment\n"
    rows = [f"p{n}@example.com,2026-03-{n + 10} 08:00:00" for n in range(ROWS)]
    made = drafted(path, head + "".join(f"{row},{'2026-04-02 08:00:00,9,fine' if n else ',,'}\n" for n, row in enumerate(rows)))
    invitations = Contract.model_validate(made.kinds[1].as_contract())
    before = loaded(path, invitations).loaded["invitation_id"].to_pylist()
    path.write_text(head + "".join(f"{row},2026-04-02 08:00:00,9,fine\n" for row in rows))
    assert loaded(path, invitations).loaded["invitation_id"].to_pylist() == before


def test_an_answer_without_a_score_is_one(tmp_path: Path) -> None:
    """Who wrote something answered; whose survey says when they answered, too."""
    path = tmp_path / "csat.csv"
    rows = [f"R{n},2026-03-{n + 10} 08:00:00,{n % 5 + 1 if n % 3 else ''},{'' if n % 2 else 'fine'}" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Response ID,Created at,CSAT score,Comment", *rows]) + "\n", "surveys")
    expected = [f"R{n}" for n in range(1, ROWS) if n % 3 or n % 2 == 0]
    assert read_by(made, path, "response_id") == expected


# -- what other vendors write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Not fulfilled", "Nicht versandt", "non payé", "no enviado"])
def test_what_is_not_so_is_not_drafted_as_so(tmp_path: Path, word: str) -> None:
    """A word that is known, beside one that turns it round."""
    rows = "".join(f"O{n},2026-03-{n + 10},9.90,{'Cancelled' if n % 2 else word}\n" for n in range(1, ROWS))
    made = drafted(tmp_path / "orders.csv", "Order ID,Order date,Total,Status\n" + rows)
    (drawn,) = [one for one in made.entries["status"].words if one.written == word]
    assert drawn.value in (None, "created")
    assert drawn.doubt


def test_of_several_times_the_one_of_the_day_is_the_calls(tmp_path: Path) -> None:
    """'Ring Time' is a length: no time of day was read where there was one, and calls began at midnight."""
    path = tmp_path / "calls.csv"
    rows = [f"C{n},2026-03-{n + 10},{n + 8:02}:15:00,inbound,00:00:0{n % 10},+49 30 {1000000 + n}" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Call ID,Call Date,Call Time,Direction,Ring Time,Contact Number", *rows]) + "\n")
    assert read_by(made, path, "started_at") == [datetime(2026, 3, n + 10, n + 8, 15) for n in range(1, ROWS)]
    path = tmp_path / "other.csv"
    rows = [f"C{n},2026-03-{n + 10},{n + 8:02}:15:00,inbound,{n + 9:02}:15:00" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Call ID,Call Date,Start Time of Call,Direction,End Time of Call", *rows]) + "\n", "calls")
    assert any("time of day" in doubt for doubt in made.entries["started_at"].doubts)


def test_a_type_of_call_says_which_way_and_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    types = ["inbound", "outbound", "missed", "voicemail", "abandoned", "inbound"] * 2
    rows = [f"i{n},2026-03-{n + 10} 10:00:00,{kind}" for n, kind in enumerate(types)]
    made = drafted(path, "\n".join(["Interaction ID,Start Time,Call Type", *rows]) + "\n")
    assert read_by(made, path, "call_id") == [f"i{n}" for n in range(12)]
    assert read_by(made, path, "direction") == ["inbound", "outbound", *["inbound"] * 4] * 2
    assert read_by(made, path, "disposition") == ["answered", "answered", "abandoned", "voicemail", "abandoned", "answered"] * 2
    assert all(word.doubt for word in made.entries["direction"].words if word.written not in ("inbound", "outbound"))
    assert all(word.doubt for word in made.entries["disposition"].words if word.value == "answered")


def test_a_column_of_known_words_goes_before_one_that_is_called_so(tmp_path: Path) -> None:
    """A phone system's "Disposition" is what its agents chose; how a call ended is elsewhere."""
    path = tmp_path / "calls.csv"
    rows = [f"C{n},2026-03-{n + 10} 10:00:00,inbound,Billing,{'Missed' if n % 2 else 'Answered'}" for n in range(ROWS)]
    made = drafted(path, "\n".join(["Call ID,Start Time,Direction,Disposition,Call Type", *rows]) + "\n")
    assert read_by(made, path, "disposition") == ["answered", "abandoned"] * (ROWS // 2)
    assert made.entries["disposition"].doubts


def test_the_users_of_calls_may_be_agents(tmp_path: Path) -> None:
    rows = "".join(f"C{n},2026-03-{n + 10} 10:00:00,inbound,u{n % 3},u{n % 3}@example.com\n" for n in range(ROWS))
    made = drafted(tmp_path / "calls.csv", "Call ID,Start Time,Direction,User ID,User Email\n" + rows)
    assert made.entries["customer_id"].doubts
    assert made.entries["customer_email"].doubts


def test_seconds_of_1970_are_none(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    rows = [f"T{n},{1772440000 + n * 3600},{1772450000 + n * 3600 if n % 2 else 0},Open" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Ticket ID,Created at,First reply at,Status", *rows]) + "\n")
    assert [value is None for value in read_by(made, path, "first_response_at")] == [n % 2 == 0 for n in range(1, ROWS)]


def test_an_amount_beside_its_interval_is_asked_about(tmp_path: Path) -> None:
    """Of a yearly subscription the amount is that of twelve months; and what was cancelled may not have ended."""
    head = "id,Customer ID,Plan,Interval,Amount,Status,Start Date,Canceled At (UTC),Ended At (UTC)"
    row = "sub_#,cus_#,p,year,199.00,{},2026-03-@,2026-04-@,2026-05-@"
    rows = [table(head, row.format(word)).split("\n")[1:5] for word in ("active", "incomplete", "incomplete_expired")]
    made = drafted(tmp_path / "subscriptions.csv", "\n".join([head, *(line for some in rows for line in some)]) + "\n")
    assert "Interval" in " ".join(made.entries["monthly_amount"].doubts)
    assert made.entries["ended_at"].mapping["from"] == "Ended At (UTC)"
    assert {word.written: word.value for word in made.entries["is_deleted"].words if word.rows} == {
        "active": False, "incomplete": True, "incomplete_expired": True,
    }  # fmt: skip


def test_a_flag_goes_before_the_state_of_an_order(tmp_path: Path) -> None:
    """'Storniert: ja' beside 'Abgeschlossen': such orders counted as delivered."""
    path = tmp_path / "auftraege.csv"
    rows = [f"A{n};{n + 10}.03.2026;9,90;Abgeschlossen;{'ja' if n % 3 == 0 else 'nein'}" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Auftragsnummer;Auftragsdatum;Gesamtbetrag;Auftragsstatus;Storniert", *rows]) + "\n")
    assert read_by(made, path, "status") == ["cancelled" if n % 3 == 0 else "delivered" for n in range(1, ROWS)]
    assert made.entries["status"].doubts


def test_calls_within_the_house_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"C{n},2026-03-{n + 10} 10:00:00,{'Internal' if n % 3 == 0 else 'Incoming'},Answered" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Call ID,Start Time,Type,Status", *rows]) + "\n")
    result = loaded(path, Contract.model_validate(made.as_contract()))
    assert (result.loaded.num_rows, result.rows_left_out, result.quarantined.num_rows) == (8, 3, 0)


def test_merged_and_removed_tickets_are_so(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    words = ["offen", "zusammengefügt", "entfernt", "warten zur Erinnerung"] * 3
    rows = [f"T{n};2026-03-{n + 10};{word};4 sehr hoch" for n, word in enumerate(words)]
    made = drafted(path, "\n".join(["Ticketnummer;Erstellt;Status;Priorität", *rows]) + "\n")
    assert read_by(made, path, "is_merged") == [word == "zusammengefügt" for word in words]
    assert read_by(made, path, "is_deleted") == [word == "entfernt" for word in words]
    assert set(read_by(made, path, "priority")) == {"urgent"}


def test_agents_with_a_record_each_are_doubted(tmp_path: Path) -> None:
    made = drafted(tmp_path / "nps.csv", table("Response ID,Date Submitted,NPS score,User", "R#,2026-03-@ 10:00:00,9,u#"))
    assert made.entries["agent_id"].doubts


def test_a_time_of_day_with_a_point_is_one(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    rows = [f"T{n};{n + 10}.03.2026;{n + 8:02}.07;Aperta" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["N. ticket;Data apertura;Ora apertura;Stato", *rows]) + "\n")
    assert read_by(made, path, "created_at") == [datetime(2026, 3, n + 10, n + 8, 7) for n in range(1, ROWS)]


def test_tickets_of_days_are_marked(tmp_path: Path) -> None:
    made = drafted(tmp_path / "tickets.csv", table("Ticket ID,Created at,Status", "T#,2026-03-@,Open"))
    assert any("days only" in doubt for doubt in made.entries["created_at"].doubts)


def test_the_direction_of_calls_is_known_by_its_words(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rows = [f"C{n},2026-03-{n + 10} 10:00:00,{'Entrante' if n % 2 else 'Saliente'}" for n in range(1, ROWS)]
    made = drafted(path, "\n".join(["Call ID,Start Time,Flow", *rows]) + "\n")
    assert read_by(made, path, "direction") == ["inbound" if n % 2 else "outbound" for n in range(1, ROWS)]
    assert made.entries["direction"].doubts


def test_how_a_return_ended(tmp_path: Path) -> None:
    path = tmp_path / "returns.csv"
    words = ["Refund", "Exchange", "Store credit", "Declined"] * 3
    rows = [f"RT{n},O{n},2026-03-{n + 10},S1,2,{word},9.90" for n, word in enumerate(words)]
    made = drafted(path, "\n".join(["Return ID,Order ID,Return date,SKU,Qty,Resolution,Refund total", *rows]) + "\n")
    assert read_by(made, path, "outcome") == ["refund", "exchange", "store_credit", "rejected"] * 3
    assert {float(value) for value in read_by(made, path, "refund_amount")} == {9.9}
    assert {float(value) for value in read_by(made, path, "quantity")} == {2.0}


def test_a_draft_of_an_order_beside_a_flag_is_gone_too(tmp_path: Path) -> None:
    path = tmp_path / "auftraege.csv"
    states = [("Entwurf", "nein"), ("Abgeschlossen", "ja"), ("Abgeschlossen", "nein")] * 4
    rows = [f"A{n};{n + 10}.03.2026;9,90;{state};{flag}" for n, (state, flag) in enumerate(states)]
    made = drafted(path, "\n".join(["Auftragsnummer;Auftragsdatum;Gesamtbetrag;Auftragsstatus;Storniert", *rows]) + "\n")
    assert read_by(made, path, "status") == ["cancelled", "cancelled", "delivered"] * 4
    assert read_by(made, path, "is_deleted") == [True, False, False] * 4


def test_an_offered_survey_is_not_answered(tmp_path: Path) -> None:
    path = tmp_path / "satisfaction.csv"
    words = ["good", "bad", "offered", "offered"] * 3
    rows = [f"R{n},2026-03-{n + 10} 08:00:00,{word},T{n}" for n, word in enumerate(words)]
    made = drafted(path, "\n".join(["Response ID,Created at,Satisfaction,Ticket ID", *rows]) + "\n", "surveys")
    assert read_by(made, path, "score") == [2, 1] * 3


def test_a_hidden_order_is_one(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    made = drafted(path, table("Order ID,Order date,Total,Status,Hidden", "O#,2026-03-@,9.90,paid,true"))
    assert "is_deleted" not in made.entries
