"""The forms in which exports write numbers, durations and dates."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import Canonical, apply
from typed_rows import read, values

from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.rows.spelling import MONTHS


def _read(kind: str, column: str, texts: list[str], keys: dict[str, Any]) -> Canonical:
    own = {name: keys.pop(name) for name in ("unit", "format") if name in keys}
    mapping = Mapping.model_validate({"from": column, **own})
    return read(kind, [{column: text} for text in texts], {column: mapping}, **keys)


def made(kind: str, column: str, texts: list[str], **keys: Any) -> list[Any]:
    """What a column's texts mean."""
    return values(_read(kind, column, texts, keys), column)


def refused(kind: str, column: str, texts: list[str], **keys: Any) -> list[str]:
    """Those of the texts that mean nothing."""
    return [json.loads(record)[column] for record in _read(kind, column, texts, keys).quarantined["record"].to_pylist()]


AMOUNTS = {
    ".": {
        "1,234.50": "1234.5", "1'234.50": "1234.5", "1’234.50": "1234.5", "1 234.50": "1234.5", "1\u00a0234.50": "1234.5",
        "1\u202f234.50": "1234.5", "1\u2009234.50": "1234.5", "$12.00": "12", "US$ 12.00": "12", "R$12.00": "12",
        "12.00 €": "12", "EUR 12.00": "12", "12.00 EUR": "12", "12 zł": "12", "kr. 12": "12", "12 kr": "12", 
        "CHF 1'000.-": "1000", "12.–": "12",
        "12,34,567.50": "1234567.5", "0012": "12", ".5": "0.5", "1e3": "1000",
    },
    ",": {
        "1.234,50": "1234.5", "1 234,56": "1234.56", "12,00 €": "12", "R$ 1.234,00": "1234", "12.5": "12.5", "zł 7,5": "7.5",
        "1.000": "1000", "0.375": "0.375",
    },
}  # fmt: skip


@pytest.mark.parametrize("decimal", AMOUNTS)
def test_amounts(decimal: str) -> None:
    texts = AMOUNTS[decimal]
    assert made("orders", "total_amount", list(texts), decimal=decimal) == [Decimal(value) for value in texts.values()]


def test_negative_amounts() -> None:
    texts = ["(20.00)", "($20.00)", "-20", "$-20", "-$20", "20-", "20.00-", "−20", "EUR -20", "-EUR 20", "(20 EUR)", "20 EUR-"]
    lines = [
        {"order_id": "1", "line_id": str(n), "product_id": "p", "quantity": "1", "unit_price": text}
        for n, text in enumerate(texts)
    ]
    loaded = apply(lines, "order_items").loaded
    assert loaded["unit_price"].to_pylist() == [Decimal(-20)] * len(texts)


def test_what_is_no_amount() -> None:
    wrong = [
        "1,5",
        "1.2.3",
        "1,23.4",
        "12 apples",
        "ABC 12",
        "12 13",
        "1 2",
        "1 2345",
        "12 13 USD 4",
        "85%",
        "--5",
        "(5",
        "0x10",
        "1,2345",
        "€",
        "EUR",
    ]
    assert refused("orders", "total_amount", wrong) == wrong
    assert refused("orders", "total_amount", ["1,234.50", "1.23.4"], decimal=",") == ["1,234.50", "1.23.4"]


def test_amounts_in_smaller_units() -> None:
    assert made("orders", "total_amount", ["1999", "1,999", "5"], unit="cents") == [
        Decimal("19.99"),
        Decimal("19.99"),
        Decimal("0.05"),
    ]
    assert made("orders", "total_amount", ["4990000"], unit="micros") == [Decimal("4.99")]
    assert made("orders", "refund_amount", ["-1999"], unit="cents") == [Decimal("19.99")]


def test_percentages() -> None:
    rows = ["85%", "85 %", "85", "7,5%"]
    assert made("tickets", "csat_score", rows[:3]) == [85, 85, 85]
    assert made("tickets", "csat_score", rows[3:], decimal=",") == [7.5]
    assert made("tickets", "csat_score", ["0.85", "85%", "1"], unit="fraction") == [85, 85, 100]


DURATIONS = {
    "3723": 3723, "0": 0, "61.6": 62, "1:02:03": 3723, "26:04:05": 93845, "0:00:05.6": 6, "0:00:05,6": 6,
    "1 day, 02:03:04": 93784, "2 days, 0:00:01": 172801, "1d 02:03:04": 93784, "1.02:03:04": 93784, "2 Tage 01:00:00": 176400,
    "1h 2m 3s": 3723, "1h2m3s": 3723, "2m": 120, "62.5 min": 3750, "62,5 Min.": 3750, "1 hour, 5 minutes": 3900,
    "1 hour and 5 minutes": 3900, "2 Std. 5 Min.": 7500, "1 heure et 5 minutes": 3900, "3 jours": 259200, "45 sec": 45, "45s": 45,
    "1500 ms": 2, "1 día": 86400, "2 ore 10 minuti": 7800, "3 godz. 5 min": 11100, "2 horas": 7200, "1 week": 604800,
    "PT1H2M": 3720, "PT5M": 300, "P1DT2H": 93600, "PT5.5S": 6, "PT0S": 0, "P1W": 604800, "PT1,5H": 5400,
}  # fmt: skip


def test_durations() -> None:
    found = made("tickets", "vendor_first_response_seconds", list(DURATIONS))
    assert dict(zip(DURATIONS, found, strict=True)) == DURATIONS


def test_durations_of_two_parts_are_what_the_contract_says() -> None:
    texts = ["4:05", "90:00", "1:02:03", "0:30"]
    assert made("calls", "talk_seconds", texts, unit="mm:ss") == [245, 5400, 3723, 30]
    assert made("calls", "talk_seconds", texts[:1], unit="hh:mm") == [14700]
    result = read("calls", [{"talk_seconds": "4:05"}])
    assert "may be minutes:seconds or hours:minutes: say `unit: mm:ss`" in result.quarantined["reason"].to_pylist()[0]
    assert made("calls", "talk_seconds", ["0.5", "1:00:00", "5 min"], unit="days") == [43200, 3600, 300]


def test_what_is_no_duration() -> None:
    wrong = ["1h 2x", "PT", "P", "P1M", "P1Y", "h", "1:2:3", "5 parsecs", "1h -2m", "1 2", "soon"]
    assert refused("calls", "talk_seconds", wrong) == wrong


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_a_duration_however_it_is_written(seconds: int) -> None:
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    texts = [
        str(seconds), f"{hours}:{minutes:02}:{rest:02}", f"{hours}h {minutes}m {rest}s", f"PT{hours}H{minutes}M{rest}S",
        str(timedelta(seconds=seconds)), f"{seconds // 86400}d {hours % 24}h {minutes}min {rest}sec", f"{seconds} Sekunden",
    ]  # fmt: skip
    assert made("tickets", "vendor_first_response_seconds", texts) == [seconds] * len(texts)


NOON = datetime(2026, 3, 4, 12, 30)
DATED: dict[str, tuple[list[str], list[str] | str]] = {
    "months": (
        ["4 March 2026 12:30", "4. März 2026 12:30", "4 mars 2026 12:30", "4 marzo 2026 12:30", "4 marca 2026 12:30",
         "4 março 2026 12:30", "4 MAR 2026 12:30", "4. mar. 2026 12:30", "4\u00a0mars 2026 12:30"],
        ["%d %B %Y %H:%M", "%d. %b %Y %H:%M"],
    ),
    "spanish": (["4 de marzo de 2026 12:30"], "%d de %B de %Y %H:%M"),
    "jira": (["04/mar/26 12:30 PM", "4/Mar/26 12:30 pm", "4/mar/26 12:30 p. m.", "4/mar/26 12:30\u202fp.m."],
             "%d/%b/%y %I:%M %p"),
    "halves": (["03/04/2026 12:30 PM", "03/04/2026 12:30PM", "3/4/2026 12:30 p.m."], "%m/%d/%Y %I:%M %p"),
    "weekdays": (["Wed, 4 Mar 2026 12:30:00", "mer. 4 mars 2026 12:30:00", "mardi 4 mars 2026 12:30:00"],
                 "%a, %d %b %Y %H:%M:%S"),
}  # fmt: skip


@pytest.mark.parametrize("case", DATED)
def test_dates_with_words(case: str) -> None:
    texts, form = DATED[case]
    assert made("tickets", "created_at", texts, format=form) == [NOON] * len(texts)


def test_every_month_in_every_language() -> None:
    words = {word: month for month, spelled in MONTHS.items() for word in spelled.split()}
    assert len(words) == sum(len(set(spelled.split())) for spelled in MONTHS.values()), "a word means two months"
    texts = [f"4 {word} 2026" for word in words]
    loaded = made("tickets", "created_at", texts, format="%d %B %Y")
    numbers = {month: number for number, month in enumerate(MONTHS, start=1)}
    assert [moment.month for moment in loaded] == [numbers[month] for month in words.values()]


def test_words_that_are_no_month_go_to_quarantine() -> None:
    wrong = ["4 smarch 2026", "4 mondays 2026", "4 2026", "March 2026"]
    assert refused("tickets", "created_at", wrong, format="%d %B %Y") == wrong


OFFSETS = [
    "2026-03-04 07:30:00 EST", "2026-03-04 12:30:00 UTC", "2026-03-04T12:30:00Z", "2026-03-04T13:30:00+0100",
    "2026-03-04T13:30:00+01",
    "2026-03-04 13:30:00 Europe/Paris", "2026-03-04 09:30:00 America/Argentina/Buenos_Aires", 
    "2026-03-04T13:30:00+01:00[Europe/Paris]",
    "2026-03-04 13:30:00 (CET)", "2026-03-04 14:30:00 GMT+2", "2026-03-04 14:30:00 UTC+02:00", "2026-03-04 05:30:00 GMT-0700",
    "2026-03-04 05:30:00 GMT-0700 (Mountain Standard Time)", "2026-03-04 13:30:00 MEZ", 
    "2026-03-05 01:30:00 NZDT", "2026-03-04 18:00:00 UTC+5:30",
]  # fmt: skip


def test_offsets_and_names_of_zones() -> None:
    found = made("tickets", "created_at", OFFSETS, timezone="Asia/Tokyo")
    assert dict(zip(OFFSETS, found, strict=True)) == dict.fromkeys(OFFSETS, NOON)


def test_offsets_with_formats() -> None:
    texts = [
        "04/03/2026 12:30 UTC", "04/03/2026 13:30 Europe/Paris", "04/03/2026 13:30 CET", "04/03/2026 07:30 -0500",
        "04/03/2026 13:30 GMT+1",
    ]  # fmt: skip
    assert made("tickets", "created_at", texts, format="%d/%m/%Y %H:%M %Z", timezone="Asia/Tokyo") == [NOON] * len(texts)
    halves = ["Mar 4, 2026 7:30 AM EST", "Mar 4, 2026 12:30 PM UTC", "Mar 4, 2026 1:30 PM Europe/Paris"]
    assert made("tickets", "created_at", halves, format="%b %d, %Y %I:%M %p %Z", timezone="Asia/Tokyo") == [NOON] * 3
    wrong = ["04/03/2026 12:30 XYZ", "04/03/2026 12:30 Europe/Nowhere", "04/03/2026 12:30 (local)"]
    assert refused("tickets", "created_at", wrong, format=["%d/%m/%Y %H:%M %Z", "%d/%m/%Y %H:%M"]) == wrong
    assert refused("tickets", "created_at", ["2026-03-04 12:30:00 Europe/Nowhere", "2026-03-04 12:30:00 (PST8)"]) != []


def test_a_date_with_the_name_of_a_zone_is_the_date_that_is_written() -> None:
    for text, form in (("2026-03-04 00:30:00 Europe/Paris", None), ("04/03/2026 00:30 Europe/Paris", "%d/%m/%Y %H:%M %Z")):
        mapping = Mapping.model_validate({"from": "cost_date", "format": form})
        row = {"cost_id": "1", "cost_date": text, "amount": "1"}
        columns = {"cost_id": "cost_id", "amount": "amount", "cost_date": mapping.model_dump(by_alias=True)}
        assert apply([row], "costs", columns=columns).loaded["cost_date"].to_pylist() == [date(2026, 3, 4)]


EPOCH = datetime(1970, 1, 1)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("epoch_seconds", "1772627400"), ("epoch_milliseconds", "1772627400000"), ("epoch_microseconds", "1772627400000000"),
        ("epoch_nanoseconds", "1772627400000000000"), ("excel_days", "46085.520833333336"), ("excel_days", "2026-03-04T12:30:00"),
    ],
)  # fmt: skip
def test_numbers_that_count_from_a_day(unit: str, text: str) -> None:
    assert made("tickets", "created_at", [text], unit=unit) == [NOON]


def test_days_of_a_spreadsheet_are_in_the_contracts_zone_and_promise_a_day() -> None:
    assert made("tickets", "created_at", ["46085.520833333336"], unit="excel_days", timezone="America/New_York") == [
        NOON + timedelta(hours=5)
    ]
    promised = made("orders", "promised_delivery_at", ["46085"], unit="excel_days", timezone="America/New_York")
    assert promised == [datetime(2026, 3, 5, 4, 59, 59, 999999)]
    assert "say `unit: excel_days`" in read("tickets", [{"created_at": "46085.5"}]).quarantined["reason"].to_pylist()[0]


def test_an_epoch_is_only_read_where_it_is_declared() -> None:
    assert refused("tickets", "created_at", ["1772627400", "1772627400000"]) == ["1772627400", "1772627400000"]
