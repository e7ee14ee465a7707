"""A run as people read it: its end, what it loaded and rejected, its gates, its status."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.core.errors import ConfigurationError
from orchestration.publish.version_facts import read_publication
from orchestration.published.display import headlines, left_out, print_kpis, table_of
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.quarantine import Reason, reasons
from orchestration.pull.personal import file_shown
from orchestration.runs.record import SETTLED, RunRecord
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import ANALYSIS_FILE, MARTS_FILE, PARQUET_FOLDER, REPORT_FILE

MAX_REASONS = 8
#: The newest files of a home that are shown; years of daily files are longer than anybody reads.
MAX_LOADS = 100
#: How a model was brought up to date, as macros/maintained/ calls it, in words.
MODES = {
    "unchanged": "unchanged",
    "incremental": "updated in part",
    "recomputed": "recomputed",
    "rebuilt": "rebuilt",
}


def print_run(console: Console, settings: Settings, record: RunRecord) -> None:
    """The end of a run: headline KPIs, what was loaded and gated, where the marts are."""
    if record.published_version:
        rows = headlines(settings)
        print_kpis(console, rows, f"Headline KPIs, newest whole month, as of {local_as_of(settings, record)}")
        for line in left_out(settings, rows):
            console.print(f"  {line}", markup=False)
    console.print(loads_table(settings))
    print_rejected(console, settings, record)
    print_check_results(console, record)
    if record.status == SETTLED:
        console.print("Nothing new: exports, settings and date are those of the last run, which is shown here")
    if record.published_version:
        console.print(f"Published version {record.published_version}: {settings.published / MARTS_FILE}", markup=False)
        console.print(f"Single cases, for analysts: {settings.published / ANALYSIS_FILE}", markup=False)
        console.print(f"and as Parquet: {settings.published / PARQUET_FOLDER}", markup=False)
        console.print(f"To look at: {settings.published / REPORT_FILE}, or 'cxhouse dashboard'", markup=False)
    print_page(console, settings, record)


def print_page(console: Console, settings: Settings, record: RunRecord) -> None:
    """Where the page of the run's gates is."""
    console.print(f"Gates of the run: {record.page(settings.home)}", markup=False)


def local_as_of(settings: Settings, record: RunRecord) -> str:
    """The instant that a run speaks of, as the reporting time zone's clocks show it."""
    instant = datetime.fromisoformat(record.as_of).replace(tzinfo=UTC)
    return f"{instant.astimezone(ZoneInfo(settings.reporting_timezone)):%Y-%m-%d %H:%M}"


def loads_table(settings: Settings) -> Table:
    """The ledger: per file the rows read, loaded and quarantined; of many files the newest."""
    ledger = Ledger(settings.ledger)
    files, loads = {file.batch: file for file in ledger.landed()}, ledger.loads()
    earlier = len(loads) - MAX_LOADS
    table = table_of(f"Loaded ({earlier:,} earlier ones: table load_ledger)" if earlier > 0 else "Loaded")
    numbers_of = ("read", "loaded", "quarantined", "merged", "records")
    for name in ("file", "contract", *numbers_of, "status"):
        table.add_column(name, justify="right" if name in numbers_of else "left")
    for load in loads[-MAX_LOADS:]:
        counts = (load.rows_read, load.rows_loaded, load.rows_quarantined, load.rows_merged or None, load.records)
        numbers = ("" if n is None else f"{n:,}" for n in counts)
        status = load.status if load.reason is None else f"[red]{load.status}[/]: {escape(load.reason)}"
        table.add_row(escape(file_shown(files[load.batch].file)), load.contract, *numbers, status)
    return table


def print_rejected(console: Console, settings: Settings, record: RunRecord) -> None:
    """Which files were refused, why rows are in quarantine, and which files nothing reads."""
    refused = {load.batch: load.reason for load in record.loads if load.status == "refused"}
    # What this run held back is shown with its gate.
    gated = {load.batch: load.kind for load in record.loads if load.status == "gated"}
    names = {file.batch: file.file for file in Ledger(settings.ledger).landed()} if refused or gated else {}
    reported = {(names[batch], kind) for batch, kind in gated.items()}
    for batch, why in refused.items():
        console.print(f"  [yellow]refused[/] {escape(file_shown(names[batch]))}: it {escape(why or 'cannot be read')}")
    found = [reason for reason in reasons(settings) if not (reason.is_held_back and (reason.file, reason.kind) in reported)]
    for reason in found[:MAX_REASONS]:
        where = file_shown(reason.file) + (", which is held back," if reason.is_held_back else "")
        console.print(f"  {reason.rows:,} row(s) of {where} in quarantine: {reason.in_words}", markup=False)
    if len(found) > MAX_REASONS:
        console.print(f"  and {len(found) - MAX_REASONS} more reason(s); 'cxhouse quarantine' lists them all")
    for name in record.unclaimed:
        console.print(f"  [yellow]not claimed[/] {escape(name)}: no contract reads it; 'cxhouse sources' shows its columns")


def print_quarantine(console: Console, found: list[Reason], of_all: bool) -> None:
    """Why rows are in quarantine, the most frequent reasons first."""
    if not found:
        console.print("No row is in quarantine." if of_all else "No such row is in quarantine.")
        return
    table = table_of("Quarantine")
    for name in ("rows", "kind", "file", "column", "reason", "first rows"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for reason in found:
        file = file_shown(reason.file) + (" (held back)" if reason.is_held_back else "")
        first = ", ".join(map(str, reason.first_rows))
        said = f"{reason.example} ({reason.different:,} different values)" if reason.different > 1 else reason.example
        cells = (f"{reason.rows:,}", reason.kind, file, reason.columns or "", said, first)
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)


def print_check_results(console: Console, record: RunRecord) -> None:
    """One line for all that passed; in full what did not."""
    failed = [check for check in record.check_results if not check.passed]
    gates = len({check.gate for check in record.check_results})
    passed = len(record.check_results) - len(failed)
    modes = [f"{record.model_modes[mode]} {words}" for mode, words in MODES.items() if mode in record.model_modes]
    if modes:
        console.print(f"Models: {', '.join(modes)}")
    console.print(f"Gates: {passed} expectations at {gates} gates and {record.tests_passed} model tests passed")
    for check in failed:
        mark = "[red]FAILED[/]" if check.blocks else "[yellow]warning[/]"
        console.print(f"  {mark} {escape(check.gate)}: {escape(check.expectation)}")
        if check.failed_rows:
            console.print(f"      {check.failed_rows:,} row(s) do not meet it{', such as:' if check.examples else ''}")
        for text in [
            *(f"- {example}" for example in check.examples),
            *([check.problem] if check.problem else []),
        ]:
            console.print(f"      {text}", markup=False)
        if check.remedy:
            console.print(f"      What to do: {check.remedy}", markup=False)
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
    print_check_results(console, record)
    gates = table_of("Gates")
    for name in ("gate", "expectation", "severity", "result"):
        gates.add_column(name)
    for check in record.check_results:
        gates.add_row(
            escape(check.gate),
            escape(check.expectation),
            check.severity,
            "[green]passed[/]" if check.passed else "[red]failed[/]",
        )
    console.print(gates)
    publication = read_publication(settings)
    if publication is None:
        console.print("Nothing is published yet")
    else:
        place = settings.published / MARTS_FILE
        console.print(f"Published version {publication.version} (run {publication.run_id}): {place}", markup=False)
