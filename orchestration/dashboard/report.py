"""The report: every page as one HTML file that needs nothing from anywhere, to open, mail or archive."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from orchestration.dashboard.charts import sparkline, trend
from orchestration.dashboard.families import clocks_of, statistics_of
from orchestration.dashboard.pages import pages, place_of
from orchestration.publish.reading import open_published
from orchestration.published.marts import Marts

_TEMPLATES = Path(__file__).parent / "templates"
#: The space between a number and its unit, or a currency and its amount.
_UNIT = re.compile(r"(?<=\d) (?=%|s\b|min\b|h\b|days\b|points\b|cases?\b|pending\b)|(?<=[€$£¥]) (?=\d)")


@cache
def environment() -> Environment:
    """The templates; what they show is escaped."""
    made = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {
        "trend": trend, "sparkline": sparkline, "place_of": place_of, "clocks_of": clocks_of, "statistics_of": statistics_of,
    }  # fmt: skip
    made.filters["glued"] = glued
    return made


def glued(text: str) -> str:
    """Text whose numbers and units are not broken apart at the end of a line."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def plotly_js() -> str:
    """The library that draws the charts, as the package of the same name carries it."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def asset(name: str) -> str:
    """A style sheet or script."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def facts(marts: Marts) -> str:
    """Which version one is looking at."""
    publication = marts.publication
    return (
        f"As of {publication.as_of:%Y-%m-%d %H:%M} UTC, version {publication.version}. Days are those of "
        f"{publication.reporting_timezone}; amounts in {publication.currency}; intervals 95 %."
        + (f" Numbers of fewer than {marts.least} people are not shown." if marts.least > 1 else "")
    )


def render_page(template: str, marts: Marts, links: list[tuple[str, str, bool]], plotly: str | None = None, **values: Any) -> str:
    """A page from a template; with `plotly` the library is loaded from that address instead of being in the page."""
    values = {"title": "cxhouse", **values}
    return environment().get_template(template).render(
        links=links,
        facts=facts(marts),
        style=asset("cards.css") + asset("page.css"),
        script=asset("page.js"),
        inlined=plotly is None,
        plotly=plotly or plotly_js(),
        **values,
    )  # fmt: skip


def report(marts: Marts, progress: Callable[[str], None] = lambda _: None) -> str:
    """The report over one published version, of the whole."""
    shown = []
    for page in pages(marts):
        progress(f"report: {page.title}")
        shown.append((page, page.blocks(marts, marts.view)))
    links = [(f"#{page.slug}", page.title, False) for page, _ in shown]
    return render_page("report.html.j2", marts, links, pages=shown)


def write_report(database: Path, path: Path) -> None:
    """Write the report over a database of marts."""
    with open_published(database) as con:
        path.write_text(report(Marts(con)), encoding="utf-8")
