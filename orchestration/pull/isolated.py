"""Work on files that anybody may have sent, in a process of its own with bounds on memory and time.

A file can make a library end its process, or take all the memory, before any of our checks see a row. Here that process is
nobody's: the run watches it, ends it where it takes too much, and goes on with the next file in a new one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from orchestration.core import limits as bounds
from orchestration.core import resources as machine
from orchestration.core.errors import CxhouseError, LimitExceededError
from orchestration.core.lightly import import_lightly, importing
from orchestration.core.limits import LEAST_MEMORY, Limits

P = ParamSpec("P")
T = TypeVar("T")

#: Both processes run the same code, wherever it was found.
_CODE = str(Path(__file__).parents[2])
#: The process is looked at so often.
_LOOK_SECONDS = 0.02
_START = "from orchestration.pull.isolated import work; work()"
#: What every question needs.
_READING = "orchestration.pull.reading"
_TOO_MUCH_MEMORY = "takes more memory to read than a file may ({} MiB, setting `read_memory`); is it an export?"


class _EndedError(Exception):
    """The process ended, or was ended, at a file; the text says why."""


class Isolated:
    """One process that reads files; it starts with the first, and another one takes its place when it ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Connection | None = None
        #: Has the process read a file before?
        self._is_used = False
        self._lock = threading.Lock()

    def start(self, module: str = _READING) -> None:
        """Start the process, so that it imports its libraries while others work.

        Args:
            module: the one that the first question is about.
        """
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(theirs.fileno()), module],
                # Its standard input ends with this process, however that ends; libraries that abort have nothing to say to users.
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([_CODE, *filter(None, sys.path)])},
            )  # fmt: skip
        self._channel = Connection(ours.detach())
        self._is_used = False

    def stop(self) -> None:
        """End the process, if there is one."""
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is not None:
            process.kill()
            process.communicate()

    def call(self, size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function of a module returns, or raises, in the process.

        Args:
            size: bytes of the file that it reads, which decide how long it may take.

        Raises:
            LimitExceededError: it takes more memory or time than it may, or the process ended over it.
        """
        with self._lock:
            while True:
                self.start()
                was_used, self._is_used = self._is_used, True
                try:
                    return self._asked(size, function, args, kwargs)
                except _EndedError as error:
                    self.stop()
                    # What the files before left behind is not to be laid at this one's door.
                    if not was_used:
                        raise LimitExceededError(str(error)) from None
                except BaseException as error:
                    if not isinstance(error, Exception):
                        self.stop()  # an interrupted run: the answer would be taken for that to the next question
                    raise

    def _asked(self, size: int, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        assert self._channel is not None
        assert self._process is not None
        limits = bounds.limits()
        seconds = limits.seconds_for(size)
        end = time.monotonic() + seconds
        try:
            self._channel.send((limits, machine.resources(), function, args, kwargs))
            while not self._channel.poll(_LOOK_SECONDS):
                if _memory_of(self._process.pid) > max(limits.memory, LEAST_MEMORY):
                    raise _EndedError(_TOO_MUCH_MEMORY.format(f"{max(limits.memory, LEAST_MEMORY) // 2**20:,}"))
                if time.monotonic() > end:
                    raise _EndedError(
                        f"takes longer to read than a file of its size may ({seconds:,.0f} s, setting `read_seconds`)"
                    )
            is_well, answer = self._channel.recv()
        except (EOFError, OSError):
            raise _EndedError(_how_it_ended(self._process)) from None
        if is_well:
            return answer
        raise answer


def _memory_of(process: int) -> int:
    """Bytes that a process holds; 0 where the system does not say (its own bound on what a process may have is all there is)."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    if code == -signal.SIGKILL:
        return "makes the process that reads it end (killed: most likely the machine had no memory left)"
    how = signal.strsignal(-code) or f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"makes the library that reads it end its process ({how}): it is damaged, or made to do so"


# -- in the process ----------------------------------------------------------------------------------------------------


def work() -> None:
    """Answer one question after the other, until the run has no more, or ends."""
    channel = Connection(int(sys.argv[1]))
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    _expect_the_worst()
    import_lightly()
    # What it needs is there before the first question comes.
    with importing():
        import_module(sys.argv[2])

    while True:
        try:
            limits, resources, function, args, kwargs = channel.recv()
        except EOFError:
            return
        bounds.use(limits)
        machine.use(resources)
        channel.send(_answer(limits, function, args, kwargs))


def _answer(limits: Limits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, function(*args, **kwargs)
    except (CxhouseError, OSError) as error:
        # What it came from stays here: the parent need not be able to load it.
        error.__cause__ = error.__context__ = None
        return False, error
    except MemoryError:
        return False, LimitExceededError(_TOO_MUCH_MEMORY.format(f"{limits.memory // 2**20:,}"))
    except Exception:
        return False, RuntimeError(traceback.format_exc())


def _end_with_the_run() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _expect_the_worst() -> None:
    """Where the machine has no memory left, this process goes first; what it held does not come to lie in a file."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    # Ctrl-C reaches every process of a terminal: the run decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_process = Isolated()
atexit.register(_process.stop)


def isolated() -> Isolated:
    """The process of this run."""
    return _process
