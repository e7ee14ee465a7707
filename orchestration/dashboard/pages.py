"""The pages, in the order in which they are shown."""

from __future__ import annotations

from functools import partial

from orchestration.dashboard import health, journey, value, words
from orchestration.dashboard.blocks import Block, Cards, Page, Table
from orchestration.dashboard.kpi import Kpi, kpis_of
from orchestration.dashboard.marts import Marts, View
from orchestration.display import HEADLINES

#: What stage pages show beside the KPIs of their stage.
_MORE = {"support": journey.support, "feedback": journey.feedback}
#: A fact with so many KPIs has a heading of its own.
_GROUP = 3


def pages(marts: Marts) -> list[Page]:
    """Every page of these marts; stages without a KPI have none."""
    staged = {definition["stage"] for definition in marts.definitions.values()}
    stages = [(stage, text) for stage, text in marts.stages.items() if stage in staged]
    stages += [(stage, "All stages together") for stage in sorted(staged - set(marts.stages))]
    return [
        Page("overview", "Overview", _overview, "The headline KPIs in their newest whole period, and what changed."),
        Page("journey", "Journey map", journey.journey_map, "From stage to stage: who goes on, and where the journey ends."),
        *(Page(f"stage-{stage}", stage.capitalize(), partial(_stage, stage), text) for stage, text in stages),
        Page(
            "compliance", "Marketplace compliance", health.compliance,
            "Each marketplace's rules, over the days that it looks back, and how much is left before they break.",
        ),
        Page("customers", "Customers and value", value.customers, "Who they are, whether they stay, and what they are worth."),
        Page("words", "In their words", words.pain_points, "What customers complain of, and how often.", is_filtered=False),
        Page("alerts", "Alerts", health.alerts, "What wants attention, and the query of the cases behind it.", is_filtered=False),
        Page("health", "Data health", health.data_health, "Gates, files and how fresh they are.", is_filtered=False),
    ]  # fmt: skip


def _overview(marts: Marts, view: View) -> list[Block]:
    kpis = kpis_of(marts, view)
    headlines = [kpis[name] for name in HEADLINES if name in kpis]
    changed = sorted(
        (kpi for kpi in kpis.values() if kpi.has_changed), key=lambda kpi: (kpi.verdict == "better", kpi.definition["label"])
    )
    rows = [[kpi.definition["label"], kpi.period, kpi.value, kpi.interval, kpi.cases, kpi.change] for kpi in changed]
    return [
        Cards(headlines),
        Table(
            "What changed",
            ["KPI", "period", "value", "95 % interval", "cases", "change"],
            rows,
            numbers=("value",),
            note="KPIs whose interval does not overlap with that of the period before. Of two hundred that stay the same about "
            "one gets here by chance.",
            empty="Nothing that could not be chance.",
        ),
        *health.alerts(marts, view)[:1],
    ]


def _stage(stage: str, marts: Marts, view: View) -> list[Block]:
    kpis = [kpi for kpi in kpis_of(marts, view).values() if kpi.definition["stage"] == stage]
    return [*grouped(kpis), *(_MORE[stage](marts, view) if stage in _MORE else [])]


def grouped(kpis: list[Kpi]) -> list[Block]:
    """KPIs under the facts they are measured on, the fact with most of them first; of facts with few all together."""
    by_fact: dict[str, list[Kpi]] = {}
    for kpi in kpis:
        by_fact.setdefault(kpi.definition["fact"].removeprefix("fct_").replace("_", " ").capitalize(), []).append(kpi)
    large = {fact: found for fact, found in by_fact.items() if len(found) >= _GROUP}
    rest = [kpi for kpi in kpis if not any(kpi in found for found in large.values())]
    groups = sorted(large.items(), key=lambda item: (-len(item[1]), item[0]))
    if rest:
        groups.append(("More" if groups else "", rest))
    return [Cards(found, title) for title, found in groups]
