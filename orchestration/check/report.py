"""What is said of files: plain data, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.check.arrivals import PassedOver
    from orchestration.check.claiming import NearMiss
    from orchestration.check.faults import Fault
    from orchestration.gates.check_results import CheckResult


@dataclass(frozen=True)
class Rejected:
    """Rows that cannot be taken for one reason."""

    column: str | None
    reason: str
    rows: int
    first_rows: list[int]
    #: Values at which it failed, as they may be shown, with their rows; the most frequent first.
    values: list[tuple[str, int]]
    #: What would make them readable.
    hint: str | None = None


@dataclass(frozen=True)
class ColumnFacts:
    """One canonical column of the mapped rows."""

    name: str
    #: What it is taken from, in words.
    origin: str
    #: In how many of the loaded rows it has a value.
    filled: int
    #: For each of the records shown: the cells in the file, and the value.
    cells: list[tuple[str | None, str | None]]


@dataclass(frozen=True)
class WordFacts:
    """What became of one word of a column."""

    column: str
    before: str | None
    after: str | None
    rows: int
    is_rejected: bool = False


@dataclass(frozen=True)
class Unused:
    """A column that nothing uses; in how many rows it has a value."""

    name: str
    filled: int


@dataclass(frozen=True)
class Doubt:
    """Something that is possible, and looks wrong."""

    column: str | None
    text: str
    #: A word for doubts that files have in common.
    shared: str | None = None


@dataclass
class Reading:
    """A file under one contract."""

    contract: str
    kind: str
    why: str
    also: list[str]
    #: loaded, held back (a gate), refused (the file), stops (the contract).
    status: str
    reason: str | None = None
    faults: list[Fault] = field(default_factory=list)
    rows_read: int = 0
    rows_loaded: int = 0
    rows_merged: int = 0
    rows_rejected: int = 0
    records: int | None = None
    rejected: list[Rejected] = field(default_factory=list)
    #: Numbers in the file of the records that the columns show.
    rows_shown: list[int] = field(default_factory=list)
    columns: list[ColumnFacts] = field(default_factory=list)
    words: list[WordFacts] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    #: Columns of the kind that nothing is mapped to.
    not_mapped: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    #: Expectations of the gate that are not met.
    failed: list[CheckResult] = field(default_factory=list)
    #: Expectations that only a run judges.
    not_judged: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def is_canonical(self) -> bool:
        """Is there no contract, and the file carries the canonical names?"""
        return self.contract == f"canonical_{self.kind}"


@dataclass
class FileReport:
    """One file."""

    file: str
    #: Its path.
    place: str
    #: Its header; of a file that nothing claims as a draft would find it.
    columns: list[str]
    readings: list[Reading] = field(default_factory=list)
    near_misses: list[NearMiss] = field(default_factory=list)
    #: Contracts of other files that read it along with them.
    read_along_by: list[str] = field(default_factory=list)
    #: Sheets of a workbook that hold rows and that no contract reads.
    sheets_left: list[str] = field(default_factory=list)
    same_as: str | None = None
    #: Why it is not of the format that its name says.
    unreadable: str | None = None
    #: Lines above the header of a file that nothing claims.
    lines_above: int = 0

    @property
    def is_claimed(self) -> bool:
        return bool(self.readings)


@dataclass
class Report:
    """All that was looked at, and how a run of it would end."""

    files: list[FileReport] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    #: Of files beside each other.
    doubts: list[Doubt] = field(default_factory=list)
    exit_code: int = 0

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def readings(self) -> list[Reading]:
        return [reading for file in self.files for reading in file.readings]
