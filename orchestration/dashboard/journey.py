"""Pages along the journey: its map, and what is beside the KPIs of support and feedback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestration.dashboard.blocks import Block, Chart, Table, not_given
from orchestration.dashboard.charts import BLUE, GREEN, GREY, ORANGE, RED, bars, funnel, lines
from orchestration.dashboard.intervals import calls_by_clock
from orchestration.dashboard.kpi import TOO_FEW, Kpi, kpis_of
from orchestration.dashboard.staffing import staffing
from orchestration.published.display import format_value
from orchestration.published.marts import ALL, Marts, Row, View, local_day

#: Dimensions that the fact of a page has as columns; a page of another cut shows the whole.
_ENTRIES = ("channel", "country", "segment")


def _span(view: View) -> dict[str, Any]:
    return {"first_on": view.first_on, "last_on": view.last_on}


def _within(day: str) -> str:
    """A condition on a reporting day for the view's span."""
    return f"($first_on is null or {day} >= $first_on) and ($last_on is null or {day} <= $last_on)"


def _zone(marts: Marts) -> dict[str, str]:
    return {"zone": marts.publication.reporting_timezone}


def _cut(view: View, columns: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """A condition on a fact for the view's cut; the column's name is one of ours, the member is bound."""
    if view.dimension in columns:
        return f"{view.dimension} = $member", {"member": view.member}
    return "$member = $member", {"member": ALL}


def _uncut(view: View, columns: tuple[str, ...]) -> str:
    return "" if view.dimension in (ALL, *columns) else f" Of all: it is not measured by {view.dimension}."


def _shown(condition: str = "true") -> str:
    """SQL: the rows of a group that meet a condition; null where they are of fewer travellers than `$least`."""
    met = f"filter (where {condition})"
    return f"case when count(*) {met} = 0 or count(distinct traveller_key) {met} >= $least then count(*) {met} end"


def journey_map(marts: Marts, view: View) -> list[Block]:
    """Entries into each stage of the span and what became of them, conversion and time by stage, touchpoints, last signs."""
    title = "What became of those who entered a stage"
    if not marts.has("fct_stage_entries"):
        return [not_given(title), _conversion(marts, marts.stages), not_given("Where journeys end"), not_given("Touchpoints")]
    cut, values = _cut(view, _ENTRIES)
    found = marts.rows(
        f"""
        select
            stage,
            {_shown("has_converted and not has_skipped")} as went_on,
            {_shown("has_skipped")} as skipped,
            {_shown("has_dropped_out")} as dropped_out,
            {_shown("has_converted is null and has_dropped_out is null")} as pending
        from fct_stage_entries
        where not is_whole_journey and {cut}
            and {_within(local_day("entered_at"))}
        group by stage
        """,
        least=marts.least, **values, **_span(view), **_zone(marts),
    )  # fmt: skip
    by_stage = {row["stage"]: row for row in found}
    stages = [stage for stage in marts.stages if stage in by_stage]
    entries = [by_stage[stage] for stage in stages]
    fates = {"went on": "went_on", "skipped ahead": "skipped", "journey ended": "dropped_out", "pending": "pending"}
    chart = bars(
        stages,
        {name: [row[column] for row in entries] for name, column in fates.items()},
        dict(zip(fates, (BLUE, GREEN, ORANGE, GREY), strict=True)),
        stacked=True,
        lying=True,
    )
    fates_of_entries = Chart(title, chart, _note(view))
    return [
        *_funnel(marts, view), fates_of_entries, _conversion(marts, stages), _last_signs(marts, view), _touchpoints(marts),
    ]  # fmt: skip


def _funnel(marts: Marts, view: View) -> list[Block]:
    """How many people came as far as each stage, by the furthest that each reached; a bar of too few people is left out."""
    cut, values = _cut(view, _ENTRIES)
    found = marts.rows(
        f"""
        with places as (
            select distinct stage, stage_position from dim_touchpoints
        ),
        reached as (
            select
                entries.traveller_key,
                max(greatest(here.stage_position, case when entries.has_converted then following.stage_position end)) as furthest
            from fct_stage_entries as entries
            inner join places as here on entries.stage = here.stage
            left join places as following on entries.next_stage = following.stage
            where not entries.is_whole_journey and {cut} and {_within(local_day("entries.entered_at"))}
            group by entries.traveller_key
        )
        select places.stage, count(reached.traveller_key) as people
        from places
        left join reached on places.stage_position <= reached.furthest
        group by places.stage, places.stage_position
        order by places.stage_position
        """,
        **values, **_span(view), **_zone(marts),
    )  # fmt: skip
    shown: list[Row] = []
    for row in found:
        lost = shown[-1]["people"] - row["people"] if shown else 0
        if row["people"] >= max(marts.least, 1) and (lost == 0 or lost >= marts.least):
            shown.append(row)
    if not shown:
        return []
    first = shown[0]["people"]
    texts = [f"{row['people']:,} · {format_value(row['people'] / first, 'rate')}" for row in shown]
    chart = funnel([row["stage"] for row in shown], [row["people"] for row in shown], texts)
    note = "People by the furthest stage that they reached; who skipped a stage counts as having come past it."
    return [Chart("How far people get", chart, note + _uncut(view, _ENTRIES))]


def _conversion(marts: Marts, stages: Iterable[str]) -> Table:
    rates = {name: _by_stage(marts, name) for name in ("stage_conversion", "stage_drop_off", "stage_time_to_next")}
    rows = [[stage, *(rate_in_words(kpi, by.get(stage)) for kpi, by in rates.values())] for stage in stages]
    return Table(
        "Conversion and drop-off, over all time",
        ["stage", "go on (95 %; cases)", "journey ends (95 %; cases)", "median time to the next (cases)"],
        rows,
        note="Entries whose window is still open are in none.",
        is_whole=True,
    )


def _note(view: View) -> str:
    return "Went on: reached the next stage in time (setting journey_window_days); skipped ahead: reached a later one." + _uncut(
        view, _ENTRIES
    )


def _by_stage(marts: Marts, kpi_id: str) -> tuple[Kpi | None, dict[str, Row]]:
    """A KPI over all time by stage; none where the mart leaves it out (kpi_ids)."""
    kpi = kpis_of(marts, marts.view, kpi_id).get(kpi_id)
    return kpi, {row["member"]: row for row in marts.by_member(kpi_id, "all", None, "stage")}


def rate_in_words(kpi: Kpi | None, row: Row | None) -> str:
    """A value with its interval and cases; a dash where there is none."""
    if not kpi or not row:
        return "–"
    sure = "; ".join(text for text in (kpi.interval_of(row), f"{row['n']:,}") if text)
    return f"{kpi.formatted(row['value'])} ({sure})"


def _last_signs(marts: Marts, view: View) -> Table:
    cut, values = _cut(view, _ENTRIES)
    found = marts.rows(
        f"""
        select stage, last_touchpoint, count(*) as travellers
        from fct_stage_entries
        where has_dropped_out and not is_whole_journey and {cut}
            and {_within(local_day("entered_at"))}
        group by all
        having count(distinct traveller_key) >= $least
        order by travellers desc, stage, last_touchpoint
        limit 12
        """,
        least=marts.least, **values, **_span(view), **_zone(marts),
    )  # fmt: skip
    rows = [[row["stage"], _in_words(row["last_touchpoint"]), f"{row['travellers']:,}"] for row in found]
    return Table("Where journeys end", ["stage", "last touchpoint", "journeys"], rows, numbers=("journeys",))


def _in_words(touchpoint: str | None) -> str:
    return (touchpoint or "none").replace("_", " ")


def _touchpoints(marts: Marts) -> Table:
    found = marts.rows(
        """
        select
            planned.stage_position, planned.stage, planned.touchpoint, planned.signals, planned.success_indicator,
            planned.fed_by, count(touched.touchpoint_id) as times,
            count(distinct touched.traveller_key) as people
        from dim_touchpoints as planned
        left join fct_touchpoints as touched on planned.touchpoint = touched.touchpoint and planned.stage = touched.stage
        group by all
        order by planned.stage_position, planned.touchpoint
        """
    )
    few = [row for row in found if 0 < row["people"] < marts.least]
    rows = [
        [
            row["stage"],
            _in_words(row["touchpoint"]),
            TOO_FEW if row in few else f"{row['times']:,}",
            *(row[name] or "" for name in ("success_indicator", "signals", "fed_by")),
        ]
        for row in found
    ]
    columns = ["stage", "touchpoint", "times", "it went well when", "signals", "fed by"]
    return Table("Touchpoints", columns, rows, numbers=("times",), is_whole=True)


def support(marts: Marts, view: View) -> list[Block]:
    """The backlog day by day, calls by the time of day, and where agents will lack."""
    columns = ("channel", "team", "priority")
    if not marts.has("fct_backlog_days"):
        return [not_given("Tickets in and out")]
    cut, values = _cut(view, columns)
    found = marts.rows(
        f"""
        select
            cast(date_trunc($grain, date_day) as date) as starts_on, sum(created) as created, sum(reopened) as reopened,
            sum(solved) as solved, arg_max(closing, date_day) as closing
        from (
            select date_day, sum(created) as created, sum(reopened) as reopened, sum(solved) as solved, sum(closing) as closing
            from fct_backlog_days
            where {cut}
                and {_within("date_day")}
            group by date_day
        )
        group by all
        order by starts_on
        """,
        grain=view.grain, **values, **_span(view),
    )  # fmt: skip
    days = [row["starts_on"].isoformat() for row in found]
    few = marts.least

    def shown(name: str) -> list[Any]:
        return [None if row[name] and row[name] < few else row[name] for row in found]

    flows = {name: shown(name) for name in ("created", "reopened", "solved")}
    note = _uncut(view, columns).strip()
    return [
        Chart("Tickets in and out", lines(days, flows, xaxis={"type": "date"}), note),
        Chart("Open tickets at the end of the period", lines(days, {"open": shown("closing")}), note),
        *calls_by_clock(marts, view),
        *staffing(marts, view),
    ]


def feedback(marts: Marts, view: View) -> list[Block]:
    """Reviews by their stars over time, and what people see in the brand with its changes."""
    columns = ("channel", "marketplace", "brand", "country", "segment", "language", "category")
    if not marts.has("fct_reviews"):
        return [not_given("Reviews by stars"), _changes(marts)]
    cut, values = _cut(view, columns)
    found = marts.rows(
        f"""
        select
            cast(date_trunc($grain, {local_day("created_at")}) as date) as starts_on,
            round(stars) as stars,
            count(*) as reviews
        from fct_reviews
        where stars is not null and {cut}
            and {_within(local_day("created_at"))}
        group by all
        having count(distinct coalesce(customer_key, review_id)) >= $least
        order by starts_on
        """,
        grain=view.grain, least=marts.least, **values, **_span(view), **_zone(marts),
    )  # fmt: skip
    starts = sorted({row["starts_on"] for row in found})
    counts = {(row["starts_on"], row["stars"]): row["reviews"] for row in found}
    series = {f"{stars} stars": [counts.get((start, float(stars)), 0) for start in starts] for stars in range(1, 6)}
    colours = dict(zip(series, (RED, ORANGE, GREY, "#5aa7c7", BLUE), strict=True))
    chart = bars([start.isoformat() for start in starts], series, colours, stacked=True)
    return [Chart("Reviews by stars", chart, _uncut(view, columns).strip()), _changes(marts)]


def _changes(marts: Marts) -> Table:
    found = marts.rows(
        """
        select *
        from rate_changes
        where grain = 'quarter' and comparison = 'previous period' and trend in ('improving', 'declining')
        order by period_start desc, p_value
        limit 15
        """
    )
    rows = [
        [
            marts.definitions[row["kpi_id"]]["label"] if row["kpi_id"] in marts.definitions else row["kpi_id"],
            "" if row["dimension"] == ALL else f"{row['dimension']} {row['member']}",
            str(row["period_start"]),
            f"{row['earlier_value']:.1%} → {row['value']:.1%}",
            f"{row['earlier_answers']:,} → {row['answers']:,}",
            f"{row['p_value']:.3f}",
        ]
        for row in found
    ]
    return Table(
        "Changes of what customers say that are hardly chance",
        ["KPI", "of", "quarter from", "share", "answers", "p"],
        rows,
        numbers=("share", "answers", "p"),
        is_whole=True,
        empty="None against the quarter before (p < 0.05, in quarters with answers enough).",
    )
