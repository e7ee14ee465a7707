"""Alerts: each gate that failed and each run that broke, as a row that readers can query, and as a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestration.errors import ConfigurationError, CxhouseError
from orchestration.pull.ledger import Alert, Ledger, now
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.run_record import RunRecord

#: A message names the first few; the page has them all.
MAX_TOLD = 5


def check_addresses(addresses: list[str]) -> None:
    """Hold the setting `notify` against what Apprise knows.

    Raises:
        ConfigurationError: one is no address; it is named by its number, since it can hold a password.
    """
    if not addresses:
        return
    import apprise

    for number, address in enumerate(addresses, start=1):
        if apprise.Apprise.instantiate(address) is None:
            raise ConfigurationError(
                f"notify: number {number} is no address that Apprise knows; such as mailto://user:password@example.org"
            )


def raise_alerts(settings: Settings, record: RunRecord, error: BaseException | None = None) -> None:
    """Write down what failed in a run, and send a message when it was not published."""
    raised_at = now()
    alerts = [
        Alert(raised_at, record.run_id, verdict.severity, verdict.gate, verdict.expectation, verdict.failed_rows)
        for verdict in record.verdicts
        if not verdict.passed
    ]
    if record.status == "failed":
        alerts.append(Alert(raised_at, record.run_id, "critical", "run", _what_broke(record, error), 0))
    Ledger(settings.ledger).add_alerts(alerts)
    if record.status != "published":
        _notify(settings, record, alerts)


def _what_broke(record: RunRecord, error: BaseException | None) -> str:
    """In words that hold no data: alerts are published, and an engine's message can quote the value it broke on."""
    if record.dbt_problems:
        return "; ".join(f"{problem.partition(':')[0]} could not be built" for problem in record.dbt_problems)
    return str(error) if isinstance(error, CxhouseError) else f"the run broke ({type(error).__name__})"


def _notify(settings: Settings, record: RunRecord, alerts: list[Alert]) -> None:
    if not settings.notify:
        return
    import apprise

    messenger = apprise.Apprise()
    for address in settings.notify:
        messenger.add(address)
    critical = [alert for alert in alerts if alert.severity == "critical"]
    lines = [f"- {alert.subject}: {alert.message}" for alert in critical[:MAX_TOLD]]
    if len(critical) > MAX_TOLD:
        lines.append(f"- and {len(critical) - MAX_TOLD} more")
    page = record.page(settings.home)
    if page.exists():
        lines.append(f"Details: {page}")
    body = "\n".join([f"Run {record.run_id} was {record.status}. What is published stays as it was.", *lines])
    if not messenger.notify(title=f"cxhouse: the run was {record.status}", body=body):
        logging.getLogger("cxhouse").error("notify: not every message could be sent")
