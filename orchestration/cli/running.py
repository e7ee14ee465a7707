"""Commands that read exports and build: sample, run, replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape as escaped

from orchestration.cli.options import (
    as_of_option,
    engine_options,
    exports_option,
    home_options,
    load_settings,
    reported,
)
from orchestration.core.errors import GateFailedError
from orchestration.core.output import console, echo

if TYPE_CHECKING:
    from orchestration.settings.model import Settings


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--customers", default=6000, show_default=True, type=click.IntRange(1), help="How many customers.")
@click.option("--days", default=730, show_default=True, type=click.IntRange(30), help="How many days, up to 2026-06-30.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed writes the same bytes.")
@click.option("--bots", is_flag=True, help="Add chats that a bot answers first.")
@reported
def sample(out: Path, customers: int, days: int, seed: int, bots: bool) -> None:
    """Write the exports of a made-up company: OUT/exports and, to go with them, OUT/config.

    They have several vendors' shapes and the dirt of real ones; their date is 2026-07-01 (OUT/config/cxhouse.yml).
    """
    from orchestration.sample.company import Scope
    from orchestration.sample.writing import write_sample

    with console(stderr=True).status("writing sample exports") as status:
        scope = Scope(customers, days, seed, bots)
        rows = write_sample(out, scope, lambda text: status.update(f"writing sample exports: {text}"))
    for name, count in rows.items():
        click.echo(f"{count:>10,} rows  {out / 'exports' / name}")
    click.echo(f"Next: cxhouse run --exports {out / 'exports'} --config {out / 'config'}")


@click.command()
@exports_option
@home_options
@engine_options
@as_of_option
@click.option("--from", "from_day", metavar="DAY", help="Process the records of the days from DAY on again …")
@click.option("--to", "to_day", metavar="DAY", help="… up to DAY, in the reporting time zone (default: the same day).")
@click.option("--since", metavar="DAY", help="Read APIs and databases again for what changed from DAY on.")
@click.option("--full-refresh", is_flag=True, help="Read every landed file and rebuild every table.")
@click.option("--new-salt", is_flag=True, help="Give every customer a new published key, and rebuild every table with it.")
@click.option("--record", is_flag=True, help="Keep every event of the run for Dagster's UI (takes some seconds more).")
@reported
def run(
    exports: str | None,
    home: str | None,
    config: str | None,
    engine: str | None,
    spark_master: str | None,
    as_of: str | None,
    from_day: str | None,
    to_day: str | None,
    since: str | None,
    full_refresh: bool,
    new_salt: bool,
    record: bool,
) -> None:
    """Pull the exports, build the warehouse, pass the gates, publish the marts.

    Only new or changed files are read, and only what they touch is computed again. What is published is replaced in one
    step, or, when a gate fails, not at all.
    """
    from orchestration.settings.loading import parse_day, parse_days

    settings = load_settings(exports, home, config, as_of, engine, spark_master)
    if new_salt:
        from orchestration.core.lock import take_writer_lock
        from orchestration.warehouse.salt import renew_salt

        take_writer_lock(settings.home)
        renew_salt(settings)
    options = {
        "full_refresh": full_refresh or new_salt,
        "days": parse_days(from_day, to_day),
        "since": parse_day("--since", since),
    }
    _run(settings.model_copy(update=options), record)


@click.command()
@exports_option
@home_options
@engine_options
@as_of_option
@reported
def replay(
    exports: str | None, home: str | None, config: str | None, engine: str | None, spark_master: str | None, as_of: str | None
) -> None:
    """Read every landed file again, then run: after a contract was fixed, rows in quarantine that now fit are loaded.

    Nothing needs to be exported again; what a contract change touches is computed again, and published as in every run.
    """
    _run(load_settings(exports, home, config, as_of, engine, spark_master).model_copy(update={"replay": True}))


def _run(settings: Settings, record: bool = False) -> None:
    from orchestration.cli.run_output import print_check_results, print_page, print_rejected, print_run
    from orchestration.execution import execute
    from orchestration.runs.record import RunRecord

    out = console()
    progress, finish = _progress()
    try:
        done = execute(settings, progress, record_in_dagster=record)
    except GateFailedError:
        finish()
        failed = RunRecord.load(settings.home)
        if failed:
            print_rejected(out, settings, failed)
            print_check_results(out, failed)
            print_page(out, settings, failed)
        raise
    finally:
        finish()
    print_run(out, settings, done)


def _progress() -> tuple[Callable[[str], None], Callable[[], None]]:
    """On a terminal one line that changes; elsewhere (a log) a line for each phase and file."""
    errors = console(stderr=True)
    if errors.is_terminal:
        status = errors.status("starting")
        status.start()
        return lambda text: status.update(escaped(text)), status.stop
    seen: set[str] = set()

    def line(text: str) -> None:
        phase = text.partition(":")[0]
        if phase == "models" and phase in seen:
            return
        seen.add(phase)
        echo("models: building" if phase == "models" else text, err=True)

    return line, lambda: None


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@reported
def init(folder: Path) -> None:
    """Write a project into DIR: settings, an example contract, and units of systemd for a run every night.

    Exports go into DIR/exports, or the settings say where they are.
    """
    from orchestration.starter import write_project

    for path in write_project(folder):
        click.echo(path)
    click.echo(f"Next: put exports into {folder / 'exports'}, then cxhouse run --config {folder / 'config'}")


COMMANDS = (
    init,
    sample,
    run,
    replay,
)
