"""A disk that is full at one step of a publication after the other: readers keep a whole version, and the next run publishes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_home import SmallHome

from orchestration.core import durable
from orchestration.core.errors import CxhouseError
from orchestration.publish import candidate
from orchestration.publish.candidate import Candidate
from orchestration.pull.home.ledger import Ledger
from orchestration.runs.record import RunRecord
from orchestration.steps import publish as step
from orchestration.warehouse import versions
from orchestration.warehouse.keeping import Kept
from orchestration.warehouse.versions import current

pytestmark = pytest.mark.slow
#: What a publication does, in its order; at each of these the disk becomes full.
STEPS: list[tuple[Any, str]] = [
    (Candidate, "__init__"), (Candidate, "_write_run"), (Candidate, "_copy"), (step, "_check"), (Kept, "published"),
    (step, "write_keys"), (step, "_draw_report"), (candidate, "install"), (versions, "_write_manifest"), (versions, "_switch"),
    (versions, "_link"), (versions, "_prune"), (step, "finish_run"), (RunRecord, "save"), (Ledger, "clear_blame"),
    (Ledger, "put_alerts"), (step, "settle"), (step, "send_new_alerts"),
]  # fmt: skip
SIZE, INODES = 64 * 2**20, 10**6


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """A disk of its own."""
    folder.mkdir()
    options = f"size={SIZE},nr_inodes={INODES}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def set_room(folder: Path, bytes_: int | None = None, names: int | None = None) -> None:
    """Leave so many bytes, or names of new files; none: as many as ever."""
    status = os.statvfs(folder)
    size = SIZE if bytes_ is None else (status.f_blocks - status.f_bfree) * status.f_frsize + bytes_
    inodes = INODES if names is None else status.f_files - status.f_ffree + names
    subprocess.run(["mount", "-o", f"remount,size={size},nr_inodes={inodes}", folder], check=True)


def fails_whole(home: SmallHome, number: int) -> bool:
    """Publish where there may be no room: what readers see is one version or the other, whole, and the error says what to do."""
    try:
        home.publish(number)
        failed = None
    except Exception as error:
        failed = error
    set_room(home.settings.home.parent)
    now = current(home.settings)
    assert now is not None
    assert now.torn_files(by_hash=True) == []
    assert home.seen() in ((number - 1, number) if failed else (number,))
    assert failed is None or isinstance(failed, CxhouseError) or durable.explain(failed) is not None, repr(failed)
    return failed is not None


@pytest.mark.parametrize("room", [{"bytes_": 0}, {"names": 0}], ids=["bytes", "names"])
def test_full_from_a_step_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: dict[str, int]) -> None:
    """From each step on nothing can be written (or no file made): that run may fail, the next one publishes."""
    with disk(tmp_path / "disk") as folder:
        home, number, failed = SmallHome(folder / "home"), 0, []
        for number in range(4):  # as many versions as are kept, and one to be removed
            home.publish(number)
        for owner, name in STEPS:
            plain: Callable[..., Any] = getattr(owner, name)
            reached = []

            def full(*args: Any, plain: Callable[..., Any] = plain, reached: list[int] = reached, **options: Any) -> Any:
                reached.append(1)
                set_room(folder, **room)
                return plain(*args, **options)

            with monkeypatch.context() as patch:
                patch.setattr(owner, name, full)
                if fails_whole(home, number + 1):
                    failed.append(name)
            assert reached, name
            home.publish(number + 2)
            number = home.seen()
            assert not (home.settings.published / ".next").exists()
        print(f"{room}: {len(failed)} of {len(STEPS)} steps failed: {failed}")
        assert len(failed) >= 8


def test_full_after_so_many_pages(tmp_path: Path) -> None:
    """From no room to enough, page by page of the disk."""
    with disk(tmp_path / "disk") as folder:
        home, number, room = SmallHome(folder / "home"), 3, 0
        for number in range(4):
            home.publish(number)
        while True:
            set_room(folder, bytes_=room * 4096)
            if not fails_whole(home, number + 1):
                break
            number, room = home.seen(), room + 1
        print(f"{room} failures")
        assert room > 20
