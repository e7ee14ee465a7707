"""The schedule for real: a daemon, a tick, a run, what it published; then a broken export, and who is told."""

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
from conftest import REPOSITORY, Cxhouse, Home

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


def test_a_tick_runs_the_job_and_a_failure_is_told(
    tmp_path: Path, cxhouse: Cxhouse, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cxhouse("sample", "--out", tmp_path, "--customers", "60", "--days", "60")
    home = Home(tmp_path / "home", tmp_path / "exports", tmp_path / "config")
    settings_file = tmp_path / "config" / "cxhouse.yml"
    told = yaml.safe_load(settings_file.read_text())
    told |= {"schedule": "* * * * *", "notify": [f"json://127.0.0.1:{inbox.server_port}/alerts"]}
    settings_file.write_text(yaml.safe_dump(told))
    cxhouse("run", "--exports", home.exports, *home.options)
    first = home.query("select version from publication")

    log = tmp_path / "daemon.log"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CXHOUSE_", "DAGSTER_"))}
    with log.open("w") as stream:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "schedule", "--exports", str(home.exports), *map(str, home.options)],
            cwd=REPOSITORY, env=clean, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for("a new version", lambda: home.query("select version from publication") != first, log)
        assert inbox.received == []
        wrong = "order_id,line_id,product_id,quantity,unit_price\n" + "".join(f"X{n},1,P1,9999999,1\n" for n in range(50))
        (home.exports / "order_items_wrong.csv").write_text(wrong)
        message = wait_for("a notification", lambda: inbox.received[:1], log)[0]
        blocked = json.loads((home.path / "last_run.json").read_text())
        with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
            failed = wait_for(
                "a failed run", lambda: instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])), log
            )
        held = home.query("select version from publication")
    finally:
        os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait(60)
    assert message["title"] == "cxhouse: the run was blocked"
    assert "raw/order_items: Quantities are plausible" in message["message"]
    assert any(record.dagster_run.run_id in message["message"] for record in failed)
    assert blocked["status"] == "blocked"
    # What failed stands in the ledger, and is seen with the next version.
    (home.exports / "order_items_wrong.csv").unlink()
    cxhouse("run", "--exports", home.exports, *home.options)
    assert home.query("select version from publication") != held
    rows = home.query("select distinct severity, subject, message, affected_rows from alerts where severity = 'critical'")
    assert ("critical", "raw/order_items", "Quantities are plausible", 50) in rows


def test_a_notification_address_in_no_known_form(tmp_path: Path, cxhouse: Cxhouse) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "cxhouse.yml").write_text("notify: [nonsense]\n")
    said = cxhouse("run", "--home", tmp_path / "home", "--config", tmp_path / "config", exit_code=2).stderr
    assert "notify" in said
    assert "nonsense" not in said, "an address can hold a password"
