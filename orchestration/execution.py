"""Run the daily job from the command line, in this process, recorded where the UI shows it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestration.configuration import check_configuration
from orchestration.errors import ConfigurationError, CxhouseError, GateFailedError
from orchestration.gates.keeper import GateKeeper
from orchestration.lock import release_writer_lock, take_writer_lock
from orchestration.run_record import RunRecord
from orchestration.settings import PROJECT, Settings
from orchestration.spark import stop_session

if TYPE_CHECKING:
    import dagster as dg

_CONFIGURATION = f"{ConfigurationError.__module__}.{ConfigurationError.__name__}: "
DAGSTER_CONFIG = PROJECT / "orchestration" / "dagster.yaml"


def prepare_home(settings: Settings) -> None:
    """Make the home's folders, and tell every library where to work and to keep to itself."""
    os.environ.update(settings.environment())
    for folder in (settings.home, settings.dagster_home, settings.raw, settings.published, settings.dbt_target):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DAGSTER_CONFIG, settings.dagster_home / "dagster.yaml")


def execute(settings: Settings, progress: Callable[[str], None], record_in_dagster: bool = False) -> RunRecord:
    """Pull, build, gate and publish.

    With ``record_in_dagster`` every event is written to the home's Dagster storage, where the UI shows it; that takes
    about as long again as building the models of a small warehouse.

    Raises:
        ConfigurationError: settings, contracts, seeds or suites are wrong; nothing was started.
        GateFailedError: a blocking gate did not pass; the published version stays as it was.
        CxhouseError: anything else that stopped the run.
    """
    settings = settings.pinned()
    check_configuration(settings)
    prepare_home(settings)
    take_writer_lock(settings.home)
    # The worker imports its library while this process imports its own.
    keeper = GateKeeper(settings.config_dir)
    try:
        return _execute(settings, keeper, progress, record_in_dagster)
    finally:
        keeper.__exit__()
        stop_session(settings)
        release_writer_lock(settings.home)


def _execute(settings: Settings, keeper: GateKeeper, progress: Callable[[str], None], recorded: bool) -> RunRecord:
    phases = RunRecord("", "")
    with phases.timed("imports"):
        from orchestration.assets.run import Run
        from orchestration.definitions import JOB, build_definitions
        from orchestration.warehouse import Warehouse

    logging.getLogger("dagster").setLevel(logging.ERROR)
    progress("reading the project")
    run = Run(settings, Warehouse(settings), progress, keeper)
    with phases.timed("dbt parse and definitions"):
        job = build_definitions(settings, run).resolve_job_def(JOB)
    with _instance(recorded) as instance, phases.timed("job, all in all"):
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
    record = run.record
    if record is None:
        raise CxhouseError(f"the run did not start: {_first_failure(result)}")
    record.phase_seconds = {**phases.phase_seconds, **record.phase_seconds}
    record.save(settings.home)
    if result.success:
        return record
    if record.blocked:
        raise GateFailedError("a gate did not pass; what is published stays as it was")
    error = _configuration_error(result)
    raise error or CxhouseError(_first_failure(result))


def _instance(recorded: bool) -> dg.DagsterInstance:
    import dagster as dg

    return dg.DagsterInstance.get() if recorded else dg.DagsterInstance.ephemeral()


def _failures(result: object) -> list[str]:
    """For each failed step what is worth telling: a configuration error in its chain of causes, else the last cause."""
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
