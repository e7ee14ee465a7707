"""The dashboard: the pages with filters, and from each number to its cases. Started by `cxhouse dashboard`."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from orchestration.core.output import as_csv
from orchestration.dashboard.blocks import Block, Cards, Chart, Findings, Page
from orchestration.dashboard.charts import by_member, trend
from orchestration.dashboard.explorer import draw_explorer, draw_why
from orchestration.dashboard.health import alert_groups
from orchestration.dashboard.kpi import TOO_FEW, Kpi, kpis_of
from orchestration.dashboard.members import members_of
from orchestration.dashboard.pages import pages
from orchestration.dashboard.report import asset, environment, facts
from orchestration.dashboard.scorecards import agents
from orchestration.published.cases import ALERTS_HOME, RECORD_LINKS, Cases, cases_behind, record_links, what_matters_first
from orchestration.published.marts import ALL, Marts, PublishedFile, View, period_name
from orchestration.runs.alerts import BY_SEVERITY

#: Rows of cases on the page; the CSV has all.
SHOWN_CASES = 1000
_COLUMNS, _TILES = 3, 4
#: A group of cards is shown at once up to here; of more, one group at a time.
_MANY = 12
_LOOK_FIRST = ("channel", "segment", "team", "marketplace")
_CONFIG = {"displayModeBar": False}
_KPI = "kpi"
_EXPLORE = "explore"
_DEFINITION = (
    "formula", "unit", "direction", "fact", "event_date", "exports", "needs", "dimensions", "grains", "pending_measure",
    "interval_kind", "settles_after_days", "kind", "stage", "source", "kpi_id",
)  # fmt: skip
_NOT_GIVEN = "Not given: single cases are in analysis.duckdb, beside the marts, for those who may read them."


def in_words(name: str) -> str:
    """A column's name as people read it."""
    return "nothing: all cases" if name == ALL else name.replace("_", " ")


@st.cache_resource
def published(path: str) -> PublishedFile:
    """The file, shared by all who look at it."""
    return PublishedFile(Path(path))


def main(path: str) -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="cxhouse", layout="wide")
    file = published(path)
    with file.reading() as marts:
        known = {page.slug: page for page in pages(marts)}
        listed = [st.Page(_nothing, title=page.title, url_path=slug) for slug, page in known.items()]
        look = st.Page(_nothing, title="Look into a KPI", url_path=_KPI)
        explore = st.Page(_nothing, title="Explore", url_path=_EXPLORE)
        chosen = st.navigation([*listed, look, explore], expanded=True)
        st.session_state["kpi_page"], st.session_state["explore_page"] = look, explore
        st.html(f"<style>{asset('cards.css')}{asset('app.css')}</style>")
        st.html(f"<script>{asset('app.js')}</script>", unsafe_allow_javascript=True)
        page = known.get(chosen.url_path or next(iter(known)))
        view = filters(marts, page is None or page.is_filtered)
        if page:
            draw_page(marts, page, view)
        elif chosen.url_path == _EXPLORE:
            draw_explorer(marts, view, _chosen_kpi(marts))
        else:
            draw_kpi(marts, view)
        st.caption(facts(marts))
        seen = marts.signature
    _watch(file, seen)


def _nothing() -> None:
    """Pages are drawn by `main`, which holds the version that all of a page speaks of."""


@st.fragment(run_every="30s")
def _watch(file: PublishedFile, seen: tuple[int, int]) -> None:
    """Show a new version soon after it was published."""
    if file.signature() != seen:
        st.rerun()


def filters(marts: Marts, is_filtered: bool) -> View:
    """Grain, periods and cut, as chosen at the top; they stay from page to page, and the address keeps them."""
    grain_at, span_at, dimension_at, member_at = st.container(key="filters").columns([1, 2, 1, 1])
    off = not is_filtered
    grains = marts.grains or [marts.view.grain]
    grain = grain_at.selectbox(
        "Periods", grains, index=grains.index(marts.view.grain), key="grain", bind="query-params", disabled=off
    )
    span = span_at.date_input(
        "Date range", value=[], max_value=marts.today, key="span", format="YYYY-MM-DD", disabled=off, bind="query-params",
        help="Periods that begin in it.",
    )  # fmt: skip
    names = [name for name in _LOOK_FIRST if name in marts.members]
    names += [name for name in marts.members if name not in names]
    dimension = dimension_at.selectbox(
        "Filter by", [ALL, *names], key="dimension", bind="query-params", disabled=off, format_func=in_words,
        help="One channel, team, country … at a time, each with its own cases and interval.",
    )  # fmt: skip
    members = marts.members.get(dimension, [ALL])
    if st.session_state.get("member", members[0]) not in members:
        st.session_state["member"] = members[0]
    member = member_at.selectbox("Which", members, key="member", bind="query-params", disabled=off or dimension == ALL)
    if off:
        return marts.view
    first, last = (*span, None, None)[:2] if isinstance(span, tuple) else (span, None)
    return View(grain, first, last, dimension, member)


def draw_page(marts: Marts, page: Page, view: View) -> None:
    """A page's blocks."""
    st.title(page.title)
    st.write(page.intro)
    shown = page.blocks(marts, view)
    cards = [block for block in shown if isinstance(block, Cards) and not block.tiles]
    if sum(len(block.kpis) for block in cards) > _MANY and len(cards) > 1:
        names = [block.title for block in cards]
        wanted = st.segmented_control("Question", names, default=names[0], key=f"group_{page.slug}", required=True)
        shown = [block for block in shown if not isinstance(block, Cards) or block.title == wanted]
    for number, block in enumerate(shown):
        draw_block(block, f"{page.slug}_{number}", page.is_filtered and view != marts.view)
    if page.slug == "alerts":
        draw_alert_cases(marts)
        if home := os.environ.get(ALERTS_HOME):
            draw_block(alert_groups(Path(home), marts.today), "alert_groups", False)
    if page.slug == "teams":
        draw_block(agents(marts, view), "agents", False)


def draw_block(block: Block, key: str, is_chosen: bool) -> None:
    """A block; with `is_chosen` it is said of those that show everything that they do."""
    if isinstance(block, Cards):
        if block.title:
            st.header(block.title)
        columns = _TILES if block.tiles else _COLUMNS
        ground = st.container(key=f"{'tiles' if block.tiles else 'cards'}_{key}")
        for start in range(0, len(block.kpis), columns):
            for place, kpi in zip(ground.columns(columns), block.kpis[start : start + columns], strict=False):
                with place, st.container(border=True, height="stretch"):
                    draw_card(kpi, f"{key}_{kpi.id}", block.charted, block.tiles)
        return
    st.header(block.title)
    if block.note:
        st.caption(block.note)
    if is_chosen and block.is_whole:
        st.caption("Of everything: what is chosen above does not apply here.")
    if isinstance(block, Chart):
        st.plotly_chart(block.figure, key=key, config=_CONFIG, alt=block.title)
    elif isinstance(block, Findings):
        draw_findings(block)
    elif block.rows:
        table = pd.DataFrame(block.rows, columns=block.columns)
        right = {name: st.column_config.TextColumn(alignment="right") for name in block.numbers}
        st.dataframe(_greyed(table, block.faint), hide_index=True, column_config=right, key=key, alt=block.title)
    else:
        st.write(block.empty)


def _greyed(table: pd.DataFrame, faint: frozenset[tuple[int, int]]) -> Any:
    if not faint:
        return table
    styles = pd.DataFrame("", index=table.index, columns=table.columns)
    for row, column in faint:
        styles.iat[row, column] = "color: #7a8590; font-style: italic"
    return table.style.apply(lambda _: styles, axis=None)


def draw_findings(block: Findings) -> None:
    """Findings one under the other, each with the way to its KPI."""
    if not block.findings:
        st.write(block.empty)
    for found in block.findings:
        text_at, link_at = st.container(border=True).columns([4, 1], vertical_alignment="center")
        text_at.html(_themed("finding", _templates().finding(found)))
        if found.kpi:
            link_at.page_link(st.session_state["kpi_page"], label="Look into it", query_params={_KPI: found.kpi.id})


def draw_card(kpi: Kpi, key: str, charted: bool = True, tile: bool = False) -> None:
    """A KPI: its text, as in the report, its trend, and the way to its cases."""
    _draw_text(kpi, tile=tile)
    if charted and kpi.now and not tile:
        st.plotly_chart(trend(kpi, 150), key=key, config=_CONFIG, alt=f"{kpi.definition['label']} over time")
    st.page_link(st.session_state["kpi_page"], label="Definition, members, cases", query_params={_KPI: kpi.id})


def _draw_text(kpi: Kpi, named: bool = True, tile: bool = False) -> None:
    text = f"{_templates().tile(kpi)}{_templates().spark(kpi) if kpi.now else ''}" if tile else _templates().card(kpi, named)
    st.html(_themed("card", text, f' data-kpi="{kpi.id}"'))


def _templates() -> Any:
    return environment().get_template("blocks.html.j2").module


def _themed(kind: str, text: str, more: str = "") -> str:
    return f'<article class="{kind}" data-theme="{st.context.theme.type or "light"}"{more}>{text}</article>'


def _chosen_kpi(marts: Marts) -> str:
    """The KPI that the address names, or that was chosen since; either way the address names it afterwards."""
    names = list(marts.definitions)
    asked = st.query_params.get(_KPI)
    if asked in names and asked != st.session_state.get("kpi_in_address"):
        st.session_state["kpi_chosen"] = asked
    chosen = st.selectbox("KPI", names, key="kpi_chosen", format_func=lambda name: marts.definitions[name]["label"])
    st.query_params[_KPI] = st.session_state["kpi_in_address"] = chosen
    return chosen


def draw_kpi(marts: Marts, view: View) -> None:
    """One KPI: definition, trend, members, and the cases of a period."""
    kpi_id = _chosen_kpi(marts)
    kpi = kpis_of(marts, view, kpi_id)[kpi_id]
    st.title(kpi.definition["label"])
    st.write(kpi.definition["description"])
    _draw_text(kpi, named=False)
    if kpi.periods:
        st.plotly_chart(trend(kpi, 320), key="kpi_trend", config=_CONFIG, alt=f"{kpi.definition['label']} over time")
    more = "Explore it by several groups, beside an earlier period"
    st.page_link(st.session_state["explore_page"], label=more, query_params={_KPI: kpi_id})
    with st.expander("How it is computed"):
        definition = {in_words(name): str(kpi.definition[name]) for name in _DEFINITION if kpi.definition.get(name) is not None}
        st.dataframe(pd.DataFrame(definition.items(), columns=["", "of this KPI"]), hide_index=True, key="kpi_definition")
    period = _period(kpi, view)
    draw_why(marts, kpi, view, period)
    draw_members(marts, kpi, view, period)
    draw_cases(marts, kpi, view, period)


def _period(kpi: Kpi, view: View) -> date | None:
    """The period to look into: the newest whole one unless another is chosen; none for all time."""
    starts = [row["period_start"] for row in reversed(kpi.periods)]
    if not starts:
        st.caption("Over all time: there are no periods here.")
        return None
    index = starts.index(kpi.now["period_start"]) if kpi.now else 0
    chosen = st.selectbox(
        "Period", starts, index=index, key=f"period_{kpi.id}_{view.grain}", format_func=partial(period_name, view.grain)
    )  # fmt: skip
    return chosen


def draw_members(marts: Marts, kpi: Kpi, view: View, period: date | None) -> None:
    """The KPI of each member of one of its dimensions."""
    if not kpi.dimensions:
        return
    st.header("Compare")
    dimension = st.selectbox("By", kpi.dimensions, key=f"by_{kpi.id}", format_func=in_words)
    members = members_of(marts, kpi, view, period, dimension)
    rows, hidden = members.rows, members.hidden
    if members.note:
        st.caption(members.note)
    if hidden:
        st.caption(f"{TOO_FEW.capitalize()}: {', '.join(hidden)}")
    if not rows:
        if hidden:
            return
        is_held = period is None or (view.grain, dimension) in marts.cuts
        absent = f"The marts hold no {view.grain}s by {dimension}: choose longer periods."
        st.write("No cases in this period." if is_held else absent)
        return
    title = f"{kpi.definition['label']} by {dimension}"
    st.plotly_chart(by_member(kpi, rows), key="kpi_members", config=_CONFIG, alt=title)
    shown = [[row["member"], kpi.formatted(row["value"]), kpi.interval_of(row), f"{row['n']:,}"] for row in rows]
    st.dataframe(pd.DataFrame(shown, columns=[dimension, "value", "95 % interval", "cases"]), hide_index=True, alt=title)


def draw_cases(marts: Marts, kpi: Kpi, view: View, period: date | None) -> None:
    """The cases behind the value, and all of them as CSV."""
    st.header("Cases")
    if not marts.has("kpi_cases"):
        st.write(_NOT_GIVEN)
        return
    arguments = (kpi.id, view.grain if period else "all", period, view.dimension, view.member)
    found = cases_behind(marts, *arguments)
    if found is None:
        st.write("Its cases are not published, or not by what is chosen above.")
        return
    if found.has_bad_side and st.toggle("Failing cases only", key="only_bad"):
        found = cases_behind(marts, *arguments, only_bad=True) or found
    draw_rows(marts, found, f" of `{kpi.definition['fact']}`", f"{kpi.id}_{period or 'all'}.csv")


def draw_rows(marts: Marts, cases: Cases, whose: str, name: str) -> None:
    """How many, the first of them, and all as CSV; that of many is only made when somebody asks for it."""
    count = cases.count(marts)
    st.write(f"{count:,} row{'' if count == 1 else 's'}{whose}")
    if not count:
        return
    if count > SHOWN_CASES:
        st.caption(f"The first {SHOWN_CASES:,} are below; the CSV has all.")
    found = cases.first(marts, SHOWN_CASES)
    table = pd.DataFrame(found)
    order = what_matters_first(table.columns, cases.formula)
    if links := record_links(json.loads(os.environ.get(RECORD_LINKS, "{}")), order, found):
        table["record"] = links
        order.insert(1, "record")
    opens = {"record": st.column_config.LinkColumn(display_text="open", help="The record in the tool that it comes from.")}
    st.dataframe(table, hide_index=True, column_order=order, column_config=opens, key="cases", alt="Cases")

    order_of_all = [name for name in order if name in found[0]]
    if count > SHOWN_CASES:
        # Kept beyond the click: the page may be drawn again before anybody has pressed the next button.
        if st.button(f"Prepare all {count:,} rows as CSV", key="prepare"):
            st.session_state["prepared"] = cases
        if st.session_state.get("prepared") != cases:
            return
        found = cases.all(marts)
    # Not made on the click: Streamlit's button for that waits for ever when the page is drawn again in between.
    st.download_button("All as CSV", as_csv(found, order_of_all), name, "text/csv", key="csv", on_click="ignore")


def draw_alert_cases(marts: Marts) -> None:
    """The cases of an alert, by the query that it carries."""
    found = marts.rows(f"select * from alerts where closed_at is null and case_query is not null order by {BY_SEVERITY}")
    if not found:
        return
    st.header("Cases of an alert")
    if not marts.has("kpi_cases"):
        st.write(_NOT_GIVEN)
        return
    alert = st.selectbox("Alert", found, format_func=lambda row: f"{row['subject']} {row['message']} ({row['member'] or ''})")
    draw_rows(marts, Cases(alert["case_query"]), "", f"alert_{alert['subject']}.csv".replace("/", "_"))


if __name__ == "__main__":
    main(sys.argv[1])
