"""What the pull takes, in processor seconds and memory, as tickets and their 6.75 events each grow. Run: make bench"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.core.connections import connect

TICKETS = """
    select
        'T' || i as ticket_id,
        strftime(opened_at, '%Y-%m-%d %H:%M:%S') as created_at,
        strftime(opened_at + to_seconds(answer + work), '%Y-%m-%d %H:%M:%S') as updated_at,
        'C' || hash(i) % 300000 as customer_id,
        'user' || hash(i) % 300000 || '@example.org' as customer_email,
        ['email', 'chat', 'web'][i % 3 + 1] as channel,
        'agent' || i % 50 as agent_id,
        'team' || i % 3 as team,
        ['late delivery', 'invoice', 'account'][i % 3 + 1] as topic,
        ['low', 'normal', 'high'][i % 3 + 1] as priority,
        'solved' as status,
        strftime(opened_at + to_seconds(answer), '%Y-%m-%d %H:%M:%S') as first_response_at,
        strftime(opened_at + to_seconds(answer + work), '%Y-%m-%d %H:%M:%S') as solved_at,
        1 + i % 4 as agent_replies,
        case when i % 5 = 0 then i % 4 + 1 end as csat_score
    from lives
"""
EVENTS = """
    select
        'T' || i as ticket_id,
        'E' || i || '-' || k as event_id,
        strftime(opened_at + to_seconds(cast((answer + work) * k / 7 as bigint)), '%Y-%m-%d %H:%M:%S') as event_at,
        case when k = 0 then 'created' when k % 2 = 1 then 'public_reply' else 'status_changed' end as event_type,
        case when k in (0, 3) then 'customer' else 'agent' end as actor_type,
        case when k not in (0, 3) then 'agent' || i % 50 end as actor_id,
        case k when 2 then 'new' when 4 then 'pending' when 6 then 'open' end as from_value,
        case k when 2 then 'pending' when 4 then 'open' when 6 then 'solved' end as to_value
    from lives, range(case when i % 4 = 0 then 6 else 7 end) as events (k)
    order by i, k
"""


def write_exports(folder: Path, tickets: int) -> None:
    """Tickets of three years and their events, as CSV in the canonical columns; the same in every run."""
    with connect() as con:
        con.execute(
            "create temp table lives as select i, "
            "timestamp '2023-01-01' + to_seconds(cast(hash(i) % 94608000 as bigint)) as opened_at, "
            "60 + cast(hash(i * 7) % 200000 as int) as answer, 300 + cast(hash(i * 11) % 400000 as int) as work "
            f"from range({tickets}) as numbers (i)"
        )
        for name, query in (("tickets", TICKETS), ("ticket_events", EVENTS)):
            con.execute(f"copy ({query}) to '{folder / name}.csv' (header)")


def pull(exports: str, home: str) -> None:
    """Pull once and print what it took; in a process of its own, whose peak is the pull's."""
    from orchestration.settings.model import Settings
    from orchestration.steps.pulling import Pull

    started = time.monotonic()
    for _ in Pull(Settings(exports=exports, home=Path(home)), lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
        pass
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024]))


def main() -> None:
    """Pull at each size and print how it grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--pull", nargs=2, metavar=("EXPORTS", "HOME"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pull:
        pull(*arguments.pull)
        return
    table = Table(title="The pull of tickets with 6.75 events each", title_justify="left")
    for name in ("tickets", "processor s", "s", "peak MiB"):
        table.add_column(name, justify="right")
    for tickets in arguments.tickets:
        with tempfile.TemporaryDirectory() as folder:
            exports = Path(folder, "exports")
            exports.mkdir()
            write_exports(exports, tickets)
            command = [sys.executable, "-m", "orchestration.bench.pull", "--pull", str(exports), f"{folder}/home"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            used, seconds, peak = json.loads(done.stdout)
        table.add_row(f"{tickets:,}", f"{used:.1f}", f"{seconds:.1f}", f"{peak:,.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
