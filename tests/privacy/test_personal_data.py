"""What is found in texts, and what is not taken for it."""

from __future__ import annotations

import re
from itertools import pairwise, product

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import numdb

from orchestration.core.personal_data import CANDIDATE, REGIONS, finds, places
from orchestration.pull.personal import may_be_member_sql

EMAIL, PHONE, IBAN, CARD = "e-mail address", "phone number", "IBAN", "card number"
PERSONAL = [
    ("erika.mustermann@leak.example.com", EMAIL),
    ("mail to <j.łoś+shop@żubr.pl>, please", EMAIL),
    ("mailto:erika@leak.example", EMAIL),
    ("+49 (0)30 123456-78", PHONE),
    ("030/12345678", PHONE),
    ("0151 23456789", PHONE),
    ("my number is 020 7946 0958.", PHONE),
    ("call 01 42 68 53 00 now", PHONE),
    ("(212) 736-5000", PHONE),
    ("0049 30 12345678", PHONE),
    ("+12127365000", PHONE),
    ("IBAN DE89370400440532013000", IBAN),
    ("DE89 3704 0044 0532 0130 00 is mine", IBAN),
    ("gb29 nwbk 6016 1331 9268 19", IBAN),
    ("4111 1111 1111 1111", CARD),
    ("4111-1111-1111-1111", CARD),
    ("card=5555555555554444,", CARD),
    ("3782 822463 10005", CARD),
]
IMPERSONAL = [
    "",
    "in progress",
    "2026-06-01 10:00:00",
    "01.06.2026",
    "1.06.2026 – 30.06.2026",
    "1000234567",
    "#1001-2024",
    "114-3941689-8772232",
    "12-34567-12345",
    "gid://shopify/Order/450789469",
    "4111 1111 1111 1112",
    "4111111111111112",
    "DE89370400440532013001",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "1,234,567 of 7,654,321",
    "95 % (0.1234567 to 0.2345678)",
    "@erika",
    "AB12 is the room of the group",
]


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_what_leads_to_somebody_is_found(text: str, kind: str) -> None:
    assert finds(text) == [kind]


@pytest.mark.parametrize("text", IMPERSONAL)
def test_numbers_of_things_are_not_taken_for_it(text: str) -> None:
    assert finds(text) == []


def test_places_are_those_in_the_text() -> None:
    text = "I am erika@leak.example.com, +49 30 12345678, DE89 3704 0044 0532 0130 00 and 4111 1111 1111 1111!"
    assert [(found.kind, text[found.start : found.end]) for found in places(text)] == [
        (EMAIL, "erika@leak.example.com"),
        (PHONE, "+49 30 12345678"),
        (IBAN, "DE89 3704 0044 0532 0130 00"),
        (CARD, "4111 1111 1111 1111"),
    ]


def test_digits_of_an_id_say_nothing() -> None:
    assert [finds(text, is_id=True) for text in ("030/12345678", "4111111111111111", "0151 23456789")] == [[], [], []]
    assert finds("+49 30 12345678", is_id=True) == [PHONE]
    assert finds("erika@leak.example", is_id=True) == [EMAIL]
    assert finds("DE89370400440532013000", is_id=True) == [IBAN]


def test_other_countries_are_asked_for() -> None:
    assert finds("08-123 456 78", ("SE",)) == [PHONE]
    assert finds("08-123 456 78", ("US",)) == []


@given(st.text(st.sampled_from("0123456789abcdef"), min_size=32, max_size=32))
def test_computed_keys_are_not_looked_into(key: str) -> None:
    assert finds(key) == []


def test_no_country_has_accounts_that_look_like_computed_keys() -> None:
    lengths = {}
    for first, second in product("ABCDEF", repeat=2):
        if known := numdb.get("iban").info(f"{first}{second}00")[0][1]:
            lengths[known["country"]] = 4 + sum(int(digits) for digits in re.findall(r"(\d+)!", known["bban"]))
    assert lengths["Germany"] == 22
    assert max(lengths.values()) < 32


def test_the_engines_filter_lets_everything_through_that_is_found() -> None:
    with duckdb.connect() as con:
        for text, _ in PERSONAL:
            assert con.execute("select regexp_matches(?, ?)", [text, CANDIDATE]).fetchone() == (True,), text


@given(st.text(st.sampled_from("+0123456789 -/().@aäZ.,DE"), max_size=60))
def test_places_lie_in_the_text_and_apart(text: str) -> None:
    found = places(text)
    assert all(0 <= place.start < place.end <= len(text) for place in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@st.composite
def _phones(draw: st.DrawFn) -> str:
    """Numbers of somebody with their zero or their country's code, however their digits are set apart."""
    import phonenumbers

    example = phonenumbers.example_number_for_type(draw(st.sampled_from(REGIONS)), draw(st.sampled_from([0, 1])))
    text = phonenumbers.format_number(example, draw(st.sampled_from([0, 1, 2])))
    gaps = st.sampled_from([" ", "-", "/", ".", "\u00a0", "\u2009", "\u2011", "\u2013", ""])
    text = "".join(draw(gaps) if letter in " -" else letter for letter in text)
    if draw(st.booleans()):
        text = text.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    return draw(st.sampled_from(["", "Tel ", "VIP: ", "("])) + text


@given(st.one_of(_phones(), st.sampled_from(["030 12345", "(030) 12345", "01-23-45-67-89", "+49 30 12345", "+33.1.23.45.67.89"])))
def test_what_the_scan_finds_was_no_member_of_a_dimension(text: str) -> None:
    """A value that a contract carries along is left out when it is read: else the scan of what is published stopped the run."""
    if finds(text) and any(letter in "+0\uff10" for letter in text[:6]):
        with duckdb.connect() as con:
            assert con.execute("select regexp_matches($1, $2)", [text, CANDIDATE]).fetchone() == (True,)
            assert con.execute(f"select {may_be_member_sql('$1')}", [text]).fetchone() == (False,)


def test_days_times_amounts_and_ranges_are_members() -> None:
    texts = ["plan 2024/2025", "0 to 10", "0.5-1.5 t", "01.06.2026", "2026-06-01 10:00:00+02:00", "01.06.2026 \u2013 30.06.2026"]
    with duckdb.connect() as con:
        for text in [*texts, "100-2000 seats", "10,001-50,000 seats", "+5 users"]:
            assert con.execute(f"select {may_be_member_sql('$1')}", [text]).fetchone() == (True,), text
