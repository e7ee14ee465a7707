"""What `cxhouse check` says is what a run does; and it says it quickly, aligned, and without anybody's data."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from homes import REPOSITORY, Cxhouse
from rich.console import Console
from vendor_cases import CASES, CONTRACTS

from orchestration.check.claiming import unpivoted
from orchestration.check.faults import Tables
from orchestration.check.gates import expectations_of, judge
from orchestration.check.looking import look_at
from orchestration.check.masking import Masks
from orchestration.check.rendering import lines, print_report
from orchestration.check.report import FileReport, Reading, Report
from orchestration.check.survey import survey
from orchestration.core.errors import ConfigurationError
from orchestration.gates.check_results import batch_checks
from orchestration.gates.suite_runner import SuiteRunner
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.readers import FORMATS, read_header
from orchestration.pull.home.ledger import Load
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

DESK = {
    "name": "desk", "kind": "tickets", "files": {"name": "desk*", "columns": ["Ticket No", "Opened", "State"]},
    "timezone": "Europe/Berlin", "missing": ["-"],
    "columns": {
        "ticket_id": "Ticket No", "created_at": {"from": "Opened", "format": "%d.%m.%Y %H:%M"},
        "status": {"from": "State", "map": {"Waiting": "pending", "Done": "solved"}}, "channel": {"value": "email"},
        "customer_email": "Mail", "subject": "Title", "agent_replies": {"sql": "cast(\"Replies\" as integer)"},
        "csat_score": "Rating",
    },
}  # fmt: skip
HEADER = "Ticket No,Opened,State,Mail,Title,Replies,Rating,Colour\n"
PERSON = "max.muster@leak.example"


def desk(number: int, state: str = "Open", opened: str = "", replies: str = "1", rating: str = "") -> str:
    opened = opened or f"{1 + number % 28:02d}.05.2026 {8 + number % 9:02d}:{number % 60:02d}"
    return f"T{number},{opened},{state},{PERSON},Call +49 30 1234567,{replies},{rating},red\n"


class Place:
    """Exports, and a configuration with contracts."""

    def __init__(self, root: Path, *contracts: dict[str, Any], **settings: Any) -> None:
        self.root, self.exports = root, root / "exports"
        (root / "config" / "contracts").mkdir(parents=True)
        self.exports.mkdir()
        for contract in contracts:
            (root / "config" / "contracts" / f"{contract['name']}.yml").write_text(yaml.safe_dump(contract))
        (root / "config" / "cxhouse.yml").write_text(yaml.safe_dump({"as_of": "2026-07-01", **settings}))

    @property
    def settings(self) -> Settings:
        return load_settings(str(self.exports), str(self.root / "home"), str(self.root / "config"))

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.exports / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding=encoding)
        return path

    def check(self, *names: str, contract: str | None = None) -> Report:
        return look_at([self.exports / name for name in names] or [self.exports], self.settings, contract)

    def reading(self, name: str) -> Reading:
        (file,) = self.check(name).files
        (reading,) = file.readings
        return reading


def text_of(report: Report, width: int = 160) -> str:
    return "\n".join(line.text for line in lines(report, width, ["cxhouse", "check"]))


def file_of(report: Report, name: str) -> FileReport:
    return next(file for file in report.files if file.file == name)


def loads_of(place: Place) -> list[Load]:
    """What a run's pull makes of the files."""
    pull = Pull(place.settings, lambda _: None)
    return [load for part in pull.kinds(lambda _, batches: [True] * len(batches)) for load in part.loads]


def words(reading: Reading, column: str) -> list[tuple[str | None, str | None, int, bool]]:
    return [(word.before, word.after, word.rows, word.is_rejected) for word in reading.words if word.column == column]


def test_an_open_quote_of_a_file_that_nothing_claims_is_said(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("plan.csv", 'day;who\nmon;"Ännchen\ntue;Bo\n', "cp1252")
    place.write("other.csv", 'day;who\nmon;"Ännchen ""A"""\ntue;"Bo\nB"\n', "cp1252")
    report = place.check()
    assert "opens a quote in row 2 that is never closed" in (file_of(report, "plan.csv").unreadable or "")
    assert "opens a quote in row 2" in text_of(report)
    assert file_of(report, "other.csv").unreadable is None
    assert "opens a quote in row 2" in next(line for line in survey(place.settings) if line.startswith("plan.csv"))


# -- the same as a run -------------------------------------------------------------------------------------------------


def test_what_check_says_is_what_a_run_does(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK)
    place.write("desk_may.csv", HEADER + "".join(desk(n) for n in range(40)) + desk(99, "Parked") + desk(98, replies="no"))
    place.write("desk_june.csv", HEADER + "".join(desk(n, "Parked" if n % 2 else "Done") for n in range(100, 160)))
    place.write("orders_1.csv", "order_id,ordered_at,status\nO1,2026-05-01,paid\nO2,2026-05-01,paid\nO2,2026-05-02,shipped\n")
    place.write("orders_2.csv", "order_id,ordered,status\nO1,2026-05-01,paid\n")
    place.write("calls.csv", "call_id,started_at\nÄ,2026-05-01\n", "latin-1")
    report = place.check()
    judged = {}

    def gate(kind: str, batches: list[Batch]) -> list[bool]:
        passed = [not any(check.blocks for check in batch_checks(kind, batch, place.settings)) for batch in batches]
        judged.update({batch.file: ok for batch, ok in zip(batches, passed, strict=True)})
        return passed

    pulling = Pull(place.settings, lambda _: None)
    made = [load for part in pulling.kinds(gate) for load in part.loads]
    files = {file.batch: file.file for file in pulling.ledger.landed()}
    of_run = {
        files[load.batch]: (
            {"gated": "held back"}.get(load.status, load.status), load.contract, load.rows_read, load.rows_loaded,
            load.rows_quarantined, load.records,
        )
        for load in made
    }  # fmt: skip
    of_check = {
        file.file: (r.status, r.contract, r.rows_read, r.rows_loaded, r.rows_rejected, r.records)
        for file in report.files
        for r in file.readings
    }
    assert of_check == of_run
    assert of_check["desk_may.csv"] == ("loaded", "desk", 42, 40, 2, 40)
    assert of_check["desk_june.csv"][0] == "held back"
    assert {file: reading[0] for file, reading in of_check.items() if reading[0] == "refused"}.keys() == {
        "orders_2.csv", "calls.csv",
    }  # fmt: skip
    # A gate holds a file back: 1. Nothing can be loaded: 2. Something can: 0.
    assert report.exit_code == 1
    assert place.check("orders_2.csv").exit_code == 2
    assert place.check("orders_1.csv", "orders_2.csv").exit_code == 0


def test_sources_say_what_check_says_of_columns(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK)
    place.write("desk.csv", HEADER + desk(1))
    place.write("orders.csv", "Order No,Placed\n1,2026-05-01\n")
    place.write("plan.csv", "a,b\n1,2\n")
    place.write("nearly.csv", HEADER + desk(2))
    with zipfile.ZipFile(place.exports / "old.zip", "w") as packed:
        packed.writestr("orders_2025.csv", "order_id,ordered_at,status\n")
    (place.exports / "older.7z").write_bytes(b"7z")
    said = dict(line.split(" -> ", 1) for line in survey(place.settings))
    assert said["desk.csv"] == "tickets (desk)"
    assert said["orders.csv"].startswith("NOT orders (canonical_orders): it lacks the column(s) order_id, ordered_at, status")
    assert said["plan.csv"].startswith("NOT CLAIMED")
    assert "near desk: its name does not fit desk*" in said["nearly.csv"]
    assert said["old.zip/orders_2025.csv"] == "orders (canonical_orders)"
    assert said["older.7z"] == "NOT READ: an archive: unpack it"


def test_the_columns_of_a_file_that_nothing_claims_are_those_below_its_title(tmp_path: Path) -> None:
    """As a draft finds them; a run looks for them only where a contract names them."""
    place = Place(tmp_path)
    place.write("plan.csv", "Plan of the summer\nas of 1 June\n\nShift;Room;Hours\n1;a;8\n2;b;6\n3;c;8\n")
    place.write("titled.csv", "Our tickets\n" + HEADER + desk(1) + desk(2) + desk(3))
    place.write("plain.csv", "a,b\n1,2\n")
    said = dict(line.split(" -> ", 1) for line in survey(place.settings))
    passed_over = "passed over once a contract names these columns, and by nothing else)"
    assert f"(its columns: Shift, Room, Hours; the header is line 4: the 3 lines above are {passed_over}" in said["plan.csv"]
    assert f"the header is line 2: the line above is {passed_over}" in said["titled.csv"]
    assert said["plain.csv"].endswith("(its columns: a, b)")
    plain, plan, _ = place.check("plain.csv", "plan.csv", "titled.csv").files
    assert (plan.columns, plan.lines_above) == (["Shift", "Room", "Hours"], 3)
    assert (plain.columns, plain.lines_above) == (["a", "b"], 0)


# -- claims and faults -------------------------------------------------------------------------------------------------


def test_claims_say_why_and_near_misses_what_they_lack(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK, {**DESK, "name": "other_desk", "files": {"columns": ["Ticket No", "Opened", "State"]}})
    place.write("desk.csv", HEADER + desk(1))
    place.write("export.csv", HEADER.replace("Opened", "OpenedAt") + desk(2))
    place.write("may.csv", "order_id,ordered_at,status\n1,2026-05-01,paid\n")
    report = place.check()
    (reading,) = file_of(report, "desk.csv").readings
    assert reading.why == "its name fits desk* and it has Ticket No, Opened, State"
    assert reading.also == ["other_desk"]
    misses = {miss.contract: miss.lacks for miss in file_of(report, "export.csv").near_misses}
    assert misses["other_desk"] == ["it lacks Opened (is it OpenedAt?)"]
    assert misses["desk"] == ["its name does not fit desk*", "it lacks Opened (is it OpenedAt?)"]
    (named,) = file_of(report, "may.csv").near_misses
    assert (named.kind, named.lacks) == ("orders", ["its name does not begin with orders"])
    # The contract that is to read it reads it, and what it would want is said.
    (file,) = place.check("export.csv", contract="desk").files
    assert "it would not claim the file: its name does not fit desk*; it lacks Opened" in file.readings[0].why
    assert file.readings[0].status == "refused"
    with pytest.raises(ConfigurationError, match="no contract desc; there are: desk, other_desk"):
        place.check("export.csv", contract="desc")


def test_a_binary_file_that_is_called_csv_is_said_to_be_one(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK, {**DESK, "name": "by_name", "files": {"name": "named*"}})
    said = "no text: it begins like a zip archive or a workbook; give it its own ending, or export it as CSV"
    for name, more in (("named.csv", b"1"), ("tickets_may.csv", b"2"), ("other.csv", b"3")):
        (place.exports / name).write_bytes(b"PK\x03\x04\x14" + more)
    report = place.check()
    assert [file_of(report, "named.csv").readings[0].status, file_of(report, "named.csv").readings[0].reason] == [
        "refused", f"is {said}",
    ]  # fmt: skip
    text = text_of(report)
    assert text.count(said) == 3, text
    assert "lacks" not in text
    assert "contract draft" not in text
    assert sum(said in line for line in survey(place.settings)) == 3
    assert place.check("other.csv", contract="desk").files[0].readings[0].reason == f"is {said}"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tickets_empty.csv", "", "is empty: not even a header"),
        ("tickets_blank.csv", "\n\n", "is empty: not even a header"),
        ("tickets_mark.csv", "\ufeff", "is empty: not even a header"),
        ("tickets_none.json", '{"tickets": [], "next": null}', "has no records that could be read"),
        ("tickets_none.json", "[]", "has no records that could be read"),
        ("tickets_none.ndjson", "", "has no records that could be read"),
    ],
)
def test_a_file_with_nothing_in_it_is_said_to_be_empty(name: str, content: str, said: str, tmp_path: Path) -> None:
    """It lacks no column that could be called otherwise, as was said; and the run says the same."""
    place = Place(tmp_path)
    place.write(name, content)
    report = place.check(name)
    text = text_of(report)
    assert (report.readings[0].status, report.exit_code) == ("refused", 2)
    assert said in text
    assert "Next: export it again with rows, or leave it out" in text
    assert not re.search("lacks|rename|contract draft", text)
    assert any(said in str(load.reason) for load in loads_of(place))


def test_an_empty_list_refuses_the_file_and_does_not_stop_the_run_at_a_query(tmp_path: Path) -> None:
    asking = {**DESK, "files": {"name": "desk*"}, "query": 'select *, upper("Title") as loud from file'}
    place = Place(tmp_path, asking)
    place.write("desk_3.json", '{"results": []}')
    reading = place.reading("desk_3.json")
    assert reading.status == "refused"
    assert ["has no records that could be read" in str(load.reason) for load in loads_of(place)] == [True]


def test_a_header_without_rows_is_said_to_load_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK)
    place.write("desk.csv", HEADER)
    report = place.check("desk.csv")
    text = text_of(report)
    assert report.exit_code == 2
    assert "it has a header and no rows: a run loads nothing from it" in text
    assert "Next: export rows too" in text
    place.write("desk_2.csv", HEADER + desk(1))
    both = place.check()
    assert both.exit_code == 0
    assert "Next: " in text_of(both)
    assert "export rows too" not in text_of(both)


def test_all_faults_of_a_contract_are_reported_at_once(tmp_path: Path) -> None:
    columns = {
        **DESK["columns"], "created_at": "Openned", "team": "Team", "agent_replies": {"sql": '"Answers" + 1'},
        "topic": {"sql": "no_such_function(Title)"}, "subject": "Titel",
    }  # fmt: skip
    place = Place(tmp_path, {**DESK, "columns": columns})
    place.write("desk.csv", HEADER + desk(1))
    reading = place.reading("desk.csv")
    assert (reading.status, place.check("desk.csv").exit_code) == ("stops", 2)
    texts = "\n".join(fault.text for fault in reading.faults)
    assert "lacks the column(s) Openned" in texts
    assert "is Opened its Openned?" in texts
    assert 'agent_replies: Referenced column "Answers" not found' in texts
    assert "topic: " in texts
    assert "subject stays empty: there is no column Titel (is it Title?)" in texts
    assert "team stays empty: there is no column Team" in texts


def test_a_column_that_is_read_is_not_the_missing_one(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("orders.csv", "OrderNumber,ordered_at,status\nA1,2026-06-01,paid\n")
    texts = " ".join(fault.text for fault in place.reading("orders.csv").faults)
    assert "is OrderNumber its order_id?" in texts
    assert "is ordered_at" not in texts
    place.write("orders.csv", "orderid,ordered_at,status\nA1,2026-06-01,paid\n")
    assert "is orderid its order_id?" in " ".join(fault.text for fault in place.reading("orders.csv").faults)


def test_values_of_an_account_are_asked_for_by_name(tmp_path: Path) -> None:
    """One without a default refuses the file; a zone that nobody gave is doubted, and the setting that gives it named."""
    asking = {**DESK, "params": {"timezone": {"description": "zone of the account"}}, "timezone": "${timezone}"}
    assuming = {**asking, "name": "assuming", "files": {"name": "other*"}}
    assuming["params"] = {"timezone": {"description": "zone of the account", "default": "UTC"}}
    rows = HEADER + "".join(desk(n) for n in range(30))
    place = Place(tmp_path, asking, assuming)
    place.write("desk.csv", rows)
    place.write("other.csv", rows + desk(99))
    asked = place.reading("desk.csv")
    assert asked.status == "refused"
    assert (
        "timezone (zone of the account); give them in cxhouse.yml, as contract_params: {desk: {timezone: …}}"
        in asked.faults[0].text
    )
    assert "Next: give the values of your account" in text_of(place.check("desk.csv"))
    zone = "is taken for UTC: set `contract_params: {assuming: {timezone: …}}` in cxhouse.yml"
    assert any(zone in doubt.text for doubt in place.reading("other.csv").doubts)
    given = {name: {"timezone": "Europe/Berlin" if name == "desk" else "UTC"} for name in ("desk", "assuming")}
    (tmp_path / "config" / "cxhouse.yml").write_text(yaml.safe_dump({"as_of": "2026-07-01", "contract_params": given}))
    assert place.reading("desk.csv").status == "loaded"
    # UTC that was given is no assumption.
    assert not any("UTC" in doubt.text for doubt in place.reading("other.csv").doubts)


def test_a_column_that_the_settings_name_is_no_fault_of_its_contract(tmp_path: Path) -> None:
    """A run refuses the file before it tries any SQL, and goes on; what else is wrong is said with it."""
    columns = {**DESK["columns"], "csat_score": {"sql": 'upper("${score}")'}, "subject": "${title}", "topic": {"sql": '"Theme"'}}
    params = {"score": {"description": "column of the score"}, "title": {}}
    place = Place(tmp_path, {**DESK, "params": params, "columns": columns})
    place.write("desk.csv", HEADER + desk(1))
    reading = place.reading("desk.csv")
    assert reading.status == "refused"
    wanted, other = (fault.text for fault in reading.faults)
    assert "needs values of your account: score (column of the score), title" in wanted
    assert 'topic: Referenced column "Theme" not found' in other
    assert "Next: give the values of your account" in text_of(place.check("desk.csv"))


def test_no_shipped_contract_is_at_fault_with_its_own_vendors_file() -> None:
    """Before the settings give it any value; SurveyMonkey's score is a column that they name, the ECB's rates are unpivoted."""
    with Tables() as tables:
        for case in CASES:
            contract = CONTRACTS[case.contract]
            if case.companions:
                continue
            header = unpivoted(read_header(case.path, case.path.name, options_of(contract)), contract)
            faults = [fault.text for fault in tables.faults(contract, header, {}) if fault.stops or fault.refuses]
            assert [text for text in faults if "needs values of your account" not in text] == []


def test_words_that_look_like_names_are_shown_where_several_rows_hold_them(tmp_path: Path) -> None:
    place = Place(tmp_path, {**DESK, "columns": {**DESK["columns"], "team": "Colour"}})
    states = ["In Progress"] * 5 + ["Jane Miller"]
    place.write("desk.csv", HEADER + "".join(desk(n, state) for n, state in enumerate(states)))
    shown = text_of(place.check())
    assert "5 x 'In Progress'" in shown
    assert "Jane" not in shown


def test_a_contract_that_fails_on_one_file_leaves_the_others(tmp_path: Path) -> None:
    """Its query loses rows, which shows only where they are read; another file of the kind is reported as ever."""
    losing = {
        "name": "losing", "kind": "orders", "files": {"name": "l*"}, "query": "select * from file where \"order_id\" <> 'O2'",
        "columns": {"order_id": "order_id", "ordered_at": "ordered_at", "status": "status"},
    }  # fmt: skip
    place = Place(tmp_path, losing)
    header = "order_id,ordered_at,status\n"
    place.write("l.csv", header + "O1,2026-05-01,paid\nO2,2026-05-01,paid\n")
    place.write("orders.csv", header + "O3,2026-05-01,paid\n")
    report = place.check()
    (reading,) = file_of(report, "l.csv").readings
    assert (reading.status, report.exit_code) == ("stops", 2)
    assert "gives 1 rows for the file's 2" in str(reading.reason)
    assert file_of(report, "orders.csv").readings[0].status == "loaded"


# -- rows --------------------------------------------------------------------------------------------------------------


def test_rejected_rows_by_reason_words_records_and_unused_columns(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK)
    states = ["Open"] * 6 + ["Waiting"] * 3 + ["Done"] * 2 + ["-"] + ["Parked"] * 2
    place.write(
        "desk.csv",
        HEADER + "".join(desk(n, state) for n, state in enumerate(states)) + desk(50, opened="2026/05/01")
        + desk(51, "Parked", opened="soon") + desk(52, replies="many") + desk(53, replies="4.5", rating="Very good")
        + "T99,short\n",
    )  # fmt: skip
    reading = place.reading("desk.csv")
    assert {(r.column, r.reason): (r.rows, r.first_rows, r.values) for r in reading.rejected} == {
        ("status", "is not one of: new, open, pending, on_hold, solved, closed"): (3, [14, 15, 17], [("Parked", 3)]),
        ("status", "is required but empty"): (1, [13], []),
        ("created_at", "is not a valid instant"): (2, [16, 17], [("2026/05/01", 1), ("soon", 1)]),
        ("agent_replies", "has a value on which the SQL of the contract fails"): (1, [18], [("many", 1)]),
        ("csat_score", "is not a valid number"): (1, [19], [("Very good", 1)]),
        (None, "has 2 fields where the header has 8; it is the last row: a footer, or the file was cut off"): (1, [20], []),
    }
    assert words(reading, "status") == [
        ("Open", "open", 6, False), ("Parked", None, 3, True), ("Waiting", "pending", 3, False), ("Done", "solved", 2, False),
        ("-", None, 1, True),
    ]  # fmt: skip
    assert [(one.name, one.filled) for one in reading.unused] == [("Colour", 18)]
    # Five records from the first to the last, each cell beside its value.
    assert reading.rows_shown == [2, 4, 7, 10, 12]
    columns = {column.name: column for column in reading.columns}
    # 8:00 in Berlin in May is 6:00 UTC.
    assert columns["created_at"].cells[0] == ("01.05.2026 08:00", "2026-05-01 06:00:00")
    assert [cell for cell, _ in columns["status"].cells] == ["Open", "Open", "Open", "Waiting", "Done"]
    assert columns["channel"].cells[0] == (None, "email")
    assert (columns["ticket_id"].filled, columns["csat_score"].filled) == (11, 0)


def test_rejected_cells_come_with_what_would_read_them(tmp_path: Path) -> None:
    """A form is reported only where it reads all cells of the column; where two do, both are."""
    shop = {
        "name": "shop", "kind": "orders", "files": {"name": "shop*"},
        "columns": {"order_id": "id", "ordered_at": "at", "status": "state", "total_amount": "total", "paid_at": "paid",
                    "shipped_at": "sent", "delivered_at": "there"},
    }  # fmt: skip
    place = Place(tmp_path, shop)
    first = '1,27/05/2026 10:00,paid,"1.220,50",1779876000,04/05/2026,soon\n'
    second = '2,03/05/2026 10:30,paid,"7,00",1779879600,05/06/2026,05/06/2026\n'
    place.write("shop.csv", "id,at,state,total,paid,sent,there\n" + first + second)
    reading = place.reading("shop.csv")
    assert {rejected.column: rejected.hint for rejected in reading.rejected} == {
        "ordered_at": '`format: "%d/%m/%Y %H:%M"` can read all of them',
        "total_amount": '`decimal: ","` reads all of them',
        "paid_at": "`unit: epoch_seconds` reads all of them",
        "shipped_at": '`format: "%d/%m/%Y"` and `format: "%m/%d/%Y"` can read all of them',
        "delivered_at": None,
    }


def test_rows_that_go_on_with_an_order_are_distinguished(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write(
        "orders_export.csv",
        "Name,Email,Financial Status,Fulfillment Status,Created at,Total,Lineitem quantity,Lineitem name,Lineitem price\n"
        "#1,a@x.example,paid,fulfilled,2026-05-01 10:00:00 -0700,30,1,Cup,10\n#1,,,,2026-05-01 10:00:00 -0700,,2,Pot,10\n"
        "#2,b@x.example,paid,,2026-05-02 10:00:00 -0700,5,1,Cup,5\n",
    )
    (file,) = place.check().files
    found = {r.kind: (r.rows_read, r.rows_loaded, r.rows_merged, r.records) for r in file.readings}
    assert found == {"orders": (3, 2, 1, 2), "order_items": (3, 3, 0, 3)}
    assert "1 carry no record of their own" in text_of(place.check())


def test_nobodys_data_is_shown(tmp_path: Path) -> None:
    """Neither in the columns that kinds.yml calls personal, nor where such a text is in another one."""
    place = Place(tmp_path, {**DESK, "columns": {**DESK["columns"], "customer_id": "Mail", "team": "Colour", "topic": "Title"}})
    place.write("desk.csv", HEADER + "".join(desk(n) for n in range(8)) + desk(9, state=PERSON, replies="+49 30 1234567"))
    report = place.check()
    for text in (text_of(report), json.dumps(report.plain(), ensure_ascii=False)):
        assert "T2" in text
        for personal in (PERSON, "max.muster", "1234567", "Call +49"):
            assert personal not in text
    mail = next(column for column in report.readings[0].columns if column.name == "customer_email")
    assert mail.cells[0] == ("xxx.xxxxxx@xxxx.xxxxxxx", "xxx.xxxxxx@xxxx.xxxxxxx")


def test_values_and_names_cannot_move_the_terminal(tmp_path: Path) -> None:
    place = Place(tmp_path)
    evil = "\x1b[2J\x1b]0;owned\x07\u202e[red]"
    place.write(
        "tickets.csv", f'ticket_id,created_at,status,team,{evil}\n1,2026-05-01,"{evil}\nopen",x,1\n2,2026-05-01,open,"{evil}",2\n'
    )
    place.write("plan.csv", f"{evil},b\n1,2\n")
    console = Console(width=200, force_terminal=True, color_system=None, record=True, highlight=False)
    with console.capture() as capture:
        print_report(console, place.check(), ["cxhouse", "check"])
    output = capture.get()
    assert "[red]" in output
    assert all(letter.isprintable() or letter == "\n" for letter in output)
    assert all(ord(letter) < 127 for letter in json.dumps(place.check().plain()))


# -- what lies beside --------------------------------------------------------------------------------------------------


def test_archives_further_sheets_twins_and_unknown_endings_are_named(tmp_path: Path) -> None:
    from openpyxl import Workbook

    place = Place(tmp_path)
    book = Workbook()
    for row in (["order_id", "ordered_at", "status"], ["O1", "2026-05-01", "paid"]):
        book.active.append(row)
    book.create_sheet("May").append(["order_id"])
    book.create_sheet("blank")
    book.save(place.exports / "orders.xlsx")
    place.write("reviews.csv", "review_id,created_at,rating\nR1,2026-05-01,5\n")
    place.write("reviews_copy.csv", "review_id,created_at,rating\nR1,2026-05-01,5\n")
    place.write("notes.docx", "x")
    with zipfile.ZipFile(place.exports / "old.zip", "w") as packed:
        packed.writestr("a/readme.md", "x\n")
    report = place.check()
    assert file_of(report, "orders.xlsx").sheets_left == ["May"]
    assert file_of(report, "reviews_copy.csv").same_as == "reviews.csv"
    assert {one.file: one.why.partition(":")[0] for one in report.passed_over} == {
        "notes.docx": f"its ending is none of {', '.join(FORMATS)} (also with .gz, .zst or .zip)",
        "old.zip": "an archive without an export in it",
    }
    output = text_of(report)
    assert "further sheets, which nothing reads: May" in output
    assert "old.zip: not read: an archive" in output
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        place.check("nothing.csv")


def test_a_missing_column_is_looked_for_by_what_exports_call_it(tmp_path: Path) -> None:
    """OrderDate is spelled more like order_id than OrderNumber is."""
    place = Place(tmp_path)
    place.write("orders_x.csv", "OrderDate,OrderNumber,OrderStatus,customer_OrderNumber\n2026-05-01,1001,paid,7\n")
    place.write("tickets_x.csv", "TICKETID,tblCreatedAt,HTTPStatus,tbl_Status\n1,2026-05-01T10:00:00Z,200,open\n")
    orders, tickets = ([fault.text for fault in place.reading(f"{kind}_x.csv").faults] for kind in ("orders", "tickets"))
    assert "is OrderNumber its order_id?; is OrderDate its ordered_at?; is OrderStatus its status?" in orders[0]
    assert "is TICKETID its ticket_id?; is tblCreatedAt its created_at?; is tbl_Status its status?" in tickets[0]


def test_a_file_that_is_read_along_is_said_to_be(tmp_path: Path) -> None:
    joined = {
        "name": "joined", "kind": "orders", "files": {"name": "heads*"}, "also_reads": {"states": {"name": "states*"}},
        "query": "select file.*, states.state from file left join states on file.nr = states.nr",
        "columns": {"order_id": "nr", "ordered_at": "at", "status": "state"},
    }  # fmt: skip
    place = Place(tmp_path, joined)
    place.write("heads.csv", "nr,at\n1,2026-05-01\n2,2026-05-02\n")
    place.write("states.csv", "nr,state\n1,paid\n2,shipped\n")
    report = place.check()
    assert file_of(report, "states.csv").read_along_by == ["joined"]
    (reading,) = file_of(report, "heads.csv").readings
    assert (reading.status, reading.rows_loaded) == ("loaded", 2)
    assert words(reading, "status") == [("paid", "paid", 1, False), ("shipped", "shipped", 1, False)]
    # Alone it cannot be read.
    (alone,) = place.check("heads.csv").readings
    assert (alone.status, [fault.refuses for fault in alone.faults]) == ("refused", [True])
    assert "also reads states (states*), which is not among these files" in alone.faults[0].text


def test_numbers_of_a_file_that_is_read_along_keep_their_point(tmp_path: Path) -> None:
    joined = {
        "name": "joined", "kind": "orders", "files": {"name": "heads*"}, "decimal": ",",
        "also_reads": {"sums": {"name": "sums*"}},
        "query": "select file.*, sums.total from file left join sums on file.nr = sums.nr",
        "columns": {"order_id": "nr", "ordered_at": "at", "status": {"value": "paid"}, "total_amount": "total"},
    }  # fmt: skip
    place = Place(tmp_path, joined)
    place.write("heads.csv", "nr;at;extra\n1;2026-05-01;a\n2;2026-05-02;b\n")
    place.write("sums.json", '[{"nr": 1, "total": 19.125}, {"nr": 2, "total": "1.234,50"}]')
    (reading,) = file_of(place.check(), "heads.csv").readings
    (amounts,) = [column for column in reading.columns if column.name == "total_amount"]
    assert [value for _, value in amounts.cells] == ["19.125", "1234.5"]
    loads_of(place)
    (raw,) = (place.settings.home / "raw" / "orders").glob("0*.parquet")
    assert sorted(duckdb.sql(f"select total_amount from '{raw}'").fetchall()) == [(Decimal("19.1250"),), (Decimal("1234.5000"),)]


# -- doubts ------------------------------------------------------------------------------------------------------------

DAY = datetime(2026, 1, 3, 9, 30)


def rows_of(header: str, row: Any, count: int = 120) -> str:
    """Rows of a file: ``row`` makes one of its number and an instant, three hours from the one before."""
    return header + "\n" + "".join(row(n, DAY + timedelta(hours=29 * n, minutes=7 * n)) + "\n" for n in range(count))


def iso(at: datetime, **more: float) -> str:
    return f"{at + timedelta(**more):%Y-%m-%dT%H:%M:%SZ}"


CALLS = "call_id,started_at,answered_at,ended_at,disposition,wait_seconds,talk_seconds,csat_score,customer_id"


def call(n: int, at: datetime, **other: Any) -> str:
    wait, talk = 5 + n % 40, 60 + n % 300
    fields = {
        "started": iso(at), "answered": iso(at, seconds=wait), "ended": iso(at, seconds=wait + talk),
        "disposition": "abandoned" if n % 7 == 0 else "answered", "wait": wait, "talk": talk, "score": 1 + n % 5,
        "customer": n % 50 + 1,
    }  # fmt: skip
    return f"C{n}," + ",".join(str(value) for value in {**fields, **other}.values())


def test_an_export_that_is_right_raises_no_doubt(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("calls.csv", rows_of(CALLS, call))
    assert place.reading("calls.csv").doubts == []
    assert place.check().doubts == []


@pytest.mark.parametrize(
    ("other", "column", "doubt_text"),
    [
        ({"wait": 0}, "wait_seconds", "is 0 in all 120 rows"),
        ({"score": 5}, "csat_score", "is 5 in all 120 rows"),
        ({"disposition": "answered"}, "disposition", "is answered in all 120 rows"),
        ({"customer": 7}, "customer_id", "is the same in all 120 rows"),
        # Rows that are all rejected say nothing of their figures.
        ({"answered": "x", "ended": ""}, None, None),
        ({"talk": lambda n, at: (60 + n % 300) * 1000}, "talk_seconds", "is 1,000 times longer than from answered_at"),
        ({"talk": lambda n, at: (60 + n % 300) / 60}, "talk_seconds", "to ended_at: does it need unit: minutes?"),
        ({"talk": lambda n, at: (600 + n) * 1000, "ended": ""}, "talk_seconds", "as milliseconds it would be usual"),
        ({"talk": lambda n, at: (60 + n) / 60, "ended": ""}, "talk_seconds", "is it in minutes or hours?"),
        ({"answered": lambda n, at: iso(at, hours=-2, seconds=9)}, "answered_at", "before started_at in all 120 rows, by 2 h"),
        ({"answered": lambda n, at: iso(at)}, "answered_at", "equals started_at in all 120 rows"),
        ({"started": lambda n, at: iso(at)[:-1]}, "started_at", "names no time zone, and is taken for UTC: set `exports_"),
        ({"started": lambda n, at: f"{at:%Y-%m-%d}"}, "started_at", "has no time of day in all 120 rows"),
        ({"ended": lambda n, at: iso(at, days=400 if n == 3 else 0.01)}, "ended_at", "in the future in 1 row(s), up to 2027"),
        ({"score": lambda n, at: 1 + n % 2}, "csat_score", "never exceeds 2 in 120 rows, on a scale up to 5 (assumed"),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_doubted(tmp_path: Path, other: dict[str, Any], column: str | None, doubt_text: str | None) -> None:
    place = Place(tmp_path)

    def row(n: int, at: datetime) -> str:
        return call(n, at, **{name: value(n, at) if callable(value) else value for name, value in other.items()})

    place.write("calls.csv", rows_of(CALLS, row))
    doubts = place.reading("calls.csv").doubts
    if column is None:
        assert doubts == []
        return
    assert any(doubt.column == column and str(doubt_text) in doubt.text for doubt in doubts), doubts


def test_days_and_months_prices_ids_and_letters_are_doubted(tmp_path: Path) -> None:
    shop = {
        "name": "shop", "kind": "orders", "files": {"name": "shop*"}, "timezone": "UTC",
        "columns": {
            "order_id": "id", "ordered_at": {"from": "at", "format": "%m/%d/%Y %H:%M"}, "status": "state",
            "total_amount": "total", "marketplace": "place", "tax_amount": "tax", "customer_id": "who",
        },
    }  # fmt: skip
    place = Place(tmp_path, shop)

    def row(n: int, at: datetime) -> str:
        # Day and month are the other way round; where that is no date, the row is left out of this file.
        at = at.replace(day=1 + n % 12, month=1 + n // 12 % 6)
        state = "paid" if n % 3 else "shipped"
        return f"O{n},{at:%d/%m/%Y %H:%M},{state},{1000 + 37 * n},MÃ¼nchen,{1 + n % 9}.{100 + n},1.2345E+12"

    place.write("shop.csv", rows_of("id,at,state,total,place,tax,who", row, 72))
    doubts = {doubt.column: doubt.text for doubt in place.reading("shop.csv").doubts}
    assert "none of them after the 12th of a month: are day and month swapped?" in doubts["ordered_at"]
    assert "is it in cents?" in doubts["total_amount"]
    assert "does it part thousands?" in doubts["tax_amount"]
    assert "another `encoding`" in doubts["marketplace"]
    assert "is rounded by a spreadsheet in 72 row(s)" in doubts["customer_id"]


def test_what_a_program_wrote_as_a_decimal_number_is_doubted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    rows = rows_of(
        "call_id,started_at,direction,customer_id,customer_phone", lambda n, at: f"K{n},{iso(at)},inbound,{n}.0,4.9E+11"
    )
    place.write("calls.csv", rows)
    doubts = {doubt.column: doubt.text for doubt in place.reading("calls.csv").doubts}
    assert "ends in .0 in" in doubts["customer_id"]
    assert "is rounded by a spreadsheet" in doubts["customer_phone"]


def test_a_currency_that_is_no_code_is_doubted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    header = "order_id,ordered_at,status,total_amount,currency"
    place.write("orders.csv", rows_of(header, lambda n, at: f"O{n},{iso(at)},paid,{10 + n},€"))
    place.write("orders_fine.csv", rows_of(header, lambda n, at: f"P{n},{iso(at)},paid,{10 + n},eur"))
    (doubt,) = [doubt for doubt in place.reading("orders.csv").doubts if doubt.column == "currency"]
    assert "is no ISO 4217 code in" in doubt.text
    assert [doubt for doubt in place.reading("orders_fine.csv").doubts if doubt.column == "currency"] == []


@pytest.mark.parametrize(
    ("mapping", "is_local"),
    [
        ({"from": "at", "format": "%m/%d/%Y %I:%M %p"}, True),
        ({"sql": "day || ' ' || clock", "format": "%Y-%m-%d %H:%M"}, True),
        ({"sql": "day || ' ' || clock || ' ' || zone", "format": "%Y-%m-%d %H:%M %z"}, False),
        ({"from": "zoned", "format": "%m/%d/%Y %I:%M %p %z"}, False),
        # What it makes may have been brought to UTC.
        ({"sql": "day || ' ' || clock"}, False),
    ],
)
def test_times_of_twelve_hours_and_of_two_columns_name_no_zone(tmp_path: Path, mapping: dict[str, Any], is_local: bool) -> None:
    columns = {"call_id": "id", "started_at": mapping}
    place = Place(tmp_path, {"name": "log", "kind": "calls", "files": {"name": "log*"}, "columns": columns})
    place.write("log.csv", "id,at,zoned,day,clock,zone\n1,06/14/2026 09:10 AM,06/14/2026 09:10 AM EDT,2026-06-14,09:10,+0200\n")
    reading = place.reading("log.csv")
    assert reading.rows_loaded == 1
    assert any("names no time zone" in doubt.text for doubt in reading.doubts) == is_local


def test_amounts_without_a_rate_are_doubted(tmp_path: Path) -> None:
    """Rates of the days before, over the euro, serve the orders in CHF; that of the zloty is a month old."""
    place = Place(tmp_path, currency="USD")
    orders = "".join(
        f"O{n},2026-03-1{n}T10:00:00Z,paid,10,{code}\n" for n, code in enumerate(["CHF", "usd", "PLN", "chf", "", "€"])
    )
    place.write("orders.csv", f"order_id,ordered_at,status,total_amount,currency\n{orders}")

    def doubted() -> list[str]:
        doubts = file_of(place.check(), "orders.csv").readings[0].doubts
        return [doubt.text for doubt in doubts if doubt.column == "currency" and "ISO" not in doubt.text]

    (text,) = doubted()
    assert text.startswith("is CHF (2 rows), PLN (1 rows) (first: row 2), and no exchange rates are there")
    rates = "2026-03-09,EUR,CHF,0.95\n2026-03-09,EUR,USD,1.1\n2026-02-01,EUR,USD,1.1\n2026-02-01,EUR,PLN,4.2\n"
    place.write("exchange_rates.csv", f"rate_date,base_currency,currency,rate\n{rates}")
    (text,) = doubted()
    assert text.startswith("is PLN (1 rows) (first: row 4), and no rate to USD of those days is there")
    # Those that a run has loaded serve, too.
    loads_of(place)
    (place.exports / "exchange_rates.csv").unlink()
    assert doubted() == [text]


def test_scales_of_surveys_are_doubted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    header = "response_id,kind,responded_at,score,scale_max"
    place.write("surveys_low.csv", rows_of(header, lambda n, at: f"A{n},nps,{iso(at)},{n % 6},"))
    place.write("surveys_one.csv", rows_of(header, lambda n, at: f"B{n},nps,{iso(at)},{1 + n % 10},10"))
    place.write("surveys_ten.csv", rows_of(header, lambda n, at: f"C{n},csat,{iso(at)},{1 + n % 5},10"))
    doubts = {file.file: " ".join(doubt.text for doubt in file.readings[0].doubts) for file in place.check().files}
    assert "of nps never exceeds 5 in 120 rows, on a scale up to 10 (assumed; map scale_max)" in doubts["surveys_low.csv"]
    assert "of nps is never 0 in 120 rows: is the scale 1 to 10?" in doubts["surveys_one.csv"]
    assert "of csat never exceeds 5 in 120 rows, on a scale up to 10" in doubts["surveys_ten.csv"]


def test_files_an_exact_time_apart_are_doubted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("tickets.csv", rows_of("ticket_id,created_at,status", lambda n, at: f"T{n},{iso(at)},open", 30))
    events = "ticket_id,event_at,event_type"
    place.write("ticket_events.csv", rows_of(events, lambda n, at: f"T{n},{iso(at, hours=2, seconds=3)},created", 30))
    place.write("reviews_a.csv", rows_of("review_id,created_at,rating", lambda n, at: f"R{n},{iso(at)},{1 + n % 5}", 30))
    place.write(
        "reviews_b.csv", rows_of("review_id,created_at,rating", lambda n, at: f"R{n},{iso(at, minutes=-330)},{1 + n % 5}", 30)
    )
    doubts = [doubt.text for doubt in place.check().doubts]
    assert any("ticket_events.csv and tickets.csv tell the creation of tickets 2 h apart in 30 of 30" in text for text in doubts)
    assert any("reviews_a.csv and reviews_b.csv tell created_at 330 min apart in 30 of 30 records" in text for text in doubts)
    assert len(doubts) == 2


# -- gates -------------------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_the_suites_of_files_are_judged_as_a_run_judges_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each suite that ships, on rows that meet it and on rows that do not, beside the library itself."""
    monkeypatch.setattr("orchestration.gates.suite_runner.judge", lambda *_: None)
    cases: list[tuple[str, Path]] = []
    for kind in all_kinds().values():
        for name, alike in (("good", False), ("bad", True)):
            table = made_up(kind.name, alike)
            pq.write_table(table, path := tmp_path / f"{kind.name}_{name}.parquet")
            cases.append((kind.name, path))
    found = set()
    with SuiteRunner(None) as suites:
        for kind_name, path in cases:
            ((*judged,),) = suites.check(f"raw/{kind_name}", [path], [])
            check_results, left = judge(kind_name, path, expectations_of(kind_name, None))
            assert left == []
            of_run = [(v.expectation, v.severity, v.passed, v.failed_rows) for v, _ in judged]
            assert [(v.expectation, v.severity, v.passed, v.failed_rows) for v in check_results] == of_run
            found |= {(v.expectation, v.passed) for v in check_results}
    assert {passed for _, passed in found} == {True, False}


def made_up(kind: str, alike: bool) -> pa.Table:
    """Canonical rows; ``alike`` ones share their numbers and have their times in the wrong order."""
    columns: dict[str, list[Any]] = {}
    for place, column in enumerate(all_kinds()[kind].columns.values()):
        field = all_kinds()[kind].arrow_schema.field(column.name)
        if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            at = DAY - timedelta(days=place) if alike else DAY + timedelta(days=place)
            values: list[Any] = [at if pa.types.is_timestamp(field.type) else at.date()] * 2000
        elif pa.types.is_string(field.type):
            values = ["same"] * 2000 if alike else [column.values[0] if column.values else f"v{n}" for n in range(2000)]
        elif pa.types.is_boolean(field.type):
            values = [True] * 2000
        else:
            values = [(Decimal if pa.types.is_decimal(field.type) else int)(-1 if alike else 1)] * 2000
        columns[column.name] = values
    fields = [all_kinds()[kind].arrow_schema.field(name) for name in columns]
    return pa.table(columns, schema=pa.schema(fields))


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_its_exit_codes_and_json(tmp_path: Path, cxhouse: Cxhouse) -> None:
    place = Place(tmp_path, DESK)
    good = place.write("desk_good.csv", HEADER + "".join(desk(n) for n in range(30)))
    bad = place.write("desk_bad.csv", HEADER + "".join(desk(n, "Parked") for n in range(30)))
    plan = place.write("plan.csv", "a,b\n1,2\n")
    config = tmp_path / "config"
    output = cxhouse("check", good, "--config", config).stdout
    assert "30 rows, 30 loaded as 30 tickets, 0 rejected: a run loads it" in output
    assert output.rstrip().splitlines()[-1].startswith("Next: ")
    output = cxhouse("check", bad, "--config", config, exit_code=1).stdout
    assert "say in desk what the words mean, as status: {from: …, map: {'Parked': …}}" in " ".join(output.split())
    assert "NOT CLAIMED" in cxhouse("check", plan, exit_code=2).stdout
    data = json.loads(cxhouse("check", good, bad, "--json", "--config", config, exit_code=1).stdout)
    assert [reading["status"] for file in data["files"] for reading in file["readings"]] == ["held back", "loaded"]
    (config / "contracts" / "desk.yml").write_text("name: desk\nkind: nothing\nfiles: {name: x}\ncolumns: {}\n")
    assert "is not a valid contract" in cxhouse("check", good, "--config", config, exit_code=2).stderr
    assert not (tmp_path / "home").exists()


LIGHTLY = """
import sys
from orchestration.cli import main
try:
    main(["check", sys.argv[1]])
except SystemExit as ended:
    assert ended.code == 0, ended.code
from orchestration.pull.isolated import isolated
heavy = ("dagster", "dbt", "great_expectations", "pandas", "numpy", "streamlit", "plotly", "scipy")
assert not [name for name in heavy if sys.modules.get(name)], heavy
beside = isolated().call(0, eval, "set(__import__('sys').modules)")
assert not [name for name in (*heavy, "orchestration.settings", "orchestration.check.looking") if name in beside], beside
assert "orchestration.check.doubts" in beside
"""


def test_ten_thousand_rows_cost_little_more_than_a_few_and_no_heavy_library(tmp_path: Path) -> None:
    """Most of it is start. (Two seconds in all where a machine does nothing else.)"""
    place = Place(tmp_path)

    def cost(rows: int) -> float:
        path = place.write(f"calls_{rows}.csv", rows_of(CALLS, call, rows))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", LIGHTLY, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        assert f"{rows:,} rows" in done.stdout
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert cost(10_000) < 4 * cost(100)


def test_a_word_that_tells_whose_number_it_is_is_shown() -> None:
    """The customer's phone is made of the direction too; the direction is nobody's."""
    sql = 'case when Direction = \'Out\' then "To" else "From" end'
    columns = {"call_id": "Id", "started_at": "At", "direction": "Direction", "queue": "To", "customer_phone": {"sql": sql}}
    contract = Contract.model_validate({"name": "calls", "kind": "calls", "files": {"columns": ["Id"]}, "columns": columns})
    masks = Masks(contract, all_kinds()["calls"], ["Id", "Direction", "From", "To"])
    assert masks.cell("direction", "Out") == "Out"
    assert masks.cell("queue", "Sales") == "xxxxx"
    assert masks.cell("customer_phone", "+49 30 123") == "+99 99 999"
    assert masks.cell("direction", "ann@mail.example") == "xxx@xxxx.xxxxxxx"
