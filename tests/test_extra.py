"""Custom fields: further columns of an export, carried along with its records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import Canonical, canonicalise
from test_contract_keys import faults, written
from test_contracts import content

from orchestration.check.looking import look_at
from orchestration.draft.drafting import draft
from orchestration.draft.writing import text
from orchestration.pull.collisions import within
from orchestration.pull.contracts import Contract
from orchestration.pull.extras import CARRYING, extra_dimensions
from orchestration.pull.kinds import all_kinds
from orchestration.pull.sorting import Origin
from orchestration.settings import PROJECT, Settings

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
    # Names stand in their order, so that equal rows are equal bytes.
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
    assert extra_dimensions(found.values()) == {"orders": ["coupon", "gift"], "tickets": ["plan", "region", "site"]}


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
        ("{tag: P}", "extra > tag: is a word with a meaning of its own"),
        ("{plan: {from: P, unit: seconds}}", "extra > plan > unit: has no meaning here"),
        ("{plan: {sql: 'upper('}}", "extra > plan > sql: is not SQL"),
        ("{plan: {from: P, value: x}}", "extra > plan: give exactly one of"),
        ("{" + ", ".join(f"f{n}: C" for n in range(21)) + "}", "extra: names 21 columns; 20 at most"),
    ],
)
def test_wrong_ones_are_explained(tmp_path: Path, extra: str, said: str) -> None:
    assert said in faults(tmp_path, desk=f"{DESK}extra: {extra}")


def test_records_that_are_no_rows_of_a_fact_carry_none(tmp_path: Path) -> None:
    costs = "name: spent\nkind: costs\nfiles: {columns: [D]}\ncolumns: {cost_date: D, category: C, amount: A}\nextra: {site: S}"
    assert "extra: records of costs are no rows of a fact" in faults(tmp_path, spent=costs)


def test_rows_that_differ_in_it_alone_are_not_the_same(tmp_path: Path) -> None:
    same = read(tmp_path, "{plan: Plan tier}", [ROWS[0], ROWS[0]]).loaded
    other = read(tmp_path, "{plan: Plan tier}", [ROWS[0], {**ROWS[0], "Plan tier": "Silver"}]).loaded

    def repeated(table: pa.Table) -> int:
        pq.write_table(table, tmp_path / "t.parquet")
        return within(all_kinds()["tickets"], tmp_path / "t.parquet").repeated

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
    told = text(made, "cxhouse check", 20, 0)
    assert "# extra:\n#   plan_tier: Plan Tier  # 2 different values\n" in told
    # Without its marks it is a contract that carries the column.
    (tmp_path / "contracts").mkdir()
    wanted = told.replace("# extra:", "extra:").replace("#   plan_tier", "  plan_tier")
    (tmp_path / "contracts" / "desk.yml").write_text(wanted)
    report = look_at([tmp_path / "desk.csv"], Settings(config_dir=tmp_path, home=tmp_path / "home"))
    ((reading,),) = (file.readings for file in report.files)
    (shown,) = (column for column in reading.columns if column.name == "extra.plan_tier")
    assert (shown.origin, shown.filled, set(shown.cells)) == ("Plan Tier", 20, {("Free", "Free"), ("Gold", "Gold")})
    assert [one.name for one in reading.unused] == ["Ref"]
