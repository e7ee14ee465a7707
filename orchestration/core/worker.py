"""A process for heavy work beside a run: it starts when it is asked for something, and ends with the run, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One process, which answers one question after the other."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._number: Future[int] | None = None

    @property
    def is_started(self) -> bool:
        """Was it asked for something, and not stopped since?"""
        return self._pool is not None

    def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function of a module called in the process; it is started if it does not run yet."""
        if self._pool is None:
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_start)
            # A run of Dagster's is a child process itself; such a one waits for its children before it ends its pools.
            Finalize(self, pool.shutdown, kwargs={"cancel_futures": True}, exitpriority=100)
            self._pool, self._number = pool, pool.submit(os.getpid)
        return self._pool.submit(_answer, function, *args, **kwargs)  # type: ignore[arg-type]

    def stop(self) -> None:
        """End the process, if there is one, whatever it is at; nobody waits for it but the end of the run."""
        if self._pool is None or self._number is None:
            return
        # Where it is still starting, as soon as it has begun: what it was asked first would be done all the same.
        self._number.add_done_callback(_give_up)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._number = None


def _give_up(number: Future[int]) -> None:
    if not number.cancelled() and not number.exception():
        with suppress(ProcessLookupError):
            os.kill(number.result(), signal.SIGTERM)


# -- in the process ----------------------------------------------------------------------------------------------------

_is_busy = _is_stopped = False


def _start() -> None:
    """Watch the run, since a worker whose run was killed would wait for work for ever."""
    run = multiprocessing.parent_process()

    def follow() -> None:
        if run is not None:
            run.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    # Ctrl-C reaches every process of a terminal: the run decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    """Give up the question, and those that wait: the pool then ends the process as one that has nothing to do."""
    global _is_stopped
    _is_stopped = True
    if _is_busy:
        raise KeyboardInterrupt


def _answer(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    global _is_busy
    _is_busy = True
    try:
        if _is_stopped:
            raise KeyboardInterrupt
        return function(*args, **kwargs)
    finally:
        _is_busy = False
