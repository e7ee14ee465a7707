"""What of a home is as the ledger says. A loss of power may leave files torn, and files of which nothing is said.

Sizes are looked at whenever a home is opened. Hashes are after a pull that did not come to its end before the machine stopped:
what a killed one has written is in the memory of the system, which puts it on disk in the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from orchestration.pull.home.landing import is_kept, landed_path
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.home.originals import has_original
from orchestration.pull.jobs import stem_of
from orchestration.pull.personal import file_shown
from orchestration.settings.places import Places as Home

BOOT = Path("/proc/sys/kernel/random/boot_id")
_MARK = "pull"
_CLOSED = "ended"
#: How a file of Parquet ends.
_END = b"PAR1"


def open_home(home: Home, ledger: Ledger) -> list[str]:
    """Remove what is torn, so that it is taken again from the exports or from landing; what was found, in words."""
    mark = ledger.mark(_MARK) or _CLOSED
    was_cut = mark != _CLOSED
    by_hash = was_cut and mark != _boot()
    ledger.set_mark(_MARK, _boot())
    if not (home.landing.exists() or home.raw.exists()):
        return []
    return [*_landing(home, ledger, was_cut, by_hash), *_rows(home, ledger, was_cut, by_hash)]


def close_home(ledger: Ledger) -> None:
    """All that a pull wrote is on disk."""
    ledger.set_mark(_MARK, _CLOSED)


def _boot() -> str:
    """Changes when the machine restarts; where it does not say, every stop may have been a loss of power."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _landing(home: Home, ledger: Ledger, was_cut: bool, by_hash: bool) -> Iterator[str]:
    landed = ledger.landed()
    for file in landed:
        path = landed_path(home.landing, file)
        if path.exists():
            is_whole = path.stat().st_size == file.bytes and (not by_hash or _hash(path) == file.sha256)
        else:
            is_whole = not by_hash or is_kept(home.landing, file)  # else somebody removed it
        if not is_whole:
            path.unlink(missing_ok=True)
            ledger.unsee(file.sha256)
            yield f"the original of {file_shown(file.file)} was torn: it is taken again from the exports, if they still have it"
    if was_cut:
        known = {file.sha256 for file in landed}
        for path in home.landing.glob("*/*"):
            if path.name.partition(".")[0] not in known:
                path.unlink()  # copied, and not entered: it is copied again


def _rows(home: Home, ledger: Ledger, was_cut: bool, by_hash: bool) -> Iterator[str]:
    files = {file.batch: file for file in ledger.landed()}
    loads = {(load.kind, stem_of(load.batch, load.contract)): load for load in ledger.loads()}
    torn: dict[tuple[str, str], Load | None] = {}
    for root, statuses in ((home.raw, ("loaded",)), (home.quarantine, ("loaded", "gated"))):
        found: set[tuple[str, str]] = set()
        for path in root.glob("*/*.*.parquet"):
            place = (path.parent.name, path.name.partition(".")[0])
            load = loads.get(place)
            is_ours = place[1].partition("_")[0].isdigit()
            is_stray = was_cut and is_ours and (load is None or load.status not in statuses)
            is_twin = place in found and load is not None and has_original(home.landing, files[load.batch])
            if is_stray or is_twin or not _is_whole(path, by_hash):
                path.unlink()
                torn[place] = load
            found.add(place)
        if by_hash:
            torn |= {place: load for place, load in loads.items() if load.status in statuses and place not in found}
    for place, load in torn.items():
        # Without its rows a file is read again, and brings its rejected ones, too.
        for root in (home.raw, home.quarantine):
            for path in (root / place[0]).glob(f"{place[1]}.*parquet"):
                path.unlink()
        if load is not None and load.status == "loaded":
            file = files[load.batch]
            left = "they are read again from its original" if has_original(home.landing, file) else "its original is not kept"
            yield f"rows of {file_shown(file.file)} were torn: {left}"


def _is_whole(path: Path, by_hash: bool) -> bool:
    if by_hash:
        return _hash(path).startswith(path.name.split(".")[-2])
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - len(_END), 0))
        return stream.read() == _END


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
