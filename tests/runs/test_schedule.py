"""The schedule for real: a daemon, a tick, a run, what it published; then a broken export, and who is notified."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from homes import REPOSITORY, Cxhouse, Home

from orchestration.assets import raw
from orchestration.assets.naming import JOB, PASSING, RETRY, retried_if_passing
from orchestration.core.errors import BusyError, ConfigurationError, CxhouseError, GateFailedError
from orchestration.core.lock import release_writer_lock, take_writer_lock
from orchestration.definitions import definitions_of
from orchestration.execution import prepare_home
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.runs.finish import finish_run
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings

PATIENCE_SECONDS = 420


class Inbox(HTTPServer):
    """A web hook's other end."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.received.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


def wait_for(what: str, found: Any, log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(1)
    raise AssertionError(f"never seen: {what}\n{log.read_text()[-5000:]}")


def has_no_writer(home: Path) -> bool:
    try:
        take_writer_lock(home)
    except CxhouseError:
        return False
    release_writer_lock(home)
    return True


@pytest.mark.slow
def test_a_tick_runs_the_job_and_a_failure_is_notified(
    tmp_path: Path, cxhouse: Cxhouse, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cxhouse("sample", "--out", tmp_path, "--customers", "60", "--days", "60")
    home = Home(tmp_path / "home", tmp_path / "exports", tmp_path / "config")
    settings_file = tmp_path / "config" / "cxhouse.yml"
    settings = yaml.safe_load(settings_file.read_text())
    settings |= {"schedule": "* * * * *", "notify": [f"json://127.0.0.1:{inbox.server_port}/alerts"]}
    settings_file.write_text(yaml.safe_dump(settings))
    cxhouse("run", "--exports", home.exports, *home.options)
    first = home.shown("select version from publication")

    log = tmp_path / "daemon.log"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CXHOUSE_", "DAGSTER_"))}
    with log.open("w") as stream:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "schedule", "--exports", str(home.exports), *map(str, home.options)],
            cwd=REPOSITORY, env=clean, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for("a new version", lambda: home.shown("select version from publication") != first, log)
        assert all(message["title"].startswith("cxhouse alerts: ") for message in inbox.received)
        wrong = "order_id,line_id,product_id,quantity,unit_price\n" + "".join(f"X{n},1,P1,9999999,1\n" for n in range(50))
        (home.exports / "order_items_wrong.csv").write_text(wrong)
        message = wait_for("a notification", lambda: [m for m in inbox.received if "the run was" in m["title"]], log)[0]
        blocked = json.loads((home.path / "last_run.json").read_text())
        with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
            failed = wait_for(
                "a failed run", lambda: instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])), log
            )
        held = home.shown("select version from publication")
    finally:
        os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait(60)
    assert message["title"] == "cxhouse: the run was blocked"
    assert "raw/order_items: At most 5% of the rows are quarantined" in message["message"]
    assert any(record.dagster_run.run_id in message["message"] for record in failed)
    assert blocked["status"] == "blocked"
    # A run of the next minute may be at work still: it outlives the daemon.
    wait_for("a home that nobody writes to", lambda: has_no_writer(home.path), log)
    # What failed is in the ledger, and is seen with the next version.
    (home.exports / "order_items_wrong.csv").unlink()
    cxhouse("run", "--exports", home.exports, *home.options)
    assert home.shown("select version from publication") != held
    rows = home.shown("select distinct severity, subject, message, affected_rows from alerts where severity = 'critical'")
    assert ("critical", "raw/order_items", "At most 5% of the rows are quarantined", 50) in rows


def test_a_notification_address_in_no_known_form(tmp_path: Path, cxhouse: Cxhouse) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "cxhouse.yml").write_text("notify: [nonsense]\n")
    said = cxhouse("run", "--home", tmp_path / "home", "--config", tmp_path / "config", exit_code=2).stderr
    assert "notify" in said
    assert "nonsense" not in said, "an address can hold a password"


@pytest.mark.ci
def test_a_run_that_finds_another_one_at_work_touches_nothing_of_it(
    tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries again, fails, and says so once; the record and the tables of the one at work stay."""
    monkeypatch.setattr(raw, "RETRY", dg.RetryPolicy(max_retries=2, delay=0))
    (tmp_path / "exports").mkdir()
    settings = Settings(
        exports=str(tmp_path / "exports"), home=tmp_path / "home", notify=[f"json://127.0.0.1:{inbox.server_port}/"]
    )
    prepare_home(settings)
    theirs = RunRecord("theirs", "2026-06-01T00:00:00+00:00")
    theirs.save(settings.home)
    before = (settings.home / "last_run.json").read_text()
    definitions = definitions_of(settings)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(settings.home)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with dg.DagsterInstance.ephemeral() as instance:
            result = definitions.resolve_job_def(JOB).execute_in_process(instance=instance, raise_on_error=False)
    finally:
        holder.kill()
        holder.wait()
    assert not result.success
    assert sum(event.is_step_up_for_retry for event in result.all_events) == 2
    assert (settings.home / "last_run.json").read_text() == before
    assert not list((settings.home / "runs").glob("*.html"))
    assert [message["title"] for message in inbox.received] == ["cxhouse: the run was failed"]
    assert f"another run writes to {settings.home} (process {holder.pid})" in inbox.received[0]["message"]
    assert "Details" not in inbox.received[0]["message"], "it has no page"


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (BusyError("held"), 3), (UnreadableSourceError("down"), 3), (ConnectionResetError(), 3), (TimeoutError(), 3),
        (ConfigurationError("wrong"), 1), (GateFailedError("not met"), 1), (CxhouseError("a test failed"), 1), (ValueError(), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_what_may_pass_by_itself_is_tried_again_and_nothing_else(error: Exception, tries: int) -> None:
    tried = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=RETRY.max_retries, delay=0))
    def step() -> None:
        tried.append(1)
        with retried_if_passing():
            raise error

    @dg.job(executor_def=dg.in_process_executor)
    def work() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        result = work.execute_in_process(instance=instance, raise_on_error=False)
    assert (result.success, len(tried)) == (False, tries)
    assert isinstance(error, PASSING) == (tries > 1)


HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from orchestration.core.lock import take_writer_lock
take_writer_lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_what_broke_is_reported_without_data(tmp_path: Path, inbox: Inbox) -> None:
    """Alerts are published, and an engine's message can quote the value that it broke on."""
    settings = Settings(exports=str(tmp_path), home=tmp_path / "home", notify=[f"json://127.0.0.1:{inbox.server_port}/"])
    settings.home.mkdir()
    finish_run(
        settings, RunRecord("1", "2026-06-01T00:00:00+00:00"), "failed", ValueError("could not convert 'jane@example.org'")
    )
    record = RunRecord("2", "2026-06-02T00:00:00+00:00")
    record.dbt_problems = ["fct_tickets: Conversion Error: 'jane@example.org' is no date"]
    finish_run(settings, record, "failed")
    messages = [alert.message for alert in Ledger(settings.ledger).alerts()]
    assert messages == ["the run broke (ValueError)", "fct_tickets could not be built"]
    assert len(inbox.received) == 2
    assert "jane@example.org" not in str(inbox.received)
