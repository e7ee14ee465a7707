"""Each gate that failed and each run that broke, as an alert that readers can query, and as a message.

What a publication brought is reported by ``messages/alerting.py``.
"""

from __future__ import annotations

import logging

from orchestration.core import durable
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.output import lines_shown
from orchestration.gates.check_results import CheckResult
from orchestration.pull.home.ledger import Alert, Ledger, now
from orchestration.pull.home.quarantine import valueless
from orchestration.pull.personal import files_shown
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings

#: The order in which people look at alerts.
BY_SEVERITY = "case severity when 'critical' then 0 when 'warning' then 1 else 2 end, raised_at desc, alert_id"
#: A message names the first few; the page has them all.
MAX_LISTED = 5


def check_addresses(addresses: list[str], setting: str = "notify") -> None:
    """Hold the addresses of a setting against what Apprise knows.

    Raises:
        ConfigurationError: one is no address; it is named by its number, since it can hold a password.
    """
    if not addresses:
        return
    import apprise

    for number, address in enumerate(addresses, start=1):
        if apprise.Apprise.instantiate(address) is None:
            raise ConfigurationError(
                f"{setting}: number {number} is no address that Apprise knows; such as mailto://user:password@example.org"
            )


def write_alerts(settings: Settings, record: RunRecord, error: BaseException | None = None) -> list[Alert]:
    """Write down what has failed in a run so far; they are those of the run's start, however often they are written."""
    alerts = [
        Alert(
            record.started_at,
            record.run_id,
            check.severity,
            check.gate,
            check.expectation,
            check.failed_rows,
        )
        for check in record.check_results
        if not check.passed
    ]
    if record.status == "failed":
        alerts.append(Alert(record.started_at, record.run_id, "critical", "run", _what_broke(record, error), 0))
    ledger = Ledger(settings.ledger)
    ledger.add_run(record.run_id, record.started_at if record.status == "running" else now(), record.status)
    ledger.put_alerts(record.run_id, alerts)
    return alerts


def raise_alerts(settings: Settings, record: RunRecord, error: BaseException | None = None) -> None:
    """Write down what failed in a run, and send a message when it was not published."""
    alerts = write_alerts(settings, record, error)
    if record.status != "published":
        _notify(settings, record, alerts)


def _what_broke(record: RunRecord, error: BaseException | None) -> str:
    """In words that hold no data: alerts are published, and an engine's message can quote the value it broke on."""
    if record.dbt_problems:
        return "; ".join(f"{problem.partition(':')[0]} could not be built" for problem in record.dbt_problems)
    error = (error and durable.explain(error)) or error
    return str(error) if isinstance(error, CxhouseError) else f"the run broke ({type(error).__name__})"


def _notify(settings: Settings, record: RunRecord, alerts: list[Alert]) -> None:
    # The first alerts are those of the check results, in their order.
    failed = [check for check in record.check_results if not check.passed]
    critical = [
        [f"- {alert.subject}: {alert.message}", *(_reasons(failed[place]) if place < len(failed) else [])]
        for place, alert in enumerate(alerts)
        if alert.severity == "critical"
    ]
    lines = [line for alert_lines in critical[:MAX_LISTED] for line in alert_lines]
    if len(critical) > MAX_LISTED:
        lines.append(f"- and {len(critical) - MAX_LISTED} more")
    page = record.page(settings.home)
    if page.exists():
        lines.append(f"Details: {page}")
    body = "\n".join([f"Run {record.run_id} was {record.status}. What is published stays as it was.", *lines])
    send(settings, f"cxhouse: the run was {record.status}", body)


def _reasons(check: CheckResult) -> list[str]:
    """Why a file was held back, by reason with its rows; no value of the data."""
    return [f"  {line}" for line in (check.in_counts, *map(valueless, check.examples)) if line]


def send(settings: Settings, title: str, body: str, to: list[str] | None = None) -> None:
    """Send a message to these Apprise addresses; without any, to those of the setting `notify`."""
    addresses = to or settings.notify
    if not addresses:
        return
    import apprise

    messenger = apprise.Apprise()
    for address in addresses:
        messenger.add(address)
    if not messenger.notify(title=title, body=files_shown(lines_shown(body))):
        logging.getLogger("cxhouse").error("notify: not every message could be sent")
