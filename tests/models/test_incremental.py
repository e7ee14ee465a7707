"""Incremental equals full: after any history of exports every table is what a rebuild from the landed files gives."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from comparing import LAYERS, differences
from histories import FIRST, KINDS, SNAPSHOTS, Export, Row, Step, histories, histories_of_agents
from hypothesis import HealthCheck, Phase, given, note, settings

from orchestration.execution import prepare_home
from orchestration.pull.home.ledger import Ledger
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull
from orchestration.warehouse.node_result import NodeResult
from orchestration.warehouse.seeds import SHIPPED as SEEDS
from orchestration.warehouse.upkeep.build import Upkeep
from orchestration.warehouse.warehouse import Warehouse

#: What a history begins with.
BASIS = ("stg_tickets", "stg_ticket_events", "stg_orders", "stg_customers")
#: Small sets give many cases where something meets something else, which is where mistakes live.
KNOBS = {
    "activity_window_days": 20, "min_sample": 2, "identity_max_fanout": 2,
    "kpi_grains": {"all": ["day", "week", "month", "all"], "default": ["week", "all"], "channel": ["day", "month", "all"]},
    "min_pay_group": 1, "staffing_history_weeks": 2, "staffing_backtest_weeks": 1,
    "staffing_weeks_ahead": 1,
    "review_window_days": 5, "journey_window_days": 6, "defect_window_days": 9,
    "log_offset_min_tickets": 2, "log_offset_min_share": 0.6,
    "contact_costs": {"default": 2, "phone": 3, "agent_hour": 30}, "backlog_forecast_weeks": 3,
}  # fmt: skip

#: What contracts of snapshots carry along: one value of a record, and several.
EXTRA: dict[str, dict[str, Any]] = {
    "tickets": {"plan": "topic", "word": {"sql": "concat_ws(',', topic, team)", "split": [","]}},
    "calls": {"plan": "team"},
    "orders": {"plan": "country"},
    "order_items": {"plan": "line_id"},
}

#: A desk that closes: a policy in opening hours makes what is unanswered age with the date of the run.
SEEDS_OF_A_DESK = {
    "business_hours.csv": "calendar,weekday,opens_at,closes_at,timezone\n"
    + "".join(f"desk,{day},09:00,17:00,Europe/Berlin\n" for day in range(1, 6)),
    "calendar_assignments.csv": "calendar,channel,team\ndesk,email,\ndesk,phone,\n",
    "sla_policies.csv": "channel,priority,target_seconds,clock,valid_from,valid_to\nemail,,28800,business,2026-05-20,\n",
    "sla_targets.csv": "policy,position,channel,tag,priority,metric,target_seconds,clock,paused_in\n"
    + "late,1,email,late,,first_reply,7200,business,\n"
    + "".join(f"mail,2,email,,,{metric},14400,business,\n" for metric in ("first_reply", "next_reply", "requester_wait"))
    + "mail,2,email,,,periodic_update,14400,business,pending\n"
    + "".join(f"others,3,,,,{metric},36000,calendar,\n" for metric in ("first_reply", "resolution", "agent_work"))
    + "others,3,,,urgent,resolution,3600,calendar,\n",
}


class World:
    """A home and its exports, which histories write to; dbt's parsed project outlives them."""

    def __init__(self, root: Path) -> None:
        self.root, self.exports, self.config = root, root / "exports", root / "config"
        self.home = root / "home"
        #: How models were brought up to date, over all runs.
        self.modes: Counter[str] = Counter()
        self.histories = 0
        #: In how many histories a table held something in the end.
        self.filled: Counter[str] = Counter()

    def reset(self) -> None:
        for folder in ("landing", "raw", "quarantine", "tmp", "published"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
        for path in self.home.glob("ledger.sqlite*"):
            path.unlink()
        # dbt keeps the database open in this process: it is emptied, not removed.
        self.home.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as con:
            for schema in (*LAYERS, "seeds", "maintenance"):
                con.execute(f"drop schema if exists {schema} cascade")
        shutil.rmtree(self.exports, ignore_errors=True)
        self.exports.mkdir(parents=True)
        for kind, _ in KINDS.items():
            (self.exports / f"{kind}_0.csv").write_text(HEADERS[kind])
        self._count, self._rebuilt = 0, self.modes["rebuilt"]

    def staged(self) -> tuple[list[str], ...]:
        """Which tickets, orders and lines of orders there are."""
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as con:
            return tuple(
                [found for (found,) in con.execute(f"select {name} from staging.{table} order by 1").fetchall()]
                for table, name in (
                    ("stg_tickets", "ticket_id"),
                    ("stg_orders", "order_id"),
                    ("stg_order_items", "order_id || ' ' || line_id"),
                )
            )

    def play(self, step: Step, always_only: str | None = None) -> None:
        """Write a step's exports, and run."""
        for export in step.exports:
            self._count += 1
            (self.exports / f"{export.name}_{self._count}.csv").write_text(export.text())
        (self.config / "contracts").mkdir(parents=True, exist_ok=True)
        contract = {
            "name": "our_reviews", "kind": "reviews", "files": {"name": "reviews*"},
            "columns": {
                **{name: name for name in HEADERS["reviews"].strip().split(",")},
                "marketplace": {"value": step.review_source},
            },
            "extra": {"stars": "rating", "word": {"sql": "concat_ws(',', source, rating)", "split": [","]}},
        }  # fmt: skip
        (self.config / "contracts" / "reviews.yml").write_text(yaml.safe_dump(contract))
        for kind in SNAPSHOTS:
            columns = {name: name for name in HEADERS[kind].strip().split(",")}
            snapshot = {
                "name": f"full_{kind}", "kind": kind, "mode": "full", "files": {"name": f"full_{kind}*"}, "columns": columns,
                "extra": EXTRA[kind],
            }  # fmt: skip
            (self.config / "contracts" / f"full_{kind}.yml").write_text(yaml.safe_dump(snapshot))
        (self.config / "seeds").mkdir(exist_ok=True)
        shipped = (SEEDS / "journey_map.csv").read_text()
        changed = shipped.replace("place_order,purchase", f"place_order,{step.order_stage}")
        assert (changed != shipped) == (step.order_stage != "purchase")
        (self.config / "seeds" / "journey_map.csv").write_text(changed)
        for name, text in SEEDS_OF_A_DESK.items():
            (self.config / "seeds" / name).write_text(text)
        self.take_back(step)
        # The first run has nothing to break off from.
        self.run(step, only=always_only or (step.only if self.modes["rebuilt"] > self._rebuilt else None))

    def take_back(self, step: Step) -> None:
        """Withdraw one of the files that landed, or restore it."""
        ledger = Ledger(self.home / "ledger.sqlite")
        landed = ledger.landed()
        if step.takes_back is None or not landed:
            return
        file = landed[step.takes_back % len(landed)]
        (ledger.restore if file.withdrawn_at else ledger.withdraw)([file.batch])

    def run(self, step: Step, full_refresh: bool = False, only: str | None = None) -> None:
        chosen = Settings(
            exports=str(self.exports), home=self.home, config_dir=self.config, as_of=step.as_of, vars=KNOBS,
            full_refresh=full_refresh, reporting_timezone="Europe/Berlin",
        )  # fmt: skip
        prepare_home(chosen)
        for _ in Pull(chosen, lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
            pass
        selection = ["--select", *only.split()] if only else []
        results = Warehouse(chosen).build(["--exclude-resource-type", "test", *selection])
        failed = [f"{result.name}: {result.message}" for result in results if result.failed]
        assert not failed, "\n".join(failed)
        self.modes.update(result.message for result in results if result.resource_type == "model")

    def tables(self, copy: Path) -> Path:
        """A copy of the private warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as con:
            con.execute("checkpoint")
        shutil.copyfile(self.home / "warehouse.duckdb", copy)
        return copy


HEADERS = {
    kind: ",".join(rows.wrapped_strategy.mapping if hasattr(rows, "wrapped_strategy") else rows.mapping) + "\n"  # type: ignore[attr-defined]
    for kind, rows in KINDS.items()
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    before = dict(os.environ)
    world = World(tmp_path_factory.mktemp("world"))
    builds = []
    build = Upkeep.build

    def counted(self: Upkeep, *arguments: Any) -> list[NodeResult]:
        builds.append(self)
        return build(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Upkeep, "build", counted)
        yield world
    # Otherwise nothing was tested.
    assert world.modes["incremental"] > 20 or not world.histories
    assert world.modes["unchanged"] > 20 or not world.histories
    # Both ways to the same tables: by dbt, and by the queries that it compiled before.
    assert builds or not world.histories
    # Now and then all of them are withdrawn, or deleted by a snapshot.
    assert all(2 * world.filled[table] >= world.histories for table in BASIS), world.filled
    os.environ.clear()
    os.environ.update(before)


def check(world: World, history: list[Step]) -> None:
    world.reset()
    world.histories += 1
    for step in history:
        note(step.describe())
        world.play(step)
    world.run(history[-1])
    incremental = world.tables(world.root / "incremental.duckdb")
    with duckdb.connect(str(incremental), read_only=True) as con:
        world.filled.update(table for table in BASIS if con.execute(f"select 1 from staging.{table} limit 1").fetchone())
    world.run(history[-1], full_refresh=True)
    found = differences(incremental, world.tables(world.root / "full.duckdb"))
    assert not found, "\n".join(f"{table}: only incremental {here}, only full {there}" for table, (here, there) in found.items())


def full(kind: str, *rows: Row, is_snapshot: bool = False) -> Export:
    """An export of rows that tell a few columns only."""
    return Export(kind, [{**dict.fromkeys(HEADERS[kind].strip().split(","), ""), **row} for row in rows], is_snapshot)


@pytest.mark.ci
def test_what_a_file_hid_comes_back_when_the_file_goes(world: World) -> None:
    """A deletion, a snapshot and a delivery of lines hide rows of earlier files; they are withdrawn, or followed by others."""
    at = FIRST.isoformat()
    tickets: list[Row] = [{"ticket_id": name, "created_at": at, "status": "open"} for name in ("t1", "t2")]
    orders: list[Row] = [{"order_id": name, "ordered_at": at, "status": "created"} for name in ("o1", "o2")]
    lines: list[Row] = [
        {"order_id": "o1", "line_id": name, "product_id": "p1", "quantity": "1", "unit_price": "3"} for name in ("1", "2", "3")
    ]
    deleted = {"is_deleted": "true"}
    steps = [
        [full("tickets", *tickets), full("orders", orders[0]), full("order_items", *lines[:2])],
        [full("tickets", {**tickets[0], **deleted}), full("order_items", lines[2])],
        # The snapshot deletes what another export has, and takes the place of its lines.
        [full("orders", {**orders[0], **deleted}, orders[1], is_snapshot=True), full("order_items", lines[0], is_snapshot=True)],
        [full("orders", orders[1], is_snapshot=True), full("order_items", {**lines[1], "order_id": "o9"}, is_snapshot=True)],
    ]
    world.reset()
    only, found = "config.schema:staging config.schema:seeds", []
    for exports in steps:
        world.play(Step(exports, FIRST + timedelta(days=30), "shop", "purchase", only, None), only)
        found.append(world.staged())
    assert found == [
        (["t1", "t2"], ["o1"], ["o1 1", "o1 2"]),
        (["t2"], ["o1"], ["o1 3"]),
        (["t2"], ["o2"], ["o1 1"]),
        (["t2"], ["o1", "o2"], ["o1 3", "o9 2"]),
    ]
    step = Step([], FIRST + timedelta(days=30), "shop", "purchase", only, None)
    ledger = Ledger(world.home / "ledger.sqlite")
    landed = {file.file: file.batch for file in ledger.landed()}
    ledger.withdraw([landed["tickets_4.csv"], landed["full_orders_8.csv"], landed["order_items_5.csv"]])
    world.play(step, only)
    assert world.staged() == (["t1", "t2"], ["o2"], ["o1 1", "o1 2", "o9 2"])
    incremental = world.tables(world.root / "incremental.duckdb")
    world.run(step, full_refresh=True, only=only)
    assert differences(incremental, world.tables(world.root / "full.duckdb"), ("staging",)) == {}


#: Histories in the quick suite, and in the whole one.
FEW, MANY = 2, 30
# Shrinking would play each history many times over; what is found is small as it is.
UNHURRIED = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}


@pytest.mark.ci
@settings(max_examples=FEW, **UNHURRIED)
@given(history=histories(most_steps=4, most_exports=4, most_rows=6))
def test_incremental_equals_full(world: World, history: list[Step]) -> None:
    check(world, history)


@pytest.mark.slow
@settings(max_examples=2 * FEW, **UNHURRIED)
@given(history=histories_of_agents(most_steps=6, most_rows=14))
def test_time_of_agents_follows_any_history(world: World, history: list[Step]) -> None:
    """In histories of everything states of agents are rare: here they are all there is, up to their half hours."""
    only = "+fct_agent_contact_half_hours"
    world.reset()
    for step in history:
        note(step.describe())
        world.play(step, only)
    incremental = world.tables(world.root / "incremental.duckdb")
    world.run(history[-1], full_refresh=True, only=only)
    found = differences(incremental, world.tables(world.root / "full.duckdb"), ("staging", "conformed", "journey"))
    assert not found, "\n".join(f"{table}: only incremental {here}, only full {there}" for table, (here, there) in found.items())


@pytest.mark.slow
@settings(max_examples=MANY, **UNHURRIED)
@given(history=histories(most_steps=8, most_exports=6, most_rows=10))
def test_incremental_equals_full_over_long_histories(world: World, history: list[Step]) -> None:
    check(world, history)
