"""What pages are made of: blocks that each of the two drawings (the report, the app) knows how to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestration.dashboard.charts import Figure
from orchestration.dashboard.kpi import Kpi
from orchestration.published.marts import Marts, View


@dataclass(frozen=True)
class Cards:
    """KPIs, each with value, interval, cases, target and change; `charted` with its trend.

    As `tiles` they are small, for a look at all of them: value, target, state, course and change.
    """

    kpis: list[Kpi]
    title: str = ""
    charted: bool = True
    tiles: bool = False


@dataclass(frozen=True)
class Finding:
    """Something to know: what is so, and why as far as it is known."""

    text: str
    why: str = ""
    #: A status of a KPI, or better or worse: the colour of its mark.
    state: str = ""
    #: The KPI to look into.
    kpi: Kpi | None = None


@dataclass(frozen=True)
class Findings:
    """Findings, what matters most first."""

    title: str
    findings: list[Finding]
    note: str = ""
    empty: str = "None."
    #: It shows everything, whatever periods and cut were chosen.
    is_whole: bool = False


@dataclass(frozen=True)
class Chart:
    """A Plotly figure, as JSON."""

    title: str
    figure: Figure
    note: str = ""
    #: It shows everything, whatever periods and cut were chosen.
    is_whole: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of texts; `numbers` are the columns that are set to the right, `code` those set as code."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    numbers: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    #: Rows whose numbers are of few cases: (row, column), from 0.
    faint: frozenset[tuple[int, int]] = frozenset()
    #: Texts that lead somewhere, each with its address.
    links: dict[str, str] = field(default_factory=dict)
    note: str = ""
    empty: str = "None."
    #: It shows everything, whatever periods and cut were chosen.
    is_whole: bool = False


def not_given(title: str) -> Table:
    """In the place of a block that counts single cases, for readers of the marts alone."""
    return Table(title, [], [], empty="Not given: it is counted from single cases, which are in analysis.duckdb.")


Block = Cards | Chart | Table | Findings


@dataclass(frozen=True)
class Page:
    """A page; its blocks are computed for a view of the marts."""

    slug: str
    title: str
    blocks: Callable[[Marts, View], list[Block]] = field(repr=False)
    intro: str = ""
    #: The page shows the periods and cut that a reader chose, not only the marts as they are.
    is_filtered: bool = True
