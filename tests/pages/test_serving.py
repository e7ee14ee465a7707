"""Who is answered by the servers of pages, and that they leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import psycopg
import pytest
from browsing import dashboard, free_port
from databases import postgresql, postgresql_programs
from homes import Cxhouse, Home

from orchestration.core.errors import CxhouseError
from orchestration.serving.guard import Guard
from orchestration.serving.starting import check_port

HOST = "127.0.0.1:3000"
needs_postgresql = pytest.mark.skipif(postgresql_programs() is None, reason="PostgreSQL is not installed")


async def _page(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def ask(guard: Guard, path: str = "/", method: str = "GET", kind: str = "http", **headers: str) -> tuple[Any, dict[str, str]]:
    """What is answered to one request: its status (of a web socket the type of the message), and its headers."""
    path, _, query = path.partition("?")
    named = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    first = sent[0]
    found = {name.decode(): value.decode() for name, value in first.get("headers", [])}
    return (first["status"] if kind == "http" else first["type"]), found


@pytest.mark.parametrize("host", [HOST, "localhost:3000", "[::1]:3000", "LOCALHOST", "cx.example"])
def test_known_hosts_are_answered(host: str) -> None:
    guard = Guard(_page, hosts=["CX.example"], token="")
    assert ask(guard, host=host)[0] == 200
    assert ask(guard, host=host, origin=f"http://{host}")[0] == 200
    assert ask(guard, kind="websocket", host=host, origin=f"https://{host}")[0] == "websocket.accept"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:3000", "", "[", "192.168.0.7:3000"])
def test_foreign_hosts_are_not(host: str) -> None:
    guard = Guard(_page, hosts=[], token="")
    assert ask(guard, host=host)[0] == 400
    assert ask(guard, kind="websocket", host=host)[0] == "websocket.close"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8501", "http://localhost:3000", ""])
def test_pages_of_another_origin_are_not(origin: str) -> None:
    guard = Guard(_page, hosts=[], token="")
    for method in ("GET", "POST"):
        assert ask(guard, "/graphql", method, origin=origin)[0] == 403
    assert ask(guard, kind="websocket", origin=origin)[0] == "websocket.close"


def test_statements_come_by_post() -> None:
    guard = Guard(_page, hosts=[], token="")
    for path in ("/graphql?query=mutation", "/graphql/?query=mutation"):
        assert [ask(guard, path, method)[0] for method in ("GET", "HEAD", "PUT", "POST")] == [405, 405, 405, 200]
    assert ask(guard, "/graphql")[0] == 200


def test_with_a_token_nobody_else_is_answered() -> None:
    guard = Guard(_page, hosts=[], token="a secret")
    assert [ask(guard)[0], ask(guard, "/?token=wrong")[0], ask(guard, cookie="cxhouse_token=wrong")[0]] == [401, 401, 401]
    assert ask(guard, kind="websocket")[0] == "websocket.close"
    assert ask(guard, authorization="Bearer a secret")[0] == 200
    status, headers = ask(guard, "//evil.example/kpi?token=a%20secret&kpi=csat")
    # The token leaves the address, and the way on does not lead to another server.
    assert (status, headers["location"]) == (303, "/evil.example/kpi?kpi=csat")
    assert {"HttpOnly", "SameSite=strict"} <= set(headers["set-cookie"].split("; "))
    cookie = headers["set-cookie"].partition(";")[0]
    assert ask(guard, cookie=cookie)[0] == 200
    assert ask(guard, kind="websocket", cookie=cookie)[0] == "websocket.accept"
    # The token does not help a foreign page.
    assert ask(guard, cookie=cookie, origin="http://evil.example")[0] == 403


def status_of(address: str, data: bytes | None = None, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, named), timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def upgraded(address: str, path: str, **headers: str) -> int:
    """What a server answers to a page that asks it for a web socket."""
    host, _, port = address.rpartition("/")[2].partition(":")
    named = {"Host": f"{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", **headers}  # fmt: skip
    with socket.create_connection((host, int(port)), timeout=60) as stream:
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        stream.sendall("\r\n".join(lines).encode())
        return int(stream.recv(100).split()[1])


MUTATION = (
    "mutation%7BstartSchedule(scheduleSelector%3A%7BrepositoryName%3A%22__repository__%22%2CrepositoryLocationName%3A"
    "%22cxhouse%22%2CscheduleName%3A%22daily_schedule%22%7D)%7B__typename%7D%7D"
)
STATES = """{schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "cxhouse"}) {
  ... on Schedules {results {name scheduleState {status}}} ... on PythonError {message}}}"""


@contextmanager
def opened_ui(folder: Path, exports: Path, *options: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a UI over a home that nothing has run in, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "orchestration.cli", "ui", "--home", str(folder / "home"), "--port", str(port)]
    log = folder / "ui.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--exports", str(exports), *options], stdout=stream, stderr=stream, env={**os.environ, **environment}
        )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=60)
                break
            except HTTPError:  # without the token
                break
            except (URLError, ConnectionError):
                assert process.poll() is None, log.read_text()
                time.sleep(0.5)
        yield address, process
    finally:
        # Asked first: killed, it could not end what it started.
        process.terminate()
        process.wait(60)


@pytest.fixture
def served(sample_home: Home, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with opened_ui(tmp_path, sample_home.exports) as ui:
        yield ui


@pytest.mark.ci
def test_dagsters_ui_answers_its_own_pages_only(served: tuple[str, subprocess.Popen[bytes]], cxhouse: Cxhouse) -> None:
    address, process = served
    port = address.rpartition(":")[2]
    # What once started the schedule.
    assert status_of(f"{address}/graphql?query={MUTATION}", Origin="http://evil.example") == 403
    assert status_of(f"{address}/graphql?query={MUTATION}") == 405
    assert status_of(f"{address}/graphql", json.dumps({"query": "{version}"}).encode(), Host="evil.example") == 400
    # Other ways to the same place: a form of a foreign page, a page without an origin, other spellings, a web socket.
    statement = json.dumps({"query": urllib.parse.unquote(MUTATION)}).encode()
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{int(port) + 1}"):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            assert status_of(f"{address}/graphql", statement, Origin=origin, Content_Type=kind) == 403
        assert upgraded(address, "/graphql", Origin=origin) == 403
    assert upgraded(address, "/graphql", Host="evil.example") == 403
    assert upgraded(address, "/graphql", Origin=address, **{"Sec-WebSocket-Protocol": "graphql-ws"}) == 101
    for path in ("//graphql", "/graphql/", "/%67raphql", "/x/../graphql"):
        status_of(f"{address}{path}?query={MUTATION}")  # whatever it answers: the schedule's state tells
    question = json.dumps({"query": STATES}).encode()
    request = urllib.request.Request(f"{address}/graphql", question, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        (found,) = json.load(answer)["data"]["schedulesOrError"]["results"]
    assert found["scheduleState"]["status"] == "STOPPED"

    home = Path(process.args[process.args.index("--home") + 1])  # type: ignore[index,union-attr,arg-type]
    used = cxhouse("ui", "--home", home, "--port", port, exit_code=3).stderr
    assert f"port {port} of 127.0.0.1 is in use" in used
    twice = cxhouse("ui", "--home", home, "--port", str(free_port()), exit_code=3).stderr
    assert f"the schedule of {home} runs already (process {process.pid})" in twice

    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True)
    pids = [int(pid) for pid in children.stdout.split()]
    assert len(pids) == 3
    process.terminate()
    assert process.wait(60) == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    check_port(int(port))


@needs_postgresql
@pytest.mark.ci
def test_dagsters_runs_are_kept_in_postgresql(sample_home: Home, tmp_path: Path) -> None:
    """As in the container: the schedule runs from the start, other machines need the token, and nothing of Dagster is a file."""
    (tmp_path / "server").mkdir()
    with postgresql(tmp_path / "server") as address:
        database = address.removesuffix("/bi") + "/dagster"
        options = ("--scheduled", "--host", "0.0.0.0")
        environment = {"CXHOUSE_DAGSTER_DATABASE": database, "CXHOUSE_ACCESS_TOKEN": "a secret"}
        with opened_ui(tmp_path, sample_home.exports, *options, **environment) as (page, process):
            assert status_of(f"{page}/server_info") == 401
            headers = {"Content-Type": "application/json", "Authorization": "Bearer a secret"}
            request = urllib.request.Request(f"{page}/graphql", json.dumps({"query": STATES}).encode(), headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                (found,) = json.load(answer)["data"]["schedulesOrError"]["results"]
            assert found["scheduleState"]["status"] == "RUNNING"
            with psycopg.connect(database) as con:
                while not con.execute("select status from job_ticks").fetchall():
                    assert process.poll() is None
                    time.sleep(0.5)
            process.terminate()
            assert process.wait(60) == 0
    assert "a secret" not in (tmp_path / "ui.log").read_text()
    assert list((tmp_path / "home" / "dagster").rglob("*.db")) == []


def test_other_machines_are_let_in_with_a_token_only(sample_home: Home, cxhouse: Cxhouse) -> None:
    for command in (["ui", "--exports", sample_home.exports], ["dashboard", "--no-browser"]):
        said = cxhouse(*command, *sample_home.options, "--host", "0.0.0.0", exit_code=3).stderr
        assert "--host 0.0.0.0 lets other machines in: set a token first, in CXHOUSE_ACCESS_TOKEN" in said
    with pytest.raises(CxhouseError, match=r"cannot listen on port \d+ of 203\.0\.113\.7: Cannot assign"):
        check_port(free_port(), "203.0.113.7")
    check_port(free_port(), "::1")


@pytest.mark.ci
def test_a_database_of_dagsters_that_does_not_answer_is_named(sample_home: Home, tmp_path: Path, cxhouse: Cxhouse) -> None:
    database = f"postgresql://cxhouse@127.0.0.1:{free_port()}/dagster"
    place = ["--home", tmp_path / "home", "--exports", sample_home.exports]
    said = cxhouse("schedule", *place, exit_code=3, CXHOUSE_DAGSTER_DATABASE=database).stderr
    assert "Dagster's database cannot be opened" in said
    secret = database.replace("cxhouse@", "cxhouse:hidden@")
    said = cxhouse("schedule", *place, exit_code=2, CXHOUSE_DAGSTER_DATABASE=secret).stderr
    assert "dagster_database holds a password" in said
    assert "hidden" not in said


def test_the_dashboard_answers_its_own_pages_only(sample_home: Home, tmp_path: Path) -> None:
    with dashboard(sample_home.path, tmp_path / "log") as address:
        assert status_of(address) == 200
        assert status_of(address, Host="evil.example") == 400
        assert status_of(address, Origin="http://evil.example") == 403
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            assert upgraded(address, "/_stcore/stream", **headers) == 403
        assert upgraded(address, "/_stcore/stream", Origin=address) == 101
    assert "auto detect external IP" not in (tmp_path / "log").read_text(), "its outer address is not looked up"


def test_a_port_in_use_is_named_before_anything_starts(sample_home: Home, cxhouse: Cxhouse) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        said = cxhouse("dashboard", "--no-browser", *sample_home.options, "--port", port, exit_code=3).stderr
    assert f"port {port} of 127.0.0.1 is in use; choose another with --port" in said
