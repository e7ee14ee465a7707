"""A disk that loses power: what a program asked of it, from strace, and what may be left of that at any moment.

Bytes are safe once their file was synced, names once their folder was. Of the rest any part may be there: all, nothing, some of
the writes and not those before them, one cut short. A rename is there or not, as a whole.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,open,creat,read,lseek,write,pwrite64,writev,pwritev,ftruncate,truncate,fsync,fdatasync,rename,renameat"
CALLS += ",renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat"
_LINE = re.compile(r"([\d.]+) (\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Op:
    """One thing that was asked: ``what`` is write, cut, sync (bytes), make, move, drop, folder or names (of a folder, synced)."""

    what: str
    path: str
    other: str = ""
    place: int = 0
    data: bytes = b""


def traced(command: list[str], home: Path, logs: Path, cwd: Path) -> list[Op]:
    """Run a command; what it and its processes asked of the home's disk, in order."""
    logs.mkdir()
    strace = ["strace", "-ff", "-y", "-xx", "-s", "33554432", "--absolute-timestamps=format:unix,precision:ns"]
    subprocess.run([*strace, "-e", f"trace={CALLS}", "-o", str(logs / "log"), *command], cwd=cwd, check=True, capture_output=True)
    lines: list[tuple[str, str, re.Match[str]]] = []
    # What programs read of their own files is most of a log: only lines that name the home are looked at.
    ours = "".join(f"\\x{byte:02x}" for byte in os.fsencode(home))
    for log in logs.iterdir():
        with log.open(encoding="ascii") as stream:
            lines += [
                (found[1], log.name, found)
                for line in stream
                if ours in line and (found := _LINE.match(line)) and found[4][0] != "-"
            ]
    lines.sort(key=lambda line: line[0])
    return list(_ops(lines, str(home)))


def _text(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _ops(lines: list[tuple[str, str, re.Match[str]]], home: str) -> Iterator[Op]:
    places: dict[tuple[str, str], int] = {}
    for _, process, found in lines:
        call, arguments, result = found[2], found[3], int(found[4])
        texts = [_text(text) for text in _TEXT.findall(arguments)]
        # An open file is shown as `3<path>`, the path in the same letters as any text.
        handle = re.match(r"(\d+)<((?:\\x[0-9a-f]{2})*)>", arguments)
        path = _text(handle[2]).decode() if handle else texts[0].decode(errors="replace") if texts else ""
        if call in ("openat", "open", "creat"):
            path = texts[0].decode()
            places[process, path] = 0
            if path.startswith(home) and "O_CREAT" in arguments:
                yield Op("make", path)
            if path.startswith(home) and "O_TRUNC" in arguments:
                yield Op("cut", path, place=0)
            continue
        if not path.startswith(home) and not any(text.startswith(home.encode()) for text in texts):
            continue
        key = (process, path)
        if call == "write":
            yield Op("write", path, place=places.get(key, 0), data=texts[0])
            places[key] = places.get(key, 0) + result
        elif call == "pwrite64":
            yield Op("write", path, place=int(arguments.rpartition(",")[2]), data=texts[0])
        elif call == "read":
            places[key] = places.get(key, 0) + result
        elif call == "lseek":
            places[key] = result
        elif call == "ftruncate":
            yield Op("cut", path, place=int(arguments.rpartition(",")[2]))
        elif call in ("fsync", "fdatasync"):
            yield Op("sync", path)
        elif call.startswith("rename"):
            yield Op("move", texts[0].decode(), texts[1].decode())
        elif call.startswith(("unlink", "rmdir")):
            yield Op("drop", texts[-1].decode() if texts[-1].startswith(b"/") else f"{path}/{texts[-1].decode()}")
        elif call.startswith("mkdir"):
            yield Op("folder", texts[-1].decode())
        elif call in ("writev", "pwritev", "truncate", "link", "linkat", "symlink", "symlinkat"):
            raise AssertionError(f"{call} is not played")


@dataclass
class _File:
    #: What is surely there, and what was asked since.
    safe: bytes = b""
    asked: list[Op] = field(default_factory=list)

    def whole(self) -> bytes:
        return _played(self.safe, self.asked)


def _played(start: bytes, ops: list[Op]) -> bytes:
    data = bytearray(start)
    for op in ops:
        if op.what == "cut":
            data = data[: op.place] + bytes(max(op.place - len(data), 0))
        else:
            data += bytes(max(op.place - len(data), 0))
            data[op.place : op.place + len(op.data)] = op.data
    return bytes(data)


class Disk:
    """What is on the disk of a home, and what only looks so."""

    def __init__(self, before: Path, home: Path) -> None:
        self._home = str(home)
        #: Names that are surely there, and as they look; what was asked since: (path, file, what it was moved from, is it there).
        self.safe: dict[str, _File | None] = {self._home: None}
        for path in before.rglob("*"):
            self.safe[str(home / path.relative_to(before))] = None if path.is_dir() else _File(path.read_bytes())
        self.now = dict(self.safe)
        self.asked: list[tuple[str, _File | None, str | None, bool]] = []

    def play(self, op: Op) -> None:
        now = self.now
        if op.what in ("write", "cut"):
            if isinstance(file := now.get(op.path), _File):
                file.asked.append(op)
        elif op.what == "sync":
            self._sync(op.path)
        elif op.what == "make":
            if op.path not in now:
                now[op.path] = _File()
                self.asked.append((op.path, now[op.path], None, True))
        elif op.what == "folder":
            now[op.path] = None
            self.asked.append((op.path, None, None, True))
        elif op.what == "move":
            now[op.other] = now.pop(op.path)
            self.asked.append((op.other, now[op.other], op.path, True))
        elif op.what == "drop" and op.path in now:
            del now[op.path]
            self.asked.append((op.path, None, None, False))

    def _sync(self, path: str) -> None:
        file = self.now.get(path)
        if isinstance(file, _File):
            file.safe, file.asked = file.whole(), []
            return
        # A folder: what was asked of its names is there now, and of what these came from.
        left = []
        for change in self.asked:
            if change[0].rpartition("/")[0] == path:
                _change(self.safe, change)
            else:
                left.append(change)
        self.asked = left

    def after_a_loss(self, target: Path, chance: random.Random) -> None:
        """Write what is left of the home."""
        names = dict(self.safe)
        mode = chance.choice(["none", "all", "first", "some"])
        most = chance.randrange(len(self.asked) + 1)
        for place, change in enumerate(self.asked):
            if mode == "all" or (mode == "first" and place < most) or (mode == "some" and chance.random() < 0.5):
                _change(names, change)
        target.mkdir(parents=True)
        for name, file in sorted(names.items()):
            path = target / Path(name).relative_to(self._home)
            if name != self._home and not path.parent.is_dir():
                continue  # in a folder that is not there
            if file is None:
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(_left(file, chance))


def _change(names: dict[str, _File | None], change: tuple[str, _File | None, str | None, bool]) -> None:
    path, file, source, is_there = change
    if source is not None:
        names.pop(source, None)
    if is_there:
        names[path] = file
    else:
        names.pop(path, None)


def _left(file: _File, chance: random.Random) -> bytes:
    mode = chance.choice(["none", "all", "some", "cut", "zeros"])
    if mode == "all" or not file.asked:
        return file.whole()
    if mode == "none":
        return file.safe
    if mode == "zeros":
        return _played(file.safe, [Op(op.what, op.path, place=op.place, data=bytes(len(op.data))) for op in file.asked])
    kept = (
        [op for op in file.asked if chance.random() < 0.5] if mode == "some" else file.asked[: chance.randrange(len(file.asked))]
    )
    data = _played(file.safe, kept)
    return data[: chance.randrange(len(data) + 1)] if mode == "cut" and not file.safe else data
