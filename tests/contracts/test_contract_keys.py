"""Keys of contracts: parameters, shapes of files, which rows are records; and what is said of wrong ones."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from boxes import Box
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import BLOCK_ROWS, FileContent, canonicalise, content, faults, read, whole, written
from table_files import write

from orchestration.core.errors import RefusedFileError
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import FileMatch, Mapping
from orchestration.pull.contracts.naming import folder_of
from orchestration.pull.files.headers import by_name, found, joined
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.records import Block, BrokenRow, Rows
from orchestration.pull.files.shaping import between, carried_down
from orchestration.pull.home.landing import land
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.sorting import Origin
from orchestration.pull.sources.base import FolderSource

PHONES = """
name: phones
kind: calls
files: {columns: [Id]}
params:
  zone: UTC
  own: {description: your own numbers}
  field: {default: null}
  words: {default: [x, y]}
timezone: ${zone}
missing: ["-", "${words}"]
description: Of ${zone}.
columns:
  call_id: Id
  started_at: At
  direction: {sql: "case when \\"From\\" in (${own}) then 'outbound' else \\"${zone}\\" end"}
  topic: ${field}
  queue: {from: "${field}", map: {a: b}}
"""


def test_params_take_their_places(tmp_path: Path) -> None:
    given = {"pho*": {"zone": "Europe/Rome", "own": ["+1", "it's"]}, "phones": {"zone": "Europe/Paris", "field": "Reason"}}
    contract = written(tmp_path, given, phones=PHONES)["phones"]
    assert (contract.timezone, contract.missing, contract.description) == ("Europe/Paris", ["-", "x", "y"], "Of Europe/Paris.")
    sql = contract.columns["direction"].sql
    assert sql == "case when \"From\" in ('+1', 'it''s') then 'outbound' else \"Europe/Paris\" end"
    assert (contract.columns["topic"].source, contract.columns["queue"].source) == ("Reason", "Reason")
    contract.require_params()


def test_a_param_that_nobody_gave_is_asked_for_by_name(tmp_path: Path) -> None:
    contract = written(tmp_path, phones=PHONES)["phones"]
    assert (contract.timezone, contract.lacking_params) == ("UTC", ["own"])
    assert "topic" not in contract.columns
    assert "queue" not in contract.columns
    with pytest.raises(RefusedFileError, match=r"own \(your own numbers\); give them in cxhouse.yml, as .* {phones:"):
        contract.require_params()
    # To give it makes another contract of it, so that the file is read again.
    assert written(tmp_path, {"phones": {"own": None}})["phones"].fingerprint != contract.fingerprint


def test_a_contract_that_extends_gives_params_and_takes_those_of_its_base(tmp_path: Path) -> None:
    mine = "name: mine\nextends: phones\nparams: {own: '+49'}\n"
    contracts = written(tmp_path, {"phones": {"zone": "Europe/Rome"}}, phones=PHONES, mine=mine)
    assert (contracts["mine"].lacking_params, contracts["phones"].lacking_params) == ([], ["own"])
    assert contracts["mine"].timezone == "Europe/Rome"
    assert "in ('+49')" in (contracts["mine"].columns["direction"].sql or "")
    assert contracts["mine"].params["own"].description == "your own numbers"


def test_wrong_params_are_reported_with_the_nearest_right_word(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        {"phone": {"own": 1}, "phones": {"zon": "UTC"}},
        phones=PHONES.replace("timezone: ${zone}", "timezone: ${zones}"),
    )
    for said in (
        "phones.yml is not a valid contract:\n  timezone: no parameter 'zones' in its `params`; did you mean 'zone'?",
        "settings:\n  contract_params > phone: there is no such contract; did you mean 'phones'?",
        "  contract_params > phones > zon: there is no such parameter; did you mean 'zone'? (its parameters: field, own, ",
    ):
        assert said in text


def test_all_faults_of_all_contracts_at_once(tmp_path: Path) -> None:
    first = """
name: first
kind: tickets
files: {nam: x, columns: [a]}
timezone: Berlin
skip_rows: many
decimal: ";"
missing: "-"
colums: {}
continuation: {rows: a is null, of: []}
columns:
  ticket_id: {from: a, unit: second, formt: x}
  created_at: {from: a, sql: b}
  topic: {sql: "upper(Tags"}
  priorty: a
  csat_score: {from: a, map: {good: [1]}}
"""
    second = "name: second\nkind: ticket\nfiles: {name: x}\nname: third\n"
    text = faults(tmp_path, first=first, second=second, fourth="name: fourth\nextends: zendesk_ticket\n")
    for said in (
        "first.yml is not a valid contract:\n",
        "  files > nam: there is no such key; did you mean 'name'? (keys here: name, columns)",
        "  timezone: is not an IANA time zone; such as Europe/Berlin; did you mean 'Europe/Berlin'? (given: 'Berlin')",
        "  skip_rows: must be a whole number (given: 'many')",
        "  decimal: ';' is none of: ., ,",
        "  missing: must be a list (given: '-')",
        "  colums: there is no such key; did you mean 'columns'?",
        "  continuation > of: must not be empty",
        "  columns > ticket_id > unit: 'second' is none of: ",
        "; did you mean 'seconds'?",
        "  columns > ticket_id > formt: there is no such key; did you mean 'format'?",
        "  columns > created_at: give exactly one of 'from', 'value'",
        "  columns > topic > sql: is not SQL that DuckDB can read",
        "  columns > priorty: is not a column of tickets; did you mean 'priority'?",
        "  columns > csat_score > map > good: must be a text or a whole number or a number or true or false",
        "  columns: required column(s) of tickets not mapped: status",
        "second.yml is not a valid contract:\n  contract: is not readable YAML: the key 'name' appears twice",
        "extends: extends 'zendesk_ticket', which does not exist; did you mean 'zendesk_tickets'?",
    ):
        assert said in text, said
    for internal in ("pydantic", "Input should", "Extra inputs", "value_error", "Value error"):
        assert internal not in text


# -- the shape of a file -----------------------------------------------------------------------------------------------


def table(folder: Path, form: str, rows: list[list[object]]) -> Path:
    """A file whose first row, whatever it is, is the first of these."""
    return write(folder / f"t.{form}", rows[0], rows[1:]) if form == "xlsx" else _lines(folder / f"t.{form}", rows)  # type: ignore[arg-type]


def _lines(path: Path, rows: list[list[object]]) -> Path:
    path.write_text("".join(",".join(f'"{cell}"' if "\n" in str(cell) else str(cell) for cell in row) + "\n" for row in rows))
    return path


def held(content: FileContent) -> list[tuple[object, ...]]:
    assert content.broken == []
    return [tuple(row.values()) for row in content.table.to_pylist()]


SURVEY: list[list[object]] = [
    ["Survey of June", "", "", "", ""],
    ["Id", "Why\nso?", "", "", "Comment"],
    ["", "Price", "Service", "", "Open-Ended"],
    ["text", "x", "x", "x", "text"],
    ["a1", "1", "", "", "fine"],
    ["a2", "", "1", "", ""],
    ["Total", "1", "1", "", ""],
    ["of 2", "", "", "", ""],
]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("place", [{"header_row": 2}, {"skip_rows": 1}, {"columns": ("Id", "Why\nso? - Price")}])
def test_header_rows_footers_and_what_stands_below_the_header(tmp_path: Path, form: str, place: dict[str, Any]) -> None:
    options = ReadOptions(header_rows=2, skip_below_header=1, skip_footer=2, **place)
    content = read(table(tmp_path, form, SURVEY), f"t.{form}", options)
    names = ["Id", "Why\nso? - Price", "Why\nso? - Service", "Comment - Open-Ended"]
    assert [name for name in content.header if name != "column_4"] == names
    assert [(row["Id"], row[names[1]], row[names[2]], row[names[3]], row["_row"]) for row in content.table.to_pylist()] == [
        ("a1", "1", None, "fine", 5),
        ("a2", None, "1", None, 6),
    ]
    assert content.broken == []


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("above", [0, 2])
def test_a_file_without_a_header(tmp_path: Path, form: str, above: int) -> None:
    rows: list[list[object]] = [["x", "", ""]] * above + [["a", "", "1"], ["", "", ""], ["b", "", "2"], ["end", "", ""]]
    content = read(table(tmp_path, form, rows), f"t.{form}", ReadOptions(header_rows=0, skip_rows=above, skip_footer=1))
    found_there = [(row["column_1"], row["column_3"], row["_row"]) for row in content.table.to_pylist()]
    assert found_there == [("a", "1", above + 1), ("b", "2", above + 3)]
    assert "column_2" not in content.header
    assert content.broken == []


def test_broken_rows_of_a_file_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,1\n2\nb,3\n")
    content = read(path, path.name, ReadOptions(header_rows=0))
    assert [row["column_1"] for row in content.table.to_pylist()] == ["a", "b"]
    assert [row.row for row in content.broken] == [2]


def test_names_above_each_other() -> None:
    rows = [["A", "", "", "B", "", ""], ["x", "", "y", "", "x", ""], ["1", "2", "", "", "", ""]]
    assert joined(rows) == ["A - x - 1", "A - x - 2", "A - y", "B", "B - x", ""]
    assert joined([["A", "A"], ["A"]]) == ["A", "A"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_header_row_that_is_blank_is_refused(tmp_path: Path, form: str) -> None:
    path = table(tmp_path, form, [["a", "b"], ["", ""], ["1", "2"]])
    with pytest.raises(RefusedFileError, match="has nothing in row 2, which its contract calls the header"):
        read(path, path.name, ReadOptions(header_row=2))
    assert held(read(path, path.name, ReadOptions(header_row=3))) == []


def test_a_broken_row_of_the_footer_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n4,5\n(3 rows)\n\n")
    content = read(path, path.name, ReadOptions(skip_footer=1))
    assert [row["a"] for row in content.table.to_pylist()] == ["1", "4"]
    assert [row.row for row in content.broken] == [3]
    assert held(read(path, path.name, ReadOptions(skip_footer=9))) == []


@settings(deadline=None)
@given(count=st.integers(0, 9), below=st.integers(0, 4), footer=st.integers(0, 12))
def test_any_footer_of_any_blocks(count: int, below: int, footer: int) -> None:
    numbers = list(range(2, count + 2))
    content = FileContent(pa.table({"a": pa.array(map(str, numbers), pa.string()), "_row": pa.array(numbers, pa.int64())}))
    assert count <= BLOCK_ROWS or len(list(content.rows().blocks())) > 1
    kept = [n for n in numbers if n > below]
    expected = kept[: max(len(kept) - footer, 0)]
    assert whole(between(content.rows(), below, footer)).table["_row"].to_pylist() == expected


def test_names_that_differ_by_case_are_each_found() -> None:
    present = by_name(["Q2", "q2.2", "Q2.3", "Other"])
    assert [found(present, name) for name in ("Q2", "q2", "q2.2", "other", "none", None)] == [
        "Q2", "q2.2", "q2.2", "Other", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "ndjson", "xlsx", "parquet"])
def test_a_mapping_finds_the_column_of_its_spelling(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / f"t.{form}", ["Id", "At", "Q2", "q2"], [["1", "2026-06-01", "open", "late"]])
    columns = {"ticket_id": "id", "created_at": "At", "status": "Q2", "topic": "q2"}
    contract = Contract.model_validate({"name": "mine", "kind": "tickets", "files": {"name": "t*"}, "columns": columns})
    result = canonicalise(read(path, path.name, ReadOptions()), contract, Origin("x", "t", 1, "mine"))
    (row,) = result.loaded.to_pylist()
    assert (row["status"], row["topic"], result.unknown_columns) == ("open", "late", [])


# -- which rows are records --------------------------------------------------------------------------------------------

LINES = """
name: shop
files: {name: "lines*"}
carry_down: [Order, Ordered, State, Customer]
where: {Type: {not: [Total, Tax]}}
kinds:
  orders:
    distinct_on: [Order]
    columns: {order_id: Order, ordered_at: Ordered, status: State, customer_id: Customer}
  order_items:
    where: {Type: line, Sku: {not: null}}
    columns:
      order_id: Order
      line_id: {place_in: [Order]}
      product_id: Sku
      quantity: Qty
      unit_price: Price
"""
#: As reports of orders come: an order's values are in its first row only.
ORDER_LINES: list[list[object]] = [
    ["Order", "Ordered", "State", "Customer", "Type", "Sku", "Qty", "Price"],
    ["A1", "2026-06-01", "paid", "c1", "Line", "P1", "1", "5"],
    ["", "", "", "", "line", "P2", "2", "6"],
    ["", "", "", "", "Tax", "", "", "1"],
    ["A2", "2026-06-02", "shipped", "", "line", "P3", "3", "7"],
    ["", "", "", "", "total", "", "", "99"],
    ["A3", "2026-06-03", "paid", "c3", "order", "", "", ""],
    ["", "", "", "", "LINE", "P1", "4", "8"],
]


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson", "parquet"])
def test_one_file_of_lines_feeds_orders_and_items_without_sql(tmp_path: Path, form: str) -> None:
    contracts = written(tmp_path, shop=LINES)
    orders, items = contracts["shop_orders"], contracts["shop_order_items"]
    names, rows = [str(name) for name in ORDER_LINES[0]], ORDER_LINES[1:]
    path = write(tmp_path / f"lines.{form}", names, rows)
    assert claims(path.name, names, [orders, items]) == [orders, items]
    made = canonicalise(read(path, path.name, options_of(orders)), orders, Origin("x", "t", 1, "shop_orders"))
    assert [(row["order_id"], row["status"], row["customer_id"]) for row in made.loaded.to_pylist()] == [
        ("A1", "paid", "c1"), ("A2", "shipped", None), ("A3", "paid", "c3"),
    ]  # fmt: skip
    assert (made.rows_read, made.rows_left_out, made.rows_merged, made.quarantined.num_rows) == (7, 2, 2, 0)
    made = canonicalise(read(path, path.name, options_of(items)), items, Origin("x", "t", 1, "shop_order_items"))
    assert [(row["order_id"], row["line_id"], row["product_id"], row["quantity"]) for row in made.loaded.to_pylist()] == [
        ("A1", "1", "P1", 1), ("A1", "2", "P2", 2), ("A2", "1", "P3", 3), ("A3", "1", "P1", 4),
    ]  # fmt: skip
    assert (made.rows_read, made.rows_left_out) == (7, 3)


def ticket_rows(rows: list[dict[str, str | None]], **keys: Any) -> Any:
    columns = {"ticket_id": "id", "created_at": {"value": "2026-06-01"}, "status": {"value": "open"}, "topic": "topic"}
    data = {"name": "mine", "kind": "tickets", "files": {"name": "x"}, "columns": columns, **keys}
    return canonicalise(content(rows), Contract.model_validate(data), Origin("x", "t", 1, "mine"))


TOPICS: list[dict[str, str | None]] = [
    {"id": "1", "topic": "a"}, {"id": "2", "topic": " B "}, {"id": "3", "topic": None}, {"id": "4", "topic": "it's"},
    {"id": "5", "topic": "7"},
]  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"continuation": {"rows": "false", "of": ["id"]}}])
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"Topic": "b"}, "2"),
        ({"topic": ["A", None]}, "13"),
        ({"topic": None}, "3"),
        ({"topic": {"not": None}}, "1245"),
        ({"topic": {"not": ["a", "B"]}}, "345"),
        ({"topic": {"not": "it's"}, "id": ["3", 4, 5]}, "35"),
        ({"topic": 7}, "5"),
        ("topic <> 'a'", "245"),
        ("topic is distinct from 'a' and id < '4'", "23"),
        ("false", ""),
    ],
)
def test_where_tells_which_rows_are_records(where: Any, ids: str, more: dict[str, Any]) -> None:
    made = ticket_rows(TOPICS, where=where, **more)
    assert "".join(made.loaded["ticket_id"].to_pylist()) == ids
    assert (made.rows_read, made.rows_left_out, made.quarantined.num_rows) == (5, 5 - len(ids), 0)


@pytest.mark.parametrize("more", [{}, {"distinct_on": ["id"]}])
def test_a_where_that_fails_on_a_value_refuses_the_file_without_the_value(more: dict[str, Any]) -> None:
    with pytest.raises(RefusedFileError, match=r"has a value on which .*`where` of contract mine fails") as error:
        ticket_rows([*TOPICS, {"id": "6", "topic": "secret"}], where="cast(topic as integer) > 1", **more)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["where", "distinct_on", "place_in"])
def test_columns_that_a_key_names_and_a_file_lacks(key: str) -> None:
    place = {"columns": {"ticket_id": {"place_in": ["idd"]}, "created_at": "id", "status": "id"}}
    keys = {"where": {"where": {"idd": "1"}}, "distinct_on": {"distinct_on": ["idd"]}, "place_in": place}[key]
    with pytest.raises(RefusedFileError, match=rf"lacks the column\(s\) idd, which `{key}` of contract mine names"):
        ticket_rows(TOPICS, **keys)


def test_rows_that_repeat_a_record_with_other_values_are_reported() -> None:
    rows: list[dict[str, str | None]] = [
        {"id": "1", "topic": "a"}, {"id": "2", "topic": "b"}, {"id": " 1", "topic": None}, {"id": None, "topic": "x"},
        {"id": "2", "topic": "c"}, {"id": None, "topic": "y"},
    ]  # fmt: skip
    made = ticket_rows(rows, distinct_on=["ID"])
    assert [(row["ticket_id"], row["topic"]) for row in made.loaded.to_pylist()] == [("1", "a"), ("2", "b")]
    # What has no key repeats nothing: each goes to quarantine for what it lacks.
    assert (made.rows_merged, made.quarantined.num_rows) == (2, 2)
    assert made.messages == ("rows of one ID differ in topic (1); the first row counts",)


CARRIED: dict[str, tuple[list[tuple[str | None, str | None]], list[int], list[tuple[str | None, str | None]]]] = {
    "blank below": ([("1", "a"), (None, None), ("2", None), (None, "x")], [], [("1", "a"), ("1", "a"), ("2", None), ("2", "x")]),
    "repeated key": ([("1", "a"), ("1", None), ("2", None), ("2", "x")], [], [("1", "a"), ("1", "a"), ("2", None), ("2", "x")]),
    "nothing above": ([(None, None), (None, "b"), ("1", "a")], [], [(None, None), (None, "b"), ("1", "a")]),
    "comes back": ([("1", "a"), ("2", "b"), ("1", None)], [], [("1", "a"), ("2", "b"), ("1", None)]),
    # Row 4 is broken, and may have begun a group.
    "broken": ([("1", "a"), (None, None), (None, None), ("2", "b"), (None, None)], [4],
               [("1", "a"), ("1", "a"), (None, None), ("2", "b"), ("2", "b")]),
    "broken, key repeated": ([("1", "a"), ("1", None), ("1", None)], [4], [("1", "a"), ("1", "a"), ("1", "a")]),
}  # fmt: skip


@pytest.mark.parametrize("cut", range(6))
@pytest.mark.parametrize("case", CARRIED)
def test_values_carried_down_whatever_the_blocks(case: str, cut: int) -> None:
    cells, broken, expected = CARRIED[case]
    numbers = [number for number in range(2, 99) if number not in broken][: len(cells)]
    table = pa.table(
        {
            "key": pa.array([key for key, _ in cells], pa.string()),
            "other": pa.array([other for _, other in cells], pa.string()),
            "_row": pa.array(numbers, pa.int64()),
        }
    )
    marks = [BrokenRow(number, "broken", "") for number in broken]

    def blocks() -> Iterator[Block]:
        last = numbers[cut - 1] if 0 < cut <= len(numbers) else 0
        yield Block(table.slice(0, cut), [mark for mark in marks if mark.row <= last + 1])
        yield Block(table.slice(0, 0))
        yield Block(table.slice(cut), [mark for mark in marks if mark.row > last + 1])

    carried = whole(carried_down(Rows(["key", "other"], blocks), ["KEY", "other"])).table.to_pylist()
    assert [(row["key"], row["other"]) for row in carried] == expected


def test_several_records_of_a_row() -> None:
    nps, csat = (
        Contract.model_validate(
            {
                "name": f"poll_{kind}", "family": "poll", "kind": "surveys", "files": {"name": "x"},
                "columns": {"response_id": "id", "kind": {"value": kind}, "responded_at": "at", "score": kind},
            }
        )
        for kind in ("nps", "csat")
    )  # fmt: skip
    other = nps.model_copy(update={"name": "other", "family": "more"})
    assert claims("x", ["id"], [nps, csat, other]) == [nps, csat]


def test_faults_within_kinds(tmp_path: Path) -> None:
    text = faults(tmp_path, shop=LINES.replace("distinct_on: [Order]", "distinct: [Order]").replace("carry_down", "carry_dow"))
    assert "  kinds > orders > distinct: there is no such key; did you mean 'distinct_on'?" in text
    assert text.count("  carry_dow: there is no such key; did you mean 'carry_down'?") == 1
    assert "  kinds: must be a mapping" in faults(tmp_path, shop="name: shop\nfiles: {name: x}\nkinds: [orders]\n")


def test_a_contract_of_several_kinds_is_extended_kind_by_kind(tmp_path: Path) -> None:
    mine = "name: mine\nextends: shop\nsource: north\nkinds:\n  orders: {columns: {brand: Brand, customer_id: null}}\n"
    contracts = written(tmp_path, shop=LINES, mine=mine)
    assert set(contracts["mine_orders"].columns) == {"order_id", "ordered_at", "status", "brand"}
    assert contracts["mine_order_items"].columns == contracts["shop_order_items"].columns
    assert contracts["mine_order_items"].source is not None


def test_the_options_of_a_question(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Id", "At", "Score?", "", "", "Why?", "", "Other"],
        ["", "", "0", "7", "10", "Price (now)", "Service", ""],
        ["r1", "2026-06-01", "0", "1", "", "x", "", ""],
        ["r2", "2026-06-01", "", "no", "10", "", "TRUE", "more"],
        ["r3", "2026-06-01", "", "", "", "n/a", "", ""],
        ["r4", "2026-06-01", "1", "1", "", "", "", ""],
    ]
    columns = {
        "response_id": "Id", "kind": {"value": "nps"}, "responded_at": "At", "score": {"option_of": "score? - *"},
        "topic": {"option_of": ["Why? - *", "other"], "map": {"service; other": "both"}},
    }  # fmt: skip
    data = {"name": "mine", "kind": "surveys", "files": {"name": "x"}, "header_rows": 2, "columns": columns}
    contract = Contract.model_validate(data)
    for form in ("csv", "xlsx"):
        content = read(table(tmp_path, form, rows), f"t.{form}", options_of(contract))
        made = canonicalise(content, contract, Origin("x", "t", 1, "mine"))
        assert [(row["response_id"], row["score"], row["topic"]) for row in made.loaded.to_pylist()] == [
            ("r1", 7, "Price (now)"), ("r2", 10, "both"), ("r3", None, None),
        ]  # fmt: skip
        assert made.quarantined["reason"].to_pylist() == ["score '0; 7' is not a valid number"]
        assert made.unknown_columns == []
    wrong = contract.model_copy(update={"columns": {**contract.columns, "response_id": contract.columns["score"]}})
    with pytest.raises(RefusedFileError, match="lacks the column"):
        canonicalise(FileContent(content.table.select(["Id", "At", "_row"])), wrong, Origin("x", "t", 1, "mine"))


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheets: dict[str, list[list[object]]] = {
        "North": [["Id", "At", "State"], ["1", "2026-06-01", "open"], ["2", "2026-06-02", "open"]],
        "Notes": [["about"], ["x"]],
        "South": [["made by", ""], [], ["AT", "Id", "State", "Topic"], ["2026-06-03", "1", "new", "t"]],
        "Empty": [],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


@pytest.mark.parametrize("sheets", ["all", ["North", 2]])
def test_several_sheets(workbook: Path, sheets: Any) -> None:
    columns = {"ticket_id": {"sql": "_sheet || Id"}, "created_at": "At", "status": "State", "topic": "Topic", "team": "_sheet"}
    files = {"columns": ["Id", "At"]}
    contract = Contract.model_validate({"name": "mine", "kind": "tickets", "files": files, "sheets": sheets, "columns": columns})
    assert contract.has_form_of_its_own
    content = read(workbook, "t.xlsx", options_of(contract))
    made = canonicalise(content, contract, Origin("x", "t", 1, "mine"))
    assert [(row["ticket_id"], row["topic"], row["team"], row["_row"]) for row in made.loaded.to_pylist()] == [
        ("North1", None, "North", 2), ("North2", None, "North", 3), ("South1", "t", "South", 20_000_004),
    ]  # fmt: skip
    assert content.messages == (["sheets without its columns are not read: Notes"] if sheets == "all" else [])


def test_sheets_that_are_not_read_or_not_there_are_named(workbook: Path) -> None:
    assert read(workbook, "t.xlsx", ReadOptions(sheet="North")).messages == [
        "its other sheets are not read: Notes, South (`sheets: all` reads those of one form)"
    ]
    with pytest.raises(RefusedFileError, match="has no sheet 'East'; its sheets: North, Notes, South, Empty"):
        read(workbook, "t.xlsx", ReadOptions(sheets=("North", "East")))
    with pytest.raises(RefusedFileError, match="has no sheet with the columns Price; its sheets: North, Notes, South"):
        read(workbook, "t.xlsx", ReadOptions(sheets=("all",), columns=("Price",)))


def test_a_zip_is_a_folder(tmp_path: Path) -> None:
    box = Box(tmp_path)
    head = "ticket_id,created_at,status\n"
    inside = {
        "tickets_a.csv": f"{head}1,2026-06-01,open\n", "eu/tickets_b.csv": f"{head}2,2026-06-01,open\n", "read.me": "x",
        "__MACOSX/._tickets_a.csv": "x", ".hidden/tickets_c.csv": "x", "other.csv": "a,b\n1,2\n",
    }  # fmt: skip
    (box.exports / "north").mkdir()
    with zipfile.ZipFile(box.exports / "north" / "export_2026-06-02.zip", "w") as packed:
        for name, text in inside.items():
            packed.writestr(name, text)
    (box.exports / "broken.zip").write_bytes(b"PK rubbish")
    loads = box.pull()
    loads.pop("tickets_good.csv")
    assert set(loads) == {"north/export_2026-06-02.zip/eu/tickets_b.csv", "north/export_2026-06-02.zip/tickets_a.csv"}
    assert {load.rows_loaded for load in loads.values()} == {1}
    names = [file.name for file in FolderSource(box.exports).files()]
    assert names[0] == "broken.zip"
    assert [name for name in names if name.startswith("north")] == [
        f"north/export_2026-06-02.zip/{name}" for name in ("eu/tickets_b.csv", "other.csv", "tickets_a.csv")
    ]
    # A later one with a member that was damaged: the others come, and it is named.
    path = box.exports / "north" / "export_2026-06-03.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("tickets_a.csv", f"{head}3,2026-06-01,open\n")
        packed.writestr("tickets_z.csv", f"{head}4,2026-06-01,open\n")
    path.write_bytes(path.read_bytes().replace(b"4,2026", b"5,2026"))
    ledger = Ledger(tmp_path / "other.sqlite")
    (tmp_path / "scratch").mkdir(exist_ok=True)
    arrivals = land(FolderSource(box.exports), tmp_path / "landing", tmp_path / "scratch", ledger)
    assert len(arrivals.unreadable) == 1
    assert arrivals.unreadable[0].startswith("north/export_2026-06-03.zip/tickets_z.csv cannot be unpacked (Bad CRC-32")
    assert arrivals.new == 6


def test_members_are_chosen_by_pattern_and_folders_pass_over_the_zip() -> None:
    match = FileMatch(name="Export*.zip/orders*.csv")
    assert match.matches_name("a/export_1.zip/orders_2.csv")
    assert match.matches_name("export_1.zip/orders_2.csv")
    assert not match.matches_name("orders_2.csv")
    assert [folder_of(name) for name in ("a.csv", "x.zip/a.csv", "n/x.ZIP/eu/a.csv")] == ["", "", "n/eu"]
    data = {"name": "mine", "kind": "order_items", "files": {"name": "x"}, "source": "folder", "columns": {}}
    columns = dict.fromkeys(("order_id", "line_id", "product_id", "quantity", "unit_price"), "a")
    contract = Contract.model_validate({**data, "columns": columns})
    assert contract.of_file("x.zip/a.csv").source is None
    assert contract.of_file("n/x.zip/a.csv").source == Mapping(value="n")
