"""dbt parses and compiles a project in a process of its own.

A run pulls its files meanwhile, and neither waits for dbt's libraries nor holds its objects, a million of them.
"""

from __future__ import annotations

import gc
from concurrent.futures import Future
from typing import Any, NamedTuple

from orchestration.core.resources import use
from orchestration.core.worker import Worker
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt import invoke
from orchestration.warehouse.seeds import prepare_seeds


class Compiled(NamedTuple):
    """What dbt compiled."""

    #: Id of the model or test -> its query.
    queries: dict[str, str]
    #: How the instant of the run is written in them.
    computed_at: str


class DbtWorker:
    """The process, for one home and one version of the project."""

    def __init__(self, settings: Settings, project: str) -> None:
        self._settings, self._project = settings, project
        self._worker = Worker()
        self._compiled: Future[Compiled] | None = None

    def parse(self, will_compile: bool) -> None:
        """Parse the project; dbt's files are in the home afterwards. With ``will_compile`` it goes on and compiles at once.

        Raises:
            CxhouseError: the project cannot be parsed.
        """
        parsed = self._worker.ask(_parse, self._settings, self._project)
        if will_compile:
            self._compiled = self._worker.ask(_compile, self._settings, self._project)
        try:
            parsed.result()
        except BaseException:
            self.stop()
            raise
        if not will_compile:
            self.stop()

    def compiled(self) -> Compiled:
        """What dbt compiled of the project, or compiles now; a query that it could not compile is missing.

        Raises:
            CxhouseError: the project cannot be parsed.
        """
        try:
            return (self._compiled or self._worker.ask(_compile, self._settings, self._project)).result()
        finally:
            self.stop()

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self._compiled = None
        self._worker.stop()


# -- in the process ----------------------------------------------------------------------------------------------------

_manifest: Any = None


def _parse(settings: Settings, project: str) -> None:
    global _manifest
    # Nearly all that dbt makes stays until the process ends: the collector of garbage would look through it again and again.
    gc.disable()
    use(settings.resources)
    prepare_seeds(settings)
    _manifest = invoke(settings, ["parse"], project).result


def _compile(settings: Settings, project: str) -> Compiled:
    from dbt import tracking

    from orchestration.warehouse.keeping import as_computed_at

    if _manifest is None:
        _parse(settings, project)
    # The run has the warehouse open, and no query needs it. Two threads of Python's would only wait for each other.
    command = ["compile", "--no-write-json", "--threads", "1"]
    results = invoke(settings, command, project, _manifest, environment={"CXHOUSE_WAREHOUSE": ":memory:"}).result
    codes = {item.node.unique_id: getattr(item.node, "compiled_code", None) for item in results or ()}
    return Compiled(
        {node: str(code) for node, code in codes.items() if code},
        as_computed_at(tracking.active_user.run_started_at),  # type: ignore[union-attr]
    )
