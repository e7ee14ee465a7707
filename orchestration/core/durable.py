"""What is on disk, and what only looks so: nothing is spoken of before a loss of power could no longer take it away."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from orchestration.core.errors import CxhouseError

#: What network file systems say of a rename that may work a moment later, and for how long it is tried.
_PASSING = (errno.ESTALE, errno.EBUSY, errno.EAGAIN)
#: How libraries say that the disk is full; SQLite cannot always distinguish it from one that fails, or takes no new name.
_FULL = ("no space left on device", "disk is full", "disk i/o error", "unable to open database file")
_WAITS = (0.05, 0.2, 0.5)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_moved(files: Iterable[Path]) -> None:
    """Have files on disk that were written and moved to where they are kept: their bytes, and each folder's names once."""
    folders = set()
    for path in files:
        if path.exists():
            sync(path)
        folders |= {path.parent, path.parent.parent}
    for folder in folders:
        sync(folder)


def write_text(path: Path, text: str) -> None:
    """Write a file so that there is, whatever happens, the old one or the new one, whole."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    sync(draft)
    os.replace(draft, path)
    sync(path.parent)


def move(source: Path, target: Path) -> None:
    """Rename a file into its place, be that on another file system.

    Raises:
        CxhouseError: the file system keeps refusing.
    """
    for wait in (*_WAITS, None):
        try:
            os.replace(source, target)
            return
        except OSError as error:
            if error.errno == errno.EXDEV:
                _move_over(source, target)
                return
            if error.errno not in _PASSING:
                raise
            if wait is None:
                raise CxhouseError(
                    f"the file system of {target.parent} does not let a file be renamed ({error.strerror}); nothing is lost: "
                    "run again when it does"
                ) from error
            time.sleep(wait)


def _move_over(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}")
    shutil.copyfile(source, draft)
    os.replace(draft, target)
    source.unlink()


def explain(error: BaseException) -> CxhouseError | None:
    """For an error of a full disk: what to do; nothing for any other."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not is_full and not any(message in str(error).lower() for message in _FULL):
        return None
    return CxhouseError(
        "the disk is full, or takes nothing more: make room in the home (or in `temp_directory`) and run again; what is "
        "published stays as it was"
    )
