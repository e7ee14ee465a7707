"""What was read of an API or database and has not landed yet, and how far each stream was read.

Pages are appended to a file, each packed by itself, and only then the state says so: what breaks off, be it by a kill, goes on
with the page after the last whole one. Every file that was finished stays on the list of what the source offers, though its bytes
go once they have landed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.core import durable

STATE_FILE, OFFERED_FILE = "state.json", "offered.json"
ENDING = ".ndjson.gz"
#: Records of a file, at least: a page is not cut in two. A file is read as a whole by one process.
FILE_RECORDS = 100_000
_PART = ".part"


class Deliveries:
    """The files and the state of one source, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: dict[str, Any] = {}
        self.look()

    def look(self) -> None:
        """Read the state, and change nothing."""
        self._state = {"streams": {}, "finished": [], **_read(self._folder / STATE_FILE)}

    def open(self) -> None:
        """Read the state, and put right what a run that broke off left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.look()
        self._put_forward()
        wanted = {work["file"] for stream in self._state["streams"].values() if (work := stream.get("work"))}
        for path in self._folder.glob(f"*{_PART}"):
            if path.name.removesuffix(_PART) not in wanted:
                path.unlink()

    # -- state ---------------------------------------------------------------------------------------------------------

    def known(self, stream: str) -> dict[str, Any]:
        """What is remembered of a stream from run to run; may be changed, and is kept by ``save``."""
        known: dict[str, Any] = self._state["streams"].setdefault(stream, {})
        return known

    def known_of(self, stream: str, asked: str) -> dict[str, Any]:
        """The same, where it is of what is asked now; else it begins again."""
        known, mark = self.known(stream), hashlib.sha256(asked.encode()).hexdigest()[:16]
        if known.get("of") != mark:
            kept = {name: known[name] for name in ("number", "files") if name in known}
            known.clear()
            known |= {**kept, "of": mark}
        return known

    def work(self, stream: str) -> dict[str, Any] | None:
        """What is remembered of a reading that is not finished."""
        work: dict[str, Any] | None = self.known(stream).get("work")
        return work

    def save(self) -> None:
        """Have the state on disk."""
        durable.write_text(self._folder / STATE_FILE, json.dumps(self._state))
        self._put_forward()

    def _put_forward(self) -> None:
        """Finished files become such that are offered."""
        if not self._state["finished"]:
            return
        offered = _read(self._folder / OFFERED_FILE)
        for name in self._state["finished"]:
            part, path = self._folder / f"{name}{_PART}", self._folder / name
            if part.exists():
                durable.move(part, path)
            # It may have been moved by a run that died then.
            if path.exists():
                offered[name] = path.stat().st_size
        durable.write_text(self._folder / OFFERED_FILE, json.dumps(offered))
        self._state["finished"] = []
        durable.write_text(self._folder / STATE_FILE, json.dumps(self._state))

    # -- writing -------------------------------------------------------------------------------------------------------

    def begin(self, stream: str, **state: Any) -> dict[str, Any]:
        """Begin to read a stream; ``state`` is remembered with it until it is finished."""
        if (old := self.work(stream)) is not None:
            (self._folder / f"{old['file']}{_PART}").unlink(missing_ok=True)
        work = {"file": self._next_name(stream), "bytes": 0, "records": 0, "in_file": 0, **state}
        self.known(stream)["work"] = work
        return work

    def _next_name(self, stream: str) -> str:
        known = self.known(stream)
        known["number"] = known.get("number", 0) + 1
        return f"{stream}_{datetime.now(UTC):%Y%m%d}_{known['number']:06}{ENDING}"

    def add(self, stream: str, lines: list[bytes]) -> None:
        """Append records, a line each; the next ``save`` makes them count."""
        work = self.known(stream)["work"]
        if not lines:
            return
        path = self._folder / f"{work['file']}{_PART}"
        with path.open("ab") as file:
            # Behind what counts there is, at most, a page that was not finished.
            file.truncate(work["bytes"])
            # Landing takes equal bytes for one file: what was so, changed, and is so again would not come again. The name tells
            # files apart, in the one field of the packed form that means nothing here.
            name_hash = zlib.crc32(f"{self._folder.name}/{work['file']}".encode())
            file.write(gzip.compress(b"\n".join(lines) + b"\n", mtime=name_hash))
            file.flush()
            os.fsync(file.fileno())
            work["bytes"] = file.seek(0, os.SEEK_END)
        work["records"] += len(lines)
        work["in_file"] += len(lines)

    def cut(self, stream: str) -> None:
        """Begin another file where this one is long enough."""
        work = self.known(stream)["work"]
        if work["in_file"] >= FILE_RECORDS:
            self._close(stream)
            work |= {"file": self._next_name(stream), "bytes": 0, "in_file": 0}

    def finish(self, stream: str, keep: bool = True) -> None:
        """The stream was read to its end; without ``keep`` what was read this time is dropped."""
        known = self.known(stream)
        if keep:
            self._close(stream)
        work = known.pop("work")
        self.save()
        (self._folder / f"{work['file']}{_PART}").unlink(missing_ok=True)

    def _close(self, stream: str) -> None:
        known = self.known(stream)
        if known["work"]["in_file"]:
            name = known["work"]["file"]
            self._state["finished"].append(name)
            known["files"] = [file for file in known.get("files", []) if (self._folder / file).exists()] + [name]

    # -- reading -------------------------------------------------------------------------------------------------------

    def unlanded(self, stream: str) -> list[str]:
        """Names of the stream's finished files that have not landed, in their order."""
        return [name for name in self.known(stream).get("files", []) if (self._folder / name).exists()]

    def records(self, names: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The records of finished files."""
        for name in names:
            with gzip.open(self._folder / name) as lines:
                for line in lines:
                    yield json.loads(line)

    def lines_of_work(self, stream: str) -> Iterator[bytes]:
        """The lines that were written of an unfinished reading, of its newest file."""
        path = self._folder / f"{self.known(stream)['work']['file']}{_PART}"
        if path.exists():
            with gzip.open(path) as lines:
                yield from lines

    def offered(self) -> dict[str, int]:
        """Every file that was ever finished, with its bytes, in the order of their coming."""
        return _read(self._folder / OFFERED_FILE)

    def path(self, name: str) -> Path:
        """Where a finished file is until it has landed."""
        return self._folder / name

    def drop(self, but: set[str]) -> None:
        """Remove the finished files, all of which have landed ``but`` these."""
        for path in self._folder.glob(f"*{ENDING}"):
            if path.name not in but:
                path.unlink()


def _read(path: Path) -> dict[str, Any]:
    """A file of ours; none, as before the first run."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
