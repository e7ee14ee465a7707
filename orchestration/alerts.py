"""Alerts: each gate that failed and each run that broke, as a row that readers can query, and as a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestration.pull.ledger import Alert, Ledger, now
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.run_record import RunRecord

#: A message names the first few; the page has them all.
MAX_TOLD = 5


def raise_alerts(settings: Settings, record: RunRecord, problem: str) -> None:
    """Write down what failed in a run, and send a message when it was not published."""
    raised_at = now()
    alerts = [
        Alert(raised_at, record.run_id, verdict.severity, verdict.gate, verdict.expectation, verdict.failed_rows)
        for verdict in record.verdicts
        if not verdict.passed
    ]
    if record.status == "failed":
        text = "; ".join(record.dbt_problems) or problem or "the run broke"
        alerts.append(Alert(raised_at, record.run_id, "critical", "run", text[:2000], 0))
    Ledger(settings.ledger).add_alerts(alerts)
    if record.status != "published":
        _notify(settings, record, alerts)


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
    body = "\n".join(
        [f"Run {record.run_id} of {record.started_at} was {record.status}. What is published stays as it was.", *lines,
         f"Details: {record.page(settings.home)}"]
    )  # fmt: skip
    if not messenger.notify(title=f"cxhouse: the run was {record.status}", body=body):
        logging.getLogger("cxhouse").error("notify: not every message could be sent")
