"""One writer at a time. The lock belongs to the process: it goes with it, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from orchestration.core.errors import BusyError

_held: dict[Path, IO[str]] = {}


def take_writer_lock(home: Path) -> None:
    """Make this process the home's only writer, until it ends or gives the lock back.

    Raises:
        BusyError: another process writes; the message names it.
    """
    home.mkdir(parents=True, exist_ok=True)
    take_lock(home / "writer.lock", f"another run writes to {home}")


def take_lock(path: Path, taken: str, lasts: bool = False) -> None:
    """Hold a file's lock until this process ends or gives it back; with ``lasts`` also as the program that it becomes.

    Raises:
        BusyError: another process holds it; ``taken`` says what that means.
    """
    if path in _held:
        return
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.seek(0)
        holder = stream.read().strip() or "unknown"
        stream.close()
        raise BusyError(f"{taken} (process {holder}); wait for it, or use another --home") from error
    stream.truncate(0)
    stream.write(str(os.getpid()))
    stream.flush()
    os.set_inheritable(stream.fileno(), lasts)
    _held[path] = stream


def is_writer(home: Path) -> bool:
    """Is this process the home's writer?"""
    return home / "writer.lock" in _held


def release_writer_lock(home: Path) -> None:
    """Give the lock back."""
    stream = _held.pop(home / "writer.lock", None)
    if stream:
        stream.close()
