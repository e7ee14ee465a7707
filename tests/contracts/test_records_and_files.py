"""Files, records and keys through a whole run: one file of several kinds, sources, snapshots, versions, withdrawals."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from homes import AS_OF as AS_OF_OF_SAMPLE
from homes import Cxhouse, Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vendor_rows import ZENDESK, connect

from orchestration.pull.kinds import all_kinds

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,\
Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Zip,Shipping Country,Notes,Cancelled at,\
Refunded Amount,Id,Source
#2001,eve@shop.example,paid,2026-03-28 23:30:00 -0700,fulfilled,2026-03-30 09:00:00 -0700,USD,30.00,4.00,2.00,34.00,0.00,\
2026-03-28 23:29:00 -0700,3,Plate,8.00,PL-1,'01067,US,"Ring twice
and wait",,0.00,77001,web
#2001,eve@shop.example,,,,,,,,,,,2026-03-28 23:29:00 -0700,1,Fork,6.00,,,,,,,,
#2001,eve@shop.example,,,,,,,,,,,2026-03-28 23:29:00 -0700,2,Spoon,0.00,SP-1,,,,,,,
#2002,,pending,,,,USD,0.00,0.00,0.00,0.00,0.00,2026-03-29 01:00:00 -0700,1,Sample,0.00,SA-1,,US,,,0.00,77002,pos
#2003,fay@shop.example,partially_refunded,2026-03-29 02:00:00 -0700,fulfilled,2026-03-31 02:00:00 -0700,USD,50.00,0.00,0.00,\
50.00,0.00,2026-03-29 02:00:00 -0700,5,Pan,10.00,PA-1,,US,,,12.50,77003,web
#2004,gil@shop.example,voided,,unfulfilled,,USD,9.00,0.00,0.00,9.00,0.00,2026-03-29 03:00:00 -0700,1,Lid,9.00,LI-1,,US,,\
2026-03-29 04:15:00 -0700,0.00,77004,web
#2005,hal@shop.example,refunded,2026-03-29 05:00:00 -0700,unfulfilled,,USD,7.00,0.00,0.00,7.00,0.00,\
2026-03-29 05:00:00 -0700,1,Jug,7.00,JU-1,,US,,,7.00,77005,web
#2009,ida@shop.example,,,,,,,,,,,2026-03-29 06:00:00 -0700,1,Bowl,5.00,BO-1,,,,,,,
"""
AS_OF = "2026-06-20"
ORDERS = "order_id,ordered_at,status,customer_id,customer_email,total_amount,currency\n"
ITEMS = "order_id,line_id,product_id,quantity,unit_price\n"
SNAPSHOT = """\
name: site_reviews
kind: reviews
mode: full
files: {name: "site_reviews*"}
columns: {review_id: id, created_at: at, rating: stars}
"""
CONNECT = [
    connect("L1", "INBOUND", "09:00:00", NextContactId="L2", TransferCompletedTimestamp="2026-05-04T09:05:00Z"),
    connect("L2", "TRANSFER", "09:05:00", InitialContactId="L1", PreviousContactId="L1"),
    connect("H1", "API", "09:50:00", Channel="CHAT"),
]


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def private(home: Home, sql: str) -> list[tuple[Any, ...]]:
    """Of the private warehouse."""
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """What the runs said."""
    return {}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse, outputs: dict[str, str]) -> Home:
    """Two shops with one numbering stop the first run; with a source each, it is published."""
    root = tmp_path_factory.mktemp("files")
    home = Home(root / "home", root / "exports", root / "config")
    write(
        home.exports,
        orders_export=SHOPIFY,
        zendesk=ZENDESK,
        **{
            "orders_2026-6-9": ORDERS + "V1,2026-06-08T10:00:00Z,paid,C1,,10,USD\n",
            "orders_2026-6-10": ORDERS + "V1,2026-06-08T10:00:00Z,delivered,C1,,10,USD\n",
            "site_reviews_1": "id,at,stars\nr1,2026-06-01,5\nr2,2026-06-02,1\nr3,2026-06-03,4\n",
            "order_items_1": ITEMS + "V1,a,lamp,1,5\nV1,b,desk,1,5\nV2,a,lamp,2,5\n",
            "order_items_2": ITEMS + "V2,b,desk,1,5\n",
        },
    )
    (home.exports / "contact_records.ndjson").write_text("\n".join(map(json.dumps, CONNECT)))
    for shop, day in (("north", 1), ("south", 5)):
        write(
            home.exports / shop,
            orders=ORDERS
            + "".join(f"70{n},2026-06-0{day + n}T10:00:00Z,delivered,9{n},{shop}{n}@x.example,{day}0,USD\n" for n in (1, 2)),
            order_items=ITEMS + f"701,1,{shop}-lamp,1,{day}0\n",
            tickets="ticket_id,created_at,status,customer_id,order_id\n" + f"31,2026-06-0{day + 3}T10:00:00Z,open,91,701\n",
        )
    assert home.config
    (home.config / "contracts").mkdir(parents=True)
    (home.config / "contracts" / "site_reviews.yml").write_text(SNAPSHOT)
    (home.config / "cxhouse.yml").write_text("currency: USD\n")
    run = ["run", "--exports", home.exports, *home.options, "--as-of", AS_OF]
    stopped = cxhouse(*run, exit_code=1)
    outputs["clash"] = " ".join((stopped.stdout + stopped.stderr).split())
    assert not (home.path / "published" / "marts.duckdb").exists()
    (home.config / "cxhouse.yml").write_text("currency: USD\nexports_source: folder\n")
    done = cxhouse(*run)
    outputs["first"] = " ".join((done.stdout + done.stderr).split())
    shutil.copyfile(home.path / "published" / "marts.duckdb", root / "first_marts.duckdb")
    shutil.copyfile(home.path / "published" / "analysis.duckdb", root / "first_analysis.duckdb")
    return home


@pytest.mark.ci
def test_a_clash_of_numbers_names_both_files_and_the_setting(first: Home, outputs: dict[str, str]) -> None:
    text = outputs["clash"]
    assert "north/orders.csv" in text
    assert "south/orders.csv" in text
    assert "share 2 numbers of orders, of which 2" in text
    assert "exports_source: folder" in text
    assert "@x.example" not in text


@pytest.mark.ci
def test_records_of_two_sources_stay_two(first: Home) -> None:
    rows = first.query("select order_id, order_value, customer_key from fct_orders where order_id like '%:70%' order by 1")
    assert [(order, float(amount)) for order, amount, _ in rows] == [
        ("north:701", 10), ("north:702", 10), ("south:701", 50), ("south:702", 50),
    ]  # fmt: skip
    # Customer 91 of one shop is not customer 91 of the other; within a shop the ticket finds its customer and its order.
    assert len({key for _, _, key in rows}) == 4
    keys = {order: key for order, _, key in rows}
    tickets = dict(first.query("select ticket_id, customer_key from fct_tickets where ticket_id like '%:31'"))
    assert tickets == {"north:31": keys["north:701"], "south:31": keys["south:701"]}
    assert private(first, "select order_id from staging.stg_tickets where ticket_id = 'south:31'") == [("south:701",)]
    assert first.query("select product_id from fct_order_items where order_id = 'south:701'") == [("south:south-lamp",)]


@pytest.mark.ci
def test_one_file_gives_two_kinds(first: Home, outputs: dict[str, str]) -> None:
    # Said once of each kind, and not again below the table of what was loaded.
    assert outputs["clash"].count("orders_export.csv: 8 rows -> 5 orders") == 1
    assert outputs["clash"].count("orders_export.csv: 8 rows -> 8 order items") == 1
    ledger = first.query(
        "select kind, rows_read, rows_loaded, rows_quarantined, rows_merged, records from load_ledger "
        "where file = 'orders_export.csv' order by kind"
    )
    assert ledger == [("order_items", 8, 8, 0, 0, 8), ("orders", 8, 5, 1, 2, 5)]
    (order,) = first.query("select ordered_at, order_value, status from fct_orders where order_id = '#2001'")
    assert (order[0], float(order[1]), order[2]) == (datetime(2026, 3, 29, 6, 29), 34, "shipped")
    assert first.query("select sum(quantity) from fct_order_items where order_id = '#2001'") == [(6,)]


@pytest.mark.ci
def test_files_of_one_pull_arrive_in_the_order_of_their_dates(first: Home) -> None:
    assert first.query("select status from fct_orders where order_id = 'V1'") == [("delivered",)]


@pytest.mark.ci
def test_deleted_tickets_are_gone_and_legs_are_known(first: Home) -> None:
    tickets = private(first, "select ticket_id, is_merged from staging.stg_tickets where ticket_id like '50%' order by 1")
    assert tickets == [("501", False), ("503", True), ("504", False)]
    calls = private(first, "select call_id, interaction_id, channel from staging.stg_calls order by 1")
    assert calls == [("H1", "H1", "chat"), ("L1", "L1", None), ("L2", "L1", None)]


@pytest.mark.ci
def test_lines_of_an_order_that_was_cut_in_two_are_one_order(first: Home) -> None:
    lines = private(first, "select order_id, line_id from staging.stg_order_items where order_id in ('V1', 'V2') order by all")
    assert lines == [("V1", "a"), ("V1", "b"), ("V2", "a"), ("V2", "b")]


@pytest.mark.slow
def test_later_files_take_back_and_a_withdrawal_takes_the_files_back(first: Home, cxhouse: Cxhouse) -> None:
    write(
        first.exports,
        site_reviews_2="id,at,stars\nr1,2026-06-01,5\nr3,2026-06-03,2\n",
        order_items_3=ITEMS + "V1,a,lamp,3,5\n",
        orders_wrong=ORDERS + "V1,2026-06-08T10:00:00Z,cancelled,C1,,99,USD\nV9,2026-06-08T10:00:00Z,paid,C9,,99,USD\n",
        reviews_gone="review_id,created_at,rating,is_deleted\nr9,2026-06-01,1,\nr9,2026-06-01,1,true\n",
    )
    run = ["run", "--exports", first.exports, *first.options, "--as-of", AS_OF]
    done = cxhouse(*run)
    assert "reviews_gone.csv: of 1 reviews several rows differ" in " ".join((done.stdout + done.stderr).split())
    reviews = "select review_id, cast(stars as int) from fct_reviews order by 1"
    lines = "select line_id, quantity from fct_order_items where order_id = 'V1' order by 1"
    assert first.query(reviews) == [("r1", 5), ("r3", 2)]
    assert first.query(lines) == [("a", 3)]
    assert first.query("select count(*) from fct_orders where order_id = 'V9'") == [(1,)]

    for name in ("orders_wrong.csv", "site_reviews_2.csv", "order_items_3.csv", "reviews_gone.csv"):
        answer = cxhouse("withdraw", name, *first.options).stdout
        assert f"withdrawn: {name} (batch" in answer
    cxhouse("withdraw", "orders_wrong.csv", *first.options, exit_code=2)
    cxhouse("withdraw", "nothing.csv", *first.options, exit_code=2)
    cxhouse(*run)
    # As if they had never come, though they still lie in the exports folder.
    with first.published() as con:
        for name in ("marts", "analysis"):
            con.execute(f"attach '{first.path.parent / f'first_{name}.duckdb'}' as first_{name} (read_only)")
        for table in ("fct_orders", "fct_order_items", "fct_reviews", "fct_touchpoints", "dim_customers", "kpis"):
            columns = "* exclude (computed_at)" if table == "kpis" else "*"
            now = "marts" if table == "kpis" else "analysis"
            for one, other in ((now, f"first_{now}"), (f"first_{now}", now)):
                query = f"select {columns} from {one}.{table} except all select {columns} from {other}.{table}"
                assert con.execute(query).fetchall() == [], table
    states = first.query("select file, status from load_ledger where status = 'withdrawn' order by 1")
    assert [file for file, _ in states] == ["order_items_3.csv", "orders_wrong.csv", "reviews_gone.csv", "site_reviews_2.csv"]
    assert "restored: orders_wrong.csv" in cxhouse("withdraw", "--undo", "orders_wrong.csv", *first.options).stdout


VERSIONS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 3), st.booleans()), unique_by=lambda version: version[:2],
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VERSIONS, st.data())
def test_any_order_and_any_cut_into_files_gives_the_same_records(
    sample_home: Home, tmp_path_factory: pytest.TempPathFactory, versions: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    """Where `updated_at` orders the versions of a record, neither the order of rows nor that of files says anything."""
    wanted = {}
    for order, day, amount, is_deleted in sorted(versions, key=lambda version: version[1]):
        wanted[f"o{order}"] = None if is_deleted else (day, amount)
    shuffled = data.draw(st.permutations(versions))
    batches = [data.draw(st.integers(1, 4)) for _ in shuffled]
    rows = [
        {
            "order_id": f"o{order}", "ordered_at": datetime(2026, 4, 1), "status": "paid", "total_amount": Decimal(amount),
            "updated_at": datetime(2026, 5, day), "is_deleted": is_deleted, "_batch": batch, "_row": number,
        }
        for number, ((order, day, amount, is_deleted), batch) in enumerate(zip(shuffled, batches, strict=True))
    ]  # fmt: skip
    found = staged(sample_home, "orders", rows, tmp_path_factory.mktemp("raw"))
    kept = {row["order_id"]: (row["updated_at"].day, int(row["total_amount"])) for row in found}
    assert kept == {order: version for order, version in wanted.items() if version}


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        # (pull, lines) of each file.
        ([(1, "ab"), (2, "a")], "a2"),
        ([(1, "ab"), (2, "c")], "c2"),
        ([(1, "a"), (1, "b")], "a1 b2"),
        ([(1, "ab"), (1, "a")], "a2"),
        ([(1, "a"), (1, "b"), (2, "a"), (2, "c")], "a3 c4"),
        ([(1, "ab"), (None, "a")], "a2 b1"),
        ([(None, "ab"), (2, "a")], "a2"),
    ],
)
def test_lines_of_an_order_are_those_of_its_newest_delivery(
    sample_home: Home, tmp_path: Path, deliveries: list[tuple[int | None, str]], expected: str
) -> None:
    rows = [
        {"order_id": "o", "line_id": line, "product_id": "p", "quantity": 1.0, "_batch": batch, "_row": n, "_delivery": pull}
        for batch, (pull, lines) in enumerate(deliveries, start=1)
        for n, line in enumerate(lines)
    ]
    # Another order of the first files is none of their business.
    rows.append({**rows[0], "order_id": "other", "line_id": "z"})
    found = staged(sample_home, "order_items", rows, tmp_path)
    kept = sorted(f"{row['line_id']}{row['_batch']}" for row in found if row["order_id"] == "o")
    assert " ".join(kept) == expected
    assert [row["line_id"] for row in found if row["order_id"] == "other"] == ["z"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # (series, ids) of each file.
        ([("s", "ab"), ("s", "a")], "a2"),
        ([("s", "ab"), ("t", "a")], "a2 b1"),
        ([("s", "ab"), (None, "b"), ("s", "a")], "a3 b2"),
        ([("s", "ab"), ("s", "a"), ("s", "ab")], "a3 b3"),
    ],
)
def test_of_a_series_the_newest_snapshot_counts(
    sample_home: Home, tmp_path: Path, files: list[tuple[str | None, str]], expected: str
) -> None:
    rows = [
        {"response_id": name, "kind": "nps", "responded_at": datetime(2026, 5, 1), "_batch": batch, "_row": n, "_series": series}
        for batch, (series, names) in enumerate(files, start=1)
        for n, name in enumerate(names)
    ]
    found = staged(sample_home, "surveys", rows, tmp_path)
    assert " ".join(sorted(f"{row['response_id']}{row['_batch']}" for row in found)) == expected


def staged(home: Home, kind: str, rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What the staging model of a home makes of raw rows."""
    ((compiled,),) = home.query("select code from warehouse.maintenance.compiled where node = ?", f"model.cxhouse.stg_{kind}")
    pq.write_table(pa.Table.from_pylist(rows, schema=all_kinds()[kind].arrow_schema), folder / "rows.parquet")
    query = compiled.replace(f"<raw>/{kind}/", f"{folder}/").replace("<as_of>", f"timestamp '{AS_OF_OF_SAMPLE}'")
    assert str(folder) in query
    with duckdb.connect() as con:
        return con.execute(query).to_arrow_table().to_pylist()
