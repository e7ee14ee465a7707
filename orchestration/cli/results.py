"""Commands about what was built: KPIs, the last run, earlier versions."""

from __future__ import annotations

import click

from orchestration.cli.options import home_options, reported
from orchestration.errors import ConfigurationError
from orchestration.output import console
from orchestration.settings import load_settings


@click.command()
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


@click.command()
@home_options
@reported
def status(home: str | None, config: str | None) -> None:
    """Show the last run: rows read, loaded and quarantined by file, each gate, and the published version."""
    from orchestration.cli.run_output import print_status

    print_status(console(), load_settings(home=home, config=config))


@click.command()
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
    from orchestration.targets.pushing import bring_up_to_date
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
    bring_up_to_date(settings, click.echo)


@click.command()
@click.option("--all", "compare_all", is_flag=True, help="Compare every table, also those that a target is known to hold.")
@home_options
@reported
def push(compare_all: bool, home: str | None, config: str | None) -> None:
    """Bring the targets (setting `targets`: PostgreSQL, Iceberg) to the published version.

    Each run does it by itself; this is for a target that was not reachable then, or was changed by hand (--all).
    """
    from orchestration.lock import take_writer_lock
    from orchestration.targets.pushing import push as push_to_targets

    settings = load_settings(home=home, config=config)
    if settings.targets.postgresql is None and settings.targets.iceberg is None:
        raise ConfigurationError("no targets: name one in cxhouse.yml (docs/connecting.md)")
    take_writer_lock(settings.home)
    for line in push_to_targets(settings, lambda text: click.echo(text, err=True), compare_all):
        click.echo(line)


COMMANDS = (kpis, status, rollback, push)
