"""Dagster's web server behind the guard: its own command, over an application that is wrapped."""

from __future__ import annotations

from typing import Any

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context

from orchestration.serving.guard import Guard


def _guarded(*arguments: Any, **options: Any) -> Any:
    return Guard(create_app_from_workspace_process_context(*arguments, **options))


if __name__ == "__main__":
    vars(cli)["create_app_from_workspace_process_context"] = _guarded
    cli.cli()
