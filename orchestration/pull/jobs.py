"""Which contract reads which landed file, and along with which others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.core.limits import Limits
from orchestration.pull import personal
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Companion
from orchestration.pull.contracts.naming import folder_of, stream_of
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.home.ledger import Landed
from orchestration.pull.home.originals import landed_header
from orchestration.pull.kinds import CARRIED, KINDS_FILE, LINEAGE
from orchestration.pull.personal import file_shown
from orchestration.pull.rows import amounts, carrying, row_order, spelling, statement, times, values
from orchestration.pull.rows.sorting import Origin

#: (landing, file, form) -> names of its columns.
HeaderReader = Callable[[Path, Landed, ReadOptions], list[str]]


@dataclass(frozen=True)
class Job:
    """One landed file that one contract reads."""

    file: Landed
    contract: Contract
    #: Table of `also_reads` -> its files in the order of their arrival.
    companions: dict[str, tuple[Landed, ...]]
    missing_companions: list[str]
    #: Table of `also_reads` without a `key` -> how many files of other names would be read along, too.
    companions_left: dict[str, int] = field(default_factory=dict)

    @property
    def companion_files(self) -> list[Landed]:
        """All files that are read along."""
        return [file for files in self.companions.values() for file in files]

    @property
    def shown(self) -> str:
        """The file's name, as messages say it."""
        return file_shown(self.file.file)

    @property
    def fingerprint(self) -> str:
        """Changes whenever reading the file again would give other rows."""
        parts = [self.contract.fingerprint, _kinds_hash(), *(file.sha256 for file in self.companion_files)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    def fingerprint_within(self, limits: Limits) -> str:
        """That of a file that is beyond these limits: with others it is read again."""
        return f"{self.fingerprint}.{limits.fingerprint}"

    @property
    def origin(self) -> Origin:
        folder = folder_of(self.file.file)
        is_snapshot = self.contract.mode == "full"
        brings_orders = self.contract.kind == "order_items" and self.contract.whole_orders
        return Origin(
            self.file.source,
            self.file.file,
            self.file.batch,
            self.contract.name,
            f"{self.contract.name}:{self.file.source}/{folder}" if is_snapshot else None,
            (self.file.pull or self.file.batch) if brings_orders else None,
        )

    @property
    def stem(self) -> str:
        return stem_of(self.file.batch, self.contract.name)


@cache
def _kinds_hash() -> str:
    """Changes with the kinds, and with how a cell's text is read."""
    modules = (values, amounts, times, spelling, statement, row_order, carrying, personal)
    read_by = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(KINDS_FILE.read_bytes() + read_by + repr(list(CARRIED | LINEAGE)).encode()).hexdigest()


def stem_of(batch: int, contract: str) -> str:
    """How the names of a batch's files begin; a dot follows."""
    return f"{batch:08d}_{contract}"


def _deliveries(match: Companion, landed: list[Landed], landing: Path, header_of: HeaderReader) -> list[Landed]:
    """The files that have a companion's columns, in the order of their arrival; of those of one name, or stream, the last."""
    last: dict[tuple[str, str], Landed] = {}
    for file in reversed(landed):
        if is_companion(match, file, landing, header_of):
            last.setdefault((file.source, stream_of(file.file)), file)
    return [*reversed(last.values())]


def is_companion(match: Companion, file: Landed, landing: Path, header_of: HeaderReader = landed_header) -> bool:
    """Is it a file that a contract reads along with others?"""
    if match.claims(file.file, file.header):
        return True
    # A contract that names no file does not make it worth opening every one.
    named = match.name != "*" and match.matches_name(file.file)
    return named and match.claims(file.file, header_of(landing, file, options_of(match)))


def options_of(form: Contract | Companion) -> ReadOptions:
    """The form of a contract's files, or of one that it reads along with them."""
    columns = form.columns if isinstance(form, Companion) else form.files.columns
    sheets = (form.sheets,) if isinstance(form.sheets, str) else form.sheets and tuple(form.sheets)
    keys = {option.name: getattr(form, option.name) for option in fields(ReadOptions) if hasattr(form, option.name)}
    wide = form.unpivot and (tuple(form.unpivot.keep), form.unpivot.name, form.unpivot.value)
    lines = (form.lines,) if isinstance(form.lines, str) else form.lines and tuple(form.lines)
    more = {
        "columns": tuple(columns), "carry_down": tuple(form.carry_down), "sheets": sheets, "unpivot": wide, "lines": lines,
    }  # fmt: skip
    return ReadOptions(**{**keys, **more})


def options_beside(contract: Contract, name: str) -> ReadOptions:
    """The form of the files of a table that a contract reads along: their numbers are read as its own are."""
    return replace(options_of(contract.also_reads[name]), decimal=contract.decimal)


def jobs(
    landed: list[Landed],
    contracts: list[Contract],
    landing: Path,
    timezone: str = "UTC",
    source: str | None = None,
    header_of: HeaderReader = landed_header,
) -> list[Job]:
    """Every (file, contract) pair that should be loaded, in the order of arrival."""
    result = []
    landed = [file for file in landed if not file.withdrawn_at]
    beside: dict[str, tuple[Any, ...]] = {}
    for file in landed:

        def header_by(contract: Contract, file: Landed = file) -> list[str]:
            return header_of(landing, file, options_of(contract))

        for contract in claims(file.file, file.header, contracts, header_by, timezone, source):
            if contract.name not in beside:
                beside[contract.name] = companions_of(contract, landed, landing, header_of)
            result.append(Job(file, contract.of_file(file.file), *beside[contract.name]))
    return result


def companions_of(
    contract: Contract, landed: list[Landed], landing: Path, header_of: HeaderReader = landed_header
) -> tuple[dict[str, tuple[Landed, ...]], list[str], dict[str, int]]:
    """The files that a contract reads along with its own, the tables of which none arrived, and how many of others are left."""
    found = {name: _deliveries(match, landed, landing, header_of) for name, match in contract.also_reads.items()}
    read = {name: tuple(files if contract.also_reads[name].key else files[-1:]) for name, files in found.items() if files}
    left = {name: len(found[name]) - len(files) for name, files in read.items() if len(files) < len(found[name])}
    return read, [name for name, files in found.items() if not files], left


def unclaimed(landed: list[Landed], wanted: list[Job]) -> list[str]:
    """Files that no contract reads, not even along with another file."""
    used = {job.file.sha256 for job in wanted} | {file.sha256 for job in wanted for file in job.companion_files}
    return [file.file for file in landed if file.sha256 not in used and not file.withdrawn_at]
