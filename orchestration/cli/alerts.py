"""Commands about alerts: what wants attention, whose it is, and silence for what is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta

import click

from orchestration.cli.options import home_options, load_settings, reported
from orchestration.core.errors import ConfigurationError
from orchestration.core.output import console


@click.group(invoke_without_command=True)
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json"]))
@home_options
@click.pass_context
@reported
def alerts(context: click.Context, form: str, home: str | None, config: str | None) -> None:
    """Show what wants attention, grouped by cause: whose it is, since when, and whether it is new, going on or resolved."""
    if context.invoked_subcommand:
        return
    from rich.table import Table

    from orchestration.messages.alerting import listed
    from orchestration.published.display import published_file

    settings = load_settings(home=home, config=config)
    published_file(settings)
    groups, today = listed(settings)
    if form == "json":
        click.echo(json.dumps([asdict(group) for group in groups], default=str, indent=1))
        return
    table = Table("alert", "state", "severity", "owner", "since", "what", box=None, pad_edge=False)
    for group in groups:
        silent = f", silent until {group.snoozed_until}" if group.is_snoozed(today) else ""
        table.add_row(group.key, f"{group.state}{silent}", group.severity, group.owner, str(group.since), group.text)
    console().print(table if groups else "Nothing wants attention.")


@alerts.command()
@click.argument("alert")
@click.option("--days", type=click.IntRange(1, 366), help="So many days from today on (default: 7).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Until this day, on which it is reported again.")
@home_options
@reported
def snooze(alert: str, days: int | None, until: datetime | None, home: str | None, config: str | None) -> None:
    """Send nothing of ALERT (as 'cxhouse alerts' names it) for some days, unless it becomes worse."""
    from orchestration.messages.alerting import listed, snooze
    from orchestration.published.display import published_file

    if days and until:
        raise ConfigurationError("--days or --until, not both")
    settings = load_settings(home=home, config=config)
    published_file(settings)
    today = listed(settings)[1]
    day = until.date() if until else today + timedelta(days=days or 7)
    if day <= today:
        raise ConfigurationError(f"--until {day} is not after the reporting day of what is published, {today}")
    click.echo(f"silent until {day}: {snooze(settings, alert, day).text}")


@alerts.command()
@click.argument("alert")
@home_options
@reported
def wake(alert: str, home: str | None, config: str | None) -> None:
    """End the snooze of ALERT."""
    from orchestration.messages.alerting import snooze
    from orchestration.published.display import published_file

    settings = load_settings(home=home, config=config)
    published_file(settings)
    click.echo(f"no longer silent: {snooze(settings, alert, None).text}")


COMMANDS = (alerts,)
