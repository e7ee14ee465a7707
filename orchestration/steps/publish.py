"""Publishing as a step: once every gate has passed, the marts are replaced."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import duckdb

from orchestration.core import durable
from orchestration.core.connections import connect
from orchestration.core.errors import CxhouseError, GateFailedError
from orchestration.gates.check_results import CheckResult
from orchestration.gates.suites import LAYERS, RAW
from orchestration.messages.alerting import send_new_alerts
from orchestration.privacy.sweep import publication_done
from orchestration.publish.candidate import MAX_GROWTH, Candidate
from orchestration.publish.nesting import cuts_of
from orchestration.publish.publications import MARTS, PublicTable, public_tables, publications_of
from orchestration.publish.scan import scan
from orchestration.publish.version_facts import read_publication
from orchestration.runs.finish import finish_run
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.run import Project, Run
from orchestration.targets.keys import keys_of, write_keys
from orchestration.targets.pushing import bring_up_to_date
from orchestration.warehouse.keeping import Held, Kept
from orchestration.warehouse.settled import settle

#: What a run must have been through.
_NEEDED = {RAW, *(f"{layer} {part}" for layer in LAYERS for part in ("models", "gates"))}


def publish_marts(run: Run, project: Project) -> list[PublicTable]:
    """Publish what this run has verified, and end it; returns the published tables.

    Raises:
        CxhouseError: the run has not been through every step.
        GateFailedError: a text that would be published holds personal data.
    """
    record, tables = run.current, public_tables(project.manifest, run.settings.publish_agent_names)
    if lacking := _NEEDED - run.completed:
        raise CxhouseError(f"not verified in this run: {', '.join(sorted(lacking))}; materialise the whole job")
    run.progress("publishing")
    with record.timed("publish"):
        cuts = cuts_of(project.manifest)
        candidate = Candidate(run.settings, tables, record.run_id, cuts)
        models = sorted({table.model for table in tables})
        names = sorted({*(f"{table.schema}.{table.name}" for table in tables), *(cut.key for cut in cuts)})
        with run.warehouse.kept() as kept, run.warehouse.tables(names) as con:
            held = _held(run.settings, kept, tables)
            written = candidate.build(con, record.check_results, held)
            with _rewriting(con), _scanning(candidate, written, run):
                _draw_report(candidate, record)
            if kept:
                kept.published(candidate.version, candidate.bytes, not any(held), models)
        write_keys(keys_of(project.manifest, tables), candidate.folder)
        record.published_version = candidate.publish()
    finish_run(run.settings, record, "published")
    publication_done(run.settings)
    settle(run.settings, run.inputs)
    send_new_alerts(run.settings)
    run.progress(f"published: version {record.published_version}")
    if run.settings.digests:
        from orchestration.messages.digests import send_due

        send_due(run.settings, run.progress)
    with record.timed("targets"):
        bring_up_to_date(run.settings, run.progress)
    return tables


@contextmanager
def _rewriting(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Who closes a database waits until DuckDB has rewritten its file; here it does so beside work that reads other files."""
    with ThreadPoolExecutor(1) as pool:
        rewritten = pool.submit(con.cursor().execute, "checkpoint")
        yield
    # Where somebody else reads at this moment, the file is rewritten when it is closed.
    if error := rewritten.exception():
        logging.getLogger("cxhouse").debug("the warehouse was not rewritten: %s", type(error).__name__)


@contextmanager
def _scanning(candidate: Candidate, written: list[str], run: Run) -> Iterator[None]:
    """The gate of what was not published before: no personal data in any text. It looks while other work reads the candidate."""
    with ThreadPoolExecutor(1) as pool:
        scanned = pool.submit(scan, candidate, written, run.settings)
        yield
    found = scanned.result()
    run.current.check_results += found
    if found:
        candidate.discard()
        run.current.save(run.settings.home)
        raise GateFailedError("personal data would be published; what is published stays as it was")


def _held(settings: Settings, kept: Kept | None, tables: list[PublicTable]) -> Held:
    """Tables that can be taken from what is published, where that is whole and was shown by the same rules."""
    try:
        published = read_publication(settings)
    except (duckdb.Error, ValueError):
        return Held()
    if kept is None or published is None:
        return Held()
    if (published.min_people, published.has_agent_names) != (settings.min_people, settings.publish_agent_names):
        return Held()
    there: set[str] = set()
    size = 0
    for publication in publications_of(tables):
        path, folder = settings.published / publication.database, settings.published / publication.parquet
        if not path.exists():
            return Held()
        size += path.stat().st_size
        with connect(path, read_only=True) as con:
            held = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
        wanted = {table.name for table in publication.tables}
        there |= {name for name in held & wanted if (folder / f"{name}.parquet").exists()}
    found = kept.held_by(published.version, size, MAX_GROWTH, {table.model for table in tables})
    unchanged, outdated = (frozenset(table.name for table in tables if table.model in models) & there for models in found)
    return Held(unchanged, outdated)


def _draw_report(candidate: Candidate, record: RunRecord) -> None:
    """A chart that cannot be drawn keeps nobody from the marts: it is a warning, and no report beats one of other numbers."""
    from orchestration.dashboard.report import write_report

    try:
        marts = next(publication for publication in candidate.publications if publication.name == MARTS)
        write_report(candidate.database(marts), candidate.report)
    except Exception as error:  # whatever a chart can break on, but a disk without room for it
        if durable.explain(error):
            raise
        logging.getLogger("cxhouse").exception("the report could not be drawn")
        candidate.report.unlink(missing_ok=True)
        record.check_results.append(
            CheckResult(
                gate="published/report",
                expectation="The report can be drawn",
                severity="warning",
                passed=False,
                problem=f"{type(error).__name__}; the marts are published without it",
                remedy="see the log, and report it with the traceback",
            )
        )
