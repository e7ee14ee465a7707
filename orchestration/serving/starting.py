"""Starting servers, and ending them: a port that is free, one daemon for a home, and no process that outlives the command."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from orchestration.core.errors import CxhouseError
from orchestration.core.lock import take_lock
from orchestration.serving import LOOPBACK
from orchestration.serving.guard import HOSTS_VARIABLE, LOOPBACK_HOSTS, TOKEN_VARIABLE
from orchestration.settings.model import Settings

_DEFINITIONS = ("-m", "orchestration.definitions")
#: Seconds that a server has to end by itself.
_PATIENCE_SECONDS = 2.0


def check_host(settings: Settings, host: str) -> None:
    """May a server listen on this address?

    Raises:
        CxhouseError: other machines could reach it, and it would answer them without a token.
    """
    if host not in LOOPBACK_HOSTS and not settings.access_token:
        raise CxhouseError(f"--host {host} lets other machines in: set a token first, in CXHOUSE_ACCESS_TOKEN")


def check_port(port: int, host: str = LOOPBACK) -> None:
    """Is a port free?

    Raises:
        CxhouseError: somebody else listens there, or the system does not let this process.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CxhouseError(f"cannot listen on port {port} of {host}: {error.strerror}") from error
            raise CxhouseError(f"port {port} of {host} is in use; choose another with --port") from error


def address_of(settings: Settings, port: int, host: str = LOOPBACK) -> str:
    """Where a server is to be opened. What a container says is kept in a log: the token is left out there."""
    token = settings.access_token.get_secret_value() if settings.access_token else ""
    if host not in LOOPBACK_HOSTS:
        token = "…"
    return f"http://{LOOPBACK}:{port}/" + (f"?token={token}" if token else "")


def tell_guard(settings: Settings) -> None:
    """Hand the guard's settings to the servers that this process starts."""
    os.environ[HOSTS_VARIABLE] = " ".join(settings.served_hosts)
    os.environ[TOKEN_VARIABLE] = settings.access_token.get_secret_value() if settings.access_token else ""


def become_daemon(settings: Settings) -> None:
    """Be Dagster's daemon from now on, the only one of this home.

    Raises:
        CxhouseError: the home has one already, or Dagster's storage cannot be opened.
    """
    take_lock(settings.dagster_home / "daemon.lock", f"the schedule of {settings.home} runs already", lasts=True)
    _make_storage(settings)
    os.execv(sys.executable, [sys.executable, "-m", "dagster._daemon", "run", *_DEFINITIONS])


def serve_ui(settings: Settings, host: str, port: int) -> None:
    """Dagster's web server, daemon and code server, until one of them ends or this process is asked to.

    Raises:
        CxhouseError: the port is in use, the home has a daemon already, or a server ended by itself.
    """
    check_port(port, host)
    take_lock(settings.dagster_home / "daemon.lock", f"the schedule of {settings.home} runs already")
    _make_storage(settings)
    # A socket's path must be short: not in the home.
    folder = Path(tempfile.mkdtemp(prefix="cxhouse-"))
    workspace = folder / "workspace.yaml"
    code = folder / "code.sock"
    workspace.write_text(f"load_from: [{{grpc_server: {{socket: {code}, location_name: cxhouse}}}}]\n", encoding="utf-8")
    try:
        with _ending() as children:
            python = (sys.executable, "-m")
            children["code server"] = _start(*python, "dagster", "code-server", "start", "-s", str(code), *_DEFINITIONS)
            _wait_for(code, children)
            children["web server"] = _start(
                *python, "orchestration.serving.webserver", "-h", host, "-p", str(port), "-w", str(workspace)
            )
            children["daemon"] = _start(*python, "dagster._daemon", "run", "-w", str(workspace))
            _watch(children)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_storage(settings: Settings) -> None:
    """Dagster's databases are made by one process: several at once would get into each other's way."""
    from dagster import DagsterInstance

    try:
        with DagsterInstance.get():
            pass
    except Exception as error:
        raise CxhouseError(_storage_problem(settings, type(error).__name__)) from error


def _storage_problem(settings: Settings, kind: str) -> str:
    if settings.dagster_database and not find_spec("dagster_postgres"):
        return "the setting dagster_database needs an extra; install it with: pip install 'cxhouse[dagster-postgresql]'"
    if settings.dagster_database:
        return f"Dagster's database cannot be opened ({kind}): see that its server answers, that it exists, and PGPASSWORD"
    text = f"Dagster's storage in {settings.dagster_home} cannot be opened ({kind}); it holds the UI's history and nothing else"
    return f"{text}: remove the folder, and start again"


def _wait_for(code: Path, children: dict[str, subprocess.Popen[bytes]]) -> None:
    """What asks the code server before it answers shows an error for good."""
    from dagster._grpc.client import DagsterGrpcClient

    while True:
        try:
            DagsterGrpcClient(socket=str(code)).ping("")
            return
        except Exception:
            _check(children)
            time.sleep(0.2)


def _start(*command: str) -> subprocess.Popen[bytes]:
    # Its own group: a terminal's Ctrl-C reaches this process only, which ends the others in order.
    return subprocess.Popen(command, start_new_session=True)


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        _check(children)
        time.sleep(0.2)


def _check(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if (code := child.poll()) is not None:
            raise CxhouseError(f"Dagster's {name} ended by itself (exit code {code}); its output above says why")


class _Asked(BaseException):
    """This process was asked to end."""


@contextmanager
def _ending() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes that are ended with the block: asked first, then made to."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        raise _Asked

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        yield children
    except _Asked:
        pass
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        _end(list(children.values()))
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and any(child.poll() is None for child in children):
        time.sleep(0.05)
    for child in children:
        # Also what a server that ended has left behind.
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
