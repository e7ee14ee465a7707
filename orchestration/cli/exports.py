"""Commands about files: what claims them, what a run would make of them, what was rejected, what is taken back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from orchestration.cli.options import as_of_option, exports_option, home_options, load_settings, reported
from orchestration.core.errors import ConfigurationError
from orchestration.core.output import console, echo, shown


@click.command()
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
    from orchestration.pull.isolated import isolated

    # It gets its libraries while this process gets its own.
    isolated().start("orchestration.check.finding")
    from orchestration.core.lightly import import_lightly, importing

    import_lightly()
    with importing():
        from orchestration.check.looking import look_at
        from orchestration.check.rendering import print_report

    report = look_at(places, load_settings(exports, home, config, as_of), contract)
    if as_json:
        click.echo(json.dumps(report.plain(), indent=1))
    else:
        options = [*(["--contract", contract] if contract else []), *(["--config", config] if config else [])]
        folder = places[0] if places[0].is_dir() else places[0].parent
        load = ["cxhouse", "run", "--exports", str(folder), *(["--config", config] if config else [])]
        print_report(console(), report, ["cxhouse", "check", *map(str, places), *options], load)
    sys.exit(report.exit_code)


@click.command()
@exports_option
@home_options
@reported
def sources(exports: str | None, home: str | None, config: str | None) -> None:
    """Show which contract claims which file, without loading anything, and the files that none claims."""
    from orchestration.core.lightly import import_lightly, importing

    import_lightly()
    with importing():
        from orchestration.check.survey import survey

    out = console()
    settings = load_settings(exports, home, config)
    for line in survey(settings):
        out.print(shown(line), markup=False, soft_wrap=True)


@click.command()
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
    from orchestration.pull.home.corrections import export_rows
    from orchestration.pull.home.quarantine import reasons

    settings = load_settings(home=home, config=config)
    if out is None:
        from orchestration.cli.run_output import print_quarantine

        print_quarantine(console(), reasons(settings, kind, file_name), of_all=kind is None and file_name is None)
        return
    for written in export_rows(settings, kind, file_name, out):
        name = "" if written.is_claimed else f"  (contract {written.contract} claims no such name: give it one that it does)"
        echo(f"{written.rows:>10,} rows  {written.path}{name}")


@click.command()
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
    from orchestration.core.lock import take_writer_lock
    from orchestration.pull.home.ledger import Ledger
    from orchestration.pull.home.withdrawal import choose

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


COMMANDS = (
    check,
    sources,
    quarantine,
    withdraw,
)
