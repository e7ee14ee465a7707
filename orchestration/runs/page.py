"""The page of a run's gates: one HTML file that needs nothing from anywhere."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from orchestration.runs.record import RunRecord

#: The page's own, and the colours that it shares with the report.
_TEMPLATES = [Path(__file__).parent, Path(__file__).parents[1] / "dashboard" / "templates"]


def render(record: RunRecord) -> str:
    """The page as text."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    failed = [check for check in record.check_results if not check.passed]
    gates = [(gate, list(check_results)) for gate, check_results in groupby(record.check_results, key=lambda check: check.gate)]
    return environment.get_template("page.html.j2").render(record=record, failed=failed, gates=gates)
