"""A run from the command line, in this process: by itself, or as a job of Dagster's that its UI then shows."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import format_exception_only
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestration.configuration import check_configuration
from orchestration.core import durable
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.lock import release_writer_lock, take_writer_lock
from orchestration.gates.suite_runner import SuiteRunner
from orchestration.pull.sources.locations import forget_listings, sources_of
from orchestration.runs.finish import finish_failed
from orchestration.runs.record import RunRecord
from orchestration.settings import PACKAGE
from orchestration.settings.model import Settings
from orchestration.targets.pushing import bring_up_to_date
from orchestration.warehouse.salt import ensure_salt
from orchestration.warehouse.settled import settled_run
from orchestration.warehouse.spark import stop_session
from orchestration.warehouse.versions import claim, restore_whole

if TYPE_CHECKING:
    from orchestration.steps.run import Run

_CONFIGURATION = f"{ConfigurationError.__module__}.{ConfigurationError.__name__}: "
DAGSTER_CONFIG = PACKAGE / "dagster.yaml"
_DATABASE = "storage: {{postgres: {{postgres_url: {url}}}}}\n"


def prepare_home(settings: Settings) -> None:
    """Make the home's folders, and have every library work there and keep to itself."""
    os.environ.update(settings.environment())
    os.umask(settings.umask)
    for folder in (settings.home, settings.dagster_home, settings.raw, settings.published, settings.dbt_target):
        folder.mkdir(parents=True, exist_ok=True)
    settings.home.chmod(settings.home_mode)
    settings.published.chmod(settings.published_mode)
    ensure_salt(settings)
    claim(settings)
    _configure_dagster(settings)


def _configure_dagster(settings: Settings) -> None:
    """Write Dagster's settings where they differ, in one step: a daemon beside this process reads them for each run."""
    config, path = DAGSTER_CONFIG.read_text(encoding="utf-8"), settings.dagster_home / "dagster.yaml"
    if settings.dagster_database:
        # Dagster's statements are for this driver; without its name SQLAlchemy 2.1 takes psycopg, which refuses some.
        address = f"postgresql+psycopg2:{settings.dagster_database.partition(':')[2]}"
        config += _DATABASE.format(url=json.dumps(address))
    if not path.exists() or path.read_text(encoding="utf-8") != config:
        durable.write_text(path, config)


def execute(settings: Settings, progress: Callable[[str], None], record_in_dagster: bool = False) -> RunRecord:
    """Pull, build, gate and publish.

    With ``record_in_dagster`` it is a job of Dagster's, and every event is written to the home's Dagster storage, where the UI
    shows it; that takes about as long again as building the models of a small warehouse.

    Raises:
        ConfigurationError: settings, contracts, seeds or suites are wrong; nothing was started.
        GateFailedError: a blocking gate did not pass; the published version stays as it was.
        CxhouseError: anything else that stopped the run.
    """
    settings = settings.pinned()
    forget_listings()
    check_configuration(settings)
    sources_of(settings, progress)
    prepare_home(settings)
    take_writer_lock(settings.home)
    suites = SuiteRunner(settings.config_dir)
    try:
        if restored := restore_whole(settings):
            progress(restored)
        if not record_in_dagster and (settled := settled_run(settings)):
            progress(
                f"nothing new: files, settings and date are those of the last run; version {settled.published_version} stays"
            )
            bring_up_to_date(settings, progress)
            return settled
        return _execute(settings, suites, progress, record_in_dagster)
    finally:
        suites.__exit__()
        stop_session(settings)
        release_writer_lock(settings.home)


def _execute(settings: Settings, suites: SuiteRunner, progress: Callable[[str], None], in_dagster: bool) -> RunRecord:
    phases = RunRecord("", "")
    with phases.timed("imports"):
        from orchestration.steps.run import Run
        from orchestration.warehouse.warehouse import Warehouse
    warehouse = Warehouse(settings)
    run = Run(settings, warehouse, progress, suites)
    progress("reading the project")
    try:
        if in_dagster:
            _run_in_dagster(run, phases)
        else:
            _run_here(run, phases)
    finally:
        warehouse.stop()
    record = run.current
    record.phase_seconds = {**phases.phase_seconds, **record.phase_seconds}
    record.save(settings.home)
    return record


def _run_here(run: Run, phases: RunRecord) -> None:
    """The steps one after the other: what Dagster would do besides takes longer than the work of a small day."""
    from orchestration.steps.publish import publish_marts
    from orchestration.steps.whole import verify

    with phases.timed("dbt parse"):
        project = run.parse(will_build=True)
    record = run.begin(str(uuid4()))
    try:
        with _held_open(run.settings):
            verify(run, project)
            publish_marts(run, project)
    except Exception as error:
        finish_failed(run.settings, record, error)
        if isinstance(error, CxhouseError):
            raise
        raise CxhouseError("".join(format_exception_only(error)).strip()) from error


@contextmanager
def _held_open(settings: Settings) -> Iterator[None]:
    """Whoever closes a database last waits until DuckDB has rewritten it: that is done once, not after each step."""
    if settings.engine != "duckdb":
        yield
        return
    from orchestration.core.connections import connect

    with connect(settings.warehouse):
        yield


def _run_in_dagster(run: Run, phases: RunRecord) -> None:
    """The same steps as a job of Dagster's, with every event in the home's storage."""
    from orchestration.steps.whole import stop_at_gate

    with phases.timed("imports"):
        import dagster as dg

        from orchestration.assets.graph import build_definitions
        from orchestration.assets.naming import JOB

    logging.getLogger("dagster").setLevel(logging.ERROR)
    with phases.timed("dbt parse and definitions"):
        job = build_definitions(run.settings, run).resolve_job_def(JOB)
    with dg.DagsterInstance.get() as instance, phases.timed("job, all in all"):
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
    if run.record is None:
        raise CxhouseError(f"the run did not start: {_first_failure(result)}")
    if not result.success:
        stop_at_gate(run.record)
        raise _configuration_error(result) or CxhouseError(_first_failure(result))


def _failures(result: object) -> list[str]:
    """For each failed step what is worth reporting: a configuration error in its chain of causes, else the last cause."""
    texts = []
    for event in result.all_events:  # type: ignore[attr-defined]
        if not event.is_step_failure:
            continue
        chain, error = [], event.step_failure_data.error
        while error:
            chain.append(error.message.strip())
            error = error.cause
        ours = [text for text in chain if text.startswith(_CONFIGURATION)]
        texts.append((ours or chain[-1:] or [str(event.message)])[0])
    return texts


def _first_failure(result: object) -> str:
    return next(iter(_failures(result)), "no step failed, yet the run did not succeed; see the Dagster UI")


def _configuration_error(result: object) -> ConfigurationError | None:
    ours = (text for text in _failures(result) if text.startswith(_CONFIGURATION))
    return next((ConfigurationError(text.removeprefix(_CONFIGURATION)) for text in ours), None)
