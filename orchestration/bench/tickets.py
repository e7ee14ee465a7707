"""How the calendar engine and ``fct_tickets`` grow with the tickets, beside the naive way. Run: make bench

The naive way expands each ticket into the openings of its calendar between its instants and adds them up; the models look the
open seconds up at both ends. Both compute the same three durations over the same tickets, in turn, and must agree.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from orchestration.core.connections import connect
from orchestration.execution import prepare_home
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import EMPTY
from orchestration.sample.writing import CONFIG
from orchestration.settings.model import Settings
from orchestration.warehouse.warehouse import Warehouse

ENGINE = "int_ticket_business_seconds"
#: Three years of tickets, answered after a median of three hours and solved after one of two days; half of them have events.
TICKETS = """
    select
        'T' || number as ticket_id,
        opened_at as created_at,
        case when number % 5 = 0 then 'chat' else 'email' end as channel,
        'agent' || number % 50 as agent_id,
        'team' || number % 3 as team,
        ['late delivery', 'invoice', 'account'][number % 3 + 1] as topic,
        'solved' as status,
        opened_at + to_seconds(cast(exp(9.3 + 1.2 * random_normal) as bigint)) as first_response_at,
        opened_at + to_seconds(cast(exp(9.3 + 1.2 * random_normal) + exp(12.0 + random_normal) as bigint)) as solved_at,
        1 + number % 4 as agent_replies,
        'bench' as _contract,
        1 as _batch,
        number as _row
    from (
        select
            number,
            timestamp '2023-01-01' + to_seconds(cast(random() * 3 * 365 * 86400 as bigint)) as opened_at,
            sqrt(-2 * ln(random() + 1e-12)) * cos(2 * pi() * random()) as random_normal
        from range({count}) as numbers (number)
    )
"""
EVENTS = """
    select
        ticket_id, happened_at as event_at, event_type, actor_type, after as to_value, 1 as _batch, row_number() over () as _row
    from (
        select ticket_id, created_at as happened_at, 'created' as event_type, 'customer' as actor_type, 'new' as after
        from tickets
        union all select ticket_id, first_response_at, 'public_reply', 'agent', null from tickets
        union all select ticket_id, first_response_at, 'status_changed', 'agent', 'pending' from tickets
        union all select ticket_id, solved_at, 'status_changed', 'agent', 'solved' from tickets
    )
    where hash(ticket_id) % 2 = 0
"""
NAIVE = """
    select
        tickets.ticket_id,
        {durations}
    from tickets
    inner join conformed.int_openings as openings
        on
            tickets.calendar = openings.calendar
            and openings.closes_at > tickets.created_at
            and openings.opens_at < tickets.solved_at
    group by tickets.ticket_id
"""


def _write_raw(settings: Settings, count: int) -> None:
    """Tickets and events as the pull would have left them, and nothing of the other kinds."""
    for kind in all_kinds().values():
        (settings.raw / kind.name).mkdir(parents=True)
        pq.write_table(kind.arrow_schema.empty_table(), settings.raw / kind.name / EMPTY)
    with connect() as con:
        con.execute("select setseed(0.5)")
        con.execute(f"create table tickets as {TICKETS.format(count=count)}")
        for name, query in (("tickets", "select * from tickets"), ("ticket_events", EVENTS)):
            folder = settings.raw / name
            con.execute(f"create table raw_{name} as from read_parquet('{folder}/*.parquet') limit 0")
            con.execute(f"insert into raw_{name} by name {query}")
            con.execute(f"copy raw_{name} to '{folder}/00000001_bench.parquet'")


def _timed(con: duckdb.DuckDBPyConnection, table: str, query: str) -> float:
    started = time.monotonic()
    con.execute(f"create or replace temporary table {table} as {query}")
    return time.monotonic() - started


def _compare(settings: Settings, lookup: str, rounds: int) -> tuple[float, float]:
    """Median seconds of the engine's query and of the naive way, taken in turn.

    Raises:
        SystemExit: they disagree.
    """
    durations = ", ".join(
        f"sum(greatest(0, cast(floor(epoch(least(openings.closes_at, tickets.{instant}))) as bigint) "
        f"- cast(floor(epoch(greatest(openings.opens_at, tickets.created_at))) as bigint))) as {name}"
        for instant, name in (("first_response_at", "response"), ("first_solved_at", "first_solve"), ("solved_at", "solve"))
    )
    engine, naive = [], []
    with tempfile.TemporaryDirectory() as folder:
        # dbt keeps the warehouse open: a copy of it.
        copy = Path(folder, "warehouse.duckdb")
        with connect(settings.warehouse) as con:
            con.execute("checkpoint")
        copy.write_bytes(settings.warehouse.read_bytes())
        with connect(copy) as con:
            con.execute(
                f"create temporary table tickets as select life.*, calendar from journey.int_ticket_life as life "
                f"inner join journey.{ENGINE} using (ticket_id)"
            )
            for _ in range(rounds):
                engine.append(_timed(con, "by_lookup", lookup))
                naive.append(_timed(con, "by_expansion", NAIVE.format(durations=durations)))
            differing = con.execute(
                "select count(*) from by_lookup left join by_expansion using (ticket_id) "
                "where (first_response_business_seconds, full_resolution_business_seconds) "
                "is distinct from (coalesce(response, 0), coalesce(solve, 0))"
            ).fetchone()
    if differing != (0,):
        raise SystemExit(f"{differing} tickets differ between the two ways")
    return statistics.median(engine), statistics.median(naive)


def main() -> None:
    """Build the models at each size, and print how the seconds grow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = Table(title="Tickets with a calendar: open seconds by lookup and by expansion; the models", title_justify="left")
    for name in ("tickets", "lookup s", "tickets/s", "expansion s", "expansion/lookup", "fct_tickets s", "tickets/s", "all s"):
        table.add_column(name, justify="right")
    for count in arguments.tickets:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder, "home"), config_dir=CONFIG, as_of=date(2026, 7, 1))
            prepare_home(settings)
            _write_raw(settings, count)
            warehouse = Warehouse(settings)
            results = warehouse.build(["--select", "+fct_tickets", "--exclude-resource-type", "test"])
            if failed := [result.message for result in results if result.failed]:
                raise SystemExit("\n".join(failed))
            seconds = {result.name: result.seconds for result in results}
            engine, naive = _compare(settings, warehouse.compiled(ENGINE)[ENGINE], arguments.rounds)
        fact = seconds["fct_tickets"]
        table.add_row(
            f"{count:,}", f"{engine:.2f}", f"{count / engine:,.0f}", f"{naive:.2f}", f"{naive / engine:.1f}",
            f"{fact:.2f}", f"{count / fact:,.0f}", f"{sum(seconds.values()):.1f}",
        )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
