"""Publishing as a step: once every gate has passed, the marts are replaced."""

from __future__ import annotations

import logging

import duckdb

from orchestration.alerts import published_alerts, tell_new_alerts
from orchestration.connections import connect
from orchestration.errors import CxhouseError
from orchestration.gates.suites import LAYERS, RAW
from orchestration.gates.verdicts import Verdict
from orchestration.keeping import Held, Kept
from orchestration.publish import MAX_GROWTH, Candidate, PublicTable, public_tables, read_publication
from orchestration.run_record import RunRecord
from orchestration.settings import Settings
from orchestration.settled import settle
from orchestration.steps.run import Project, Run
from orchestration.versions import MARTS_FILE, PARQUET_FOLDER

#: What a run must have been through.
_NEEDED = {RAW, *(f"{layer} {part}" for layer in LAYERS for part in ("models", "gates"))}


def publish_marts(run: Run, project: Project) -> list[PublicTable]:
    """Publish what this run has verified, and end it; returns the published tables.

    Raises:
        CxhouseError: the run has not been through every step.
    """
    record, tables = run.current, public_tables(project.manifest)
    if lacking := _NEEDED - run.completed:
        raise CxhouseError(f"not verified in this run: {', '.join(sorted(lacking))}; materialise the whole job")
    run.progress("publishing")
    with record.timed("publish"):
        candidate = Candidate(run.settings, tables, record.run_id)
        names = [table.name for table in tables]
        with run.warehouse.kept() as kept, run.warehouse.tables(f"{table.schema}.{table.name}" for table in tables) as con:
            held = _held(run.settings, kept, names)
            candidate.build(con, record.verdicts, held)
            if kept:
                kept.published(candidate.version, candidate.database.stat().st_size, not any(held), names)
        _draw_report(candidate, record)
        told = published_alerts(run.settings)
        record.published_version = candidate.publish()
    record.finish(run.settings, "published")
    settle(run.settings, run.inputs)
    tell_new_alerts(run.settings, told)
    run.progress(f"published: version {record.published_version}")
    return tables


def _held(settings: Settings, kept: Kept | None, tables: list[str]) -> Held:
    """Tables that can be taken from what is published, where that is whole."""
    path, folder = settings.published / MARTS_FILE, settings.published / PARQUET_FOLDER
    try:
        published = read_publication(settings)
    except (duckdb.Error, ValueError):
        return Held()
    if kept is None or published is None:
        return Held()
    found = kept.held_by(published.version, path.stat().st_size, MAX_GROWTH, tables)
    with connect(path, read_only=True) as con:
        there = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    unchanged = frozenset(name for name in found.unchanged & there if (folder / f"{name}.parquet").exists())
    return Held(unchanged, found.outdated & there)


def _draw_report(candidate: Candidate, record: RunRecord) -> None:
    """A chart that cannot be drawn keeps nobody from the marts: it is a warning, and no report beats one of other numbers."""
    from orchestration.dashboard.report import write_report

    try:
        write_report(candidate.database, candidate.report)
    except Exception as error:  # whatever a chart can break on
        logging.getLogger("cxhouse").exception("the report could not be drawn")
        candidate.report.unlink(missing_ok=True)
        record.verdicts.append(
            Verdict(
                gate="published/report",
                expectation="The report can be drawn",
                severity="warning",
                passed=False,
                problem=f"{type(error).__name__}; the marts are published without it",
                remedy="see the log, and report it with the traceback",
            )
        )
