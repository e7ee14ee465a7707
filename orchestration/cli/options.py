"""What several commands of the command line share: options, and how errors are shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape as escaped

from orchestration.core import durable
from orchestration.core.engines import ENGINES
from orchestration.core.errors import CxhouseError
from orchestration.core.output import console

if TYPE_CHECKING:
    from orchestration.settings.model import Settings


def load_settings(
    exports: str | None = None,
    home: str | None = None,
    config: str | None = None,
    as_of: str | None = None,
    engine: str | None = None,
    spark_master: str | None = None,
) -> Settings:
    """Settings of a command. What they are made of is imported now, and not by who only shows ``--help``."""
    from orchestration.settings.loading import load_settings as load

    return load(exports, home, config, as_of, engine, spark_master)


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """Errors that a user can act on end the command with one line and their exit code."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CxhouseError as error:
            console(stderr=True, soft_wrap=True).print(f"[red]cxhouse:[/] {escaped(str(error))}")
            sys.exit(error.exit_code)
        except Exception as error:  # the last resort of a command line: one line, and where the rest can be seen
            if os.environ.get("CXHOUSE_DEBUG"):
                raise
            explained = durable.explain(error)
            text = str(explained) if explained else f"{type(error).__name__}: {error} (CXHOUSE_DEBUG=1 shows where)"
            console(stderr=True, soft_wrap=True).print(f"[red]cxhouse:[/] {escaped(text)}")
            sys.exit(CxhouseError.exit_code)

    return wrapper


def _into_environment(_: click.Context, option: click.Parameter, value: str | None) -> None:
    """What every command takes, and none looks at by itself: an option is stronger than the variable, and so takes its place."""
    if value is not None:
        os.environ[f"CXHOUSE_{str(option.name).upper()}"] = value


#: Bounds of every connection to the database.
_RESOURCES = {
    "memory-limit": ("SIZE", "Memory of the database, such as 4GB or 60% (default: half of what there is)."),
    "temp-directory": ("DIR", "Where what does not fit into memory goes (default: spill in the home)."),
    "threads": ("N", "Threads of the database (default: the processors there are)."),
}


def home_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options for a home's resources: memory, threads and where large work spills."""
    for name, (form, text) in reversed(_RESOURCES.items()):
        variable = f"CXHOUSE_{name.replace('-', '_').upper()}"
        command = click.option(
            f"--{name}", metavar=form, help=f"{text} [{variable}]", expose_value=False, callback=_into_environment
        )(command)
    command = click.option("--config", metavar="DIR", help="Folder with cxhouse.yml, contracts/, seeds/. [CXHOUSE_CONFIG]")(
        command
    )
    return click.option("--home", metavar="DIR", help="Where cxhouse keeps its data (default: home). [CXHOUSE_HOME]")(command)


exports_option = click.option("--exports", metavar="DIR", help="Folder of exports (default: exports). [CXHOUSE_EXPORTS]")


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that choose the engine, and where Spark runs."""
    command = click.option("--spark-master", metavar="URL", help="Where Spark runs (default: local[*]). [CXHOUSE_SPARK_MASTER]")(
        command
    )
    return click.option(
        "--engine", type=click.Choice(ENGINES), help="What builds the models (default: duckdb). [CXHOUSE_ENGINE]"
    )(command)


as_of_option = click.option("--as-of", metavar="DATE", help="Date or instant that the run speaks of (default: now).")
