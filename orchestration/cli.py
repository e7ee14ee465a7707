"""The command line. Heavy libraries are imported by the commands that need them, so that --help is quick."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from orchestration.draft.command import contract
from orchestration.errors import ConfigurationError, GateFailedError
from orchestration.options import as_of_option, engine_options, escaped, exports_option, home_options, reported
from orchestration.output import console, echo
from orchestration.settings import Settings, load_settings, parse_days
from orchestration.tools import COMMANDS

_EXIT_CODES = """
\b
Exit codes: 0 done (run: published)
            1 a gate failed; what is published stays as it was
            2 wrong usage or configuration
            3 anything else
"""


@click.group(epilog=_EXIT_CODES, context_settings={"max_content_width": 110})
@click.version_option(package_name="cxhouse")
def main() -> None:
    """A customer-experience warehouse: ticket, call, review and order exports in, verified KPI marts out.

    \b
    Try it:   cxhouse sample --out sample
              cxhouse run --exports sample/exports --config sample/config
              cxhouse kpis --kpi csat --dimension channel
    """


@main.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--customers", default=6000, show_default=True, type=click.IntRange(1), help="How many customers.")
@click.option("--days", default=730, show_default=True, type=click.IntRange(30), help="How many days, up to 2026-06-30.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed writes the same bytes.")
@reported
def sample(out: Path, customers: int, days: int, seed: int) -> None:
    """Write the exports of a made-up company: OUT/exports and, to go with them, OUT/config.

    They have several vendors' shapes and the dirt of real ones; their date is 2026-07-01 (OUT/config/cxhouse.yml).
    """
    from orchestration.sample import write_sample
    from orchestration.sample.company import Scope

    with console(stderr=True).status("writing sample exports") as status:
        rows = write_sample(out, Scope(customers, days, seed), lambda text: status.update(f"writing sample exports: {text}"))
    for name, count in rows.items():
        click.echo(f"{count:>10,} rows  {out / 'exports' / name}")
    click.echo(f"Next: cxhouse run --exports {out / 'exports'} --config {out / 'config'}")


@main.command()
@exports_option
@home_options
@engine_options
@as_of_option
@click.option("--from", "from_day", metavar="DAY", help="Process the records of the days from DAY on again …")
@click.option("--to", "to_day", metavar="DAY", help="… up to DAY, in the reporting time zone (default: the same day).")
@click.option("--full-refresh", is_flag=True, help="Read every landed file and build every table anew.")
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
    full_refresh: bool,
    new_salt: bool,
    record: bool,
) -> None:
    """Pull the exports, build the warehouse, pass the gates, publish the marts.

    Only new or changed files are read, and only what they touch is computed again. What is published is replaced in one
    step, or, when a gate fails, not at all.
    """
    settings = load_settings(exports, home, config, as_of, engine, spark_master)
    if new_salt:
        from orchestration.lock import take_writer_lock
        from orchestration.salt import renew_salt

        take_writer_lock(settings.home)
        renew_salt(settings)
    told = {"full_refresh": full_refresh or new_salt, "days": parse_days(from_day, to_day)}
    _run(settings.model_copy(update=told), record)


@main.command()
@exports_option
@home_options
@engine_options
@as_of_option
@reported
def replay(
    exports: str | None, home: str | None, config: str | None, engine: str | None, spark_master: str | None, as_of: str | None
) -> None:
    """Read every landed file again, then run: after a contract was mended, rows in quarantine that now fit are loaded.

    Nothing needs to be exported again; what a contract change touches is computed again, and published as in every run.
    """
    _run(load_settings(exports, home, config, as_of, engine, spark_master).model_copy(update={"replay": True}))


def _run(settings: Settings, record: bool = False) -> None:
    from orchestration.display import print_page, print_rejected, print_run, print_verdicts
    from orchestration.execution import execute
    from orchestration.run_record import RunRecord

    out = console()
    progress, finish = _progress()
    try:
        done = execute(settings, progress, record_in_dagster=record)
    except GateFailedError:
        finish()
        failed = RunRecord.load(settings.home)
        if failed:
            print_rejected(out, settings, failed)
            print_verdicts(out, failed)
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


@main.command()
@click.option("--grain", default="month", show_default=True, type=click.Choice(["day", "week", "month", "quarter", "all"]))
@click.option("--kpi", "kpis_wanted", multiple=True, metavar="ID", help="Only this KPI; may be given several times.")
@click.option("--dimension", default="all", show_default=True, metavar="NAME", help="Members of a dimension: channel, team, …")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json", "csv"]))
@home_options
@reported
def kpis(grain: str, kpis_wanted: tuple[str, ...], dimension: str, form: str, home: str | None, config: str | None) -> None:
    """Show published KPIs: without --kpi each one's newest whole period, with --kpi all periods."""
    from orchestration.display import kpi_table, kpis_text, left_out, newest_whole, read_kpis

    settings = load_settings(home=home, config=config)
    rows = read_kpis(settings, grain, kpis_wanted, dimension)
    if not kpis_wanted and form == "table":
        rows = newest_whole(settings, rows)
    if form == "table":
        console().print(kpi_table(rows, f"KPIs by {grain}"))
        for line in left_out(settings, rows):
            console().print(line, markup=False)
    else:
        click.echo(kpis_text(rows, form))


@main.command()
@home_options
@reported
def status(home: str | None, config: str | None) -> None:
    """Show the last run: rows read, loaded and quarantined by file, each gate, and the published version."""
    from orchestration.display import print_status

    print_status(console(), load_settings(home=home, config=config))


@main.command()
@click.option("--kind", metavar="KIND", help="Only rows of this kind of export.")
@click.option("--file", "file_name", metavar="NAME", help="Only rows of this file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the rows, as they were in the export and with the reason, to CSV files in this folder, to be corrected.",
)
@home_options
@reported
def quarantine(kind: str | None, file_name: str | None, out: Path | None, home: str | None, config: str | None) -> None:
    """List the rejected rows by reason, and with --out write them to files, to be corrected.

    A corrected file goes back into the exports folder, where its contract claims it by its name. A row whose record is there
    already replaces it.
    """
    from orchestration.pull.corrections import export_rows
    from orchestration.pull.quarantine import reasons

    settings = load_settings(home=home, config=config)
    if out is None:
        from orchestration.display import quarantine_table

        console().print(quarantine_table(reasons(settings, kind, file_name)))
        return
    for written in export_rows(settings, kind, file_name, out):
        name = "" if written.is_claimed else f"  (contract {written.contract} claims no such name: give it one that it does)"
        echo(f"{written.rows:>10,} rows  {written.path}{name}")


@main.command()
@click.argument("file", required=False)
@click.option("--batch", type=int, metavar="NUMBER", help="Only this arrival of the file; the table load_ledger has its number.")
@click.option("--undo", is_flag=True, help="Take a withdrawal back: the next run loads the file again.")
@home_options
@reported
def withdraw(file: str | None, batch: int | None, undo: bool, home: str | None, config: str | None) -> None:
    """Take back what FILE brought, under the name that 'cxhouse status' shows: the next run leaves it out.

    Its landed original is kept. The marts are then as if the file had never come. Without --batch every version of the file
    that arrived is taken back.
    """
    from orchestration.lock import take_writer_lock
    from orchestration.pull.ledger import Ledger
    from orchestration.pull.withdrawal import choose

    settings = load_settings(home=home, config=config)
    if not settings.ledger.exists():
        raise ConfigurationError(f"nothing has landed in {settings.home}; name another --home")
    take_writer_lock(settings.home)
    ledger = Ledger(settings.ledger)
    changes = choose(ledger, file, batch, undo)
    for change in changes:
        echo(f"{'restored' if undo else 'withdrawn'}: {change}")
    batches = [change.file.batch for change in changes]
    if undo:
        ledger.restore(batches)
    else:
        ledger.withdraw(batches)
    click.echo("Next: cxhouse run")


@main.command()
@click.argument("version", required=False)
@click.option("--list", "only_list", is_flag=True, help="Show the versions that are kept.")
@home_options
@reported
def rollback(version: str | None, only_list: bool, home: str | None, config: str | None) -> None:
    """Let readers get an earlier version of the marts: VERSION, or the one before the current.

    It stays until a run has something new to publish. How many versions are kept is a setting (published_versions).
    """
    from orchestration.lock import take_writer_lock
    from orchestration.settled import go_back
    from orchestration.versions import current, versions

    settings = load_settings(home=home, config=config)
    if not (now := current(settings)):
        raise ConfigurationError(f"nothing is published in {settings.home}; name another --home")
    if only_list:
        for kept in versions(settings):
            mark = "  current" if kept.name == now.name else ""
            click.echo(f"{kept.name}  published {kept.published_at:%Y-%m-%d %H:%M:%S} UTC by run {kept.run_id}{mark}")
        return
    take_writer_lock(settings.home)
    chosen = go_back(settings, version)
    click.echo(f"published: version {chosen.name}, until a run has something new to publish")


@main.command()
@click.argument("places", nargs=-1, required=True, metavar="FILE…|FOLDER", type=click.Path(path_type=Path))
@click.option("--contract", metavar="NAME", help="Read every file by this contract, whether it would claim it or not.")
@click.option("--json", "as_json", is_flag=True, help="All that was found, for machines.")
@exports_option
@home_options
@as_of_option
@reported
def check(
    places: tuple[Path, ...],
    contract: str | None,
    as_json: bool,
    exports: str | None,
    home: str | None,
    config: str | None,
    as_of: str | None,
) -> None:
    """Show what a run would make of these files, or of a folder, without a home: nothing is loaded.

    \b
    Which contract claims a file and why, rows loaded and rejected by reason, five records beside their cells, what became of
    each word, columns that nothing uses, and doubts. Personal data is masked.

    The exit code is the one with which a run of these files alone would end.
    """
    from orchestration.check.lightly import import_lightly

    import_lightly()
    from orchestration.check.looking import look_at
    from orchestration.check.rendering import print_report

    report = look_at(places, load_settings(exports, home, config, as_of), contract)
    if as_json:
        click.echo(json.dumps(report.plain(), indent=1))
    else:
        options = [*(["--contract", contract] if contract else []), *(["--config", config] if config else [])]
        folder = places[0] if places[0].is_dir() else places[0].parent
        load = ["cxhouse", "run", "--exports", str(folder), *(["--config", config] if config else [])]
        print_report(console(), report, ["cxhouse", "check", *map(str, places), *options], "contract" in main.commands, load)
    sys.exit(report.exit_code)


@main.command()
@exports_option
@home_options
@reported
def sources(exports: str | None, home: str | None, config: str | None) -> None:
    """Show which contract claims which file, without loading anything, and the files that none claims."""
    from orchestration.check.survey import survey

    out = console()
    settings = load_settings(exports, home, config)
    for line in survey(settings):
        out.print(line, markup=False, soft_wrap=True)


@main.command("contract-schema")
def contract_schema() -> None:
    """Print the JSON schema of a contract file, for editors."""
    from orchestration.reference import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


for command in (*COMMANDS, contract):
    main.add_command(command)


if __name__ == "__main__":
    main()
