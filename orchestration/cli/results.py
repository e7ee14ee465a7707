"""Commands about what was built: KPIs, the last run, earlier versions."""

from __future__ import annotations

from datetime import datetime

import click

from orchestration.cli.options import home_options, load_settings, reported
from orchestration.core.errors import ConfigurationError
from orchestration.core.grains import ANY_GRAIN, GRAINS
from orchestration.core.output import console

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("names", nargs=-1, metavar="[KPI]...")
@click.option(
    "--grain",
    default="month",
    show_default=True,
    type=click.Choice(ANY_GRAIN),
    help="Length of the periods; all: one for the whole span.",
)
@click.option("--kpi", "kpis_wanted", multiple=True, metavar="ID", help="As KPI: ids parted by commas, or several times.")
@click.option("--by", metavar="NAMES", help="Cut by dimensions, parted by commas: channel,team; each combination is a row.")
@click.option("--where", metavar="CONDITION", help='Only these cases: "country in (DE, AT) and not channel = chat".')
@click.option("--from", "first", type=_DAY, help="Periods from the one of this day on.")
@click.option("--to", "last", type=_DAY, help="Periods up to the one of this day.")
@click.option("--compare", type=click.Choice(["previous", "year"]), help="Beside the period before, or a year earlier.")
@click.option("--dimension", default="all", metavar="NAME", help="Members of one dimension, as the marts hold them.")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json", "csv"]))
@home_options
@reported
def kpis(
    names: tuple[str, ...],
    grain: str,
    kpis_wanted: tuple[str, ...],
    by: str | None,
    where: str | None,
    first: datetime | None,
    last: datetime | None,
    compare: str | None,
    dimension: str,
    form: str,
    home: str | None,
    config: str | None,
) -> None:
    """Show published KPIs, by any cut: each one's newest whole period, or all periods of those named (their ids).

    \b
    cxhouse kpis csat first_response_time --by channel,team --where "country in (DE, AT)" --grain week
    cxhouse kpis csat --by channel --compare year --from 2026-01-01
    """
    from orchestration.published.display import kpis_text, left_out, newest_whole, print_kpis, read_kpis

    settings = load_settings(home=home, config=config)
    wanted = tuple(name.strip() for text in (*names, *kpis_wanted) for name in text.split(",") if name.strip())
    if by or where or first or last or compare:
        if dimension != "all":
            raise ConfigurationError("--dimension is used alone; with conditions, periods or comparisons say --by")
        from orchestration.query.asking import Question
        from orchestration.query.showing import show

        cuts = tuple(name.strip() for name in (by or "").split(",") if name.strip())
        days = (first.date() if first else None, last.date() if last else None)
        return show(settings, Question(wanted, cuts, where or "", grain, *days, compare), form)
    rows = read_kpis(settings, grain, wanted, dimension)
    if not wanted and form == "table":
        rows = newest_whole(settings, rows)
    if form == "table":
        print_kpis(console(), rows, f"KPIs by {grain}")
        for line in left_out(settings, rows):
            console().print(line, markup=False)
    else:
        click.echo(kpis_text(rows, form))


@click.command()
@click.argument("kpi", metavar="KPI")
@click.option("--grain", default="month", show_default=True, type=click.Choice(GRAINS))
@click.option("--period", type=_DAY, help="Any day of the period (default: the newest whole one).")
@click.option("--against", default="previous", show_default=True, metavar="previous|year|DAY", help="What to compare with.")
@click.option("--by", metavar="NAMES", help="Only these dimensions, parted by commas (default: all that the marts hold).")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json"]))
@home_options
@reported
def explain(
    kpi: str,
    grain: str,
    period: datetime | None,
    against: str,
    by: str | None,
    form: str,
    home: str | None,
    config: str | None,
) -> None:
    """Say what moved a KPI: its change, whether it is more than chance, and which members made it.

    \b
    cxhouse explain csat
    cxhouse explain response_sla_rate --period 2026-05-01 --against year --by channel,team
    """
    from orchestration.query.showing import show_explanation

    cuts = tuple(name.strip() for name in by.split(",") if name.strip()) if by else None
    settings = load_settings(home=home, config=config)
    show_explanation(settings, kpi, grain, period.date() if period else None, against, cuts, form)


@click.command()
@click.argument("name")
@click.option("--send", "is_sent", is_flag=True, help="Send it to its recipients now, whether or not it is worth it.")
@click.option("--format", "form", default="html", show_default=True, type=click.Choice(["html", "csv"]))
@home_options
@reported
def digest(name: str, is_sent: bool, form: str, home: str | None, config: str | None) -> None:
    """Show the digest NAME of the settings as it would be sent, or send it."""
    from orchestration.messages.digests import compose, digest_named, send
    from orchestration.publish.reading import open_published
    from orchestration.published.display import published_file
    from orchestration.published.marts import Marts

    settings = load_settings(home=home, config=config)
    chosen = digest_named(settings, name)
    with open_published(published_file(settings)) as con:
        message = compose(Marts(con), chosen)
    if is_sent:
        send(chosen, message)
    click.echo(f"digest sent: {message.title}" if is_sent else message.html if form == "html" else message.csv)


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
    from orchestration.core.lock import take_writer_lock
    from orchestration.targets.pushing import bring_up_to_date
    from orchestration.warehouse.settled import go_back
    from orchestration.warehouse.versions import current, versions

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
    from orchestration.core.lock import take_writer_lock
    from orchestration.targets.pushing import push as push_to_targets

    settings = load_settings(home=home, config=config)
    if settings.targets.postgresql is None and settings.targets.iceberg is None:
        raise ConfigurationError("no targets: name one in cxhouse.yml (docs/connecting.md)")
    take_writer_lock(settings.home)
    for line in push_to_targets(settings, lambda text: click.echo(text, err=True), compare_all):
        click.echo(line)


COMMANDS = (kpis, explain, digest, status, rollback, push)
