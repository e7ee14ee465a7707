"""Alerts in words: what is the matter, with its value and limit in the units that people read."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.published.display import format_value
from orchestration.published.marts import ALL, Marts, Row


@dataclass(frozen=True)
class AlertWords:
    """An alert's texts; value and limit are empty where it has none."""

    what: str
    value: str
    limit: str


def in_words(marts: Marts, alert: Row) -> AlertWords:
    """A row of ``alerts``; a policy has the unit of the KPI that it judges, a risk that of money."""
    subject, kind = str(alert["subject"]), alert["kind"]
    definition = marts.definitions.get(subject, {})
    rule = marts.policy_rules.get(subject, subject) if kind == "policy" else subject
    unit = "money" if kind == "risk" else marts.definitions.get(rule, {}).get("unit", "")
    # A policy's own name says the marketplace.
    whom = "" if alert["member"] in (None, ALL) or kind == "policy" else f" ({alert['dimension']} {alert['member']})"
    message = f"fails a check: {alert['message']}" if kind == "gate" else alert["message"]

    def said(value: float | None) -> str:
        return "" if value is None else format_value(value, unit, marts.publication.currency)

    return AlertWords(f"{definition.get('label', subject)}{whom} {message}", said(alert["value"]), said(alert["limit_value"]))
