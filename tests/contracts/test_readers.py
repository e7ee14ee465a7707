"""Files of every format become the same rows, and none is lost."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from published import parts
from reading import loaded, read

from orchestration.core import limits
from orchestration.core.errors import RefusedFileError
from orchestration.core.limits import Limits
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files import csv_files
from orchestration.pull.files.headers import HeaderShape, text_header
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import open_rows, read_header

ROWS = [{"ticket_id": "1", "note": "a,b"}, {"ticket_id": "2", "note": 'line\nbreak "x"'}]
FRAME = pd.DataFrame(ROWS)


def write(folder: Path, name: str) -> Path:
    path = folder / name
    plain = name.removesuffix(".gz").removesuffix(".zst")
    if plain.endswith(".parquet"):
        FRAME.to_parquet(path)
    elif plain.endswith(".xlsx"):
        FRAME.to_excel(path, index=False)
    else:
        separators = {".tsv": "\t", ".ssv.csv": ";"}
        separator = next((s for ending, s in separators.items() if plain.endswith(ending)), ",")
        text = {
            ".json": json.dumps(ROWS),
            ".ndjson": "\n".join(json.dumps(row) for row in ROWS),
        }.get(Path(plain).suffix) or FRAME.to_csv(index=False, sep=separator)
        data = text.encode("utf-16" if "utf16" in plain else "utf-8-sig" if "bom" in plain else "utf-8")
        if name.endswith(".gz"):
            data = gzip.compress(data)
        if name.endswith(".zst"):
            data = zstandard.ZstdCompressor().compress(data)
        path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "name",
    ["t.csv", "t.tsv", "t.ssv.csv", "bom.csv", "utf16.csv", "t.csv.gz", "t.csv.zst", "t.json", "t.ndjson", "t.ndjson.gz",
     "t.parquet", "t.xlsx"],
)  # fmt: skip
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    content = read(path, name, ReadOptions())
    assert content.header == ["ticket_id", "note"]
    assert content.broken == []
    assert content.table.select(["ticket_id", "note"]).to_pylist() == ROWS
    assert read_header(path, name) == ["ticket_id", "note"]


def test_ragged_rows_are_kept_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    content = read(path, "t.csv", ReadOptions())
    assert content.table["_row"].to_pylist() == [2, 5]
    assert [(row.row, row.text) for row in content.broken] == [(3, "3"), (4, "4,5,6")]


def test_rows_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1," + "x" * (csv_files.BLOCK_BYTES + 10) + "\n2,y\n")
    assert read(path, "t.csv", ReadOptions()).table["a"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", "a\nM\u00fcller\n".encode("cp1252"), "line 2 is not utf-8 (byte 0xfc)"),
        # A ragged row that no parser could show.
        ("t.csv", b"a,b\n1\xe9\n2,3\n", "line 2 is not utf-8 (byte 0xe9)"),
        ("t.csv.gz", gzip.compress(b"a\n1\n")[:-9], "truncated"),
        ("t.csv", b"PK\x03\x04\x14\0\x06\0", "is no text: it begins like a zip archive"),
        ("t.csv", b"%PDF-1.7\n1 0 obj\n", "is no text: it begins like a PDF"),
        ("t.csv", b"\x89PNG\r\n\x1a\n", "is no text: it begins like a PNG image"),
        ("t.csv", b"\x7fELF\x02\x01\x01", "is no text: it begins like a program"),
        ("t.tsv.gz", gzip.compress(b"PK\x03\x04 and so on"), "give it its own ending, or export it as CSV"),
        ("t.csv", b"a,b\n1,\x002\n", "is no text: it holds NUL bytes"),
        ("t.ndjson", b"PK\x03\x04", "is no text"),
        ("t.csv.gz", b"a\n1\n", "not packed as its name says"),
        ("t.ndjson", b'{"a": "\xfc"}', "line 1 is not utf-8 (byte 0xfc)"),
        ("t.json", b'{"a": 1}', "holds no list of records"),
        ("t.json", b"[" * 100_000, "cannot be read as json"),
        ("t.parquet", b"PAR1", "cannot be read as parquet"),
        ("t.xlsx", b"PK", "cannot be read as xlsx"),
    ],
    # Without the bytes: those of a gzip hold the second at which they were packed, and each process collects the tests anew.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unreadable_files_are_refused_with_the_reason(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RefusedFileError) as error:
        read(path, name, ReadOptions())
    assert reason in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_in_two_bytes_or_four_is_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,\u0142\n".encode(encoding))
    assert read(path, "t.csv", ReadOptions()).table.to_pylist() == [{"a": "1", "b": "\u0142", "_row": 2}]


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_used", Limits(unpacked=1000))
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 10_000))
    with pytest.raises(RefusedFileError, match="unpacks to more than"):
        read(path, path.name, ReadOptions())


@pytest.mark.parametrize("name", ["orders.json", "orders.ndjson"])
def test_lines_within_records_are_rows(tmp_path: Path, name: str) -> None:
    """Each with the record's own values beside it; no lines give no row, and lines of another form are reported."""
    orders = [
        {"number": "1", "lines": [{"sku": "A", "price": {"net": 2}}, {"sku": "B"}]},
        {"number": "2", "lines": []},
        {"number": "3"},
        {"number": "4", "lines": "A, B"},
        {"number": "5", "lines": [{"sku": "C"}, 7]},
        {"number": "6", "lines": [{"sku": "D"}]},
    ]
    path = tmp_path / name
    path.write_text(json.dumps(orders) if name.endswith(".json") else "\n".join(map(json.dumps, orders)))
    content = read(path, name, ReadOptions(lines=("lines",)))
    rows = content.table.to_pylist()
    assert [(row["number"], row["lines.sku"], row["lines.price.net"]) for row in rows] == [
        ("1", "A", "2"),
        ("1", "B", None),
        ("6", "D", None),
    ]
    numbers = [row["_row"] for row in rows] + [row.row for row in content.broken]
    assert len(set(numbers)) == len(numbers)
    assert [("'lines' is no list of objects" in row.reason, json.loads(row.text)["number"]) for row in content.broken] == [
        (True, "4"),
        (True, "5"),
    ]


@pytest.mark.parametrize("name", ["talks.json", "talks.ndjson"])
def test_lines_below_other_keys(tmp_path: Path, name: str) -> None:
    talks = [
        {"id": 1, "parts": {"parts": []}},
        {"id": 2, "parts": {"total": 2, "parts": [{"id": 7}, {"id": 8}]}},
        {"id": 3, "parts": None},
        {"id": 4},
        {"id": 5, "parts": [6]},
    ]
    path = tmp_path / name
    path.write_text(json.dumps(talks) if name.endswith(".json") else "\n".join(map(json.dumps, talks)))
    options = ReadOptions(lines=("parts.parts",))
    rows = read(path, name, options).table.to_pylist()
    assert [(row["id"], row["parts.total"], row["parts.parts.id"]) for row in rows] == [("2", "2", "7"), ("2", "2", "8")]
    # By its columns a contract knows the file, whatever is in its first record.
    assert read_header(path, name, options) == ["id", "parts.total", "parts.parts.id"]


@pytest.mark.parametrize("name", ["agents.json", "agents.ndjson"])
def test_lines_of_several_lists_and_the_record_itself(tmp_path: Path, name: str) -> None:
    """In turn; beside a list's objects nothing of another list, which the record's own row has as text."""
    agents = [
        {"id": 1, "now": {"tasks": [{"id": 5}, {"id": 6}]}, "shifts": [{"on": "Monday"}]},
        {"id": 2, "now": None, "shifts": []},
        {"id": 3, "now": {"tasks": [{"id": 7}]}, "shifts": "Monday"},
    ]
    path = tmp_path / name
    path.write_text(json.dumps(agents) if name.endswith(".json") else "\n".join(map(json.dumps, agents)))
    options = ReadOptions(lines=(".", "now.tasks", "shifts"))
    content = read(path, name, options)
    rows = [
        (row["id"], row["now.tasks"], row["now.tasks.id"], row["shifts"], row["shifts.on"]) for row in content.table.to_pylist()
    ]
    assert rows == [
        ("1", '[{"id": 5}, {"id": 6}]', None, '[{"on": "Monday"}]', None),
        ("1", None, "5", None, None),
        ("1", None, "6", None, None),
        ("1", None, None, None, "Monday"),
        ("2", None, None, "[]", None),
    ]
    numbers = content.table["_row"].to_pylist()
    assert sorted(set(numbers)) == numbers
    assert [("'shifts' is no list of objects" in row.reason, json.loads(row.text)["id"]) for row in content.broken] == [(True, 3)]
    assert {"now.tasks.id", "shifts.on"} <= set(read_header(path, name, options))


def test_whose_json_it_is_takes_no_second_reading() -> None:
    """To look for a header in JSON is to parse all of it, and contracts that name a list of records are many."""
    named = Contract.model_validate(
        {"name": "calls_api", "kind": "calls", "files": {"columns": ["sid", "at"]}, "records": "calls",
         "columns": {"call_id": "sid", "started_at": "at"}}
    )  # fmt: skip
    looked: list[str] = []

    def header_by(contract: Contract) -> list[str]:
        looked.append(contract.name)
        return ["sid", "at"]

    assert [contract.name for contract in claims("page.json", ["sid", "at"], [named], header_by)] == ["calls_api"]
    assert claims("page.json", ["other"], [named], header_by) == []
    assert looked == []
    # Of several lists none is the header's: the contract says which.
    assert [contract.name for contract in claims("page.json", [], [named], header_by)] == ["calls_api"]


def test_broken_lines_of_ndjson(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('{"a": {"b": 1}, "list": [1, "x"]}\nnot json\n[1]\n\n{"a": {"b": true}}\n')
    content = read(path, "t.ndjson", ReadOptions())
    assert content.table.to_pylist() == [
        {"a.b": "1", "list": '[1, "x"]', "_row": 1},
        {"a.b": "true", "list": None, "_row": 5},
    ]
    assert [row.row for row in content.broken] == [2, 3]


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400), name=st.sampled_from(["t.csv", "t.ndjson", "t.json", "t.csv.gz", "t.parquet", "t.xlsx"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(data)
    read_header(path, name)
    try:
        read(path, name, ReadOptions())
    except RefusedFileError as error:
        assert str(error)


def test_exports_that_arrive_in_parts_are_those_of_the_whole(sample: Path, tmp_path: Path) -> None:
    """Of the tests themselves: what they cut in parts is read as the whole is, whatever its form."""
    count, exports = 3, sample / "exports"
    for number in range(count):
        parts(exports, tmp_path, number, count)
    for path in (path for path in exports.rglob("*") if path.is_file()):
        whole = read(path, path.name, ReadOptions())
        stem, _, ending = path.relative_to(exports).as_posix().partition(".")
        shares = [read(tmp_path / f"{stem}_{number}.{ending}", path.name, ReadOptions()) for number in range(count)]
        assert all(share.header == whole.header for share in shares if ".ndjson" not in path.name), path
        found = [tuple(row.get(name) for name in whole.header) for share in shares for row in share.table.to_pylist()]
        assert sorted(found, key=str) == sorted(
            (tuple(row[name] for name in whole.header) for row in whole.table.to_pylist()), key=str
        )


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("a,b,c\n1,2,3\n4,5", True),
        ("a,b,c\n1,2\n4,5,6\n", False),
        ("a,b,c\n1,2\n4,5\n", True),
        ("Report of May\n\na,b,c\n1,2,3\n4\n", True),
    ],
)
def test_a_file_that_ends_within_a_row_may_be_cut_off(tmp_path: Path, text: str, last: bool) -> None:
    (tmp_path / "t.csv").write_text(text)
    broken = read(tmp_path / "t.csv", "t.csv", ReadOptions(columns=("a", "b", "c"))).broken
    assert ["cut off" in row.reason for row in broken][-1] == last
    assert not any("cut off" in row.reason for row in broken[:-1])


def test_a_header_longer_than_what_is_looked_at_first() -> None:
    """Each of the first lines is cut from a short part of the text, and from the whole where its record does not end there."""
    long = "Question " * 4000
    header = text_header(f'A report\n\nid,"{long}\n{long}",last\n1,2,3\n', None, HeaderShape(("id", "last")))
    assert (header.above, header.names) == (2, ["id", f"{long}\n{long}".strip(), "last"])


#: Rows of five columns, of which a cell begins with a quote that is not doubled and takes the rows below into it.
TORN = {
    # The second quote ends a cell, so that the record is one by the rules of CSV.
    "a quote that ends a cell": ('2,open,c2,x,"screen is broken\n3,solved,c3,y,a monitor of 27"', ","),
    "one amid others that ends a cell": ('2\topen\t"Hello\tx\t30\n3\tsolved\tHi"\tz\t50', "\t"),
    "the last column": ('2,open,c2,x,"screen is broken\n3,solved,c3,y,refund\n4,solved,c4,z,"late"', ","),
    "a column amid others": ('2\topen\t"Hello\tx\t30\n3\tsolved\tCup\ty\t40\n4\tsolved\t"Hi\tz\t50', "\t"),
}


@pytest.mark.parametrize("case", TORN)
def test_a_cell_that_took_rows_into_it_is_no_row(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many fields as the header has, and two rows lost, or the amount of one beside the name of another."""
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 60)
    torn, delimiter = TORN[case]
    before, after = (delimiter.join((name, "open", "c", "x", "fine")) for name in ("1", "5"))
    path = tmp_path / "t.csv"
    path.write_text(f"{delimiter.join(('id', 'status', 'who', 'kind', 'note'))}\n{before}\n{torn}\n{after}\n")
    found = read(path, "t.csv", ReadOptions(delimiter=delimiter))
    assert found.table["id"].to_pylist() == ["1", "5"]
    assert [(row.row, row.text) for row in found.broken] == [(3, torn)]
    assert "holds the rows below" in found.broken[0].reason


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ('1,open,c1,x,"see\n2,open,c2,y,""late"""', 'see\n2,open,c2,y,"late"'),
        ('"1","open","c1","x","see\n2,open,c2,y,late"', "see\n2,open,c2,y,late"),
        # Of other forms than the row's own cells.
        ('1,open,c1,x,"see\nyes, no, and, well, that"', "see\nyes, no, and, well, that"),
        ('1,open,c1,x,"see\n10:15,open,later,y,late"', "see\n10:15,open,later,y,late"),
    ],
)
def test_a_quoted_cell_may_hold_lines_that_look_like_rows(tmp_path: Path, row: str, note: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"id,status,who,kind,note\n{row}\n3,open,c,x,fine\n")
    found = read(path, "t.csv", ReadOptions())
    assert found.table["note"].to_pylist() == [note, "fine"]
    assert found.broken == []


@pytest.mark.parametrize("form", ["xlsx", "json", "ndjson", "parquet", "decimal.parquet"])
def test_numbers_of_a_format_that_has_numbers_keep_their_point(tmp_path: Path, form: str) -> None:
    """Of a contract with a decimal comma 19.125 would be nineteen thousand: it is written as that contract's text would be."""
    path = tmp_path / f"t.{form}"
    numbers = [19.125, 1.5, 1e-7, 12.0]
    if form == "xlsx":
        pd.DataFrame({"id": list("abcd"), "total": numbers}).to_excel(path, index=False)
    elif form.endswith("parquet"):
        kind = pa.decimal128(20, 7) if form.startswith("decimal") else pa.float64()
        values = pa.array([Decimal(str(number)) if form.startswith("decimal") else number for number in numbers], kind)
        pq.write_table(pa.table({"id": list("abcd"), "total": values}), path)
    else:
        rows = [json.dumps({"id": id, "total": total}) for id, total in zip("abcd", numbers, strict=True)]
        path.write_text("\n".join(rows) if form == "ndjson" else f"[{','.join(rows)}]")
    found = loaded(path, DECIMAL_COMMA).loaded["total_amount"].to_pylist()
    assert found == [Decimal("19.1250"), Decimal("1.5000"), Decimal("0.0000"), Decimal("12.0000")]


def test_texts_beside_numbers_are_read_as_the_contract_says(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"id": 1, "total": 19.125}, {"id": 2, "total": "19,99"}, {"id": 3, "total": "1.234,50"}]')
    assert read(path, path.name, ReadOptions(decimal=",")).table["total"].to_pylist() == ["19,125", "19,99", "1.234,50"]
    path = tmp_path / "t.xlsx"
    pd.DataFrame({"id": ["a", "b", "c"], "total": [19.125, "19,99", "1.234,50"]}).to_excel(path, index=False)
    assert read(path, path.name, ReadOptions(decimal=",")).table["total"].to_pylist() == ["19,125", "19,99", "1.234,50"]
    found = loaded(path, DECIMAL_COMMA).loaded["total_amount"].to_pylist()
    assert found == [Decimal("19.1250"), Decimal("19.9900"), Decimal("1234.5000")]


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(),
        ReadOptions(columns=("id", "b")),
        ReadOptions(columns=("id", "nowhere")),
        ReadOptions(header_rows=2),
        ReadOptions(header_rows=0),
        ReadOptions(skip_rows=3),
        ReadOptions(header_row=4),
        ReadOptions(header_row=300),
        ReadOptions(sheet="more"),
        ReadOptions(sheet=2),
        ReadOptions(sheets=("all",), columns=("id",)),
    ],
)
def test_the_header_of_a_workbook_is_that_of_its_rows(tmp_path: Path, options: ReadOptions) -> None:
    """It is found without reading the rows: also which columns without a name hold something further down."""
    book = Workbook()
    for place, name in enumerate(("first", "more")):
        sheet = book.active if place == 0 else book.create_sheet()
        assert sheet is not None
        sheet.title = name
        for row in (["A report", 1.5], [], ["id", "b", None, None, "id", None, None], [1, 2.5, None, " ", "x", "y"]):
            sheet.append(row)
        for number in range(400):
            sheet.append([number, place, "late" if number == 390 else None, "   "])
    path = tmp_path / "t.xlsx"
    book.save(path)
    try:
        expected = open_rows(path, path.name, options).header
    except RefusedFileError:
        expected = []
    assert read_header(path, path.name, options) == expected


def test_a_workbook_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    for second, name in enumerate(("one", "two")):
        pd.DataFrame({name: [name]}).to_excel(path, index=False)
        os.utime(path, (second, second))
        assert read_header(path, path.name) == [name]
        assert read(path, path.name, ReadOptions()).table[name].to_pylist() == [name]


@pytest.mark.parametrize("form", ["xlsx", "json", "csv"])
def test_days_that_a_spreadsheet_counts_may_have_a_decimal_comma(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"t.{form}"
    if form == "xlsx":
        pd.DataFrame({"id": ["a"], "total": [1], "at": [46174.25]}).to_excel(path, index=False)
    else:
        path.write_text('[{"id": "a", "total": 1, "at": 46174.25}]' if form == "json" else "id;total;at\na;1;46174,25\n")
    days = {**DECIMAL_COMMA.columns, "ordered_at": Mapping.model_validate({"from": "at", "unit": "excel_days"})}
    assert loaded(path, DECIMAL_COMMA.model_copy(update={"columns": days})).loaded["ordered_at"].to_pylist() == [
        datetime(2026, 6, 1, 6)
    ]


DECIMAL_COMMA = Contract.model_validate(
    {
        "name": "shop", "kind": "orders", "files": {"name": "x"}, "decimal": ",",
        "columns": {
            "order_id": "id", "ordered_at": {"value": "2026-06-01"}, "status": {"value": "paid"}, "total_amount": "total",
        },
    }
)  # fmt: skip
