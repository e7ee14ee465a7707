"""Contracts: who claims what, how values are read, and errors that help."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import apply

from orchestration.core.errors import ConfigurationError, RefusedFileError
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.readers import read_header
from orchestration.pull.home.quarantine import in_short
from orchestration.pull.jobs import options_of

TICKET = {"ticket_id": "1", "created_at": "2026-03-29T10:00:00Z", "status": "open"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29T10:00:00Z", datetime(2026, 3, 29, 10)),
        ("2026-03-29 12:00:00 +0200", datetime(2026, 3, 29, 10)),
        ("2026-03-29T15:30:00+05:30", datetime(2026, 3, 29, 10)),
        ("2026-03-29 10:00:00 UTC", datetime(2026, 3, 29, 10)),
        ("2026-03-29 10:00:00.25", datetime(2026, 3, 29, 10, 0, 0, 250000)),
        ("2026-03-29", datetime(2026, 3, 29)),
    ],
)
def test_instants(text: str, expected: datetime) -> None:
    assert apply([{**TICKET, "created_at": text}]).loaded["created_at"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("2026-06-01", {}),
        ("2026-06-01 00:00:00", {}),
        ("2026-06-01T00:00:00+02:00", {}),
        ("2026-06-01T23:30:00-0700", {}),
        ("2026-06-01 23:30:00 PDT", {}),
        ("2026-06-01T00:00:00Z", {}),
        ("2026-06-01T00:00:00.5+13:45", {}),
        ("01.06.2026", {"format": "%d.%m.%Y"}),
        ("01.06.2026 00:30 +0200", {"format": "%d.%m.%Y %H:%M %z"}),
        ("2026-06-01T00:00:00+02:00", {"format": ["%d.%m.%Y", "%d.%m.%Y %H:%M %z"]}),
        # Midnight of a day in Berlin, written as a number.
        ("1780264800", {"unit": "epoch_seconds"}),
        ("1780264800000", {"unit": "epoch_milliseconds"}),
    ],
)
@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_date_is_the_calendar_date_that_is_written(text: str, more: dict[str, Any], timezone: str) -> None:
    zone = "Europe/Berlin" if more.get("unit") else timezone
    columns = {"agent_id": "who", "work_date": {"from": "day", **more}}
    result = apply([{"who": "a", "day": text}], "agents", timezone=zone, columns=columns)
    assert result.loaded["work_date"].to_pylist() == [date(2026, 6, 1)], result.quarantined.to_pylist()


@pytest.mark.parametrize("text", ["2026-06-31", "2026-06-01 10:00 XYZ", "soon", "2026-13-01T00:00:00+02:00"])
def test_what_is_no_date_goes_to_quarantine(text: str) -> None:
    result = apply([{"agent_id": "a", "work_date": text}], "agents")
    assert result.loaded.num_rows == 0
    assert "work_date" in result.quarantined["reason"].to_pylist()[0]


@pytest.mark.parametrize("kind", ["tickets", "agents"])
@pytest.mark.parametrize("serial", ["46174", "46174.72677083333"])
def test_the_days_of_a_spreadsheet_are_called_so(kind: str, serial: str) -> None:
    row = {**TICKET, "created_at": serial} if kind == "tickets" else {"agent_id": "a", "work_date": serial}
    (reason,) = apply([row], kind).quarantined["reason"].to_pylist()
    assert reason.partition(" ")[2].startswith("is the number by which a spreadsheet counts days: format the column as dates")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("ticket_id~created_at~status", r"was read as one column \(ticket_id~created_at~status\).* `delimiter`"),
        ("ticket_id", r"lacks the column\(s\) created_at, status"),
    ],
)
def test_a_file_that_looks_like_one_column(header: str, message: str) -> None:
    with pytest.raises(RefusedFileError, match=message):
        apply([{header: "1"}])


def test_a_row_of_many_faults_is_reported_in_short() -> None:
    assert in_short("a is no number; b is no number; c is no number") == "a is no number; b is no number; c is no number"
    assert in_short("a is 1; b is 2; c is 3; d is 4") == "a is 1; b is 2; and 2 more of the row"


def test_instants_without_offset_are_in_the_contracts_zone() -> None:
    mapping = {"ticket_id": "id", "created_at": {"from": "at", "format": "%d/%m/%Y %H:%M"}, "status": {"value": "new"}}
    rows = [{"id": "1", "at": "29/03/2026 01:30"}, {"id": "2", "at": "29/03/2026 03:30"}]
    loaded = apply(rows, timezone="Europe/Berlin", columns=mapping).loaded
    # The clocks go forward between the two: they are an hour apart.
    assert loaded["created_at"].to_pylist() == [datetime(2026, 3, 29, 0, 30), datetime(2026, 3, 29, 1, 30)]


def test_epochs_units_and_decimal_commas() -> None:
    columns = {
        "order_id": "id",
        "ordered_at": {"from": "at", "unit": "epoch_milliseconds"},
        "status": {"from": "state", "map": {"DONE": "delivered", "*": "created"}},
        "total_amount": "total",
    }
    rows = [{"id": "1", "at": "1767225600500", "state": "done", "total": "1.234,50"}, {"id": "2", "at": "0x1", "state": "?"}]
    result = apply(rows, "orders", decimal=",", columns=columns)
    (row,) = result.loaded.to_pylist()
    assert (row["ordered_at"], row["status"]) == (datetime(2026, 1, 1, 0, 0, 0, 500000), "delivered")
    assert row["total_amount"] == Decimal("1234.5000")
    assert result.quarantined["reason"].to_pylist() == ["ordered_at '0x1' is not a valid instant"]


@pytest.mark.parametrize(
    ("promise", "timezone", "expected"),
    [
        # A date, or midnight sharp where the seller is, lasts until the day ends there.
        ("2026-06-05", "UTC", datetime(2026, 6, 5, 23, 59, 59, 999999)),
        ("2026-06-05 00:00:00", "America/Sao_Paulo", datetime(2026, 6, 6, 2, 59, 59, 999999)),
        ("2026-06-05T03:00:00Z", "America/Sao_Paulo", datetime(2026, 6, 6, 2, 59, 59, 999999)),
        ("2026-06-05 00:00:01", "UTC", datetime(2026, 6, 5, 0, 0, 1)),
        # No midnight: the clocks go forward at it.
        ("2017-10-15", "America/Sao_Paulo", datetime(2017, 10, 16, 1, 59, 59, 999999)),
        # 23 hours long.
        ("2026-03-29", "Europe/Berlin", datetime(2026, 3, 29, 21, 59, 59, 999999)),
    ],
)
def test_promises(promise: str, timezone: str, expected: datetime) -> None:
    columns = {"order_id": "o", "ordered_at": "at", "status": {"value": "paid"}, "promised_delivery_at": "p"}
    rows = [{"o": "1", "at": "2026-01-01", "p": promise}]
    loaded = apply(rows, "orders", timezone=timezone, columns=columns).loaded
    assert loaded["promised_delivery_at"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("ticket_id", "  ", "ticket_id is required but empty"),
        ("created_at", "yesterday", "created_at 'yesterday' is not a valid instant"),
        ("created_at", "1900-01-01", "lies outside of 1990-01-01"),
        ("created_at", "2999-01-01", "lies outside of 1990-01-01"),
        ("created_at", "01/02/26", "lies outside of 1990-01-01"),
        ("status", "gone", "is not one of: new, open"),
        ("csat_score", "NaN1", "is not a valid number"),
        ("csat_score", "inf", "is not a valid number"),
        ("reopens", "-1", "'-1' lies outside of 0 to 10,000"),
        ("reopens", "1.5", "is not a valid integer"),
        ("is_spam", "perhaps", "is not a valid boolean"),
    ],
)
def test_bad_values_are_quarantined_with_the_reason(column: str, value: str, reason: str) -> None:
    result = apply([{**TICKET, column: value}, TICKET])
    assert result.loaded.num_rows == 1
    (row,) = result.quarantined.to_pylist()
    assert reason in row["reason"]
    assert (row["_file"], row["_row"], row["column_name"]) == ("file.csv", 2, column)
    assert json.loads(row["record"])[column] == value


def test_values_are_data_and_never_code() -> None:
    attack = "'; drop table result; --"
    (row,) = apply([{**TICKET, "subject": attack, "topic": "=cmd()", "team": "\u202eemoji \U0001f600"}]).loaded.to_pylist()
    assert (row["subject"], row["topic"], row["team"]) == (attack, "=cmd()", "\u202eemoji \U0001f600")


def test_personal_values_stay_out_of_reasons() -> None:
    result = apply([{**TICKET, "csat_score": "x", "customer_email": "someone@example.com"}])
    assert "someone" not in result.quarantined["reason"].to_pylist()[0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "ticket_id": st.text(max_size=4),
                "created_at": st.sampled_from(["2026-01-01", "", "x", "2026-13-01", "1e9", "2026-01-01T00:00:00+25:00"]),
                "status": st.sampled_from(["open", "OPEN ", "", "?"]),
                "csat_score": st.text(max_size=5),
                "is_spam": st.text(max_size=3),
            }
        ),
        min_size=1,
        max_size=15,
    )
)
def test_rows_in_are_rows_loaded_and_quarantined(rows: list[dict[str, str | None]]) -> None:
    result = apply(rows)
    assert result.rows_read == len(rows)
    numbers = result.loaded["_row"].to_pylist() + result.quarantined["_row"].to_pylist()
    assert sorted(numbers) == list(range(2, len(rows) + 2))


def test_a_query_must_keep_every_row() -> None:
    with pytest.raises(ConfigurationError, match="gives 1 rows for the file's 2"):
        apply([TICKET, TICKET], query="select * from file limit 1", columns={k: k for k in TICKET})


def test_a_query_reaches_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(ConfigurationError, match="its SQL fails"):
        apply([TICKET], query=f"select *, (select a from '{secret}') from file", columns={k: k for k in TICKET})


def test_missing_required_columns_are_named() -> None:
    with pytest.raises(RefusedFileError, match=r"lacks the column\(s\) created_at, which tickets requires \(it has: ticket_id"):
        apply([{"ticket_id": "1", "status": "open"}])


@pytest.mark.parametrize(
    ("file", "header", "expected"),
    [
        ("orders_2026-11-21.csv", ["order_id"], ["canonical_orders"]),
        ("sub/ticket_events.ndjson", [], ["canonical_ticket_events"]),
        ("order_items.parquet", [], ["canonical_order_items"]),
        ("ordersheet.csv", [], []),
        ("export.csv", ["Id", "Requester id", "Status", "Via", "Created at", "Updated at", "Solved at", "Satisfaction Score"],
         ["zendesk_tickets"]),
        ("log.parquet", ["number", "incident_state", "sys_mod_count", "opened_at", "sys_updated_at"],
         ["servicenow_incident_events", "servicenow_incidents"]),
    ],
)  # fmt: skip
def test_claims(file: str, header: list[str], expected: list[str]) -> None:
    assert [contract.name for contract in claims(file, header, load_contracts(None))] == expected


def test_a_header_is_read_as_its_contract_says(tmp_path: Path) -> None:
    mine = Contract.model_validate(
        {
            "name": "mine", "kind": "tickets", "files": {"name": "x*", "columns": ["Er\u00f6ffnet"]}, "encoding": "cp1252",
            "columns": {"ticket_id": "Nr", "created_at": "Er\u00f6ffnet", "status": {"value": "open"}},
        }
    )  # fmt: skip
    path = tmp_path / "x.csv"
    path.write_bytes("Nr;Er\u00f6ffnet\n1;2026-01-01\n".encode("cp1252"))
    header = read_header(path, "x.csv")
    found = claims("x.csv", header, [mine], lambda contract: read_header(path, "x.csv", options_of(contract)))
    assert [contract.name for contract in found] == ["mine"]


def test_local_times_of_files_without_a_contract() -> None:
    (contract,) = claims("orders.csv", ["order_id"], [], timezone="Europe/Berlin")
    assert contract.timezone == "Europe/Berlin"


def user_contract(folder: Path, text: str) -> Path:
    (folder / "contracts").mkdir()
    (folder / "contracts" / "mine.yml").write_text(text)
    return folder


def test_a_users_contract_comes_first_and_may_extend(tmp_path: Path) -> None:
    config = user_contract(tmp_path, "name: mine\nextends: zendesk_tickets\ntimezone: Europe/Paris\ncolumns:\n  topic: Theme\n")
    contracts = load_contracts(config)
    mine = contracts[0]
    assert (mine.name, mine.timezone, mine.columns["topic"].source) == ("mine", "Europe/Paris", "Theme")
    assert mine.columns["ticket_id"].source == "Id"
    assert claims("x.csv", mine.files.columns, contracts)[0].name == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: mine\nkind: ticket\nfiles: {name: x}\ncolumns: {}", "kind 'ticket' is none of: tickets"),
        ("name: mine\nkind: tickets\nfiles: {name: x}\ncolumns: {ticket_id: a}", "not mapped: created_at, status"),
        ("name: mine\nkind: tickets\nfiles: {}\ncolumns: {}", "would claim every file"),
        ("name: mine\nextends: nothing", "extends 'nothing', which does not exist"),
        ("name: mine\nkind: tickets\nfiles: {name: x}\ncolumns: {ticket_id: {from: a, value: b}}", "exactly one of"),
        ("name: mine\nkind: tickets\nfiles: {name: x}\nzone: UTC\ncolumns: {}", "zone: there is no such key; did you mean"),
        (": -", "is not readable YAML"),
        ("name: mine\nextends: zendesk_tickets\ntimezone: Berlin", "; did you mean 'Europe/Berlin'?"),
        ("name: mine\nextends: zendesk_tickets\nencoding: utf9", "encoding: is not an encoding; such as"),
        ("name: mine\nextends: zendesk_tickets\ncolumns: {topic: {sql: 'upper(Tags'}}", "columns > topic > sql: is not SQL"),
        (
            "name: mine\nextends: zendesk_tickets\ncolumns: {topic: {sql: '1) from file; drop table file; select (2'}}",
            "is not one query",
        ),
        ("name: mine\nextends: zendesk_tickets\nquery: drop table file", "query: is not one query"),
        ("name: mine\nextends: zendesk_tickets\nquery: from file; select 1", "query: is not one query"),
        ("name: mine\nextends: zendesk_tickets\nquery: call enable_logging()", "query: is not one query"),
        ("name: mine\nextends: zendesk_tickets\nquery: from enable_logging()", "query: may not use enable_logging()"),
        ("name: mine\nextends: zendesk_tickets\nquery: from file, read_csv('x')", "query: may not use read_csv()"),
        (
            "name: mine\nextends: zendesk_tickets\ncolumns: {ticket_id: {sql: a) from file union select (b}}",
            "columns > ticket_id > sql: is not one expression",
        ),
        (
            "name: mine\nextends: zendesk_tickets\ncolumns: {ticket_id: {sql: current_setting('temp_directory')}}",
            "columns > ticket_id > sql: may not use current_setting()",
        ),
    ],
)
def test_a_wrong_contract_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_contracts(user_contract(tmp_path, text))
    assert message in str(error.value)
    assert "mine" in str(error.value)
