"""The same rows in any format, and with anything around them, are the same rows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boxes import Box
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import Canonical, FileContent, canonicalise, read
from table_files import _delimited, write

from orchestration.core.errors import RefusedFileError
from orchestration.pull.contracts.claiming import canonical, claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.headers import column_names
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import read_header
from orchestration.pull.jobs import options_of
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.sorting import Origin

Rows = list[dict[str, object]]
TEXTS = ["csv", "tsv", "json", "ndjson"]
FORMS = [*TEXTS, "xlsx", "parquet"]


def texts_of(path: Path, options: ReadOptions | None = None) -> Rows:
    content = read(path, path.name, options or ReadOptions())
    assert content.broken == []
    return content.table.drop_columns(["_row"]).to_pylist()


def typed(content: FileContent, contract: Contract) -> Canonical:
    return canonicalise(content, contract, Origin("exports", "x", 1, contract.name))


cells = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=8),
    st.sampled_from(
        ["", " ", "NA", "N/A", "#N/A", "None", "null", "NULL", "NaN", "nan", "-", "0", "007", "1e5", "1001.0", "true", "TRUE",
         "12345678901234567890", "2026-06-01", 'a "b"', "a,b", "a;b\tc", "two\nlines", "=1+1", "'", '"', "{}", "[1]"]
    ),
)  # fmt: skip
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(cells, min_size=width, max_size=width).filter(lambda row: any(cell.strip() for cell in row)),
        min_size=1,
        max_size=6,
    )
)


@settings(max_examples=60, deadline=None)
@given(rows=tables)
def test_any_table_of_text_is_the_same_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[object]]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    names = [f"Column {number}" for number in range(len(rows[0]))]
    # No text of blanks is left; every other one is what it was, whatever word it is.
    expected = [{name: value if str(value).strip() else None for name, value in zip(names, row, strict=True)} for row in rows]
    for form in FORMS:
        assert texts_of(write(folder / f"t.{form}", names, rows)) == expected, form


@settings(max_examples=60, deadline=None)
@given(rows=tables, data=st.data(), form=st.sampled_from(["csv", "tsv"]), end=st.sampled_from(["\n", "\r\n"]))
def test_blank_lines_change_nothing_but_the_number(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[object]], data: st.DataObject, form: str, end: str
) -> None:
    mark = "\t" if form == "tsv" else ","
    names = [f"c{number}" for number in range(len(rows[0]))]
    path = tmp_path_factory.mktemp("blank") / f"t.{form}"
    path.write_text("".join(_delimited([row], mark) for row in [names, *rows]), newline="")
    plain = texts_of(path)
    assert len(plain) == len(rows)
    pieces, numbers = [], []
    for row in [names, *rows]:
        pieces += data.draw(st.lists(st.sampled_from(["", "  ", mark * (len(names) - 1)]), max_size=3))
        numbers.append(len(pieces) + 1)
        pieces.append(_delimited([row], mark).removesuffix("\n"))
    pieces += data.draw(st.lists(st.just(""), max_size=3))
    path.write_text(
        "".join(piece + end for piece in pieces),
        newline="",
        encoding=data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
    )
    assert texts_of(path) == plain
    assert read(path, path.name, ReadOptions()).table["_row"].to_pylist() == numbers[1:]
    assert read_header(path, path.name) == names


ragged = st.lists(st.lists(cells, max_size=5), max_size=8)


@settings(max_examples=80, deadline=None)
@given(width=st.integers(1, 4), rows=ragged)
def test_every_row_is_read_or_broken(tmp_path_factory: pytest.TempPathFactory, width: int, rows: list[list[str]]) -> None:
    """Whatever its length: a row that holds something is there once, under its number, with all that it holds."""
    path = tmp_path_factory.mktemp("ragged") / "t.csv"
    path.write_text(_delimited([[f"c{place}" for place in range(width)], *rows], ","), newline="")
    content = read(path, path.name, ReadOptions())
    assert content.table["_row"].to_pylist() == sorted(content.table["_row"].to_pylist())
    found = {row.pop("_row"): [value for value in row.values() if value] for row in content.table.to_pylist()}
    broken = {row.row: row.reason for row in content.broken}
    assert not found.keys() & broken.keys()
    for number, row in enumerate(rows, start=2):
        held = [cell for cell in row if cell.strip()]
        if number in broken:
            assert len(row) != width
            assert broken[number].partition(";")[0] == f"has {len(row) or 1} fields where the header has {width}"
        else:
            assert found.get(number, []) == held


#: A value -> how a CSV of a system would write it.
VALUES: dict[str, list[tuple[object, str]]] = {
    "reopens": [(3.0, "3"), (0.0, "0")],
    "ticket_id": [(1001.0, "1001"), (1e5, "100000")],
    "created_at": [(datetime(2026, 6, 1, 10, 0, 1), "2026-06-01 10:00:01"), (datetime(2026, 6, 2), "2026-06-02")],
    "escalated": [(True, "true"), (False, "FALSE")],
    "status": [("open", "open"), ("solved", "Solved")],
    "csat_score": [(0.1 + 0.2, "0.30000000000000004"), (4.5, "4.5")],
    "topic": [("007", "007"), ("", "")],
}


@pytest.mark.parametrize("form", ["json", "ndjson", "xlsx", "parquet"])
def test_typed_cells_give_the_rows_of_a_csv(tmp_path: Path, form: str) -> None:
    names = list(VALUES)
    written = [list(row) for row in zip(*[[text for _, text in column] for column in VALUES.values()], strict=True)]
    cells = [list(row) for row in zip(*[[value for value, _ in column] for column in VALUES.values()], strict=True)]
    if form in TEXTS:
        cells = [[value.isoformat() if isinstance(value, datetime) else value for value in row] for row in cells]
    contract = canonical(all_kinds()["tickets"], names)
    found = []
    for path, rows in ((tmp_path / "a.csv", written), (tmp_path / f"b.{form}", cells)):
        result = typed(read(write(path, names, rows), path.name, ReadOptions()), contract)
        assert result.quarantined.num_rows == 0
        found.append(result.loaded.drop_columns(["_row"]).to_pylist())
    assert len(found[0]) == 2
    for one, other in zip(*found, strict=True):
        assert one.pop("csat_score") == pytest.approx(other.pop("csat_score"))
        assert one == other


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1001.0, "1001"), (1e5, "100000"), (2.0**53, "9007199254740992"), (12345678901234567.0, "12345678901234568"),
        (0.1, "0.1"), (-2.50, "-2.5"), (float("nan"), None), (9007199254740993, "9007199254740993"), (True, "true"),
        (Decimal("12.30"), "12.30"), (Decimal("1E+3"), "1000"), (date(2026, 6, 1), "2026-06-01"),
        (datetime(2026, 6, 1, 10), "2026-06-01T10:00:00"), (datetime(2026, 6, 1, 10, 0, 0, 250_000), "2026-06-01T10:00:00.25"),
        (datetime(2026, 6, 1, 10, tzinfo=ZoneInfo("Europe/Berlin")), "2026-06-01T10:00:00+0200"),
        (datetime(2026, 6, 1, 10, tzinfo=UTC), "2026-06-01T10:00:00Z"), (time(9, 5), "09:05:00"),
        (timedelta(hours=26, seconds=65), "26:01:05"), (timedelta(seconds=-1.5), "-0:00:01.5"), (b"caf\xc3\xa9", "caf\u00e9"),
        (b"\xff", "\\xff"), (["\u00e9", "x"], '["\u00e9", "x"]'),
    ],
)  # fmt: skip
def test_values_of_parquet(tmp_path: Path, value: object, text: str | None) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": pa.array([value, None])}), path)
    assert texts_of(path) == [{"v": text}, {"v": None}]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_numbers_that_may_have_been_rounded_are_named(tmp_path: Path, form: str) -> None:
    messages = []
    for number in (123_456_789_012_345.0, 1_234_567_890_123_456_789.0):
        path = write(tmp_path / f"t.{form}", ["id", "note"], [[number, "x"]])
        messages.append(read(path, path.name, ReadOptions()).messages)
    assert messages[0] == []
    assert "numbers of more than 15 digits" in messages[1][0]


def test_structures_and_categories_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    agents = pa.array([{"name": "ann", "team": {"id": 7}}, None])
    kinds = pa.array(["a", "b"]).dictionary_encode()
    late = pa.array([2**62, 0], pa.timestamp("us"))
    not_text = pa.Array.from_buffers(pa.string(), 2, [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")])
    pq.write_table(pa.table({"Agent": agents, "kind": kinds, "late": late, "odd": not_text, "_row": [5, 6]}), path)
    names = ["Agent.name", "Agent.team.id", "kind", "late", "odd", "_row.2"]
    assert read_header(path, path.name) == names
    first, second = texts_of(path)
    assert [first[name] for name in names if name != "late"] == ["ann", "7", "a", "a", "5"]
    assert [second[name] for name in names] == [None, None, "b", "1970-01-01T00:00:00", "\\xff", "6"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1001, "1001"), (1e5, "100000"), (0.1 + 0.2, "0.3"), (True, "true"), ("1001.0", "1001.0"), ("#N/A", "#N/A"),
        (datetime(2026, 6, 1, 10, 0, 1), "2026-06-01T10:00:01"), (date(2026, 6, 1), "2026-06-01"), (time(9, 5), "09:05:00"),
        (timedelta(hours=26, seconds=65), "26:01:05"), (timedelta(minutes=4), "0:04:00"),
    ],
)  # fmt: skip
def test_cells_of_workbooks(tmp_path: Path, value: object, text: str) -> None:
    assert texts_of(write(tmp_path / "t.xlsx", ["v", "w"], [[value, "x"]])) == [{"v": text, "w": "x"}]


def test_an_empty_cell_is_null_in_the_sql_of_a_contract(tmp_path: Path) -> None:
    """And so whether a call was transferred, or met an agent, is the same in every format."""
    contract = next(c for c in load_contracts(None) if c.name == "amazon_connect_calls")
    names = [
        "ContactId", "InitiationMethod", "InitiationTimestamp", "LastUpdateTimestamp", "DisconnectTimestamp",
        "TransferCompletedTimestamp",
        "Agent.ConnectedToAgentTimestamp", "Queue.EnqueueTimestamp", "Queue.Duration",
        "Agent.AgentInteractionDuration",
        "Agent.CustomerHoldDuration", "Agent.AfterContactWorkDuration",
        "Agent.Username", "Queue.Name", "CustomerEndpoint.Address",
    ]  # fmt: skip
    at = "2026-06-01T10:00:00Z"
    rows: list[list[object]] = [
        ["a", "INBOUND", at, at, at, "", at, at, "5", "60", "0", "10", "ann", "main", "+491"],
        ["b", "INBOUND", at, at, at, at, " ", at, "", "", "", "", "", "main", "+492"],
    ]
    for form in FORMS:
        path = write(tmp_path / f"calls.{form}", names, rows)
        result = typed(read(path, path.name, options_of(contract)), contract)
        assert result.quarantined.num_rows == 0
        found = [(row["transferred"], row["disposition"]) for row in result.loaded.to_pylist()]
        assert found == [(False, "answered"), (True, "abandoned")], form


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_quarantined_record_is_the_original_row(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / f"t.{form}", ["ticket_id", "created_at", "status", "topic"], [["1", "NA", "open", ""]])
    contract = canonical(all_kinds()["tickets"], read_header(path, path.name))
    (row,) = typed(read(path, path.name, ReadOptions()), contract).quarantined.to_pylist()
    assert json.loads(row["record"]) == {"ticket_id": "1", "created_at": "NA", "status": "open", "topic": None}


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["Comment", "Comment", "comment"], ["Comment", "Comment.2", "comment.3"]),
        (["Q2", "q2"], ["Q2", "q2.2"]),
        (["a", "a", "a_2"], ["a", "a.2", "a_2"]),
        (["a", "a", "a.2"], ["a", "a.3", "a.2"]),
        (["", " id ", ""], ["column_1", "id", "column_3"]),
        (["", "column_1"], ["column_1.2", "column_1"]),
        (["_row", "x"], ["_row.2", "x"]),
    ],
)
def test_every_column_has_a_name_of_its_own(cells: list[str], names: list[str]) -> None:
    assert column_names(cells) == names


@given(st.lists(st.sampled_from(["", "a", "A", "a.2", "A.3", "column_1", "column_2", "_row"]), max_size=8))
def test_names_never_meet(cells: list[str]) -> None:
    names = column_names(cells)
    assert len({name.lower() for name in [*names, "_row"]}) == len(cells) + 1
    # Who is the first of a name keeps it.
    firsts = {cell.lower(): place for place, cell in reversed(list(enumerate(cells))) if cell and cell != "_row"}
    assert all(names[place] == cells[place] for place in firsts.values())


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "ndjson"])
def test_columns_that_differ_by_case_are_two(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / f"t.{form}", ["Q2", "q2"], [["a", "b"]])
    assert texts_of(path) == [{"Q2": "a", "q2.2": "b"}]
    assert read_header(path, path.name) == ["Q2", "q2.2"]
    if form != "ndjson":
        assert read(path, path.name, ReadOptions()).messages == [
            "column names that occur more than once are read as q2.2 (column 2)"
        ]


SHAPES: dict[str, tuple[str, list[tuple[int, str, str | None]], list[int]]] = {
    "trailing delimiters": ("a,b,\n1,2,\n3,4,\n", [(2, "1", "2"), (3, "3", "4")], []),
    "in the header only": ("a,b,\n1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")], []),
    "in the rows only": ("a,b\n1,2,,\n3,4\n5,6,\n", [(2, "1", "2"), (3, "3", "4"), (4, "5", "6")], []),
    "a short row may be cut": ("a,b\n1\n3,4\n", [(3, "3", "4")], [2]),
    "a long row": ("a,b\n1,2,3\n3,4\n", [(3, "3", "4")], [2]),
    "a footer": ("a,b\n1,2\n\n(57 rows)\n", [(2, "1", "2")], [4]),
    "a total": ("a,b\n1,2\n,57\n", [(2, "1", "2"), (3, None, "57")], []),
    "a dashed line": ("a,b\n-,-\n1,2\n", [(2, "-", "-"), (3, "1", "2")], []),
    "excel's own line": ("sep=;\na;b\n1;2\n", [(3, "1", "2")], []),
    "old line ends": ("\ra,b\r1,2\r", [(3, "1", "2")], []),
    "a delimiter in a name": ('"a";b;"c, d, e, f, g"\n1;2;3\n', [(2, "1", "2")], []),
    "lines in a name": ('a,b,"c\nd"\n1,2,3\n', [(2, "1", "2")], []),
    "a wide header": (f"a,b,{','.join('x' * 50 + str(n) for n in range(2000))}\n1,2{',' * 2000}\n", [(2, "1", "2")], []),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_rows(tmp_path: Path, shape: str) -> None:
    text, rows, broken = SHAPES[shape]
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    content = read(path, path.name, ReadOptions())
    assert [(row["_row"], row["a"], row["b"]) for row in content.table.to_pylist()] == rows
    assert [row.row for row in content.broken] == broken


PREAMBLE = 'Includes "Marketplace" orders; all, amounts in EUR\n"Definitions:"\n\nSales tax: "of buyers, for\n'


def preamble_contract(**keys: object) -> Contract:
    return Contract.model_validate(
        {
            "name": "amazon", "kind": "tickets", "files": {"columns": ["Case", "Opened", "Comment.2"]}, **keys,
            "columns": {"ticket_id": "Case", "created_at": "Opened", "status": {"value": "open"}, "topic": "Comment.2"},
        }
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "utf16.csv", "xlsx"])
@pytest.mark.parametrize("skip_rows", [0, 4])
def test_a_preamble_above_the_header(tmp_path: Path, form: str, skip_rows: int) -> None:
    rows = [["Case", "Opened", "Comment", "Comment"], ["1", "2026-06-01", "x", "y"], ["2", "2026-06-02", "", "z"]]
    path = tmp_path / f"report.{form}"
    if form == "xlsx":
        book = openpyxl.Workbook()
        for line in [*([line] for line in PREAMBLE.split("\n")[:4]), *rows]:
            book.active.append(line)
        book.save(path)
    else:
        path.write_text(
            PREAMBLE + _delimited([list(row) for row in rows], ";"), encoding="utf-16" if "utf16" in form else "utf-8"
        )
    contract = preamble_contract(skip_rows=skip_rows)
    found = claims(path.name, read_header(path, path.name), [contract], lambda c: read_header(path, path.name, options_of(c)))
    assert found == [contract]
    content = read(path, path.name, options_of(contract))
    loaded = typed(content, contract).loaded.to_pylist()
    assert [(row["_row"], row["ticket_id"], row["topic"]) for row in loaded] == [(6, "1", "y"), (7, "2", "z")]
    assert content.broken == []


def test_a_header_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RefusedFileError, match="no header below the 9 lines"):
        read(path, path.name, ReadOptions(skip_rows=9))


JSONS: dict[str, tuple[str, list[str] | str]] = {
    "one list down": ('{"tickets": [{"a": 1}, {"a": 2}], "next_page": null, "count": 2}', ["1", "2"]),
    "beside a list of none": ('{"tickets": [{"a": 1}], "errors": [], "ids": [1, 2]}', ["1"]),
    "a page of none": ('{"tickets": [], "next_page": null}', []),
    "two lists": ('{"tickets": [{"a": 1}], "users": [{"a": 2}]}', "several lists of records (tickets, users)"),
    "none": ('{"a": 1}', "holds no list of records"),
    "one after the other": ('{"a": 1}{"a": 2}\n{\n"a": 3}', ["1", "2", "3"]),
    "a line each": ('{"a": 1}\n\n{"a": 2}\n', ["1", "2"]),
    "a number without end": ('[{"a": 1}, {"a": %s}]' % ("9" * 5000), ["1", "9" * 5000]),
    "big": ('[{"a": 9007199254740993}, {"a": 1001.0}, {"a": 1e5}, {"a": NaN}]', ["9007199254740993", "1001", "100000", None]),
    "half a character": ('[{"a": "x\\ud800"}]', ["x\\ud800"]),
    "nothing": ("  ", "holds no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("shape", JSONS)
def test_shapes_of_json(tmp_path: Path, shape: str, encoding: str) -> None:
    text, expected = JSONS[shape]
    path = tmp_path / "t.json"
    path.write_text(text, encoding=encoding)
    if isinstance(expected, str):
        with pytest.raises(RefusedFileError) as error:
            read(path, path.name, ReadOptions())
        assert expected in str(error.value)
    else:
        assert [row["a"] for row in texts_of(path)] == expected


def test_pages_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"r": {"tickets": [{"a": 1}]}}\n{"r": {"tickets": [{"a": 2}, null]}}')
    content = read(path, path.name, ReadOptions(records="r.tickets"))
    assert content.table.to_pylist() == [{"a": "1", "_row": 1}, {"a": "2", "_row": 2}]
    assert [row.row for row in content.broken] == [3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_shapes_of_ndjson(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('\n[\n{"a": 1},\n\n{"a": 2}{"a": 3}\nrubbish\n{"a": 4} x\n{"a": 5, "b": "\\ud83d"}\n]\n', encoding=encoding)
    content = read(path, path.name, ReadOptions())
    assert [(row["a"], row["_row"]) for row in content.table.to_pylist()] == [("1", 3), ("2", 5), ("3", 6), ("5", 9)]
    assert [row.row for row in content.broken] == [7, 8]
    assert read_header(path, path.name) == ["a"]


def test_keys_that_meet_when_flattened(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('{"a.b": 1, "a": {"b": 2}, "_row": 3, "": 4}\n')
    assert texts_of(path) == [{"a.b": "1", "a.b.2": "2", "_row.2": "3", "column_4": "4"}]


def test_a_sheet_that_reaches_further_than_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "ticket_id"
    book.active.cell(1_048_576, 16_384, "stray")
    path = tmp_path / "t.xlsx"
    book.save(path)
    with pytest.raises(RefusedFileError, match="a cell in column XFD and one in row 1,048,576: more than"):
        read(path, path.name, ReadOptions())


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", ["a"], [["1"]])
    for sheet in ("Orders", 3):
        with pytest.raises(RefusedFileError, match=f"has no sheet {sheet!r}; its sheets: Sheet"):
            read(path, path.name, ReadOptions(sheet=sheet))


def test_rows_of_a_sheet_are_numbered_as_they_stand(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for place, value in {"B3": "id", "C3": "note", "B5": 1, "C5": "a", "B8": "Total", "C8": "NA"}.items():
        sheet[place] = value
    book.save(tmp_path / "t.xlsx")
    content = read(tmp_path / "t.xlsx", "t.xlsx", ReadOptions())
    assert content.table.to_pylist() == [{"id": "1", "note": "a", "_row": 5}, {"id": "Total", "note": "NA", "_row": 8}]


#: Files of a kind without a contract: (bytes, loaded, quarantined).
AROUND: dict[str, tuple[str, int, int]] = {
    "tickets_above.csv": ("\n\nticket_id,created_at,status\na1,2026-06-01,open\na2,2026-06-01,open\n", 2, 0),
    "tickets_mark.csv": ("\ufeff\nticket_id,created_at,status\na1,2026-06-01,open\n", 1, 0),
    "tickets_between.tsv": ("ticket_id\tcreated_at\tstatus\n\nb1\t2026-06-01\topen\n\t\t\n \nb2\t2026-06-01\topen\n\n\n", 2, 0),
    "tickets_preamble.csv": ("Tickets, of June\n\nticket_id,created_at,status\nc1,2026-06-01,open\n", 1, 0),
    "tickets_total.csv": ("ticket_id,created_at,status\nd1,2026-06-01,open\nTotal,,1\n(1 rows)\n", 1, 2),
    "tickets_page.json": ('{"tickets": [{"ticket_id": 9, "created_at": "2026-06-01", "status": "new"}], "next": null}', 1, 0),
    "tickets_again.csv": ("ticket_id,created_at,status,comment,comment,\ne1,2026-06-01,open,x,y,\n", 1, 0),
}  # fmt: skip


def test_what_stands_around_the_rows_loses_no_record(tmp_path: Path) -> None:
    box = Box(tmp_path)
    for name, (text, _, _) in AROUND.items():
        (box.exports / name).write_text(text)
    loads = box.pull()
    assert {name: (loads[name].rows_loaded, loads[name].rows_quarantined) for name in AROUND} == {
        name: counts for name, (_, *counts_) in AROUND.items() for counts in [tuple(counts_)]
    }
