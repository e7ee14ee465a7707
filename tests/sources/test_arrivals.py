"""What arrives: names that come back, homes of an earlier release, records that meet, files that are taken back."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestration.core.errors import ConfigurationError
from orchestration.gates.check_results import CheckResult, clash_check
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.home.ledger_tables import TABLES
from orchestration.pull.home.originals import drop_original, no_rows_path
from orchestration.pull.home.withdrawal import choose
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch
from orchestration.runs.finish import finish_run
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.pull import Snapshots
from orchestration.steps.pulling import Pull

ORDERS = "order_id,ordered_at,status,customer_email,total_amount\n"


class Place:
    """Exports and a home that is pulled in this process."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.exports = root / "exports"
        self.exports.mkdir(exist_ok=True)
        self.settings = Settings(exports=str(self.exports), home=root / "home", config_dir=root / "config", **settings)
        self.ledger = Ledger(self.settings.ledger)
        self.said: list[str] = []
        self.batches: dict[str, Batch] = {}

    def write(self, name: str, rows: str, header: str = ORDERS) -> None:
        path = self.exports / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(header + rows)

    def pull(self, passes: bool = True) -> list[tuple[str, str, int]]:
        """Pull; returns the file, status and loaded rows of each load, in the order of arrival."""
        self.said.clear()

        def gate(_: str, batches: list[Batch]) -> list[bool]:
            self.batches.update({batch.file: batch for batch in batches})
            return [passes] * len(batches)

        for _ in Pull(self.settings, self.said.append).kinds(gate):
            pass
        files = {file.batch: file.file for file in self.ledger.landed()}
        return [(files[load.batch], load.status, load.rows_loaded) for load in self.ledger.loads()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


ROW = "{},2026-05-0{}T10:00:00Z,paid,{}@x.example,{}\n"


def row(order: str, day: int = 1, person: str = "a", amount: int = 1) -> str:
    return ROW.format(order, day, person, amount)


def test_bytes_that_come_back_under_their_name_arrive_again(place: Place) -> None:
    place.write("orders.csv", row("1", amount=5))
    kept = place.exports / "orders.csv"
    stamp = kept.stat().st_mtime_ns
    place.pull()
    place.write("orders.csv", row("1", amount=66))
    place.pull()
    # Put back as it was, times included, as a copy from a backup is.
    place.write("orders.csv", row("1", amount=5))
    os.utime(kept, ns=(stamp, stamp))
    assert place.pull() == [("orders.csv", "loaded", 1)] * 3
    first, _, last = place.ledger.landed()
    assert (first.sha256, last.batch) == (last.sha256, 3)
    # Nothing new: nothing arrives, and the same bytes under another name are one file.
    place.write("orders_copy.csv", row("1", amount=5))
    assert len(place.pull()) == 3


def test_withdrawn_files_stay_withdrawn_until_taken_back(place: Place) -> None:
    place.write("orders_1.csv", row("1"))
    place.write("sub/orders_2.csv", row("2"))
    place.pull()
    (change,) = choose(place.ledger, "orders_2.csv", None, undo=False)
    assert str(change).endswith("1 rows of orders (loaded)")
    place.ledger.withdraw([change.file.batch])
    expected = [("orders_1.csv", "loaded", 1), ("sub/orders_2.csv", "withdrawn", 1)]
    assert place.pull() == expected
    assert place.pull() == expected
    assert len(list((place.settings.raw / "orders").glob("0*.parquet"))) == 1
    landed = list(place.settings.landing.rglob("*.csv"))
    assert len(landed) == 2, "the original is kept"
    place.write("orders_3.csv", row("2"))  # the withdrawn bytes, under another name
    assert place.pull() == expected
    with pytest.raises(ConfigurationError, match="withdrawn already"):
        choose(place.ledger, "sub/orders_2.csv", None, undo=False)
    (undone,) = choose(place.ledger, None, change.file.batch, undo=True)
    place.ledger.restore([undone.file.batch])
    assert place.pull() == [("orders_1.csv", "loaded", 1), ("sub/orders_2.csv", "loaded", 1)]


@pytest.mark.parametrize("remedy", ["removed", "replaced", "left", "published first"])
def test_a_file_that_failed_a_gate_is_taken_back_by_removing_or_replacing_it(place: Place, remedy: str) -> None:
    place.write("orders_1.csv", row("1"))
    place.write("orders_2.csv", row("2") + row("3"))
    place.pull()
    if remedy == "published first":
        place.ledger.add_run("earlier", "2999-01-01T00:00:00+00:00", "published")
    check = CheckResult("journey/fct_orders", "x", "critical", False, 1, ["orders_2.csv, row 3"])
    record = RunRecord("run", "2026-06-01", check_results=[check])
    finish_run(place.settings, record, "failed")
    if remedy in ("removed", "published first"):
        (place.exports / "orders_2.csv").unlink()
    elif remedy == "replaced":
        place.write("orders_2.csv", row("2"))
    loads = place.pull()
    hints = [line for line in place.said if "'cxhouse withdraw --undo --batch 2'" in line]
    match remedy:
        case "removed":
            assert loads == [("orders_1.csv", "loaded", 1), ("orders_2.csv", "withdrawn", 2)]
            assert hints
        case "replaced":
            assert loads[1:] == [("orders_2.csv", "withdrawn", 2), ("orders_2.csv", "loaded", 1)]
            assert hints
        case _:
            assert loads[1:] == [("orders_2.csv", "loaded", 2)]
            assert not hints


def test_rows_that_repeat_and_rows_that_overwrite_are_distinguished(place: Place) -> None:
    place.write("orders.csv", row("1") + row("1") + row("2") + row("2", amount=9) + row("3"))
    place.pull()
    found = place.batches["orders.csv"].collisions
    assert (found.records, found.repeated, found.overwritten) == (3, 1, 1)
    (line,) = [line for line in place.said if "repeat another" in line]
    assert "orders.csv: 5 rows -> 3 orders; 1 rows repeat another one word for word; 1 rows are other versions" in line
    versions = "order_id,ordered_at,status,updated_at\n"
    place.write("orders_v.csv", "9,2026-05-01,paid,2026-05-02\n9,2026-05-01,shipped,2026-05-03\n", versions)
    place.pull()
    assert place.batches["orders_v.csv"].collisions.overwritten == 0


@pytest.mark.parametrize(
    ("name", "rows", "clashes"),
    [
        ("orders_b.csv", row("1", 3, "c") + row("2", 4, "d"), [(2, 2, True)]),
        # A correction of one record has its person or its date.
        ("orders_b.csv", row("1", 3, "a") + row("2", 2, "d"), []),
        # One record of many is a fault of the data, not another system.
        ("orders_b.csv", row("1", 3, "c") + row("2", 2, "b") + row("3", 3, "e"), [(3, 1, False)]),
        ("orders_b.csv", row("7", 3, "c"), []),
        # The same file, delivered again.
        ("orders_a.csv", row("1", 3, "c") + row("2", 4, "d"), []),
    ],
)
def test_one_number_for_two_things(place: Place, name: str, rows: str, clashes: list[tuple[int, int, bool]]) -> None:
    place.write("orders_a.csv", row("1", 1, "a") + row("2", 2, "b") + row("3", 3, "e"))
    place.pull()
    place.write(name, rows)
    place.pull()
    found = place.batches[name].collisions.clashes
    assert [(clash.shared, clash.clashing, clash.blocks(all_kinds()["orders"], 0.5)) for clash in found] == clashes
    for clash in found:
        # The limit is a setting.
        check_results = [clash_check(all_kinds()["orders"], name, clash, limit) for limit in (0.01, 0.5, 1)]
        assert [check.blocks for check in check_results] == [True, clashes[0][2], clash.shared == clash.clashing]
        check = check_results[0]
        assert "orders_a.csv" in (check.problem or "")
        assert "exports_source" in (check.remedy or "")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("9,a@x.example", "9,b@x.example", 1), ("9,a@x.example", "8,a@x.example", 0), ("9,", "9,b@x.example", 0), ("9,", "8,", 1)],
)
def test_numbers_of_customers_can_meet_too(place: Place, before: str, after: str, expected: int) -> None:
    header = "order_id,ordered_at,status,customer_id,customer_email\n"
    place.write("orders_1.csv", f"1,2026-05-01,paid,{before}\n", header)
    place.write("orders_2.csv", f"1,2026-05-09,paid,{after}\n", header)
    place.pull()
    assert len(place.batches["orders_2.csv"].collisions.clashes) == expected


def test_clashes_are_found_within_one_pull_and_versions_only_warned_of(place: Place) -> None:
    header = ORDERS.strip() + ",updated_at\n"
    for shop, day in (("a", 1), ("b", 4)):
        rows = "".join(row(str(n), day, f"{shop}{n}").strip() + f",2026-05-0{day + 1}\n" for n in (1, 2))
        place.write(f"{shop}/orders.csv", rows, header)
    place.pull()
    (clash,) = place.batches["b/orders.csv"].collisions.clashes
    assert (clash.other_file, clash.shared, clash.clashing, clash.unordered) == ("a/orders.csv", 2, 2, 0)
    assert not clash.blocks(all_kinds()["orders"], 0.01)
    assert place.batches["a/orders.csv"].collisions.clashes == []


LINES = "order_id,line_id,product_id,quantity,unit_price\n"
SHIPMENTS = "shipment_id,order_id,shipped_at\n"


def test_lines_of_two_shops_clash(place: Place) -> None:
    """By order: another product at another price in each line that both files number alike."""
    lines = "".join(f"{order},{line},lamp{line},1,{line}5\n" for order in range(1, 13) for line in (1, 2))
    place.write("a/order_items.csv", lines, LINES)
    place.write("b/order_items.csv", lines.replace("lamp", "desk").replace("5\n", "9\n"), LINES)
    # An order that was changed renumbers its lines; a price or a product alone is a correction; parts share no line.
    place.write("c/order_items_1.csv", "1,1,chair,1,3\n1,2,lamp2,1,4\n2,1,desk1,1,8\n2,2,desk2,1,7\n3,9,sofa,1,9\n", LINES)
    place.write("c/order_items_2.csv", "".join(f"{order},1,bed,1,5\n" for order in range(1, 9)), LINES)
    place.pull()
    kind = all_kinds()["order_items"]
    found = {
        name: [(clash.other_file, clash.shared, clash.clashing, clash.blocks(kind, 0.5)) for clash in batch.collisions.clashes]
        for name, batch in place.batches.items()
    }
    assert found["a/order_items.csv"] == []
    assert found["b/order_items.csv"] == [("a/order_items.csv", 12, 12, True)]
    assert found["c/order_items_1.csv"] == [("b/order_items.csv", 2, 1, False)]
    # Eight orders may have been changed: a warning, however large their share.
    assert found["c/order_items_2.csv"] == [
        ("b/order_items.csv", 6, 6, False), ("c/order_items_1.csv", 2, 2, False),
    ]  # fmt: skip
    check = clash_check(kind, "b/order_items.csv", place.batches["b/order_items.csv"].collisions.clashes[0], 0.5)
    assert check.problem == (
        "b/order_items.csv and a/order_items.csv share 12 numbers of orders, of which 12 are of other products and prices"
    )
    assert "cxhouse withdraw a/order_items.csv" in (check.remedy or "")


@pytest.mark.parametrize(
    ("rows", "clashes"),
    [
        ("1,81,2026-05-09\n2,82,2026-05-09\n", [(2, 2, True)]),
        ("1,81,2026-05-09\n2,72,2026-05-09\n3,73,2026-05-02\n", [(3, 1, False)]),
        ("1,71,2026-05-09\n2,82,2026-05-02\n", []),
    ],
)
def test_shipments_of_two_carriers_clash(place: Place, rows: str, clashes: list[tuple[int, int, bool]]) -> None:
    place.write("shipments_a.csv", "1,71,2026-05-02\n2,72,2026-05-02\n3,73,2026-05-02\n", SHIPMENTS)
    place.pull()
    place.write("shipments_b.csv", rows, SHIPMENTS)
    place.pull()
    kind = all_kinds()["shipments"]
    found = place.batches["shipments_b.csv"].collisions.clashes
    assert [(clash.shared, clash.clashing, clash.blocks(kind, 0.5)) for clash in found] == clashes
    assert all("other orders and dates" in (clash_check(kind, "b", clash, 0.5).problem or "") for clash in found)


def test_a_source_by_folder_keeps_numbers_apart(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    place = Place(tmp_path, exports_source="folder")
    place.write("a/2026/orders.csv".replace("2026/", ""), row("1", 1, "a"))
    place.write("b/orders.csv", row("1", 3, "b"))
    place.write("orders.csv", row("1", 5, "c"))
    place.pull()
    assert not any(batch.collisions.clashes for batch in place.batches.values())
    ids = [pq.read_table(path)["order_id"].to_pylist() for path in sorted((place.settings.raw / "orders").glob("0*"))]
    assert sorted(ids) == [["1"], ["a:1"], ["b:1"]]


def test_a_ledger_of_an_earlier_release_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as con:
        con.executescript(
            """
            create table landed (
                batch integer primary key, sha256 text not null unique, source text not null, file text not null,
                bytes integer not null, header text not null, landed_at text not null
            );
            create table loads (
                batch integer not null references landed, contract text not null, kind text not null,
                fingerprint text not null, status text not null check (status in ('loaded', 'refused', 'gated')), reason text,
                rows_read integer not null, rows_loaded integer not null, rows_quarantined integer not null,
                loaded_at text not null, primary key (batch, contract)
            );
            insert into landed values (4, 'abc', 'exports', 'orders.csv', 9, '["a"]', '2026-01-01T00:00:00+00:00');
            insert into loads values (4, 'c', 'orders', 'f', 'loaded', null, 3, 2, 1, '2026-01-01T00:00:00+00:00');
            """
        )
    for _ in range(2):
        ledger = Ledger(path)
        (landed,), (load,) = ledger.landed(), ledger.loads()
        assert (landed.batch, landed.header, landed.withdrawn_at) == (4, ["a"], None)
        assert (load.rows_read, load.rows_merged, load.records) == (3, 0, None)
    again = ledger.land("abc", "exports", "orders.csv", 9, ["a"])
    assert again.batch == 5
    ledger.record(Load(5, "c", "orders", "f", "withdrawn", None, 0, 0, 0, "2026-01-01T00:00:00+00:00"))


def test_a_renamed_column_of_the_ledger_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    (form,) = (part for part in TABLES.split(";") if "exists loads (" in part)
    with sqlite3.connect(path) as con:
        con.execute(form.replace("available_columns", "told_columns"))
        con.execute(
            "insert into loads (batch, contract, kind, fingerprint, status, rows_read, rows_loaded, rows_quarantined, loaded_at, "
            "told_columns) values (1, 'c', 'orders', 'f', 'loaded', 3, 3, 0, '2026-01-01T00:00:00+00:00', 'order_id paid_at')"
        )
    for _ in range(2):
        (load,) = Ledger(path).loads()
        assert (load.rows_loaded, load.available_columns) == (3, "order_id paid_at")


LOOKUP = """\
name: shop_orders
kind: orders
files: {name: "shop_*", columns: ["no", at]}
also_reads:
  people: {name: "people*", columns: ["no", mail], encoding: cp1252, delimiter: "|"}
query: select file.*, people.mail, people.place from file left join people on people.no = file.no
columns: {order_id: "no", ordered_at: at, status: {value: paid}, customer_email: mail, country: place}
"""


@pytest.mark.parametrize(
    ("people", "loads", "message"),
    [
        # A report with lines above its header, in the encoding and with the delimiter of its own.
        ("Our people; all of them, really\n\nno|mail|place\n1|a@x.example|K\u00f6ln\n", ("loaded", 1), None),
        ("no|mail|place\n1|a@x.example|K\u00f6ln\n2|b@x.example|Bonn|3\n", ("loaded", 1),
         "1 rows of people.csv, read along with it"),
        ('no|mail|place\n1|a@x.example|K\u00f6ln\n2|"b@x.example|Bonn\n3|c@x.example|Ulm\n', ("refused", 0),
         "read along with people.csv (people of contract shop_orders), which opens a quote in row 3"),
        ("no|name\n1|a\n", ("refused", 0), "also reads people, which never arrived"),
    ],
)  # fmt: skip
def test_a_companion_is_read_in_its_own_form(place: Place, people: str, loads: tuple[str, int], message: str | None) -> None:
    import pyarrow.parquet as pq

    (place.exports.parent / "config" / "contracts").mkdir(parents=True)
    (place.exports.parent / "config" / "contracts" / "shop.yml").write_text(LOOKUP)
    (place.exports / "people.csv").write_text(people, encoding="cp1252")
    place.write("shop_1.csv", "1,2026-05-01\n", "no,at\n")
    assert place.pull() == [("shop_1.csv", *loads)]
    assert message is None or any(message in line for line in place.said), place.said
    if loads[1]:
        (found,) = (place.settings.raw / "orders").glob("0*")
        assert pq.read_table(found)["country"].to_pylist() == ["K\u00f6ln"]
    # The message never holds a value of the file.
    assert not any("x.example" in line for line in place.said)


def test_a_row_that_a_companion_gives_several_of_is_quarantined_alone(place: Place) -> None:
    """Two people of one number: whose order it is nobody knows. The other orders are loaded."""
    import pyarrow.parquet as pq

    from orchestration.pull.home.quarantine import reasons

    (place.exports.parent / "config" / "contracts").mkdir(parents=True)
    (place.exports.parent / "config" / "contracts" / "shop.yml").write_text(LOOKUP)
    (place.exports / "people.csv").write_text("no|mail|place\n1|a@x.example|Bonn\n1|b@x.example|Ulm\n2|c@x.example|Hof\n")
    place.write("shop_1.csv", "3,2026-05-01\n1,2026-05-01\n2,2026-05-01\n", "no,at\n")
    assert place.pull() == [("shop_1.csv", "loaded", 2)]
    (found,) = (place.settings.raw / "orders").glob("0*")
    assert pq.read_table(found, columns=["order_id", "country", "_row"]).to_pylist() == [
        {"order_id": "3", "country": None, "_row": 2}, {"order_id": "2", "country": "Hof", "_row": 4},
    ]  # fmt: skip
    (reason,) = reasons(place.settings)
    assert (reason.rows, reason.first_rows, reason.columns) == (1, [3], "also_reads")
    assert reason.example == "also_reads gives several rows for it, of which nobody knows the right one"
    assert not any("x.example" in line for line in place.said)


MONTHLY = """\
name: shop_orders
kind: orders
files: {name: "shop_*", columns: ["no", at]}
also_reads:
  lines: {name: "lines*", columns: ["no", amount], key: ["no"]}
query: |
  with sums as (select "no", sum(cast(amount as decimal(18, 2))) as total from lines group by "no")
  select file.*, sums.total from file left join sums on sums."no" = file."no"
columns: {order_id: "no", ordered_at: at, status: {value: paid}, total_amount: total}
"""
MONTHS = {
    "shop_2026-05.csv": "no,at\n1,2026-05-01\n2,2026-05-02\n",
    "lines_2026-05.csv": "no,amount\n1,10\n1,5\n2,7\n",
    "shop_2026-06.csv": "no,at\n3,2026-06-01\n4,2026-06-02\n",
    # With a column that is new.
    "lines_2026-06.csv": "no,sku,amount\n3,A,1\n3,B,2\n4,C,4\n",
}


def totals(place: Place) -> dict[str, float | None]:
    import pyarrow.parquet as pq

    found = [row for path in (place.settings.raw / "orders").glob("0*") for row in pq.read_table(path).to_pylist()]
    return {row["order_id"]: row["total_amount"] and float(row["total_amount"]) for row in found}


def shop(place: Place, contract: str = MONTHLY) -> None:
    (place.exports.parent / "config" / "contracts").mkdir(parents=True)
    (place.exports.parent / "config" / "contracts" / "shop.yml").write_text(contract)


@pytest.mark.parametrize("order", [[*MONTHS], [*MONTHS][2:] + [*MONTHS][:2]], ids=["in order", "May late"])
@pytest.mark.parametrize("is_at_once", [True, False], ids=["at once", "one by one"])
def test_the_files_of_a_companion_are_read_as_one_table(place: Place, order: list[str], is_at_once: bool) -> None:
    """Lines of two months beside orders of two months, in whatever order they arrive."""
    shop(place)
    for name in order:
        (place.exports / name).write_text(MONTHS[name])
        if not is_at_once:
            place.pull()
    place.pull()
    assert totals(place) == {"1": 15, "2": 7, "3": 3, "4": 4}
    assert not any("newest of" in line for line in place.said)
    place.pull()
    assert not any("rows read" in line for line in place.said)


def test_a_key_that_a_newer_file_of_a_companion_brings_is_that_files(place: Place) -> None:
    """May is delivered again, corrected and without an order; then June brings all lines of an order of May once more."""
    shop(place)
    for name, content in MONTHS.items():
        (place.exports / name).write_text(content)
    place.pull()
    (place.exports / "lines_2026-05.csv").write_text("no,amount\n1,20\n")
    place.pull()
    assert totals(place) == {"1": 20, "2": None, "3": 3, "4": 4}
    (place.exports / "lines_2026-06_b.csv").write_text("no,amount\n1,1\n1,2\n")
    place.pull()
    assert totals(place) == {"1": 3, "2": None, "3": 3, "4": 4}


def test_what_a_part_gave_stays_when_its_original_is_removed(place: Place) -> None:
    """Later files do without a part that came before them, and take what a later part corrects."""
    shop(place)
    for name, content in [*MONTHS.items()][:2]:
        (place.exports / name).write_text(content)
    place.pull()
    for name, content in [*MONTHS.items()][2:]:
        (place.exports / name).write_text(content)
    place.pull()
    (part,) = [file for file in place.ledger.landed() if file.file == "lines_2026-05.csv"]
    no_rows_path(place.settings.landing, part).touch()
    drop_original(place.settings.landing, part)
    (place.exports / "lines_2026-07.csv").write_text("no,amount\n3,9\n")
    place.pull()
    assert totals(place) == {"1": 15, "2": 7, "3": 9, "4": 4}
    assert any("stay as they were read" in line for line in place.said)


def test_without_a_key_the_newest_file_of_a_companion_is_read_and_the_others_are_named(place: Place) -> None:
    shop(place, MONTHLY.replace(', key: ["no"]', ""))
    for name, content in MONTHS.items():
        (place.exports / name).write_text(content)
    place.pull()
    assert totals(place) == {"1": None, "2": None, "3": 3, "4": 4}
    (message, _) = [line for line in place.said if "newest of" in line]
    assert message.endswith(
        "read along with lines_2026-06.csv, the newest of 2 files of `lines` (contract shop_orders): if each of them brings a "
        "part, say in `also_reads` by which `key`"
    )


def test_what_two_deliveries_bring_lies_in_quarantine_once(place: Place) -> None:
    from orchestration.pull.home.corrections import export_rows
    from orchestration.pull.home.quarantine import reasons

    wrong = "9,not a day,paid,a@x.example,1\n"
    place.write("orders_2026-05-01.csv", row("1") + wrong + wrong)
    place.pull()
    place.write("orders_2026-05-02.csv", wrong + row("1") + wrong + "8,no day either,paid,a@x.example,1\n")
    place.pull()
    # Twice in the newer file, where it is to be corrected; the older one is asked for by name.
    (reason,) = reasons(place.settings)
    assert (reason.file, reason.rows, reason.first_rows[0]) == ("orders_2026-05-02.csv", 3, 2)
    assert [found.rows for found in reasons(place.settings, file="orders_2026-05-01.csv")] == [2]
    written = list(export_rows(place.settings, None, None, place.exports.parent / "fixed"))
    assert [found.rows for found in written] == [3]


@pytest.mark.parametrize(
    ("form", "name", "above", "below"),
    [
        ("encoding: cp1252\ndelimiter: ';'", "lager_*.csv", "", ""),
        ("delimiter: ';'\nheader_row: 3\nskip_footer: 1", "*_lager.csv", "Aufträge\nJuni\n", "Summe;;;\n"),
        ("skip_rows: 1\nskip_below_header: 1", "*lager*", "Aufträge\n", ""),
    ],
)
def test_corrected_rows_come_back_to_their_contract(form: str, name: str, above: str, below: str, tmp_path: Path) -> None:
    from orchestration.pull.home.corrections import export_rows

    folder = tmp_path / "config" / "contracts"
    folder.mkdir(parents=True)
    (folder / "lager.yml").write_text(
        f'name: lager\nkind: orders\n{form}\nfiles: {{name: "{name}"}}\n'
        "columns: {order_id: Auftrag, ordered_at: {from: Größe am, format: '%d.%m.%Y'}, status: Zustand, "
        "customer_id: Kunde}\n"
    )
    place = Place(tmp_path)
    delimiter = ";" if ";" in form else ","
    units = "-,-,-,-\n" if "below_header" in form else ""
    export = f"Auftrag;Größe am;Zustand;Kunde\n{units}A1;01.06.2026;paid;Ä\nA2;gestern;paid;=Ö\n".replace(";", delimiter)
    (tmp_path / "exports" / ("lager_a.csv" if name.startswith("lager") else "a_lager.csv")).write_text(
        above + export + below, encoding="cp1252" if "cp1252" in form else "utf-8"
    )
    assert [rows for _, _, rows in place.pull()] == [1]
    (written,) = export_rows(place.settings, None, None, tmp_path / "corrected")
    assert (written.rows, written.contract, written.is_claimed) == (1, "lager", True)
    text = written.path.read_text(encoding="utf-8-sig")
    assert "'=Ö" in text, "a spreadsheet computes nothing"
    (place.exports / written.path.name).write_text(text.replace("gestern", "02.06.2026"), encoding="utf-8-sig")
    assert sorted(rows for _, status, rows in place.pull() if status == "loaded") == [1, 1]


# -- full exports ------------------------------------------------------------------------------------------------------

FULL = """\
name: shop_orders
kind: orders
mode: full
files: {name: "orders*"}
columns: {order_id: order_id, ordered_at: ordered_at, status: status, customer_email: customer_email, total_amount: total_amount}
"""


@pytest.fixture
def full_place(place: Place) -> Place:
    (place.settings.config_dir or Path()).joinpath("contracts").mkdir(parents=True)
    (place.settings.config_dir or Path()).joinpath("contracts", "shop_orders.yml").write_text(FULL)
    return place


def of_orders(*numbers: int) -> str:
    return "".join(f"o{number},2026-06-01T10:00:00Z,paid,a@x.example,10\n" for number in numbers)


def pulled(place: Place, limit: float = 0.5) -> tuple[dict[str, str], list[str | None]]:
    """Pull behind the gate of full exports: file -> status of its load, and what was said of files that were held back."""
    problems: list[str | None] = []

    def gate(kind: str, batches: list[Batch]) -> list[bool]:
        snapshots = Snapshots(limit)
        judged = [snapshots.judge(all_kinds()[kind], batch, []) for batch in batches]
        problems.extend(check.problem for checks in judged for check in checks if check.blocks)
        return [not any(check.blocks for check in checks) for checks in judged]

    for _ in Pull(place.settings, place.said.append).kinds(gate):
        pass
    files = {file.batch: file.file for file in place.ledger.landed()}
    return {files[load.batch]: load.status for load in place.ledger.loads()}, problems


SNAPSHOTS = [
    ("orders_2026-06-01.csv", of_orders(*range(100)), "loaded"),
    ("orders_2026-06-02.csv", of_orders(*range(25)), "gated"),  # cut short
    ("orders_2026-06-03.csv", of_orders(*range(1000, 1100)), "gated"),  # as many, of another shop
    ("orders_2026-06-04.csv", of_orders(*range(50, 200)), "loaded"),  # half of them are gone
    ("orders_2026-06-05.csv", of_orders(*range(150, 160)), "gated"),  # of 150, to which the one before has grown
]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_full_export_that_was_cut_short_is_held_back(full_place: Place, one_by_one: bool) -> None:
    said: list[str | None] = []
    for name, rows, _ in SNAPSHOTS:
        full_place.write(name, rows)
        if one_by_one:
            said += pulled(full_place)[1]
    statuses, problems = pulled(full_place)
    assert statuses == {name: status for name, _, status in SNAPSHOTS}
    # Files that were held back are judged in every run, by the last one that was let through before them.
    assert problems == [
        "orders_2026-06-02.csv lacks 75 of the 100 orders of the export before",
        "orders_2026-06-03.csv lacks 100 of the 100 orders of the export before",
        "orders_2026-06-05.csv lacks 140 of the 150 orders of the export before",
    ]
    assert set(said) == (set(problems) if one_by_one else set())
    assert pulled(full_place, 1)[0] == {name: "loaded" for name, _, _ in SNAPSHOTS}


def test_few_records_may_be_gone_and_deleted_ones_are_gone_already(full_place: Place) -> None:
    full_place.write("orders_2026-06-01.csv", of_orders(*range(25)))
    full_place.write("orders_2026-06-02.csv", of_orders(*range(6)))
    assert pulled(full_place) == ({"orders_2026-06-01.csv": "loaded", "orders_2026-06-02.csv": "loaded"}, [])
    contract = (full_place.settings.config_dir or Path()) / "contracts" / "shop_orders.yml"
    contract.write_text(FULL.replace("columns: {", "columns: {is_deleted: is_deleted, "))
    header = ORDERS.replace("\n", ",is_deleted\n")
    gone = "".join(f"g{number},2026-06-01T10:00:00Z,paid,a@x.example,10,true\n" for number in range(100))
    full_place.write("orders_2026-06-03.csv", of_orders(*range(6)).replace("\n", ",\n") + gone, header)
    full_place.write("orders_2026-06-04.csv", of_orders(*range(6)).replace("\n", ",\n"), header)
    assert pulled(full_place)[1] == []
