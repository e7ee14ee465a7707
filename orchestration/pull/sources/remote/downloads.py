"""Downloads: several at a time, in blocks, gone on with where they broke off, tried again where that may help."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from orchestration.core.errors import CxhouseError
from orchestration.pull.sources.remote.stores import AT_ONCE, Store, StoredObject, problem

#: In the folder of the downloads: what is in each `.zip`, so that one that did not change is not read to list it.
MEMBERS_FILE = "members.json"
BLOCK_BYTES = 8 * 2**20
ATTEMPTS = 5
#: Seconds between two lines of progress.
_PROGRESS_SECONDS = 10
#: Trying again does not help.
_FINAL = (FileNotFoundError, PermissionError, CxhouseError)


class ChangedObjectError(Exception):
    """An object was replaced while it was read."""


def retried(call: Callable[[], Any]) -> Any:
    """What a call gives, which is tried several times with growing pauses.

    Raises:
        Exception: the error of the last attempt.
    """
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(initial=0.2, max=20),
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )
    return attempts(call)


def _may_pass(error: BaseException) -> bool:
    """Is it an error of the moment?"""
    refused = "denied" in problem(error) or "key is not" in problem(error) or "not trusted" in problem(error)
    return isinstance(error, Exception) and not isinstance(error, (*_FINAL, ChangedObjectError)) and not refused


class Downloads:
    """Files of one store in a folder. What was read of one is kept, so that the next run goes on from there."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._lock = threading.Lock()

    def path(self, found: StoredObject) -> Path:
        """Where a version of an object is kept."""
        return self._folder / hashlib.sha256(f"{found.key}\n{found.version}".encode("utf-8", "surrogateescape")).hexdigest()

    def fetch(self, wanted: list[StoredObject], progress: Callable[[str], None]) -> dict[str, str]:
        """Download what is not there; returns for each object that could not be read what went wrong, by key."""
        self._folder.mkdir(parents=True, exist_ok=True)
        due = [found for found in wanted if not self.path(found).exists()]
        total = sum(found.size or 0 for found in due)
        done = {"files": 0, "bytes": 0, "reported_at": time.monotonic()}
        problems: dict[str, str] = {}

        def one(found: StoredObject) -> None:
            try:
                self._one(found, lambda count: self._count(done, count, total, len(due), progress))
                with self._lock:
                    done["files"] += 1
            except Exception as error:  # whatever a server or its library comes up with: the other files go on
                changed = isinstance(error, ChangedObjectError)
                problems[found.key] = "it is being written" if changed else problem(error)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, due))
        return problems

    def _count(self, done: dict[str, float], count: int, total: int, files: int, progress: Callable[[str], None]) -> None:
        with self._lock:
            done["bytes"] += count
            if time.monotonic() - done["reported_at"] < _PROGRESS_SECONDS:
                return
            done["reported_at"] = time.monotonic()
            text = f"{done['files']:,.0f} of {files:,} files, {done['bytes'] / 1e6:,.0f} of {total / 1e6:,.0f} MB"
        progress(text)

    def _one(self, found: StoredObject, count: Callable[[int], None]) -> None:
        path = self.path(found)
        part = path.with_suffix(".part")
        with part.open("ab") as file:
            start = file.tell()
            count(start)
            while found.size is None or start < found.size:
                end = None if found.size is None else min(start + BLOCK_BYTES, found.size)
                block = retried(partial(self._block, found, start, end))
                file.write(block)
                start += len(block)
                count(len(block))
                if found.size is None:
                    break
        if found.is_versioned and retried(lambda: self._store.version(found.key)) != found.version:
            part.unlink()
            raise ChangedObjectError
        part.rename(path)

    def _block(self, found: StoredObject, start: int, end: int | None) -> bytes:
        block = self._store.read(found.key, start, end)
        if end is not None and len(block) != end - start:
            if len(block) == found.size:  # a server that knows no ranges sends all of it
                return block[start:]
            raise ConnectionError("the block is not whole")
        return block

    def remove_others(self, kept: list[StoredObject]) -> None:
        """Remove what belongs to none of these: versions that were replaced, and what has landed."""
        names = {self.path(found).name for found in kept}
        for path in self._folder.glob("*"):
            if path.stem not in names and path.name != MEMBERS_FILE:
                path.unlink(missing_ok=True)
