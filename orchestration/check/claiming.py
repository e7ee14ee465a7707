"""Which contract claims a file and why; what the others lack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache

from orchestration.check.arrivals import Arrivals
from orchestration.draft.matching import column_by_name
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Companion
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.readers import file_format
from orchestration.pull.files.shaping import unpivoted_header
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Landed
from orchestration.pull.jobs import Job, companions_of, jobs, options_of
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.settings.model import Settings

#: A contract is nearly met by a file that has this share of the columns that it asks for.
NEAR = 0.5
MAX_NEAR = 3
MAX_COLUMNS = 6
#: Text that no contract claims is looked through for an open quote up to so many bytes.
_LOOKED_THROUGH = 2**26


@dataclass(frozen=True)
class NearMiss:
    """A contract that does not claim a file, and what it lacks for that."""

    contract: str
    kind: str
    has: int
    asks: int
    #: What is missing, in words.
    lacks: list[str]


@dataclass(frozen=True)
class Claim:
    """A contract that reads a file."""

    job: Job
    why: str
    #: Contracts of the same kind that would claim it too, were this one not before them.
    also: list[str]


def close_to(name: str, header: list[str], kind: Kind | None = None, column: str | None = None) -> str | None:
    """The column of a header that may be meant by a name: one called as exports call ``column``, or spelled like it."""
    means = {other: found for other in header if kind is not None and (found := column_by_name(other, kind)) is not None}
    plain = {_plain(other): other for other in header if means.get(other, (column,))[0] == column}
    near = get_close_matches(_plain(name), plain, 1, 0.75)
    if near:
        return plain[near[0]]
    # What is spelled like a name may still be another thing: OrderDate is no order_id, and OrderNumber is one.
    called = [(-points, place, other) for place, (other, (found, points)) in enumerate(means.items()) if found == column]
    return min(called)[2] if called else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def listed(names: list[str], most: int = MAX_COLUMNS) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def lines_above_note(lines: int) -> str:
    """What is above the columns of a file that nothing claims, to go on after their names; nothing where nothing does."""
    if not lines:
        return ""
    above = "the line above is" if lines == 1 else f"the {lines} lines above are"
    return f"; the header is line {lines + 1}: {above} passed over once a contract names these columns, and by nothing else"


class Claims:
    """The claims of contracts on files, as the pull finds them."""

    def __init__(self, arrivals: Arrivals, contracts: list[Contract], settings: Settings, wanted: str | None = None) -> None:
        """``wanted``: name of the one contract that is to read every file, whether it would claim it or not."""
        self._arrivals, self._contracts, self._settings = arrivals, contracts, settings
        self._wanted = next((contract for contract in contracts if contract.name == wanted), None)
        self._header = cache(self._read_header)
        if self._wanted is not None:
            self.jobs = [
                Job(
                    file,
                    self._wanted.of_file(file.file),
                    *companions_of(self._wanted, arrivals.landed, arrivals.landing, arrivals.untrusted.landed_header),
                )
                for file in arrivals.landed
            ]
        else:
            self.jobs = jobs(
                arrivals.landed, contracts, arrivals.landing, settings.exports_timezone, settings.exports_source,
                arrivals.untrusted.landed_header,
            )  # fmt: skip

    def of(self, file: Landed) -> list[Claim]:
        """What reads a file."""
        return [self._claim(job) for job in self.jobs if job.file.batch == file.batch]

    def read_along(self, file: Landed) -> list[str]:
        """Contracts of other files that read this one along with them; where there is no such file, that would."""
        read = [job.contract.name for job in self.jobs if file.batch in {other.batch for other in job.companion_files}]
        could = [c.name for c in self._contracts if any(match.claims(file.file, file.header) for match in c.also_reads.values())]
        return list(dict.fromkeys(read or could))

    def unreadable(self, file: Landed) -> str | None:
        """Why a file is not of the format that its name says. Of one that a contract claims, its rows will show it."""
        is_read = self.of(file) or self.read_along(file)
        if file.header and (is_read or file_format(file.file) != "csv" or file.bytes > _LOOKED_THROUGH):
            return None
        return self._arrivals.untrusted.unreadable(landed_path(self._arrivals.landing, file), file.file)

    def header(self, file: Landed, contract: Contract) -> list[str]:
        """The file's columns as a contract finds them."""
        return self._header(file.sha256, file.file, options_of(contract))

    def mapped_header(self, file: Landed, contract: Contract) -> list[str]:
        """The columns as its mappings find them."""
        return unpivoted(self.header(file, contract), contract)

    def read_header_of(self, files: Iterable[Landed], companion: Companion) -> list[str]:
        """The columns of the files that a contract reads along with its own, as one table has them."""
        headers = [unpivoted(self._header(file.sha256, file.file, options_of(companion)), companion) for file in files]
        return list({column.lower(): column for header in reversed(headers) for column in header}.values())

    def _read_header(self, sha256: str, name: str, options: ReadOptions) -> list[str]:
        file = next(file for file in self._arrivals.landed if file.sha256 == sha256)
        return self._arrivals.untrusted.header(landed_path(self._arrivals.landing, file), name, options)

    def below_preamble(self, file: Landed) -> tuple[Landed, int]:
        """A file that nothing claims, with the columns that a draft of a contract finds, and how many lines are above them."""
        if file_format(file.file) not in ("csv", "xlsx"):
            return file, 0
        # Only who asks needs what a draft knows of languages.
        from orchestration.draft.layout import layout

        found = self._arrivals.untrusted.ask(layout, landed_path(self._arrivals.landing, file))
        if found is None or not found.lines_above:
            return file, 0
        return replace(file, header=self._header(file.sha256, file.file, found.options)), found.lines_above

    def claims_by(self, file: Landed, contract: Contract) -> bool:
        """Would this contract claim the file, were there no other?"""
        found = claims(file.file, file.header, [contract], lambda asking: self.header(file, asking))
        return any(claiming.name == contract.name for claiming in found)

    def _claim(self, job: Job) -> Claim:
        contract, file = job.contract, job.file
        if self._wanted is not None and not self.claims_by(file, contract):
            near = self.near_miss(file, contract)
            return Claim(job, f"--contract names it; by itself it would not claim the file: {'; '.join(near.lacks)}", [])
        parts = []
        if contract.name == f"canonical_{contract.kind}":
            parts.append(f"no contract claims it, and its name begins with {contract.kind}")
        else:
            if contract.files.name != "*":
                parts.append(f"its name fits {contract.files.name}")
            if contract.files.columns:
                parts.append(f"it has {listed(contract.files.columns)}")
        # Each contract could find a header of its own below a preamble: that of the claim is near enough to name the others.
        header = self.header(file, contract)
        also = [
            other.name
            for other in self._contracts
            if self._wanted is None and other.kind == contract.kind and other.name != contract.name
            and not contract.name.startswith("canonical_") and other.files.claims(file.file, header)
        ]  # fmt: skip
        return Claim(job, " and ".join(parts), also)

    # -- near misses -------------------------------------------------------------------------------------------------

    def near_misses(self, file: Landed) -> list[NearMiss]:
        """Contracts that nearly claim a file, and kinds whose columns it nearly has; the nearest first."""
        claiming = {job.contract.name for job in self.jobs if job.file.batch == file.batch}
        found = [self.near_miss(file, contract) for contract in self._contracts if contract.name not in claiming]
        near = [miss for miss in found if miss.lacks and miss.has >= max(2, NEAR * miss.asks)]
        kinds = {job.contract.kind for job in self.jobs if job.file.batch == file.batch}
        near += [miss for kind in all_kinds() if kind not in kinds and (miss := _canonical(file, kind))]
        return sorted(near, key=lambda miss: (-miss.has / miss.asks, -miss.has, miss.contract))[:MAX_NEAR]

    def near_miss(self, file: Landed, contract: Contract) -> NearMiss:
        """What a file lacks to be claimed by a contract."""
        asked = contract.files.columns or [m.source for m in contract.columns.values() if m.source]
        headers = [file.header]
        # A contract that names no file does not make it worth reading the header in its way.
        if contract.name in {self._wanted and self._wanted.name} or (
            contract.files.name != "*" and contract.files.matches_name(file.file)
        ):
            headers.append(self.header(file, contract))
        header = max(headers, key=lambda names: len(_present(asked, names)))
        present = _present(asked, header)
        lacks = [] if contract.files.matches_name(file.file) else [f"its name does not fit {contract.files.name}"]
        lacks += lacking([name for name in contract.files.columns if name not in present], header)
        return NearMiss(contract.name, contract.kind, len(present), max(len(asked), 1), lacks)


def unpivoted(header: list[str], form: Contract | Companion) -> list[str]:
    """A header, in which one column for their names and one for their values are in the place of those that are unpivoted."""
    if form.unpivot is None:
        return header
    return unpivoted_header(header, form.unpivot.keep, form.unpivot.name, form.unpivot.value)


def lacking(names: list[str], header: list[str], kind: Kind | None = None) -> list[str]:
    """Columns that are not there (of a ``kind`` canonical ones), each with the one that it may be called by."""
    if not names:
        return []
    described = [f"{name}{f' (is it {near}?)' if (near := close_to(name, header, kind, name)) else ''}" for name in names]
    return [f"it lacks {listed(described)}"]


def _present(names: list[str], header: list[str]) -> list[str]:
    there = {column.strip().lower() for column in header}
    return [name for name in names if name.lower() in there]


def _canonical(file: Landed, kind_name: str) -> NearMiss | None:
    """A file that has the columns of a kind, and not its name."""
    kind = all_kinds()[kind_name]
    required = _present(kind.required_columns, file.header)
    known = _present(list(kind.columns), file.header)
    if len(required) < 2 or len(required) < len(kind.required_columns) - 1 or 2 * len(known) < len(file.header):
        return None
    lacks = [f"its name does not begin with {kind_name}"]
    lacks += lacking([name for name in kind.required_columns if name not in required], file.header, kind)
    return NearMiss(f"canonical_{kind_name}", kind_name, len(required), len(kind.required_columns), lacks)
