"""One card for a measure: its mean, median and 90th percentile, by the calendar and in business hours, are together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from orchestration.dashboard.kpi import Kpi

CLOCKS = {"": "all hours", "_business": "business hours"}
STATISTICS = {"": "mean", "_median": "median", "_p90": "90 % within"}
#: How the ids of metrics are made: the measure, the clock, the statistic.
_ID = re.compile(r"(?P<measure>.+?)(?P<clock>_business)?(?P<statistic>_median|_p90)?")


def family_of(kpi_id: str) -> tuple[str, str, str]:
    """The measure of a KPI, its clock (a key of `CLOCKS`) and its statistic (one of `STATISTICS`)."""
    found = _ID.fullmatch(kpi_id)
    assert found
    return found["measure"], found["clock"] or "", found["statistic"] or ""


def families(kpis: Iterable[Kpi]) -> list[Kpi]:
    """The KPIs in their order, those of one measure as `variants` of the measure's mean.

    Where the mart leaves the mean out, its other statistics are shown by themselves.
    """
    shown = list(kpis)
    by_id = {kpi.id: kpi for kpi in shown}
    members: dict[str, dict[tuple[str, str], Kpi]] = {}
    for kpi in shown:
        measure, clock, statistic = family_of(kpi.id)
        if measure in by_id:
            members.setdefault(measure, {})[clock, statistic] = kpi
    led = {kpi.id for found in members.values() if len(found) > 1 for kpi in found.values()} - set(members)
    return [
        replace(kpi, variants=found) if len(found := members.get(kpi.id, {})) > 1 else kpi for kpi in shown if kpi.id not in led
    ]


def clocks_of(kpi: Kpi) -> list[tuple[str, str]]:
    """The clocks of a KPI's variants, each with its name."""
    return [(clock, name) for clock, name in CLOCKS.items() if any(clock == found for found, _ in kpi.variants)]


def statistics_of(kpi: Kpi) -> list[tuple[str, str]]:
    """The statistics of a KPI's variants, each with its name."""
    return [(name, shown) for name, shown in STATISTICS.items() if any(name == found for _, found in kpi.variants)]
