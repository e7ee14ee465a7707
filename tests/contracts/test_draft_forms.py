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
