"""What does not pass is not seen; what passes is seen whole."""

from __future__ import annotations

import io
import math
import os
import random
import re
import shutil
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from homes import REPOSITORY, Cxhouse, Home
from rich.console import Console

from orchestration.cli.run_output import print_quarantine, print_status
from orchestration.core.errors import ConfigurationError
from orchestration.gates.check_results import batch_checks, quarantine_check, why_held_back
from orchestration.gates.lineage import lineage, names_a_file
from orchestration.gates.queries import judge
from orchestration.gates.suite_runner import MAX_EXAMPLES, SuiteRunner
from orchestration.gates.suites import LAYERS, check_tables, in_words, read_suite, suite_path
from orchestration.gates.suites import SHIPPED as SUITES
from orchestration.pull.home.corrections import export_rows
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.quarantine import reasons
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch
from orchestration.runs import alerts
from orchestration.runs.finish import finish_run
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull


def test_every_raw_kind_has_a_suite_and_every_suite_a_table(sample_home: Home) -> None:
    assert {path.stem for path in (SUITES / "raw").glob("*.yml")} == set(all_kinds()), "expectations/raw/: one of each kind"
    assert {path.name for path in SUITES.iterdir()} == {"raw", *LAYERS}


@pytest.mark.parametrize("path", sorted(SUITES.rglob("*.yml")), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_suites_speak_of_columns_that_exist(path: Path, sample_home: Home) -> None:
    if path.parent.name == "raw":
        known = set(all_kinds()[path.stem].columns)
    else:
        with duckdb.connect(str(sample_home.path / "warehouse.duckdb")) as con:
            query = "select column_name from duckdb_columns() where schema_name = ? and table_name = ?"
            known = {row[0] for row in con.execute(query, [path.parent.name, path.stem]).fetchall()}
    for item in read_suite(path):
        assert item.get("description"), "say it in words: users read it"
        for key, value in item.get("kwargs", {}).items():
            if key.startswith("column"):
                assert set([value] if isinstance(value, str) else value) <= known


def test_a_failed_expectation_names_rows_and_files(tmp_path: Path) -> None:
    suite = {
        "expectations": [
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "n", "max_value": 5}, "description": "Small"},
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "n"}, "severity": "warning"},
            {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "absent"}},
        ]
    }
    (tmp_path / "expectations" / "raw").mkdir(parents=True)
    (tmp_path / "expectations" / "raw" / "tickets.yml").write_text(yaml.safe_dump(suite))
    table = pa.table({"n": [1, 9, None], "_file": ["a.csv"] * 3, "_row": [2, 3, 4]})
    pq.write_table(table, tmp_path / "batch.parquet")
    with SuiteRunner(tmp_path) as suites:
        judged = suites.check("raw/tickets", [tmp_path / "batch.parquet"] * 2, ["_file", "_row"])
    # Each batch is judged by itself.
    assert judged[0] == judged[1]
    (small, small_rows), (filled, filled_rows), (absent, _) = judged[0]
    assert (small.passed, small.blocks, small.failed_rows) == (False, True, 1)
    assert [lineage(row) for row in small_rows] == ["a.csv, row 3"]
    assert small.expectation == "Small"
    assert (filled.passed, filled.blocks, [lineage(row) for row in filled_rows]) == (False, False, ["a.csv, row 4"])
    # An expectation that cannot be evaluated has not passed, and says why.
    assert absent.blocks
    assert "does not exist" in str(absent.problem)


#: One of each kind that a query can answer, as suites ask it, and with limits that some frames miss.
ASKED = [
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 0, "max_value": 5}),
    ("expect_column_values_to_be_between", {"column": "n", "max_value": 5, "mostly": 0.5}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0.1, "max_value": 2.5}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": ["a", "b", "it's"]}),
    ("expect_column_values_to_be_in_set", {"column": "n", "value_set": [0, 1, 2], "mostly": 0.75}),
    ("expect_column_values_to_not_be_in_set", {"column": "name", "value_set": ["b"]}),
    ("expect_column_value_lengths_to_equal", {"column": "name", "value": 1}),
    ("expect_column_values_to_not_be_null", {"column": "n"}),
    ("expect_column_values_to_not_be_null", {"column": "ratio", "mostly": 0.5}),
    ("expect_column_values_to_be_unique", {"column": "name"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["name", "n"]}),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "ratio", "column_B": "amount", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "until", "column_B": "since", "ignore_row_if": "either_value_is_missing"},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "until", "column_B": "since", "or_equal": True, "ignore_row_if": "either_value_is_missing", "mostly": 0.6},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "left_on", "column_B": "hired_on", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    ),
    ("expect_column_distinct_values_to_contain_set", {"column": "name", "value_set": ["a", "b"]}),
    ("expect_table_row_count_to_be_between", {"min_value": 2}),
    ("expect_table_row_count_to_be_between", {"min_value": 0, "max_value": 3}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "name", "min_value": 0.6}),
]
TYPES = {
    "n": pa.int64(), "amount": pa.decimal128(10, 2), "ratio": pa.float64(), "name": pa.string(),
    "since": pa.timestamp("us"), "until": pa.timestamp("us"), "hired_on": pa.date32(), "left_on": pa.date32(),
}  # fmt: skip


def frames() -> list[pa.Table]:
    """Rows at random, with nulls, what is no number, and values that are there twice."""
    chance, found = random.Random(4), []
    for rows in (0, 1, 1, 3, 6, 6, 6, 40):
        for share_null in (0.0, 0.2, 1.0):
            choices: dict[str, list[Any]] = {
                "n": [-1, 0, 1, 2, 5, 6], "amount": [Decimal(text) for text in ("0.10", "2.50", "-1.00", "2.51")],
                "ratio": [0.1, 2.5, math.nan, -1.0, math.inf], "name": ["a", "b", "it's", "", "A", *map(str, range(40))],
                **{key: [datetime(2026, 1, day) for day in range(1, 5)] for key in ("since", "until")},
                **{key: [date(2026, 1, day) for day in range(1, 5)] for key in ("hired_on", "left_on")},
            }  # fmt: skip
            columns = {
                name: [None if chance.random() < share_null else chance.choice(values) for _ in range(rows)]
                for name, values in choices.items()
            }
            found.append(
                pa.table(
                    {**{name: pa.array(column, TYPES[name]) for name, column in columns.items()}, "_row": list(range(rows))},
                    pa.schema([*TYPES.items(), ("_row", pa.int64())]),
                )
            )
    return found


@pytest.mark.ci
def test_a_query_says_what_the_library_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for number, frame in enumerate(frames()):
        files.append(tmp_path / f"{number}.parquet")
        pq.write_table(frame, files[-1])
    items = [{"type": kind, "kwargs": kwargs, "severity": "critical"} for kind, kwargs in ASKED]
    path = tmp_path / "expectations" / "raw" / "tickets.yml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"expectations": items}, sort_keys=False))
    monkeypatch.setattr("orchestration.gates.suite_runner.judge", lambda *_: None)
    with SuiteRunner(tmp_path) as suites:
        asked = suites.check("raw/tickets", files, ["_row"])
    answered = 0
    for file, of_library in zip(files, asked, strict=True):
        for item, check in zip(items, of_library, strict=True):
            answer = judge("raw/tickets", [item], file, ["_row"], in_words, MAX_EXAMPLES)
            if answer is not None:
                answered += 1
                assert answer == [check], (item, pq.read_table(file).to_pydict())
    assert answered > 0.8 * len(items) * len(files)


def test_the_library_is_not_asked_what_a_query_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SuiteRunner, "start", lambda self: pytest.fail("the library was started"))
    frame = next(frame for frame in frames() if len(frame) == 40)
    pq.write_table(frame, tmp_path / "batch.parquet")
    (tmp_path / "expectations" / "raw").mkdir(parents=True)
    suite = {"expectations": [{"type": "expect_column_values_to_be_between", "kwargs": {"column": "n", "max_value": 5}}]}
    (tmp_path / "expectations" / "raw" / "tickets.yml").write_text(yaml.safe_dump(suite))
    ((answer,),) = SuiteRunner(tmp_path).check("raw/tickets", [tmp_path / "batch.parquet"], ["_row"])
    assert answer[0].failed_rows == sum(value == 6 for value in frame["n"].to_pylist()) > 0
    assert len(answer[1]) == min(MAX_EXAMPLES, answer[0].failed_rows)


def test_a_suite_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("expectations:\n  - kwargs: {}\n")
    with pytest.raises(ConfigurationError, match="expectation 1 has no `type`"):
        read_suite(path)
    path.write_text("expectations:\n  - type: expect_nothing\n")
    (tmp_path / "expectations" / "raw").mkdir(parents=True)
    shutil.copy(path, tmp_path / "expectations" / "raw" / "calls.yml")
    assert suite_path("raw/calls", tmp_path) == tmp_path / "expectations" / "raw" / "calls.yml"
    pq.write_table(pa.table({"call_id": ["1"]}), tmp_path / "b.parquet")
    with SuiteRunner(tmp_path) as suites, pytest.raises(ConfigurationError, match="expect_nothing"):
        suites.check("raw/calls", [tmp_path / "b.parquet"], [])


@pytest.mark.ci
def test_a_child_process_that_used_the_worker_ends(tmp_path: Path) -> None:
    """Dagster starts a run as a child process, which waits for its own children: one that waits for ever keeps the lock."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    ended = subprocess.run([sys.executable, str(script)], cwd=REPOSITORY, timeout=180, env={**os.environ, "PYTHONPATH": "."})
    assert ended.returncode == 0


CHILD = """
import multiprocessing
from orchestration.gates.suite_runner import MAX_EXAMPLES, SuiteRunner
from orchestration.gates.suites import in_words
from orchestration.gates.queries import judge

def work():
    global suites
    suites = SuiteRunner(None)
    suites.start().ask(int).result()

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join(120)
    assert child.exitcode == 0, child.exitcode
"""


def test_share_quarantined() -> None:
    assert quarantine_check("tickets", "t.csv", 1000, 50, 0.05).passed
    assert quarantine_check("tickets", "t.csv", 1000, 51, 0.05).blocks
    # The way on without the file, as it can be typed.
    remedy = quarantine_check("tickets", "june/t 1.csv", 1000, 51, 0.05).remedy
    assert "'cxhouse withdraw 'june/t 1.csv''" in (remedy or "")
    # Rows that go on with a record of another row are rows of the file, and hide no share.
    merged = quarantine_check("tickets", "t.csv", 1000, 51, 0.05, rows_merged=2000)
    assert merged.problem == "t.csv: 51 of 3,000 rows, of which 1,000 carry a record (5.1%)"
    assert names_a_file("june/t 1.csv, row 12")
    assert not names_a_file("finding orders, delivered_at before ordered_at: 1 record; first: t.csv")
    few = quarantine_check("tickets", "t.csv", 10, 3, 0.05)
    assert not few.passed
    assert not few.blocks


def test_a_file_that_is_held_back_tells_its_reasons_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By reason with its rows, and nowhere a value of a person."""
    person = "max.muster@leak.example"
    exports = tmp_path / "exports"
    exports.mkdir()
    settings = Settings(exports=str(exports), home=tmp_path / "home", notify=["json://127.0.0.1/x"])
    record = RunRecord("r", "2026-07-01T00:00:00+00:00", "2026-07-01 00:00:00", "blocked")

    def gate(kind: str, batches: list[Batch]) -> list[bool | str]:
        judged = [batch_checks(kind, batch, settings) for batch in batches]
        record.check_results += [check for check_results in judged for check in check_results]
        return [why_held_back(check_results, batch.file) or True for check_results, batch in zip(judged, batches, strict=True)]

    def pulled(text: str) -> None:
        (exports / "orders.csv").write_text(text)
        record.loads = [load for report in Pull(settings, lambda _: None).kinds(gate) for load in report.loads]

    header, good = "order_id,ordered_at,status,customer_email\n", "O{},2026-05-01T10:00:00Z,paid,a@x.example\n"
    states = [person if n < 15 else "parked" for n in range(25)]
    bad = "".join(f"B{n},2026-05-01T10:00:00Z,{state},{person}\n" for n, state in enumerate(states))
    pulled(header + bad + "B99,yesterday,paid,\n" + "".join(map(good.format, range(14))))
    (load,) = [load for load in Ledger(settings.ledger).loads() if load.kind == "orders"]
    assert load.status == "gated"
    words = "created, paid, shipped, delivered, cancelled, returned, refunded"
    said = f"status is not one of: {words} (rows 2, 3, 4, …; 2 different values)"
    assert f"not met: At most 5% of the rows are quarantined: 26 of 40 rows (65.0%): 25 row(s): {said}" in str(load.reason)
    # The quarantine has the rows, as what they are; the other rows are in no table.
    first, second = reasons(settings)
    assert (first.columns, first.rows, first.first_rows, first.is_held_back) == ("status", 25, [2, 3, 4], True)
    assert (second.columns, second.rows, second.first_rows) == ("ordered_at", 1, [27])
    assert [written.rows for written in export_rows(settings, None, "orders.csv", tmp_path / "corrected")] == [26]
    assert list((settings.raw / "orders").glob("*orders*")) == []
    # The run's output, the status, the page and the message.
    sent: list[str] = []
    monkeypatch.setattr(alerts, "send", lambda _settings, _title, body: sent.append(body))
    finish_run(settings, record, "blocked")
    shown = Console(width=300, record=True, file=io.StringIO())
    print_status(shown, settings)
    print_quarantine(shown, reasons(settings), of_all=True)
    texts = [shown.export_text(), record.page(settings.home).read_text(), *sent]
    for text in texts:
        assert "is not one of: created, paid, shipped, delivered, cancelled, returned, refunded" in text
        assert "rows 2, 3, 4" in text
        assert person not in text
    assert f"25 row(s): {said}" in sent[0]
    assert "yesterday" not in sent[0], "the message goes to people whom the data may not reach"
    assert "ordered_at is not a valid instant (row 27)" in sent[0]
    # A version that passes ends it.
    pulled(header + good.format(1))
    assert {load.status for load in Ledger(settings.ledger).loads()} == {"gated", "loaded"}
    assert reasons(settings) == []


@pytest.mark.ci
def test_a_failed_gate_leaves_what_is_published_and_holds_in_the_next_run(
    tmp_path: Path, cxhouse: Cxhouse, sample_home: Home
) -> None:
    home = Home(tmp_path / "home", tmp_path / "exports", sample_home.config)
    shutil.copytree(sample_home.path, home.path, symlinks=True)
    shutil.copytree(sample_home.exports, home.exports)
    before = home.query("select version from publication")
    # Quantities that no order line has go to quarantine; a third of a file there is no matter of single rows any more.
    quantities = [9_999_999 if n < 50 else 1 for n in range(150)]
    wrong = "order_id,line_id,product_id,quantity,unit_price\n" + "".join(
        f"X{n},1,P1,{quantity},1\n" for n, quantity in enumerate(quantities)
    )
    (home.exports / "order_items_wrong.csv").write_text(wrong)
    first = cxhouse("run", "--exports", home.exports, *home.options, exit_code=1)
    assert "FAILED raw/order_items: At most 5% of the rows are quarantined" in first.stdout
    assert "order_items_wrong.csv: 50 of 150 rows (33.3%)" in first.stdout
    assert "50 row(s) do not meet it" in first.stdout
    assert "'cxhouse quarantine' lists the rows by reason" in first.stdout
    assert "what is published stays as it was" in first.stderr
    assert home.query("select version from publication") == before
    cxhouse("run", "--exports", home.exports, *home.options, exit_code=1)
    assert home.query("select version from publication") == before
    status = cxhouse("status", *home.options).stdout
    assert "gated" in status
    assert str(before[0][0]) in status
    # Once the source no longer offers the bad file, the next run goes on without it.
    (home.exports / "order_items_wrong.csv").unlink()
    cxhouse("run", "--exports", home.exports, *home.options)
    assert home.query("select version from publication") != before
    assert home.query("select count(*) from fct_order_items where order_id like 'X%'") == [(0,)]


@pytest.mark.slow
def test_a_failed_gate_of_a_layer_holds_and_is_reported(tmp_path: Path, cxhouse: Cxhouse, sample_home: Home) -> None:
    home = Home(tmp_path / "home", sample_home.exports, tmp_path / "config")
    shutil.copytree(sample_home.path, home.path, symlinks=True)
    shutil.copytree(sample_home.config or Path(), home.config or Path())
    before = home.query("select version from publication")
    # A suite of the user's own, for a table that ships without one, takes no code.
    suite = tmp_path / "config" / "expectations" / "journey" / "fct_reviews.yml"
    suite.parent.mkdir(parents=True)
    expectation = {
        "type": "expect_column_values_to_be_between", "kwargs": {"column": "stars", "max_value": 4},
        "description": "Nobody is delighted",
    }  # fmt: skip
    suite.write_text(yaml.safe_dump({"expectations": [expectation]}))
    # And a row that got lost on the way to a fact, as no run should lose it.
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as con:
        ((lost,),) = con.execute(
            "delete from journey.fct_orders where order_id = (select min(order_id) from journey.fct_orders)"
        ).fetchall()
    assert lost == 1
    for _ in range(2):
        said = cxhouse("run", "--exports", home.exports, *home.options, exit_code=1)
        assert "FAILED journey/fct_reviews: Nobody is delighted" in said.stdout
        assert said.stdout.count("- trustpilot/reviews.csv, row ") == 5
        assert "FAILED journey/quality_reconciliation: What is counted in two places agrees" in said.stdout
        assert "- reconciliation fct_orders = stg_orders" in said.stdout
        assert "cxhouse run --full-refresh" in said.stdout
        assert "gates: kpis" not in said.stderr, "nothing is built on what did not pass"
        assert home.query("select version from publication") == before
    page = max((home.path / "runs").glob("*.html"), key=lambda path: path.stat().st_mtime).read_text()
    assert "Nobody is delighted" in page
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page), "it renders offline"
    suite.unlink()
    cxhouse("run", "--full-refresh", "--exports", home.exports, *home.options)
    alerts = home.query("select subject, message, affected_rows from alerts where severity = 'critical'")
    assert "Nobody is delighted" in {row[1] for row in alerts}


def test_a_suite_names_a_table_that_its_layer_has(tmp_path: Path) -> None:
    tables = {path.stem: schemas[-1] for layer, schemas in LAYERS.items() for path in (SUITES / layer).glob("*.yml")}
    folder = tmp_path / "expectations" / "journey"
    folder.mkdir(parents=True)
    (folder / "fct_tickets.yml").write_text("expectations: []\n")
    check_tables(tmp_path, tables)
    (folder / "fct_dreams.yml").write_text("expectations: []\n")
    with pytest.raises(ConfigurationError, match="the layer journey has no table fct_dreams; it has: fct_calls"):
        check_tables(tmp_path, tables)


@pytest.mark.slow
def test_a_suite_for_a_table_that_there_is_not(tmp_path: Path, cxhouse: Cxhouse) -> None:
    suite = tmp_path / "config" / "expectations" / "journey" / "fct_dreams.yml"
    suite.parent.mkdir(parents=True)
    suite.write_text("expectations: []\n")
    (tmp_path / "exports").mkdir()
    options = ["--exports", tmp_path / "exports", "--home", tmp_path / "home", "--config", tmp_path / "config"]
    said = cxhouse("run", *options, exit_code=2).stderr
    assert "the layer journey has no table fct_dreams; it has:" in said
