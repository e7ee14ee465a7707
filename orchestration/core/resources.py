"""What the databases of this process may take, and what the machine has: known before any database is imported."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
#: Of the machine's memory, or of what its cgroup may have: Python, pandas and the file cache need the rest.
SHARE = 0.5
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


@dataclass(frozen=True)
class Resources:
    """What each database may take; ``temp_directory`` is where it goes on when its memory is full."""

    memory_bytes: int
    threads: int
    temp_directory: Path | None = None

    @property
    def memory_limit(self) -> str:
        return f"{self.memory_bytes // 2**20}MiB"


_current: Resources | None = None


def use(resources: Resources) -> None:
    """Let all connections from now on keep to these."""
    global _current
    _current = resources


def resources() -> Resources:
    """What connections keep to; without any settings a share of the machine."""
    return _current or Resources(default_memory(), processors())


# -- what the machine has ----------------------------------------------------------------------------------------------


def parse_memory(text: str) -> int:
    """Bytes of "4GB", "512 MiB", or "60%" of what there is.

    Raises:
        ValueError: it is none of these, or nothing can be done with so little.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|[KMGT]?I?B)\s*", text.upper())
    if not found:
        raise ValueError(f"{text!r} is no amount of memory; such as 4GB, 512MiB or 60%")
    number = float(found[1])
    size = int(number / 100 * total_memory()) if found[2] == "%" else int(number * _UNITS[found[2]])
    if size < 2**24:
        raise ValueError(f"{text!r} is less than the 16 MiB that anything takes")
    return size


def default_memory() -> int:
    """Bytes that a connection may take where no setting says it: a share of the machine's."""
    return int(SHARE * total_memory())


def total_memory() -> int:
    """Bytes that this process may have: the machine's, or less where a cgroup says so."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in ("memory.max", "memory.limit_in_bytes"):
        limits += [int(text) for text in _cgroup_limits("memory", name) if text.isdigit()]
    return min(limits)


def processors() -> int:
    """Processors that this process may use, a cgroup's quota included."""
    counts = [float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)]
    for text in _cgroup_limits("cpu", "cpu.max"):
        quota, _, period = text.partition(" ")
        if quota.isdigit():
            counts.append(int(quota) / int(period or 100_000))
    quotas = zip(_cgroup_limits("cpu", "cpu.cfs_quota_us"), _cgroup_limits("cpu", "cpu.cfs_period_us"), strict=False)
    counts += [int(quota) / int(period) for quota, period in quotas if int(quota) > 0]
    return max(1, int(min(counts)))


def _cgroup_limits(controller: str, name: str) -> list[str]:
    """What a file of this process's cgroups says, from its own up to the root: version 2, and version 1 of a controller."""
    try:
        lines = OWN_CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controller if controllers else CGROUPS
        own = root / place.lstrip("/")
        # A container sees its own cgroup as the root, whatever it is called outside.
        for folder in [own, *own.parents]:
            # What is not there, or not for this user to read, says nothing.
            with suppress(OSError):
                if folder.is_relative_to(root):
                    found.append((folder / name).read_text(encoding="utf-8").strip())
    return found
