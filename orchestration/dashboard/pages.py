"""The pages, in the order in which they are shown."""

from __future__ import annotations

from functools import partial

from orchestration.dashboard import health, journey, sla, value, words
from orchestration.dashboard.blocks import Block, Page
from orchestration.dashboard.kpi import Kpi, kpis_of
from orchestration.dashboard.overview import overview
from orchestration.dashboard.questions import by_question
from orchestration.dashboard.scorecards import teams
from orchestration.published.marts import Marts, View

#: What stage pages show beside the KPIs of their stage.
_MORE = {"support": (sla.sla_blocks, journey.support), "feedback": (journey.feedback,)}


def pages(marts: Marts) -> list[Page]:
    """Every page of these marts; stages without a KPI have none."""
    staged = {definition["stage"] for definition in marts.definitions.values()}
    stages = [(stage, text) for stage, text in marts.stages.items() if stage in staged]
    stages += [(stage, "all of it") for stage in sorted(staged - set(marts.stages))]
    return [
        Page("overview", "Overview", overview, "What is wrong, what drives it, and what changed: in the newest whole period."),
        Page("journey", "Journey map", journey.journey_map, "From stage to stage: who goes on, and where the journey ends."),
        *(Page(f"stage-{name}", name.capitalize(), partial(_stage, name), _of_stage(text)) for name, text in stages),
        Page(
            "teams", "Teams and agents", teams,
            "KPIs side by side, each with its cases. Agents: in the dashboard, for those who may read single cases.",
        ),
        Page(
            "compliance", "Marketplace compliance", health.compliance,
            "Each marketplace's rules, over the days that it looks back, and how much is left before they break.",
        ),
        Page("customers", "Customers and value", value.customers, "Who they are, whether they stay, and what they are worth."),
        Page("words", "In their words", words.pain_points, "What customers write about, and how often.", is_filtered=False),
        Page("alerts", "Alerts", health.alerts, "What wants attention, and the query of the cases behind it.", is_filtered=False),
        Page("health", "Data health", health.data_health, "Gates, files and how fresh they are.", is_filtered=False),
    ]  # fmt: skip


def _of_stage(text: str) -> str:
    return f"Stage of the journey: {text[:1].lower()}{text[1:].rstrip('.')}."


def _stage(stage: str, marts: Marts, view: View) -> list[Block]:
    kpis = [kpi for kpi in kpis_of(marts, view).values() if kpi.definition["stage"] == stage]
    return [*by_question(kpis), *(block for more in _MORE.get(stage, ()) for block in more(marts, view))]


def place_of(kpi: Kpi) -> str:
    """Where in the report a KPI's card is: the id of its element."""
    return f"kpi-{kpi.id}"
