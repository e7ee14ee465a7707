"""One writer at a time. The lock belongs to the process: it goes with it, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from orchestration.errors import CxhouseError

_held: dict[Path, IO[str]] = {}


def take_writer_lock(home: Path) -> None:
    """Make this process the home's only writer, until it ends or gives the lock back.

    Raises:
        CxhouseError: another process writes; the message names it.
    """
    path = home / "writer.lock"
    if path in _held:
        return
    home.mkdir(parents=True, exist_ok=True)
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.seek(0)
        holder = stream.read().strip() or "unknown"
        stream.close()
        raise CxhouseError(f"another run writes to {home} (process {holder}); wait for it, or use another --home") from error
    stream.truncate(0)
    stream.write(str(os.getpid()))
    stream.flush()
    _held[path] = stream


def release_writer_lock(home: Path) -> None:
    """Give the lock back."""
    stream = _held.pop(home / "writer.lock", None)
    if stream:
        stream.close()
