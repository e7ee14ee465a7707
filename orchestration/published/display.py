"""The KPI table as people read it."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.core.connections import connect
from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.core.output import row_for_csv
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import MARTS_FILE

#: How currencies are written; others by their code.
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
#: Units whose values cannot lie beyond these; an interval that a formula puts beyond them is shown up to them.
_LIMITS: dict[str, tuple[float, float]] = {
    "rate": (0.0, 1.0),
    "points": (-100.0, 100.0),
    **dict.fromkeys(("seconds", "count", "items", "pages", "tickets", "days", "per_1000", "ratio"), (0.0, math.inf)),
}
_LIGHTS = {
    "on_target": "green",
    "warning": "yellow",
    "breach": "red",
    "not_available": "dim",
    "insufficient_data": "dim",
    "suppressed": "dim",
}


def published_file(settings: Settings) -> Path:
    """The published database.

    Raises:
        ConfigurationError: nothing has been published in this home.
    """
    path = settings.published / MARTS_FILE
    if not path.exists():
        raise ConfigurationError(f"nothing is published in {settings.home}; run 'cxhouse run' first, or name another --home")
    return path


def read_kpis(settings: Settings, grain: str, kpis: tuple[str, ...], dimension: str) -> list[dict[str, Any]]:
    """Rows of the published KPI mart with their definitions' label and unit, newest period first.

    Raises:
        ConfigurationError: nothing is published, or a KPI or dimension does not exist, or not by that grain.
    """
    with connect(published_file(settings), read_only=True) as con:
        known = {row[0] for row in con.execute("select kpi_id from kpi_definitions").fetchall()}
        unknown = [kpi for kpi in kpis if kpi not in known]
        if unknown:
            meant = "".join(nearest(kpi, known) for kpi in unknown)
            raise ConfigurationError(f"no KPI {', '.join(unknown)}{meant}; there are: {', '.join(sorted(known))}")
        dimensions = {row[0] for row in con.execute("select distinct dimension from kpis").fetchall()}
        if dimension not in dimensions:
            raise ConfigurationError(f"no dimension {dimension!r}; there are: {', '.join(sorted(dimensions))}")
        grains = {row[0] for row in con.execute("select distinct grain from kpis where dimension = ?", [dimension]).fetchall()}
        if dimension != "all" and grain not in grains:
            held = ", ".join(sorted(grains))
            raise ConfigurationError(f"the marts hold no grain {grain} by {dimension}, only: {held}; set kpi_grains to have it")
        cursor = con.execute(
            """
            select definitions.label, definitions.unit, kpis.*
            from kpis
            inner join kpi_definitions as definitions using (kpi_id)
            where (kpis.grain = $grain or kpis.status = 'not_available')
                and (kpis.dimension = $dimension or kpis.status = 'not_available')
                and (len($kpis) = 0 or kpis.kpi_id in (select unnest($kpis)))
            order by kpis.kpi_id, kpis.period_start desc, kpis.member
            """,
            {"grain": grain, "dimension": dimension, "kpis": list(kpis)},
        )
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def format_value(value: float | None, unit: str, currency: str = "") -> str:
    """A KPI's value for people: 4:52 min, 85 %, € 49.09, 1,204.

    Args:
        value: in the KPI's unit, as the mart holds it; none is shown as a dash.
        unit: of the KPI's definition.
        currency: ISO 4217 code of amounts of money.
    """
    if value is None:
        return "–"
    match unit:
        case "seconds":
            return _duration(value)
        case "rate":
            return f"{_short(value * 100, 1)} %"
        case "count":
            return f"{value:,.0f}"
        case "money":
            sign, symbol = "-" if round(value, 2) < 0 else "", _SYMBOLS.get(currency, currency)
            return f"{sign}{symbol}{' ' if symbol else ''}{abs(value):,.2f}"
        case "points":
            return _short(value, 1)
        case "points_of_1":
            return f"{_short(value * 100, 1, '+' if round(float(value) * 100, 1) else '')} points"
        case _:
            return f"{value:,.2f}"


def format_change(change: float, unit: str) -> str:
    """A difference of two values with its sign: ``+3.3 points`` of a rate, ``-2:16 h`` of a time."""
    if unit == "rate":
        return format_value(change, "points_of_1")
    return f"{'+' if change > 0 else ''}{format_value(change, unit)}"


def _short(value: float, digits: int, sign: str = "") -> str:
    """Rounded, without zeros at the end, and never -0."""
    return f"{round(float(value), digits) + 0.0:{sign},.{digits}f}".removesuffix("." + "0" * digits)


def _duration(seconds: float) -> str:
    """Seconds up to a minute, m:ss up to an hour, h:mm up to two days, then days."""
    if seconds < 0:
        return f"-{_duration(-seconds)}"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60}:{minutes % 60:02d} h"
    return f"{seconds / 86400:.1f} days"


def within_limits(low: float | None, high: float | None, unit: str) -> tuple[float | None, float | None]:
    """The ends of an interval, none beyond what a value of the unit can be: no wait below zero, no share above one."""
    least, most = _LIMITS.get(unit, (-math.inf, math.inf))
    return (None if low is None else max(low, least)), (None if high is None else min(high, most))


def format_interval(low: float | None, high: float | None, unit: str, currency: str = "") -> str:
    """An interval for people, within what a value of the unit can be; empty where there is none."""
    low, high = within_limits(low, high, unit)
    return "" if low is None or high is None else f"{format_value(low, unit, currency)} to {format_value(high, unit, currency)}"


def headlines(settings: Settings) -> list[dict[str, Any]]:
    """For each headline KPI its newest whole month, as the report shows it; for one that is not available, its row saying so."""
    with connect(published_file(settings), read_only=True) as con:
        found = con.execute(
            "select kpi_id from kpi_definitions where headline_position is not null order by headline_position"
        ).fetchall()
    names = tuple(kpi for (kpi,) in found)
    if not names:
        return []
    newest = {row["kpi_id"]: row for row in newest_whole(settings, read_kpis(settings, "month", names, "all"))}
    return [newest[kpi] for kpi in names if kpi in newest]


def newest_whole(settings: Settings, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows, newest first, each KPI's and member's newest with a value whose period was over when the marts were built."""
    from orchestration.published.marts import Marts, period_end

    with connect(published_file(settings), read_only=True) as con:
        today = Marts(con).today
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        is_over = row["period_start"] is None or period_end(row["grain"], row["period_start"]) <= today
        if is_over and (row["value"] is not None or row["status"] in ("not_available", "suppressed")):
            newest.setdefault((row["kpi_id"], row["member"]), row)
    return list(newest.values())


def left_out(settings: Settings, rows: list[dict[str, Any]]) -> list[str]:
    """For each KPI of these rows that covers a part of the records only, one line that says which are left out."""
    from orchestration.published.marts import Marts

    labels = {row["kpi_id"]: row["label"] for row in rows}
    with connect(published_file(settings), read_only=True) as con:
        reasons = Marts(con).left_out
    return [f"{label} {reasons[kpi]}" for kpi, label in labels.items() if kpi in reasons]


def _cells(row: dict[str, Any]) -> list[str]:
    unit = row["unit"]
    interval = format_interval(row["ci_low"], row["ci_high"], unit)
    return [
        row["label"],
        str(row["period_start"] or ""),
        row["member"],
        format_value(row["value"], unit),
        interval,
        "" if row["n"] is None else f"{row['n']:,}",
        f"{row['n_pending']:,}" if row["n_pending"] else "",
        format_value(row["target"], unit) if row["target"] is not None else "",
        f"needs {row['missing_export']}" if row["missing_export"] else _status(row["status"]),
    ]


def _status(status: str) -> str:
    return "too few people to show" if status == "suppressed" else status.replace("_", " ")


COLUMNS = ("KPI", "period", "member", "value", "95 % interval", "cases", "pending", "target", "status")


def table_of(title: str) -> Table:
    """An empty table for a terminal."""
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


#: In the place of a table without a row.
NO_CASES = "No KPI has a case there."


def print_kpis(console: Console, rows: list[dict[str, Any]], title: str) -> None:
    """Rows of the mart as a table on a terminal."""
    if not rows:
        console.print(NO_CASES)
        return
    shown = [name for name in COLUMNS if name != "member" or any(row["member"] != "all" for row in rows)]
    table = table_of(title)
    for name in shown:
        table.add_column(name, justify="right" if name in ("value", "cases", "pending", "target") else "left")
    for row in rows:
        cells = {name: escape(cell) for name, cell in zip(COLUMNS, _cells(row), strict=True)}
        light = _LIGHTS.get(row["status"])
        cells["status"] = f"[{light}]{cells['status']}[/]" if light else cells["status"]
        table.add_row(*(cells[name] for name in shown))
    console.print(table)


def headline_markdown(settings: Settings) -> str:
    """The headline KPIs as a Markdown table, for Dagster's UI."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    return "\n".join(lines + [f"| {' | '.join(_cells(row))} |" for row in headlines(settings)])


def kpis_text(rows: list[dict[str, Any]], form: str) -> str:
    """Rows of the mart as JSON or CSV."""
    plain = [{key: str(v) if hasattr(v, "isoformat") else v for key, v in row.items()} for row in rows]
    if form == "json":
        return json.dumps(plain, indent=1, ensure_ascii=False)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(plain[0]) if plain else ["kpi_id"])
    writer.writeheader()
    writer.writerows(map(row_for_csv, plain))
    return stream.getvalue().rstrip("\n")
