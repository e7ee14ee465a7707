"""Commands that open something over a home: the dashboard, Dagster's UI, the docs, dbt, MetricFlow."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli.options import engine_options, exports_option, home_options, load_settings, reported
from orchestration.core.errors import CxhouseError
from orchestration.serving import LOOPBACK

if TYPE_CHECKING:
    from orchestration.settings.model import Settings

_PORT = click.IntRange(1, 65535)
_host_option = click.option(
    "--host", default=LOOPBACK, show_default=True, help="Address to listen on, for a container; another wants a token."
)


@click.command()
@_host_option
@click.option("--port", default=8501, show_default=True, type=_PORT)
@click.option("--browser/--no-browser", default=True, help="Open it in a browser.")
@home_options
@reported
def dashboard(home: str | None, config: str | None, host: str, port: int, browser: bool) -> None:
    """Look at the published KPIs on http://127.0.0.1:PORT, with filters, down to the cases behind each number.

    It reads what is published, and the owners and states of alerts, and shows a new version soon after it was published.
    """
    from orchestration.core.connections import connect
    from orchestration.publish.version_facts import publication_of
    from orchestration.published.cases import ALERTS_HOME, RECORD_LINKS
    from orchestration.published.display import published_file
    from orchestration.serving.starting import address_of, check_host, check_port, tell_guard

    settings = load_settings(home=home, config=config)
    check_host(settings, host)
    path = published_file(settings)
    _needs("streamlit")

    with connect(path, read_only=True) as con:
        if ("gate_results",) not in con.execute("select table_name from duckdb_tables()").fetchall():
            version = publication_of(con).version
            raise CxhouseError(f"version {version} was published by an earlier release; run 'cxhouse run' once")
    check_port(port, host)
    tell_guard(settings)
    click.echo(f"cxhouse: dashboard on {address_of(settings, port, host)}; Ctrl-C stops", err=True)
    os.environ[RECORD_LINKS] = json.dumps(settings.record_links)
    os.environ[ALERTS_HOME] = str(settings.home)
    os.environ["CXHOUSE_OPENED"] = address_of(settings, port) if browser else ""
    launcher = Path(__file__).parents[1] / "serving" / "dashboard.py"
    os.execv(sys.executable, [sys.executable, str(launcher), str(path), host, str(port)])


@click.command()
@click.option("--port", type=_PORT, help="Serve on http://127.0.0.1:PORT/mcp instead of standard input and output.")
@home_options
@reported
def mcp(home: str | None, config: str | None, port: int | None) -> None:
    """Answer programs and agents that speak the Model Context Protocol: KPIs, cuts, explanations, cases. Read-only."""
    from orchestration.published.display import published_file

    settings = load_settings(home=home, config=config)
    path = published_file(settings)
    _needs("mcp", "mcp")

    from orchestration.query.mcp_server import server_over

    server = server_over(path)
    if port is None:
        return server.run()
    import uvicorn

    from orchestration.serving.guard import Guard
    from orchestration.serving.starting import check_port, tell_guard

    check_port(port)
    tell_guard(settings)
    click.echo(f"cxhouse: http://127.0.0.1:{port}/mcp; Ctrl-C stops", err=True)
    uvicorn.run(Guard(server.streamable_http_app()), host="127.0.0.1", port=port, log_level="warning")


@click.command()
@exports_option
@home_options
@engine_options
@_host_option
@click.option("--port", default=3000, show_default=True, type=_PORT)
@click.option("--scheduled", is_flag=True, help="The daily schedule runs from the start, without being switched on in the UI.")
@reported
def ui(
    exports: str | None, home: str | None, config: str | None, engine: str | None, spark_master: str | None,
    host: str, port: int, scheduled: bool,
) -> None:  # fmt: skip
    """Open Dagster's UI on http://127.0.0.1:PORT: assets, checks, runs, and the daily schedule."""
    from orchestration.serving.starting import address_of, check_host, serve_ui
    from orchestration.settings.model import SCHEDULE_RUNS

    settings = load_settings(exports, home, config, engine=engine, spark_master=spark_master)
    check_host(settings, host)
    _needs("dagster_webserver")
    if scheduled:
        os.environ[SCHEDULE_RUNS] = "yes"
    _prepare_dagster(settings)
    click.echo(f"cxhouse: Dagster's UI on {address_of(settings, port, host)} in a moment; Ctrl-C stops", err=True)
    serve_ui(settings, host, port)
    # All that was started has ended: to take the libraries down takes seconds where the machine is busy.
    sys.stderr.flush()
    os._exit(0)


def _needs(module: str, extra: str = "ui") -> None:
    if find_spec(module) is None:
        raise CxhouseError(f"that is an extra; install it with: pip install 'cxhouse[{extra}]'")


@click.command()
@exports_option
@home_options
@engine_options
@reported
def schedule(exports: str | None, home: str | None, config: str | None, engine: str | None, spark_master: str | None) -> None:
    """Run the daily job at the times that the setting `schedule` says, until stopped; for a service manager.

    Whoever `notify` names gets a message of each run that is not published.
    """
    from orchestration.configuration import check_configuration
    from orchestration.serving.starting import become_daemon
    from orchestration.settings.model import SCHEDULE_RUNS

    settings = load_settings(exports, home, config, engine=engine, spark_master=spark_master)
    check_configuration(settings)
    os.environ[SCHEDULE_RUNS] = "yes"
    click.echo(f"cxhouse: runs at '{settings.schedule}' ({settings.reporting_timezone}); Ctrl-C stops", err=True)
    _prepare_dagster(settings)
    become_daemon(settings)


def _prepare_dagster(settings: Settings) -> None:
    from orchestration.execution import prepare_home
    from orchestration.serving.starting import tell_guard

    prepare_home(settings)
    if set(settings.exports) == {""}:  # several are named in the configuration folder
        os.environ["CXHOUSE_EXPORTS"] = settings.exports_place
    os.environ["CXHOUSE_HOME"] = str(settings.home)
    # The sensor that records runs of the command line writes some hundred events for each.
    os.environ.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "300")
    os.environ["CXHOUSE_ENGINE"], os.environ["CXHOUSE_SPARK_MASTER"] = settings.engine, settings.spark_master
    if settings.config_dir:
        os.environ["CXHOUSE_CONFIG"] = str(settings.config_dir)
    tell_guard(settings)


@click.command()
@click.option("--open/--no-open", "opened", default=True, help="Open them in a browser.")
@home_options
@reported
def docs(home: str | None, config: str | None, opened: bool) -> None:
    """Write the docs of a home as pages that need no server, and open them.

    A page for each KPI with its definition and its values here, the published tables, the models with columns and lineage, the
    gates of each run, and the guides.
    """
    from orchestration.dashboard.site import write_site

    settings = load_settings(home=home, config=config)
    index = write_site(settings, lambda text: click.echo(text, err=True))
    click.echo(index)
    if opened:
        click.launch(index.as_uri())


@click.command(context_settings={"ignore_unknown_options": True})
@home_options
@engine_options
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True)
@reported
def dbt(arguments: tuple[str, ...], home: str | None, config: str | None, engine: str | None, spark_master: str | None) -> None:
    """Run a dbt command over the home's private warehouse, such as: cxhouse dbt test --select test_type:unit"""
    from orchestration.core.lock import take_writer_lock
    from orchestration.execution import prepare_home
    from orchestration.warehouse.spark import check_engine
    from orchestration.warehouse.warehouse import Warehouse

    settings = load_settings(home=home, config=config, engine=engine, spark_master=spark_master)
    check_engine(settings)
    prepare_home(settings)
    take_writer_lock(settings.home)
    if not Warehouse(settings).command(list(arguments)):
        sys.exit(1)


@click.command(context_settings={"ignore_unknown_options": True})
@home_options
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True)
@reported
def mf(arguments: tuple[str, ...], home: str | None, config: str | None) -> None:
    """Ask the metrics of the published marts with MetricFlow: cxhouse mf query --metrics nps --group-by metric_time__month"""
    from orchestration.query.semantic import ask

    ask(load_settings(home=home, config=config), list(arguments))


COMMANDS = (dashboard, mcp, ui, schedule, docs, dbt, mf)
