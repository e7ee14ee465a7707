"""Commands about persons: forgetting them, and showing what is held about them."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli.options import engine_options, home_options, load_settings, reported
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.output import echo

if TYPE_CHECKING:
    from orchestration.privacy.identifiers import Identifier
    from orchestration.settings.model import Settings

_KINDS = click.Choice(["email", "phone", "id", "visitor"])


def _read_identifiers(settings: Settings, arguments: tuple[str, ...], kind: str | None) -> list[list[Identifier]]:
    """Identifiers from standard input; on a terminal they are asked for, and not shown.

    Raises:
        ConfigurationError: they were given as arguments, or none was given.
    """
    from orchestration.privacy.identifiers import read_lines

    if arguments:
        raise ConfigurationError(
            "identifiers are read from standard input, one a line: arguments would stay in the shell's history and in lists of "
            "processes"
        )
    if sys.stdin.isatty():
        lines = []
        while line := click.prompt(
            "E-mail address, telephone or customer number (hidden; empty to go on)",
            default="",
            hide_input=True,
            show_default=False,
        ):
            lines.append(line)
    else:
        lines = sys.stdin.read().splitlines()
    return read_lines(lines, kind, str(settings.vars.get("phone_country_code") or ""))


def _with_data(settings: Settings) -> None:
    from orchestration.core.lock import take_writer_lock

    if not settings.ledger.exists():
        raise ConfigurationError(f"nothing has landed in {settings.home}; name another --home")
    take_writer_lock(settings.home)


@click.command()
@click.argument("arguments", nargs=-1, metavar="")
@click.option("--kind", type=_KINDS, help="What the lines hold; else each is guessed, or says it: email:…, phone:…, id:…")
@click.option("--only-named", is_flag=True, help="Only these identifiers, not the person's others.")
@click.option("--reference", metavar="TEXT", help="Number of the request, for the proof (no personal data).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_options
@engine_options
@reported
def forget(
    arguments: tuple[str, ...],
    kind: str | None,
    only_named: bool,
    reference: str | None,
    yes: bool,
    home: str | None,
    config: str | None,
    engine: str | None,
    spark_master: str | None,
) -> None:
    """Forget persons, named on standard input by e-mail address, telephone or customer number, one a line.

    \b
    The rows stay and count, under a surrogate that leads to nobody, without texts. Originals that name the person are removed.
    What arrives later is treated in the same way, so that nothing brings the person back. See docs/privacy.md.

    \b
    Example:  cxhouse forget --home home --reference 2026-117 --yes < request.txt
              cxhouse run --home home …        # builds and publishes without them
    """
    from orchestration.privacy.linking import who_is_meant
    from orchestration.privacy.roll import Roll, instant
    from orchestration.privacy.sweep import begin, carry_out, found_in

    settings = load_settings(home=home, config=config, engine=engine, spark_master=spark_master)
    lines = _read_identifiers(settings, arguments, kind)
    _with_data(settings)
    meant = who_is_meant(settings, lines, follows_links=not only_named)
    roll = Roll(settings)
    hashes = roll.add(meant.all)
    roll.add(meant.shared)
    found = found_in(settings, roll)
    click.echo(
        f"{len(meant.named)} identifier(s) named, {len(meant.keys)} customer(s) known by them, "
        f"{len(meant.linked)} further identifier(s) linked to the same"
    )
    for name, file, rows in found:
        echo(f"{rows:>10,} row(s)  {name:<20} {file}")
    if not found:
        click.echo("No loaded or rejected row names them. Originals that no contract reads are looked through as well.")
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("nothing was changed; add --yes to forget them")
        click.confirm("Forget them? It cannot be undone", abort=True)
    number = instant()
    request = {
        "request": f"{number}/{len(roll.state().get('pending', []))}", "asked_at": number, "by": getpass.getuser(),
        "reference": reference, "identifiers": len(meant.all), "hashes": hashes,
        "rows": sum(rows for _, _, rows in found),
    }  # fmt: skip
    begin(settings, roll, request)
    counts = carry_out(settings, lambda text: click.echo(f"forgetting: {text}", err=True))
    for place, count in counts.items():
        if count:
            click.echo(f"{count:>10,} changed or removed: {place}")
    click.echo(f"The proof is the last line of {settings.home / 'forgotten.jsonl'}.")
    _tell_targets(settings)
    click.echo("Next: cxhouse run. Until then readers see the version from before, in which the persons have a key.")


def _tell_targets(settings: Settings) -> None:
    """Have targets drop the versions that the home has dropped; one that cannot be reached is brought up to date later."""
    from orchestration.targets.pushing import behind, bring_up_to_date, forget_what_they_hold

    for name in forget_what_they_hold(settings):
        echo(f"target {name}: no longer in the settings, and holds what was pushed to it: remove it there", err=True)
    if names := behind(settings):
        try:
            bring_up_to_date(settings, lambda text: echo(f"forgetting: {text}", err=True))
        except CxhouseError as error:
            echo(f"{error}. The next run, or 'cxhouse push', does it.", err=True)
        click.echo(f"Targets ({', '.join(names)}) hold the persons under a key, too, until the next run has pushed to them.")


@click.command()
@click.argument("arguments", nargs=-1, metavar="")
@click.option("--kind", type=_KINDS, help="What the lines hold; else each is guessed, or says it: email:…, phone:…, id:…")
@click.option("--only-named", is_flag=True, help="Only what is held under these identifiers, not under the person's others.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder, which only you can read.")
@home_options
@engine_options
@reported
def person(
    arguments: tuple[str, ...],
    kind: str | None,
    only_named: bool,
    out: Path,
    home: str | None,
    config: str | None,
    engine: str | None,
    spark_master: str | None,
) -> None:
    """Write all that is held about a person to OUT/person.json; the person is named on standard input, as for 'cxhouse forget'.

    Rows as they were loaded, rejected and exported, what the warehouse derived of them, and how many rows readers see under which
    key. Nothing but counts is printed.
    """
    from orchestration.privacy.linking import who_is_meant
    from orchestration.privacy.person import FILE, write_person

    settings = load_settings(home=home, config=config, engine=engine, spark_master=spark_master)
    lines = _read_identifiers(settings, arguments, kind)
    _with_data(settings)
    meant = who_is_meant(settings, lines, follows_links=not only_named)
    for place, count in write_person(settings, meant, out).items():
        echo(f"{count:>10,}  {place}")
    click.echo(f"Written to {out / FILE}: personal data; remove it when it has been handed over.")


COMMANDS = (forget, person)
