"""What people read: the KPI table, the end of a run, its status."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.connections import connect
from orchestration.errors import ConfigurationError
from orchestration.output import row_for_csv
from orchestration.publish import read_publication
from orchestration.pull.faults import nearest
from orchestration.pull.ledger import Ledger
from orchestration.pull.quarantine import Reason, reasons
from orchestration.run_record import SETTLED, RunRecord
from orchestration.settings import Settings
from orchestration.versions import ANALYSIS_FILE, MARTS_FILE, PARQUET_FOLDER, REPORT_FILE

#: Shown at the end of a run; `cxhouse kpis` shows all.
HEADLINES = (
    "nps", "csat", "ces", "first_response_time_median", "response_sla_rate", "resolution_time_median", "fcr_observed",
    "reopen_rate", "active_issues", "call_service_level", "call_abandonment_rate", "average_handle_time",
    "on_time_delivery_rate", "cancellation_rate", "review_score", "negative_feedback_rate", "order_size",
    "repeat_sales_share", "retention_rate",
)  # fmt: skip
MAX_REASONS = 8
MAX_SUMMARY = 20
#: How a model was brought up to date, as macros/maintained/ calls it, in words.
MODES = {
    "keep": "kept as they were",
    "touched": "computed where touched",
    "compare": "computed whole, changes taken over",
    "rebuild": "built anew",
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


def format_value(value: float | None, unit: str) -> str:
    """A KPI's value for people: seconds as a duration, rates in per cent."""
    if value is None:
        return "–"
    match unit:
        case "seconds":
            return _duration(value)
        case "rate":
            return f"{value:.1%}"
        case "count":
            return f"{value:,.0f}"
        case _:
            return f"{value:,.2f}"


def _duration(seconds: float) -> str:
    if seconds < 0:
        return f"-{_duration(-seconds)}"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} d"


def headlines(settings: Settings) -> list[dict[str, Any]]:
    """For each headline KPI its newest whole month, as the report shows it; for one that is not available, its row saying so."""
    newest = {row["kpi_id"]: row for row in newest_whole(settings, read_kpis(settings, "month", HEADLINES, "all"))}
    return [newest[kpi] for kpi in HEADLINES if kpi in newest]


def newest_whole(settings: Settings, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows, newest first, each KPI's and member's newest with a value whose period was over when the marts were built."""
    from orchestration.dashboard.marts import Marts, period_end

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
    from orchestration.dashboard.marts import Marts

    labels = {row["kpi_id"]: row["label"] for row in rows}
    with connect(published_file(settings), read_only=True) as con:
        told = Marts(con).left_out
    return [f"{label} {told[kpi]}" for kpi, label in labels.items() if kpi in told]


def _cells(row: dict[str, Any]) -> list[str]:
    unit = row["unit"]
    interval = f"{format_value(row['ci_low'], unit)} to {format_value(row['ci_high'], unit)}" if row["ci_low"] is not None else ""
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


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def kpi_table(rows: list[dict[str, Any]], title: str) -> Table:
    """Rows of the mart as a table for a terminal."""
    shown = [name for name in COLUMNS if name != "member" or any(row["member"] != "all" for row in rows)]
    table = _table(title)
    for name in shown:
        table.add_column(name, justify="right" if name in ("value", "cases", "pending", "target") else "left")
    for row in rows:
        cells = {name: escape(cell) for name, cell in zip(COLUMNS, _cells(row), strict=True)}
        light = _LIGHTS.get(row["status"])
        cells["status"] = f"[{light}]{cells['status']}[/]" if light else cells["status"]
        table.add_row(*(cells[name] for name in shown))
    return table


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


def print_run(console: Console, settings: Settings, record: RunRecord) -> None:
    """The end of a run: headline KPIs, what was loaded and gated, where the marts are."""
    if record.published_version:
        rows = headlines(settings)
        console.print(kpi_table(rows, f"Headline KPIs, newest whole month, as of {local_as_of(settings, record)}"))
        for line in left_out(settings, rows):
            console.print(f"  {line}", markup=False)
    console.print(loads_table(settings))
    print_rejected(console, settings, record)
    print_verdicts(console, record)
    if record.status == SETTLED:
        console.print("Nothing new: exports, settings and date are those of the last run, which is shown here")
    if record.published_version:
        console.print(f"Published version {record.published_version}: {settings.published / MARTS_FILE}", markup=False)
        console.print(f"Single cases, for analysts: {settings.published / ANALYSIS_FILE}", markup=False)
        console.print(f"and as Parquet: {settings.published / PARQUET_FOLDER}", markup=False)
        console.print(f"To look at: {settings.published / REPORT_FILE}, or 'cxhouse dashboard'", markup=False)
    print_page(console, settings, record)


def print_page(console: Console, settings: Settings, record: RunRecord) -> None:
    """Where the page of the run's gates lies."""
    console.print(f"Gates of the run: {record.page(settings.home)}", markup=False)


def local_as_of(settings: Settings, record: RunRecord) -> str:
    """The instant that a run speaks of, as the reporting time zone's clocks show it."""
    instant = datetime.fromisoformat(record.as_of).replace(tzinfo=UTC)
    return f"{instant.astimezone(ZoneInfo(settings.reporting_timezone)):%Y-%m-%d %H:%M}"


def loads_table(settings: Settings) -> Table:
    """The ledger: per file the rows read, loaded and quarantined."""
    ledger = Ledger(settings.ledger)
    files = {file.batch: file for file in ledger.landed()}
    table = _table("Loaded")
    numbers_of = ("read", "loaded", "quarantined", "merged", "records")
    for name in ("file", "contract", *numbers_of, "status"):
        table.add_column(name, justify="right" if name in numbers_of else "left")
    for load in ledger.loads():
        told = (load.rows_read, load.rows_loaded, load.rows_quarantined, load.rows_merged or None, load.records)
        numbers = ("" if n is None else f"{n:,}" for n in told)
        status = load.status if load.reason is None else f"[red]{load.status}[/]: {escape(load.reason)}"
        table.add_row(escape(files[load.batch].file), load.contract, *numbers, status)
    return table


def print_rejected(console: Console, settings: Settings, record: RunRecord) -> None:
    """What the files became, which were refused, why rows lie in quarantine, and which files nothing reads."""
    for line in record.summary[:MAX_SUMMARY]:
        console.print(f"  {line}", markup=False)
    if len(record.summary) > MAX_SUMMARY:
        console.print(f"  and {len(record.summary) - MAX_SUMMARY} more file(s); the table load_ledger has all")
    refused = {load.batch: load.reason for load in record.loads if load.status == "refused"}
    # What this run held back is told with its gate.
    gated = {load.batch: load.kind for load in record.loads if load.status == "gated"}
    names = {file.batch: file.file for file in Ledger(settings.ledger).landed()} if refused or gated else {}
    told = {(names[batch], kind) for batch, kind in gated.items()}
    for batch, why in refused.items():
        console.print(f"  [yellow]refused[/] {escape(names[batch])}: it {escape(why or 'cannot be read')}")
    found = [reason for reason in reasons(settings) if not (reason.is_held_back and (reason.file, reason.kind) in told)]
    for reason in found[:MAX_REASONS]:
        where = f"{reason.file}, which is held back," if reason.is_held_back else reason.file
        console.print(f"  {reason.rows:,} row(s) of {where} in quarantine: {reason.in_words}", markup=False)
    if len(found) > MAX_REASONS:
        console.print(f"  and {len(found) - MAX_REASONS} more reason(s); 'cxhouse quarantine' lists them all")
    for name in record.unclaimed:
        console.print(f"  [yellow]not claimed[/] {escape(name)}: no contract reads it; 'cxhouse sources' shows its columns")


def quarantine_table(found: list[Reason]) -> Table:
    """Why rows lie in quarantine, the most frequent reasons first."""
    table = _table("Quarantine" if found else "Nothing is in quarantine")
    for name in ("rows", "kind", "file", "column", "reason", "first rows") if found else ():
        table.add_column(name, justify="right" if name == "rows" else "left")
    for reason in found:
        file = f"{reason.file} (held back)" if reason.is_held_back else reason.file
        first = ", ".join(map(str, reason.first_rows))
        said = f"{reason.example} ({reason.different:,} different values)" if reason.different > 1 else reason.example
        cells = (f"{reason.rows:,}", reason.kind, file, reason.columns or "", said, first)
        table.add_row(*(escape(cell) for cell in cells))
    return table


def print_verdicts(console: Console, record: RunRecord) -> None:
    """One line for all that passed; in full what did not."""
    failed = [verdict for verdict in record.verdicts if not verdict.passed]
    gates = len({verdict.gate for verdict in record.verdicts})
    passed = len(record.verdicts) - len(failed)
    modes = [f"{record.model_modes[mode]} {words}" for mode, words in MODES.items() if mode in record.model_modes]
    if modes:
        console.print(f"Models: {', '.join(modes)}")
    console.print(f"Gates: {passed} expectations at {gates} gates and {record.tests_passed} model tests passed")
    for verdict in failed:
        mark = "[red]FAILED[/]" if verdict.blocks else "[yellow]warning[/]"
        console.print(f"  {mark} {escape(verdict.gate)}: {escape(verdict.expectation)}")
        if verdict.failed_rows:
            console.print(f"      {verdict.failed_rows:,} row(s) do not meet it{', such as:' if verdict.examples else ''}")
        for text in [*(f"- {example}" for example in verdict.examples), *([verdict.problem] if verdict.problem else [])]:
            console.print(f"      {text}", markup=False)
        if verdict.remedy:
            console.print(f"      What to do: {verdict.remedy}", markup=False)
    for problem in record.dbt_problems:
        console.print(f"  [red]FAILED[/] {escape(problem)}")


def print_status(console: Console, settings: Settings) -> None:
    """The last run, the ledger, the gates, and what readers see."""
    record = RunRecord.load(settings.home)
    if record is None:
        raise ConfigurationError(f"no run has taken place in {settings.home}; run 'cxhouse run' first, or name another --home")
    console.print(
        f"Last run {record.run_id}: {record.status}, started {record.started_at}, as of {local_as_of(settings, record)}"
    )
    console.print(loads_table(settings))
    print_rejected(console, settings, record)
    print_verdicts(console, record)
    gates = _table("Gates")
    for name in ("gate", "expectation", "severity", "result"):
        gates.add_column(name)
    for verdict in record.verdicts:
        gates.add_row(
            escape(verdict.gate),
            escape(verdict.expectation),
            verdict.severity,
            "[green]passed[/]" if verdict.passed else "[red]failed[/]",
        )
    console.print(gates)
    publication = read_publication(settings)
    if publication is None:
        console.print("Nothing is published yet")
    else:
        place = settings.published / MARTS_FILE
        console.print(f"Published version {publication.version} (run {publication.run_id}): {place}", markup=False)
