"""dbt's commands over a home, in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from orchestration.core.connections import bounded
from orchestration.core.errors import CxhouseError
from orchestration.settings import PROJECT
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt_vars import dbt_vars

DBT_PROJECT = PROJECT / "dbt_project"


def invoke(
    settings: Settings,
    command: list[str],
    project: str,
    manifest: Any = None,
    callbacks: list[Callable[[Any], None]] | None = None,
    log_level: str = "none",
    environment: dict[str, str] | None = None,
) -> Any:
    """Run a dbt command; returns dbt's result.

    Args:
        settings: of the home.
        command: dbt's command with its arguments.
        project: the version of the project, which `maintained` writes down with what it builds; empty: unknown.
        manifest: the parsed project; without it dbt parses, or reads what it parsed last.
        callbacks: called with each event of dbt.
        log_level: what dbt prints.
        environment: what the dbt project reads, where that is not what ``settings`` say.

    Raises:
        CxhouseError: dbt could not do it at all.
    """
    from dbt.cli.main import dbtRunner

    os.environ.update({**settings.environment(), **(environment or {})})
    os.environ["CXHOUSE_PROJECT"] = project
    _give_unit_tests_the_graph()
    _bound_dbt()
    result = dbtRunner(manifest=manifest, callbacks=callbacks or []).invoke(
        [
            *command,
            "--project-dir", str(DBT_PROJECT),
            "--profiles-dir", str(DBT_PROJECT),
            "--target-path", str(settings.dbt_target),
            "--log-path", str(settings.dbt_target / "logs"),
            "--vars", json.dumps(dbt_vars(settings), sort_keys=True),
            "--log-level", log_level,
            "--no-version-check",
        ]
    )  # fmt: skip
    if result.exception is not None:
        raise CxhouseError(f"dbt {command[0]} failed: {result.exception}")
    return result


def _give_unit_tests_the_graph() -> None:
    """Let unit tests of the KPI models see the metrics: dbt 1.11 compiles unit tests with an empty ``graph``."""
    from dbt.parser.unit_tests import UnitTestManifestLoader

    original = UnitTestManifestLoader.__init__
    if getattr(original, "gives_graph", False):
        return

    def init(self: Any, manifest: Any, *args: Any, **kwargs: Any) -> None:
        original(self, manifest, *args, **kwargs)
        # dbt makes a loader for each unit test: of one manifest the graph is built once, and it takes a while.
        if not getattr(manifest, "flat_graph", None):
            manifest.build_flat_graph()
        self.unit_test_manifest.flat_graph = manifest.flat_graph

    init.gives_graph = True  # type: ignore[attr-defined]
    UnitTestManifestLoader.__init__ = init  # type: ignore[method-assign]


def _bound_dbt() -> None:
    """Give dbt's database the bound of all others. (Its profile can name a folder for what does not fit, but only as an option of
    the connection, and then no second one to the same file could be opened.)
    """
    from dbt.adapters.duckdb.environments import Environment

    original = Environment.initialize_db
    if getattr(original, "is_bounded", False):
        return

    def initialize_db(*args: Any, **kwargs: Any) -> Any:
        return bounded(original(*args, **kwargs))

    initialize_db.is_bounded = True  # type: ignore[attr-defined]
    Environment.initialize_db = staticmethod(initialize_db)  # type: ignore[method-assign]
