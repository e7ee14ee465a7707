"""From a cell's text to a value: offsets, clock times that happen twice, numbers, words for missing and for nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_rows import read, values

from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.kinds import NUMBERS, all_kinds
from orchestration.pull.rows.values import ABBREVIATIONS, NOBODY


def test_every_number_has_bounds() -> None:
    unbounded = [
        f"{kind.name}.{column.name}"
        for kind in all_kinds().values()
        for column in kind.columns.values()
        if column.type in NUMBERS and column.bounds is None
    ]
    assert unbounded == []


def test_rules_and_orders_speak_of_columns_that_exist() -> None:
    for kind in all_kinds().values():
        named = {rule.column for rule in kind.rules} | set(kind.in_time_order) | set(kind.ids)
        named |= {column for vocabulary in kind.vocabularies for column in (*vocabulary.columns, vocabulary.where_column)}
        assert named <= set(kind.columns), kind.name


MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1)).map(lambda d: d.replace(microsecond=0))
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


def _notations(moment: datetime, offset: timedelta) -> list[str]:
    local = moment.replace(tzinfo=UTC).astimezone(timezone(offset))
    colon = local.strftime("%z")[:3] + ":" + local.strftime("%z")[3:5]
    return [
        f"{local:%Y-%m-%dT%H:%M:%S}{colon}",
        f"{local:%Y-%m-%d %H:%M:%S} {colon}",
        f"{local:%Y-%m-%d %H:%M:%S}{local:%z}",
        f"{local:%Y-%m-%d %H:%M:%S} {local:%z}",
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        f"{moment:%Y-%m-%d %H:%M:%S}.000000 UTC",
    ]


@settings(deadline=None, max_examples=6)
@given(moment=MOMENTS, offset=OFFSETS)
def test_every_notation_of_an_instant_is_that_instant_in_any_zone(moment: datetime, offset: timedelta) -> None:
    notations = _notations(moment, offset)
    rows = [{"created_at": text} for text in notations]
    for zone in ("UTC", "America/New_York", "Europe/Berlin"):
        assert values(read("tickets", rows, timezone=zone), "created_at") == [moment] * len(notations)


@settings(deadline=None, max_examples=5)
@given(moment=MOMENTS, offset=OFFSETS)
def test_an_offset_wins_over_the_contracts_zone_by_format_too(moment: datetime, offset: timedelta) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(timezone(offset))
    form = ["%a, %d %b %Y %H:%M:%S %z", "%d.%m.%Y %H:%M"]
    text = f"{local:%a}, {local.day} {local:%b %Y %H:%M:%S %z}"
    result = read(
        "tickets", [{"created_at": text}], {"created_at": Mapping(source="created_at", format=form)}, timezone="Asia/Tokyo"
    )
    assert values(result, "created_at") == [moment]


@pytest.mark.parametrize("name", ABBREVIATIONS)
def test_offsets_by_name(name: str) -> None:
    expected = datetime.fromisoformat("2026-06-03T10:15:00" + ABBREVIATIONS[name]).astimezone(UTC).replace(tzinfo=None)
    by_format = Mapping(source="created_at", format="%Y-%m-%d %H:%M:%S %Z")
    rows = [{"created_at": f"2026-06-03 10:15:00 {name}"}]
    assert values(read("tickets", rows, timezone="Asia/Tokyo"), "created_at") == [expected]
    assert values(read("tickets", rows, {"created_at": by_format}, timezone="Asia/Tokyo"), "created_at") == [expected]


def test_an_unknown_name_of_an_offset_is_no_guess() -> None:
    result = read("tickets", [{"created_at": "2026-06-03 10:15:00 XYZ"}])
    assert result.quarantined["reason"].to_pylist() == ["created_at '2026-06-03 10:15:00 XYZ' is not a valid instant"]


@pytest.mark.parametrize(
    ("offset", "instant"),
    {
        " -5": "15:00:00", "-5": "15:00:00", " -05": "15:00:00", " +1": "09:00:00", " +5:30": "04:30:00", " +530": "04:30:00",
        "+01:00:00": "09:00:00",
    }.items(),
)  # fmt: skip
def test_an_offset_of_another_form_counts(offset: str, instant: str) -> None:
    rows = [{"created_at": f"2026-06-03 10:00:00{offset}"}]
    assert values(read("tickets", rows, timezone="Asia/Tokyo"), "created_at") == [datetime.fromisoformat(f"2026-06-03 {instant}")]


@pytest.mark.parametrize("offset", [" -12345", " +05:30:15", "+1:2"])
def test_an_offset_that_nobody_can_read_is_no_local_time(offset: str) -> None:
    result = read("tickets", [{"created_at": f"2026-06-03 10:00:00{offset}"}])
    assert result.loaded.num_rows == 0
    assert "is not a valid instant" in result.quarantined["reason"][0].as_py()


@pytest.mark.parametrize("text", ["Ann B <Ann@x.example>", "mailto:ann@x.example", "<ann@x.example>", "ANN@x.example"])
def test_an_address_is_one_however_it_is_decorated(text: str) -> None:
    assert values(read("tickets", [{"customer_email": text}]), "customer_email") == ["ann@x.example"]


def test_two_addresses_are_nobodys() -> None:
    assert values(read("tickets", [{"customer_email": "a@x.example;b@x.example"}]), "customer_email") == [None]


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("text", ["infinity", "-Infinity", "inf", "-inf"])
def test_for_ever_is_no_time(text: str, timezone: str) -> None:
    result = read("tickets", [{"solved_at": text}, {"solved_at": "2026-06-01"}], timezone=timezone)
    assert result.quarantined["reason"].to_pylist() == [f"solved_at '{text}' is not a valid instant"]
    assert result.loaded.num_rows == 1


@pytest.mark.parametrize(
    ("queued", "answered", "wait_seconds"),
    [
        # 02:00 to 03:00 happens twice in Berlin on that day.
        ("01:59:50", "02:00:10", 20),
        ("02:59:50", "03:00:10", 20),
        ("02:10:00", "02:10:20", 20),
        # Answered by the later of two equal hours: the clock went back in between.
        ("02:50:00", "02:05:00", 900),
        ("03:10:00", "03:10:20", 20),
    ],
)
def test_of_two_equal_clock_times_the_one_that_fits(queued: str, answered: str, wait_seconds: int) -> None:
    row = {"started_at": f"2026-10-25 {queued}", "queued_at": f"2026-10-25 {queued}", "answered_at": f"2026-10-25 {answered}"}
    result = read("calls", [row], timezone="Europe/Berlin")
    (waited,) = [(b - a).total_seconds() for a, b in zip(values(result, "queued_at"), values(result, "answered_at"), strict=True)]
    assert waited == wait_seconds


#: Local times of one ticket's events in Berlin, in the order of the rows; in UTC, 02:00 to 03:00 is 00 or 01 o'clock.
LOGS = [
    # The clock went back between the two; between two of three.
    (["02:50", "02:05"], ["00:50", "01:05"]),
    (["01:30", "02:50", "02:55", "02:05", "03:10"], ["23:30", "00:50", "00:55", "01:05", "02:10"]),
    # What follows within the hour draws it near, unless what came before is as near.
    (["02:50", "03:10"], ["01:50", "02:10"]),
    (["01:55", "02:05", "03:01"], ["23:55", "00:05", "02:01"]),
    (["00:30", "02:05", "03:01"], ["22:30", "01:05", "02:01"]),
    # The same order both ways: the first hour.
    (["02:10", "02:20"], ["00:10", "00:20"]),
    (["02:10"], ["00:10"]),
    # A file with the newest event first; one in no order, whose rows tell nothing of each other.
    (["03:30", "02:05", "02:50", "01:30"], ["02:30", "01:05", "00:50", "23:30"]),
    (["03:30", "02:50", "01:30", "02:05", "03:40"], ["02:30", "00:50", "23:30", "00:05", "02:40"]),
    # No choice brings them into an order.
    (["02:50", "02:05", "02:40", "02:01"], ["00:50", "00:05", "00:40", "00:01"]),
]


@pytest.mark.parametrize(("local", "expected"), LOGS)
def test_of_two_equal_clock_times_of_a_log_the_one_that_fits_its_rows(local: list[str], expected: list[str]) -> None:
    def event(ticket: str, at: str) -> dict[str, str]:
        return {"ticket_id": ticket, "event_at": f"2026-10-25 {at}:00", "event_type": "internal_note"}

    # Another ticket's events are between them, an offset tells its own instant, and a row that cannot be read is none.
    rows = [event("t", local[0]), event("other", "02:59")]
    rows += [row for at in local[1:] for row in (event("t", at), event("other", "02:59"), {"ticket_id": "t", "event_at": "x"})]
    rows.append({**event("zoned", ""), "event_at": "2026-10-25 02:30:00+01:00"})
    result = read("ticket_events", rows, timezone="Europe/Berlin")
    events = [(row["ticket_id"], row["event_at"]) for row in result.loaded.to_pylist()]
    assert [f"{at:%H:%M}" for ticket, at in events if ticket == "t"] == expected
    assert {f"{at:%H:%M}" for ticket, at in events if ticket == "other"} == {"00:59"}
    assert [f"{at:%H:%M}" for ticket, at in events if ticket == "zoned"] == ["01:30"]
    kept = result.loaded["_row"].to_pylist()
    assert kept == sorted(kept)
    assert result.quarantined.num_rows == len(local) - 1


def test_a_log_of_a_zone_without_changes_is_left_alone() -> None:
    rows = [{"ticket_id": "t", "event_at": f"2026-10-25 {at}:00"} for at in ("02:50", "02:05")]
    assert values(read("ticket_events", rows), "event_at") == [datetime(2026, 10, 25, 2, 50), datetime(2026, 10, 25, 2, 5)]


def test_without_neighbours_it_is_the_first() -> None:
    result = read("tickets", [{"created_at": "2026-10-25 02:30:00"}], timezone="Europe/Berlin")
    assert values(result, "created_at") == [datetime(2026, 10, 25, 0, 30)]


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1,234.50", ".", "1234.5"), ("1234.5", ".", "1234.5"), ("1 234.50", ".", "1234.5"), ("1 234,50", ",", "1234.5"),
        ("1.234,50", ",", "1234.5"), ("1.234", ",", "1234"), ("12,00 €", ",", "12"),
        ("$12.00", ".", "12"), ("1'234.50", ".", "1234.5"),
        # A workbook writes its numbers with a point, whatever a contract says of texts.
        ("12.5", ",", "12.5"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, decimal: str, amount: str) -> None:
    result = read("orders", [{"total_amount": text}], decimal=decimal)
    assert [str(value.normalize()) for value in values(result, "total_amount")] in (
        [amount],
        [f"{float(amount):.4E}"],
        [_plain(amount)],
    )


def _plain(amount: str) -> str:
    from decimal import Decimal

    return str(Decimal(amount).normalize())


@pytest.mark.parametrize("text", ["1,5", "1_000", "12,34.5", "5 apples", "0x10", "--5", "1.2.3"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read("orders", [{"total_amount": text}]).quarantined.num_rows == 1


@pytest.mark.parametrize("text", ["-20.00", "(20.00)", "20.00-", "20", "$20.00"])
def test_a_refund_is_its_size(text: str) -> None:
    result = read("orders", [{"refund_amount": text, "discount_amount": text}])
    assert [float(values(result, name)[0]) for name in ("refund_amount", "discount_amount")] == [20, 20]


PLACEHOLDERS = st.one_of(
    st.sampled_from(NOBODY).flatmap(lambda word: st.sampled_from([word, word.upper(), f" {word.title()} "])),
    st.integers(1, 12).map(lambda count: "0" * count),
)


@settings(deadline=None, max_examples=8)
@given(word=PLACEHOLDERS)
def test_a_placeholder_is_nobody_in_every_identifier(word: str) -> None:
    for name in ("tickets", "calls", "orders"):
        kind = all_kinds()[name]
        somebody = [c for c in kind.columns.values() if c.is_somebody]
        optional = {column.name: word for column in somebody if not column.required}
        result = read(name, [optional])
        assert all(values(result, column) == [None] for column in optional)
        (key,) = kind.key
        (reason,) = read(name, [{key: word}]).quarantined["reason"].to_pylist()
        assert reason == f"{key} is a word or number that stands for none"


@pytest.mark.parametrize("text", ["NA", "n/a", "None", "null", "NaN", "-"])
def test_words_for_missing_are_missing_where_a_column_cannot_mean_them(text: str) -> None:
    row = {
        "solved_at": text,
        "csat_score": text,
        "reopens": text,
        "is_spam": text,
        "priority": text,
        "country": text,
        "subject": text,
    }
    (loaded,) = read("tickets", [row]).loaded.to_pylist()
    assert [loaded[name] for name in ("solved_at", "csat_score", "reopens", "is_spam", "priority")] == [None] * 5
    # NA is Namibia.
    assert (loaded["country"], loaded["subject"]) == (text, text)


@settings(deadline=None, max_examples=8)
@given(
    word=st.sampled_from(all_kinds()["tickets"].columns["status"].values),
    joint=st.sampled_from(["_", "-", " ", " - "]),
    change=st.sampled_from([str.upper, str.title, str.lower]),
)
def test_a_word_is_the_same_however_it_is_spelled(word: str, joint: str, change: Any) -> None:
    spelled = f" {change(word.replace('_', joint))} "
    assert values(read("tickets", [{"status": spelled}]), "status") == [word]
    assert values(read("ticket_events", [{"to_value": spelled, "from_value": spelled}]), "to_value") == [word]


def test_sql_that_fails_on_a_value_rejects_its_row_only() -> None:
    mapping = {
        "agent_replies": Mapping(sql="cast(subject as integer)"),
        "reopens": Mapping(sql="length(subject)"),
        "csat_score": Mapping(sql="cast(subject as integer) + 0"),
    }
    result = read("tickets", [{"subject": "3"}, {"subject": "somebody@example.org"}, {"subject": None}], mapping)
    assert result.loaded["agent_replies"].to_pylist() == [3, None]
    assert result.quarantined["_row"].to_pylist() == [3]
    (reason,) = result.quarantined["reason"].to_pylist()
    fails = "has a value on which the SQL of the contract fails"
    assert reason == f"agent_replies {fails}; csat_score {fails}"


def test_reasons_show_no_value_that_may_be_a_persons() -> None:
    shifted = {"status": "anna@example.org", "priority": "+49 151 2345678", "reopens": "4111111111111111", "is_spam": "x" * 41}
    (reason,) = read("tickets", [shifted]).quarantined["reason"].to_pylist()
    assert not any(value in reason for value in shifted.values())
    assert pa.types.is_string(read("tickets", [{}]).quarantined.schema.field("reason").type)
