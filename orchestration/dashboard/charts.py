"""The charts, as Plotly figures in their JSON form: what draws them (a page, an app) gives them the colours of its theme."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from orchestration.dashboard.kpi import STATUS, Kpi
from orchestration.published.marts import Row, period_name

Figure = dict[str, Any]

#: Readable on light and on dark, and distinguishable for those who see red and green alike.
BLUE, ORANGE, GREEN, RED, GREY = "#2f7ed8", "#d9822b", "#1b9e77", "#d1495b", "#8a94a0"
PALETTE = [BLUE, ORANGE, GREEN, "#8e6bbf", RED, "#5aa7c7", "#b59d2b", GREY]
_BAND = "rgba(47, 126, 216, 0.18)"
HEIGHT = 260


def figure(data: list[dict[str, Any]], height: int = HEIGHT, **layout: Any) -> Figure:
    """A figure with the layout that all share."""
    shared = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": PALETTE,
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "y": -0.2, "x": 0},
        "xaxis": {"automargin": True, "fixedrange": True},
        "yaxis": {"automargin": True, "fixedrange": True, "zeroline": False},
    }
    merged = {**shared, **layout}
    for axis in ("xaxis", "yaxis"):
        merged[axis] = {**shared[axis], **layout.get(axis, {})}  # type: ignore[dict-item]
    return {"data": data, "layout": merged}


def scale(unit: str, values: list[float | None], currency: str = "") -> tuple[float, dict[str, Any]]:
    """What to divide values by so that an axis reads well, and the axis."""
    if unit == "points_of_1":
        return 0.01, {"title": {"text": "points"}}
    if unit == "money" and currency:
        return 1.0, {"title": {"text": currency}}
    if unit == "rate":
        return 1.0, {"tickformat": ".0%"}
    if unit != "seconds":
        return 1.0, {"title": {"text": unit.replace("_", " ")}}
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    for limit, divisor, name in ((120, 1, "seconds"), (7200, 60, "minutes"), (172_800, 3600, "hours")):
        if largest < limit:
            return float(divisor), {"title": {"text": name}}
    return 86_400.0, {"title": {"text": "days"}}


def _hover(kpi: Kpi, row: Row) -> str:
    if row["n"] is None:
        return STATUS[row["status"]]
    lines = [f"<b>{kpi.formatted(row['value'])}</b>"]
    if interval := kpi.interval_of(row):
        lines.append(f"95 %: {interval}")
    lines.append(f"{row['n']:,} cases" + (f", {row['n_pending']:,} pending" if row["n_pending"] else ""))
    if row["target"] is not None:
        lines.append(f"target {kpi.formatted(row['target'])}")
    if STATUS.get(row["status"]):
        lines.append(STATUS[row["status"]])
    if not row["is_final"]:
        lines.append("may still change")
    return "<br>".join(lines)


def trend(kpi: Kpi, height: int = HEIGHT) -> Figure:
    """A KPI over its periods with its interval and target; hollow points may still change."""
    rows = kpi.periods
    divisor, axis = scale(kpi.unit, [row[name] for row in rows for name in ("value", "ci_high", "target")], kpi.currency)
    starts = [row["period_start"].isoformat() for row in rows]

    def line(name: str) -> list[float | None]:
        return [None if row[name] is None else row[name] / divisor for row in rows]

    traces: list[dict[str, Any]] = []
    traces += _bands(kpi, divisor)
    if any(row["target"] is not None for row in rows):
        dashed = {"width": 1.5, "dash": "dash", "color": GREY}
        traces.append(
            {"type": "scatter", "mode": "lines", "x": starts, "y": line("target"), "name": "target", "line": dashed,
             "hoverinfo": "skip", "showlegend": False}
        )  # fmt: skip
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": kpi.definition["label"],
            "x": starts,
            "y": line("value"),
            "line": {"color": BLUE, "width": 2},
            "marker": {"color": BLUE, "size": 6, "symbol": ["circle" if row["is_final"] else "circle-open" for row in rows]},
            "customdata": [[period_name(kpi.view.grain, row["period_start"]), _hover(kpi, row)] for row in rows],
            "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
            "showlegend": False,
        }
    )
    return figure(traces, height, yaxis=axis, xaxis={"type": "date", "nticks": 4 if height < HEIGHT else 5, "tickangle": 0})


@dataclass(frozen=True)
class Sparkline:
    """The course of a KPI's whole periods, in a box of ``WIDTH`` by ``HEIGHT``: drawn by the page, without a library."""

    #: Unbroken runs of values, and of targets, as paths.
    values: list[str]
    targets: list[str]
    #: Where the newest value is, and its colour.
    newest: tuple[float, float] | None
    colour: str
    #: The words of each period.
    periods: list[str]
    BLUE: ClassVar[str] = BLUE
    GREY: ClassVar[str] = GREY
    WIDTH: ClassVar[int] = 200
    HEIGHT: ClassVar[int] = 48


def sparkline(kpi: Kpi) -> Sparkline:
    """The newest value is marked in the colour of its status; a period without a value breaks the line."""
    rows = kpi.whole
    known = [row[name] for row in rows for name in ("value", "target") if row[name] is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = Sparkline.WIDTH / max(len(rows), 1)

    def place(number: int, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else (value - low) / (high - low)
        return round((number + 0.5) * step, 1), round(5 + (1 - share) * (Sparkline.HEIGHT - 10), 1)

    def paths(name: str) -> list[str]:
        runs = groupby(enumerate(rows), key=lambda numbered: numbered[1][name] is not None)
        found = [[place(number, row[name]) for number, row in run] for is_known, run in runs if is_known]
        return ["M" + "L".join(f"{x},{y}" for x, y in run) for run in found]

    newest = next((place(number, row["value"]) for number, row in enumerate(rows) if row == kpi.now), None)
    colour = {"breach": RED, "warning": ORANGE, "on_target": GREEN}.get(kpi.status, BLUE)
    periods = [f"{period_name(kpi.view.grain, row['period_start'])}: {kpi.formatted(row['value'])}" for row in rows]
    return Sparkline(paths("value"), paths("target"), newest, colour, periods)


def _bands(kpi: Kpi, divisor: float) -> list[dict[str, Any]]:
    """The 95 % interval as an area for each unbroken run of periods that have one."""
    found = []
    for has_interval, run in groupby(kpi.periods, key=lambda row: row["ci_low"] is not None and row["ci_high"] is not None):
        if has_interval:
            rows = list(run)
            starts = [row["period_start"].isoformat() for row in rows]
            low, high = ([(kpi.ends(row)[end] or 0.0) / divisor for row in rows] for end in (0, 1))
            found.append(
                {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
                 "x": starts + starts[::-1], "y": low + high[::-1], "fill": "toself", "fillcolor": _BAND, "name": "95 % interval"}
            )  # fmt: skip
    return found


def by_member(kpi: Kpi, rows: list[Row]) -> Figure:
    """A KPI of each member of a dimension, with its interval and the target of each."""
    rows = rows[::-1]
    divisor, axis = scale(kpi.unit, [row[name] for row in rows for name in ("value", "ci_high")], kpi.currency)
    values = [row["value"] / divisor for row in rows]

    def reach(end: int) -> list[float]:
        ends = [kpi.ends(row)[end] for row in rows]
        return [0.0 if at is None else abs(at - row["value"]) / divisor for at, row in zip(ends, rows, strict=True)]

    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": kpi.definition["label"],
            "x": values,
            "y": [row["member"] for row in rows],
            "marker": {"color": BLUE, "size": 9},
            "error_x": {
                "type": "data", "symmetric": False, "array": reach(1), "arrayminus": reach(0), "color": BLUE,
            },
            "customdata": [_hover(kpi, row) for row in rows],
            "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
            "showlegend": False,
        }
    ]  # fmt: skip
    if any(row["target"] is not None for row in rows):
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": "target", "y": [row["member"] for row in rows],
                "x": [None if row["target"] is None else row["target"] / divisor for row in rows],
                "marker": {"symbol": "line-ns-open", "size": 16, "color": GREY}, "hoverinfo": "skip",
            }
        )  # fmt: skip
    return figure(traces, 90 + 26 * len(rows), xaxis=axis, yaxis={"type": "category"}, showlegend=len(traces) > 1)


def bars(
    names: list[str],
    series: dict[str, list[float | None]],
    colours: dict[str, str] | None = None,
    stacked: bool = False,
    lying: bool = False,
    **layout: Any,
) -> Figure:
    """Bars by name, one colour for each series; `lying` reads names better that are long."""
    traces = []
    for name, values in series.items():
        x, y = (values, names) if lying else (names, values)
        trace: dict[str, Any] = {"type": "bar", "name": name, "x": x, "y": y, "orientation": "h" if lying else "v"}
        if colours:
            trace["marker"] = {"color": colours[name]}
        traces.append(trace)
    if lying:
        layout = {"yaxis": {"type": "category", "autorange": "reversed"}, "height": 110 + 30 * len(names), **layout}
    return figure(traces, barmode="stack" if stacked else "group", showlegend=len(series) > 1, **layout)


def funnel(names: list[str], values: list[int], texts: list[str]) -> Figure:
    """Steps from the first to the last, each as wide as what is left."""
    trace = {
        "type": "funnel", "y": names, "x": values, "text": texts, "textinfo": "text", "textposition": "auto",
        "hovertemplate": "%{y}: %{text}<extra></extra>", "marker": {"color": BLUE}, "connector": {"line": {"width": 0}},
        # On a phone a text beside its bar may reach into the margin.
        "cliponaxis": False,
    }  # fmt: skip
    return figure([trace], 90 + 34 * len(names), showlegend=False)


def lines(x: list[Any], series: dict[str, list[float | None]], **layout: Any) -> Figure:
    """Lines over the same x."""
    traces = [{"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y} for name, y in series.items()]
    return figure(traces, showlegend=len(series) > 1, **layout)


def heatmap(x: list[Any], y: list[Any], z: list[list[float | None]], text: list[list[str]], **layout: Any) -> Figure:
    """Shares from 0 to 1 as colours with their texts."""
    trace = {
        "type": "heatmap", "x": x, "y": y, "z": z, "text": text, "texttemplate": "%{text}", "zmin": 0, "zmax": 1,
        "colorscale": [[0, "rgba(47,126,216,0.05)"], [1, "rgba(47,126,216,0.95)"]], "showscale": False, "hoverongaps": False,
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>",
    }  # fmt: skip
    return figure([trace], yaxis={"type": "category", "autorange": "reversed"}, **layout)
