"""Custom fields: further columns of an export, carried along with its records."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from homes import Cxhouse, Home
from reading import Canonical, canonicalise, content, faults, written

from orchestration.check.looking import look_at
from orchestration.configuration import check_folder
from orchestration.core.errors import ConfigurationError
from orchestration.draft.drafting import draft
from orchestration.draft.writing import text
from orchestration.published.cases import cases_behind
from orchestration.published.marts import Marts
from orchestration.pull.collisions import within
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.dimensions import extra_dimensions
from orchestration.pull.contracts.extras import CARRYING
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.sorting import Origin
from orchestration.settings import PROJECT
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt_vars import dbt_vars

ORIGIN = Origin("x", "desk.csv", 1, "desk")
DESK = """
name: desk
kind: tickets
files: {columns: [Id]}
columns: {ticket_id: Id, created_at: At, status: State}
"""
ROWS = [
    {"Id": "1", "At": "2026-05-01", "State": "open", "Plan tier": " Gold ", "Site": "Paris"},
    {"Id": "2", "At": "2026-05-02", "State": "open", "Plan tier": "", "Site": "n/a"},
    {"Id": "3", "At": "2026-05-03", "State": "lost", "Plan tier": 'a "b", ü', "Site": "Paris"},
    {"Id": "4", "At": "2026-05-04", "State": "open", "Plan tier": 'a "b", ü', "Site": ""},
]


def read(folder: Path, extra: str, rows: list[dict[str, Any]] = ROWS) -> Canonical:
    return canonicalise(content(rows), written(folder, desk=f"{DESK}extra: {extra}")["desk"], ORIGIN)


def carried(made: Canonical) -> list[dict[str, str] | None]:
    return [None if text is None else json.loads(text) for text in made.loaded["extra"].to_pylist()]


def test_a_column_is_carried_as_it_is_mapped(tmp_path: Path) -> None:
    made = read(tmp_path, "{plan: Plan tier, site: {from: site, missing: [n/a], map: {paris: FR}}, nowhere: Gone}")
    assert carried(made) == [{"plan": "Gold", "site": "FR"}, None, {"plan": 'a "b", ü'}]
    # Names are in their order, so that equal rows are equal bytes.
    assert made.loaded["extra"][0].as_py() == '{"plan":"Gold","site":"FR"}'
    assert made.unknown_columns == []
    assert (made.rows_read, made.quarantined.num_rows, made.messages) == (4, 1, ())


def test_a_contract_without_any_carries_nothing(tmp_path: Path) -> None:
    plain = canonicalise(content(ROWS), written(tmp_path, desk=DESK)["desk"], ORIGIN)
    assert plain.loaded["extra"].null_count == plain.loaded.num_rows == 3
    assert plain.unknown_columns == ["Plan tier", "Site"]
    rest = read(tmp_path, "{plan: Plan tier}").loaded
    assert rest.drop_columns(["extra"]).equals(plain.loaded.drop_columns(["extra"]))
    without, with_one = (
        Contract.model_validate(DESK_AS_DATA),
        Contract.model_validate({**DESK_AS_DATA, "extra": {"plan": "Plan"}}),
    )
    assert without.fingerprint == Contract.model_validate({**DESK_AS_DATA, "extra": {}}).fingerprint != with_one.fingerprint


DESK_AS_DATA = {
    "name": "desk",
    "kind": "tickets",
    "files": {"columns": ["Id"]},
    "columns": {"ticket_id": "Id", "created_at": "At", "status": "State"},
}


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("Gold Plus", True), ("10,001-50,000 seats", True), ("€1,000,000", True), ("2026-01-31 10:00", True), ("v1.2.3.4", True),
        ("x" * 80, True), ("x" * 81, False), ("ann@x.example", False), ("+49 170 1234567", False), ("555-123-4567", False),
        ("1234567", False), ("no 4111 1111 1111 1111", False), ("DE89370400440532013000", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_persons_is_left_out_and_counted(tmp_path: Path, value: str, is_kept: bool) -> None:
    made = read(tmp_path, "{plan: Plan tier, site: Site}", [{**ROWS[0], "Plan tier": value}] * 2)
    assert carried(made) == [{"site": "Paris", **({"plan": value} if is_kept else {})}] * 2
    assert len(made.messages) == (0 if is_kept else 1)
    assert all(text.startswith("extra plan: 2 values look") and value not in text for text in made.messages)


def test_sql_that_fails_on_a_value_rejects_its_row_only(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "Plan tier": "7"}, {**ROWS[1], "Plan tier": "x"}]
    made = read(tmp_path, """{size: {sql: 'case when cast("Plan tier" as int) > 5 then ''large'' end'}}""", rows)
    assert carried(made) == [{"size": "large"}]
    assert made.quarantined["column_name"].to_pylist() == ["extra.size"]
    assert "fails" in made.quarantined["reason"][0].as_py()


@pytest.mark.parametrize(
    ("split", "cell", "members"),
    [
        ("','", " VIP, late order ,,vip", ["late order", "vip"]),
        ("[',', ';']", "b;a,c", ["a", "b", "c"]),
        ("' '", "vip  late", ["late", "vip"]),
        ("'|'", "a|b.c", ["a", "b.c"]),
        ("','", '["Late order", 3, null, ""]', ["3", "late order"]),
        ("','", "[a, b", ["[a", "b"]),
        ("','", " , ", None),
    ],
)
def test_a_cell_may_hold_several_values(tmp_path: Path, split: str, cell: str, members: list[str] | None) -> None:
    made = read(tmp_path, f"{{tag: {{from: Plan tier, split: {split}}}}}", [{**ROWS[0], "Plan tier": cell}])
    assert carried(made) == [{"tag": members} if members else None]
    assert made.messages == ()


def test_of_several_values_each_is_looked_at(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "Plan tier": "vip,ann@x.example,none,Zürich"}, {**ROWS[0], "Plan tier": "ann@x.example"}]
    made = read(tmp_path, "{site: Site, tag: {from: Plan tier, split: ',', missing: [none], map: {zürich: zh}}}", rows)
    assert carried(made) == [{"site": "Paris", "tag": ["vip", "zh"]}, {"site": "Paris"}]
    assert [text[:29] for text in made.messages] == ["extra tag: 2 values look like"]


def test_a_name_has_one_form(tmp_path: Path) -> None:
    more = "name: more\nextends: desk\nextra: {tag: {from: Tags, split: ','}}\n"
    assert "extra > tag: holds one value here" in faults(tmp_path, desk=f"{DESK}extra: {{tag: Tags}}", more=more)
    split = f"{DESK.replace('status: State', 'status: {from: State, split: x}')}"
    assert "columns > status > split: is of what is carried along" in faults(tmp_path, desk=split, more="")


def test_it_is_extended_like_columns(tmp_path: Path) -> None:
    more = "name: more\nextends: desk\nextra: {site: null, plan: Tier, region: Region}\n"
    parts = """
name: shop
files: {columns: [Id]}
extra: {coupon: Coupon}
columns: {order_id: Id}
kinds:
  orders: {columns: {ordered_at: At, status: {value: paid}}, extra: {gift: Gift}}
  order_items: {columns: {line_id: L, product_id: A, quantity: Q, unit_price: P}, extra: {coupon: null}}
"""
    found = written(tmp_path, desk=f"{DESK}extra: {{plan: Plan, site: Site}}", more=more, shop=parts)
    assert {name: mapping.source for name, mapping in found["more"].extra.items()} == {"plan": "Tier", "region": "Region"}
    assert list(found["shop_orders"].extra) == ["coupon", "gift"]
    assert list(found["shop_order_items"].extra) == []
    carried = {"orders": ["coupon", "gift"], "tickets": ["plan", "region", "site"]}
    assert extra_dimensions(found.values()) == {"one": carried, "several": {}}


def test_params_fill_it(tmp_path: Path) -> None:
    text = f"{DESK}params: {{field: {{default: null}}}}\nextra: {{plan: '${{field}}'}}"
    assert written(tmp_path, desk=text)["desk"].extra == {}
    assert written(tmp_path, {"desk": {"field": "Tier"}}, desk=text)["desk"].extra["plan"].source == "Tier"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("{Plan: P}", "extra > Plan: must be lower snake case"),
        ("{topic: P}", "extra > topic: is a column of tickets: map it in `columns`"),
        ("{segment: P}", "extra > segment: is the name of a dimension that KPIs have already"),
        ("{grain: P}", "extra > grain: is a word with a meaning of its own"),
        ("{plan: {from: P, unit: seconds}}", "extra > plan > unit: has no meaning here"),
        ("{plan: {sql: 'upper('}}", "extra > plan > sql: is not SQL"),
        ("{plan: {from: P, value: x}}", "extra > plan: give exactly one of"),
        ("{" + ", ".join(f"f{n}: C" for n in range(21)) + "}", "extra: names 21 columns; 20 at most"),
    ],
)
def test_wrong_ones_are_explained(tmp_path: Path, extra: str, said: str) -> None:
    assert said in faults(tmp_path, desk=f"{DESK}extra: {extra}")


def test_settings_and_seeds_may_name_it(tmp_path: Path) -> None:
    wanted = {"kpi_dimensions": ["plan", "channel"], "kpi_grains": {"default": ["month"], "tag": ["all"]}}
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "kpi_targets.csv").write_text("kpi_id,dimension,member,target\ncsat,plan,Gold,0.9\n")
    written(tmp_path, desk=f"{DESK}extra: {{plan: P, tag: {{from: T, split: ','}}}}")
    check_folder(Settings(home=tmp_path, config_dir=tmp_path, vars=wanted))
    assert dbt_vars(Settings(home=tmp_path, config_dir=tmp_path))["extra_dimensions"] == {
        "one": {"tickets": ["plan"]},
        "several": {"tickets": ["tag"]},
    }
    written(tmp_path, desk=DESK)
    for variables in ({"kpi_dimensions": ["plan"]}, {"kpi_grains": {"tag": ["all"]}}, {}):
        with pytest.raises(ConfigurationError, match=r"unknown: '(plan|tag)'|'plan' is not one of"):
            check_folder(Settings(home=tmp_path, config_dir=tmp_path, vars=variables))


def test_records_that_are_no_rows_of_a_fact_carry_none(tmp_path: Path) -> None:
    costs = "name: spent\nkind: costs\nfiles: {columns: [D]}\ncolumns: {cost_date: D, category: C, amount: A}\nextra: {site: S}"
    assert "extra: records of costs are no rows of a fact" in faults(tmp_path, spent=costs)


def test_rows_that_differ_in_it_alone_are_not_the_same(tmp_path: Path) -> None:
    same = read(tmp_path, "{plan: Plan tier}", [ROWS[0], ROWS[0]]).loaded
    other = read(tmp_path, "{plan: Plan tier}", [ROWS[0], {**ROWS[0], "Plan tier": "Silver"}]).loaded

    def repeated(table: pa.Table) -> int:
        pq.write_table(table, tmp_path / "t.parquet")
        return within(all_kinds()["tickets"], {"t": (tmp_path / "t.parquet", table.num_rows)})["t"].repeated

    assert (repeated(same), repeated(other)) == (1, 0)


def test_the_facts_of_kinds_that_may_carry_do() -> None:
    facts = {"surveys": "fct_survey_responses"}
    for kind in CARRYING:
        model = PROJECT / "models" / "journey" / f"{facts.get(kind, f'fct_{kind}')}.yml"
        assert "- name: extra\n" in model.read_text(), kind


def test_check_shows_it_and_a_draft_proposes_it(tmp_path: Path) -> None:
    lines = [f"{n},2026-05-{n + 1:02d}T10:00:00Z,open,a{n}@x.example,{'Gold' if n % 3 else 'Free'},ref{n}" for n in range(1, 21)]
    (tmp_path / "desk.csv").write_text("\n".join(["Ticket ID,Created At,Status,Email,Plan Tier,Ref", *lines]))
    made = draft(tmp_path / "desk.csv", "tickets")
    assert made.extra == {"plan_tier": ("Plan Tier", 2)}
    drafted = text(made, "cxhouse check", 20, 0)
    assert "# extra:\n#   plan_tier: Plan Tier  # 2 different values\n" in drafted
    # Without its marks it is a contract that carries the column.
    (tmp_path / "contracts").mkdir()
    wanted = drafted.replace("# extra:", "extra:").replace("#   plan_tier", "  plan_tier")
    (tmp_path / "contracts" / "desk.yml").write_text(wanted)
    report = look_at([tmp_path / "desk.csv"], Settings(config_dir=tmp_path, home=tmp_path / "home"))
    ((reading,),) = (file.readings for file in report.files)
    (shown,) = (column for column in reading.columns if column.name == "extra.plan_tier")
    assert (shown.origin, shown.filled, set(shown.cells)) == ("Plan Tier", 20, {("Free", "Free"), ("Gold", "Gold")})
    assert [one.name for one in reading.unused] == ["Ref"]


#: Ticket, plan, tags, minutes to the first reply (none: not answered), rating.
Told = tuple[str, str, str, int | None, int | None]
FIRST: list[Told] = [
    ("1", "Gold", "refund,VIP", 10, 5),
    ("2", "Gold", "refund", 30, 2),
    ("3", "Free", "", 60, 4),
    ("4", "", "vip;", None, None),
    ("5", "+49 170 1234567", "", 80, None),
]
#: Another plan and other tags of one, a new one, and one that has none any more.
LATER: list[Told] = [("2", "Free", "late", 30, 2), ("6", "Team", "VIP;late", 5, 1), ("3", "", "", 60, 4)]


def write_desk(path: Path, rows: list[Told]) -> None:
    at = datetime(2026, 5, 4, 10)
    table = [
        (name, at, at + timedelta(minutes=minutes) if minutes else "", plan, tags, rating or "", f"{name}@x.example")
        for name, plan, tags, minutes, rating in rows
    ]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Id", "At", "Answered", "Plan tier", "Labels", "Rating", "Email"])
        writer.writerows(table)


def by_hand(rows: list[Told]) -> dict[tuple[str, str, str], tuple[float, int]]:
    """(KPI, dimension, member) -> value and cases, of the newest rows of the tickets."""
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    stars: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, plan, tags, minutes, rating in {row[0]: row for row in rows}.values():
        plan = plan if plan.isalpha() else "unknown"
        words = {tag.strip().lower() for tag in tags.replace(";", ",").split(",")} - {""}
        for cut in [("all", "all"), ("plan", plan), *(("tag", word) for word in words)]:
            waits[cut] += [minutes * 60] if minutes else []
            stars[cut] += [rating >= 4] if rating else []
    found = {("csat", *cut): (sum(values) / len(values), len(values)) for cut, values in stars.items() if values}
    return found | {
        ("first_response_time", *cut): (sum(values) / len(values), len(values)) for cut, values in waits.items() if values
    }


@pytest.mark.slow
def test_kpis_are_cut_by_what_is_carried(tmp_path: Path, cxhouse: Cxhouse) -> None:
    """By hand, after a later file that changes it, and the same from scratch."""
    exports, config = tmp_path / "exports", tmp_path / "config"
    (config / "contracts").mkdir(parents=True)
    exports.mkdir()
    desk = """
name: desk
kind: tickets
files: {name: "desk*", columns: [Plan tier]}
columns:
  ticket_id: Id
  created_at: At
  status: {value: open}
  first_response_at: Answered
  csat_score: Rating
  customer_email: Email
extra: {plan: Plan tier, tag: {from: Labels, split: [",", ";"]}}
"""
    (config / "contracts" / "desk.yml").write_text(desk)
    (config / "seeds").mkdir()
    (config / "seeds" / "kpi_targets.csv").write_text(
        "kpi_id,dimension,member,target,warn_at,direction\nfirst_response_time,plan,Gold,600,300,down\n"
    )
    (config / "cxhouse.yml").write_text("vars: {min_sample: 1, kpi_grains: {default: [month, all], tag: [week, all]}}")
    home = Home(tmp_path / "home", exports, config)
    query = (
        "select kpi_id, dimension, member, value, n from kpis where grain = 'all' and value is not null "
        "and kpi_id in ('csat', 'first_response_time') and dimension in ('all', 'plan', 'tag')"
    )

    def found() -> dict[tuple[str, str, str], tuple[float, int]]:
        return {(kpi, dimension, member): (value, n) for kpi, dimension, member, value, n in home.query(query)}

    write_desk(exports / "desk_1.csv", FIRST)
    said = cxhouse("run", "--exports", exports, *home.options, "--as-of", "2026-06-15")
    assert "extra plan: 1 value looks like" in said.stdout + said.stderr
    assert found() == by_hand(FIRST)
    assert home.kpi("first_response_time", "status", "all", "plan", "Gold") == "breach"
    grains = "select distinct dimension, grain from kpis where dimension in ('plan', 'tag')"
    assert set(home.query(grains)) == {("plan", "month"), ("plan", "all"), ("tag", "week"), ("tag", "all")}
    (member_column,) = home.query(
        "select member_column from kpi_cases where kpi_id = 'first_response_time' and dimension = 'plan'"
    )
    assert home.query(f"select {member_column[0]} from fct_tickets where ticket_id = '1'") == [("Gold",)]
    with home.published() as con:
        marts = Marts(con)
        behind = {tag: cases_behind(marts, "first_response_time", "all", None, "tag", tag) for tag in ("refund", "vip")}
        found_behind = {tag: sorted(row["ticket_id"] for row in cases.all(marts)) for tag, cases in behind.items() if cases}
    # 4 is a vip's too, and nobody answered it.
    assert found_behind == {"refund": ["1", "2"], "vip": ["1"]}
    write_desk(exports / "desk_2.csv", LATER)
    cxhouse("run", "--exports", exports, *home.options, "--as-of", "2026-06-15")
    assert found() == by_hand([*FIRST, *LATER])
    everything = "select * exclude (computed_at) from kpis order by all"
    before = home.query(everything)
    cxhouse("run", "--exports", exports, *home.options, "--as-of", "2026-06-15", "--full-refresh")
    assert home.query(everything) == before
