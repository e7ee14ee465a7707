"""Options that several commands of the command line share."""

from __future__ import annotations

from collections.abc import Callable

import click

from orchestration.settings import ENGINES


def home_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--config", metavar="DIR", help="Folder with cxhouse.yml, contracts/, seeds/. [CXHOUSE_CONFIG]")(
        command
    )
    return click.option("--home", metavar="DIR", help="Where cxhouse keeps its data (default: home). [CXHOUSE_HOME]")(command)


exports_option = click.option("--exports", metavar="DIR", help="Folder of exports (default: exports). [CXHOUSE_EXPORTS]")


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--spark-master", metavar="URL", help="Where Spark runs (default: local[*]). [CXHOUSE_SPARK_MASTER]")(
        command
    )
    return click.option(
        "--engine", type=click.Choice(ENGINES), help="What builds the models (default: duckdb). [CXHOUSE_ENGINE]"
    )(command)


as_of_option = click.option("--as-of", metavar="DATE", help="Date or instant that the run speaks of (default: now).")
