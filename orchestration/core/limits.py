"""What the reading of one file may take. Who sends a file chooses its bytes: a few of them can mean any amount of work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from orchestration.core.resources import resources

#: Beside the database: Python, Arrow and the rows under way.
_BESIDE_DATABASE = 2**30
#: The reading process alone, with its libraries.
LEAST_MEMORY = 2**29


@dataclass(frozen=True)
class Limits:
    """What one file may take; sizes are those of what it unpacks to, in bytes."""

    #: Memory of the process that reads it; none: what a database may take, and one GiB.
    memory_bytes: int | None = None
    #: By the clock, for any file, and for each MiB of it.
    seconds: float = 300.0
    seconds_per_mib: float = 10.0
    #: Of the whole file. Rows are read in blocks: it is time and disk that a larger one would take.
    unpacked: int = 64 * 2**30
    #: Of what can only be read whole: a workbook, and a row group of Parquet.
    group: int = 2 * 2**30
    #: Of one line or record.
    line: int = 2**28
    #: A list of JSON records is parsed whole, which takes many times its size.
    json: int = 2**28
    #: Cells of a sheet, empty ones included.
    sheet_cells: int = 5 * 10**7
    #: Rows times columns of one file: each takes time and a little space, even an empty one.
    cells: int = 2 * 10**10
    #: A statement has an expression for each, and takes as much memory.
    columns: int = 16_384

    @property
    def memory(self) -> int:
        return self.memory_bytes or resources().memory_bytes + _BESIDE_DATABASE

    def seconds_for(self, size: int) -> float:
        """Seconds that a file of so many (packed) bytes may take."""
        return self.seconds + self.seconds_per_mib * size / 2**20

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the limits: what was beyond them may be within others."""
        return hashlib.sha256(f"{self!r} {self.memory} {resources().memory_bytes}".encode()).hexdigest()[:8]


#: Where settings say nothing else.
SHIPPED = Limits()
_used: Limits | None = None


def use(limits: Limits) -> None:
    """Let all reading from now on keep to these."""
    global _used
    _used = limits


def limits() -> Limits:
    """What reading keeps to."""
    return _used or SHIPPED
