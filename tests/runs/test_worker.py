"""The process for heavy work beside a run: it answers, passes errors on, and ends when it is stopped, or when the run ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.core.errors import ConfigurationError
from orchestration.core.worker import Worker
from orchestration.settings.loading import parse_day

REPOSITORY = Path(__file__).parents[2]
#: Asks for something that takes long, says who does it, and then does what is filled in.
AT_WORK = """
import os, threading, time
from orchestration.core.worker import Worker
if __name__ == "__main__":
    worker = Worker()
    print(worker.ask(os.getpid).result(), flush=True)
    # As dbt does: something that an abrupt end would leave behind.
    worker.ask(exec, "import multiprocessing as m; m.held = m.get_context('spawn').RLock()", {{}}).result()
    asked = worker.ask(time.sleep, 600)
    while not asked.running():
        time.sleep(0.01)
    # The pool hands the next question over before the first is answered.
    worker.ask(time.sleep, 600)
    {then}
"""


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_questions_are_answered_in_one_other_process() -> None:
    worker = Worker()
    try:
        first, second = worker.ask(os.getpid), worker.ask(os.getpid)
        assert first.result() == second.result() != os.getpid()
    finally:
        worker.stop()


def test_an_error_is_that_of_the_question() -> None:
    worker = Worker()
    try:
        with pytest.raises(ConfigurationError, match="--since"):
            worker.ask(parse_day, "--since", "yesterday-ish").result()
        assert worker.ask(int, "7").result() == 7
    finally:
        worker.stop()


@pytest.mark.parametrize("then", ["worker.stop()", "os.kill(os.getpid(), 9)"])
def test_it_ends_whatever_it_is_at(then: str) -> None:
    done = subprocess.run([sys.executable, "-c", AT_WORK.format(then=then)], capture_output=True, text=True, cwd=REPOSITORY)
    process = int(done.stdout)
    for _ in range(500):
        if not is_there(process):
            break
        time.sleep(0.02)
    assert not is_there(process)
    assert "Traceback" not in done.stderr
    # A run that was killed cannot clean up.
    assert "kill" in then or not done.stderr


def test_it_may_be_stopped_before_it_has_begun() -> None:
    code = AT_WORK.split("    print(")[0] + "    worker.ask(time.sleep, 600)\n    worker.stop()\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=True)
    assert not done.stderr
