"""Load landed files: match them to contracts, type their rows, gate each new batch, and put it in ``raw/``."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.errors import RefusedFileError
from orchestration.pull.canonical import Origin, canonicalise
from orchestration.pull.contracts import Contract, FileMatch, claims
from orchestration.pull.kinds import KINDS_FILE, Kind
from orchestration.pull.landing import landed_path
from orchestration.pull.ledger import Landed, Ledger, Load, now
from orchestration.pull.readers import ReadOptions, read, read_header

#: (kind, Parquet files of the new batch, its rows read, its rows quarantined) -> may it be loaded?
Gate = Callable[[str, list[Path], int, int], bool]


@dataclass(frozen=True)
class Job:
    """One landed file that one contract reads."""

    file: Landed
    contract: Contract
    companions: dict[str, Landed]
    missing_companions: list[str]

    @property
    def fingerprint(self) -> str:
        """Changes whenever reading the file again would give other rows."""
        parts = [self.contract.fingerprint, _kinds_hash(), *(f.sha256 for f in self.companions.values())]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    @property
    def raw_name(self) -> str:
        return f"{self.file.batch:08d}_{self.contract.name}.parquet"


@dataclass
class KindReport:
    """What a pull did for one kind."""

    kind: str
    files: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    messages: list[str] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


@cache
def _kinds_hash() -> str:
    return hashlib.sha256(KINDS_FILE.read_bytes()).hexdigest()


def _newest(match: FileMatch, landed: list[Landed]) -> Landed | None:
    return next((file for file in reversed(landed) if match.claims(file.file, file.header)), None)


def options_of(contract: Contract) -> ReadOptions:
    """The form of a contract's files."""
    return ReadOptions(contract.encoding, contract.delimiter, contract.sheet, contract.records)


def jobs(landed: list[Landed], contracts: list[Contract], landing: Path, timezone: str = "UTC") -> list[Job]:
    """Every (file, contract) pair that should be loaded, in the order of arrival."""
    result = []
    for file in landed:

        def header_by(contract: Contract, file: Landed = file) -> list[str]:
            return read_header(landed_path(landing, file), file.file, options_of(contract))

        for contract in claims(file.file, file.header, contracts, header_by, timezone):
            found = {name: _newest(match, landed) for name, match in contract.also_reads.items()}
            missing = [name for name, companion in found.items() if companion is None]
            companions = {name: companion for name, companion in found.items() if companion}
            result.append(Job(file, contract, companions, missing))
    return result


def unclaimed(landed: list[Landed], wanted: list[Job]) -> list[str]:
    """Files that no contract reads, not even along with another file."""
    used = {job.file.sha256 for job in wanted} | {f.sha256 for job in wanted for f in job.companions.values()}
    return [file.file for file in landed if file.sha256 not in used]


class Loader:
    """Loads one home's landed files into ``raw/`` and ``quarantine/``."""

    def __init__(self, landing: Path, raw: Path, quarantine: Path, scratch: Path, ledger: Ledger) -> None:
        self._landing, self._raw, self._quarantine = landing, raw, quarantine
        self._scratch, self._ledger = scratch, ledger

    def load_kind(self, kind: Kind, all_jobs: list[Job], gate: Gate, offered: set[str]) -> KindReport:
        """Load what is new or changed of one kind; nothing of it is loaded when its gate does not pass.

        A batch that did not pass is tried again in every run, as long as the source still offers (``offered``, by
        hash) the file: replacing or removing a bad export there is how to get past it.
        """
        wanted = [job for job in all_jobs if job.contract.kind == kind.name]
        present = {(load.batch, load.contract): load for load in self._ledger.loads() if load.kind == kind.name}
        self._ensure_empty(kind)
        self._drop_unclaimed(kind, wanted, present)
        report = KindReport(kind.name)
        staged = []
        for job in wanted:
            load = present.get((job.file.batch, job.contract.name))
            again = load is not None and load.status == "gated" and job.file.sha256 in offered
            if load is None or load.fingerprint != job.fingerprint or again:
                staged.append((job, self._read(job, report)))
        files = [self._staged(job) for job, load in staged if load.status == "loaded" and load.rows_loaded]
        read = sum(load.rows_read for _, load in staged)
        quarantined = sum(load.rows_quarantined for _, load in staged)
        passed = gate(kind.name, files, read, quarantined) if read else True
        for job, load in staged:
            self._settle(job, load, passed, report)
        return report

    def _read(self, job: Job, report: KindReport) -> Load:
        """Read one file into the scratch folder; a refused file gives a load that says why."""
        started = time.monotonic()
        try:
            if job.missing_companions:
                raise RefusedFileError(
                    f"contract {job.contract.name} also reads {', '.join(job.missing_companions)}, which never arrived"
                )
            content = read(landed_path(self._landing, job.file), job.file.file, options_of(job.contract))
            companions = {
                name: read(landed_path(self._landing, file), file.file, ReadOptions()).table
                for name, file in job.companions.items()
            }
            origin = Origin(job.file.source, job.file.file, job.file.batch)
            result = canonicalise(content, job.contract, origin, companions)
        except RefusedFileError as error:
            report.messages.append(f"{job.file.file}: refused: it {error}")
            return self._entry(job, "refused", str(error), 0, 0)
        pq.write_table(result.loaded, self._staged(job), compression="zstd")
        pq.write_table(result.quarantined, self._staged(job, "quarantine"), compression="zstd")
        if result.unknown_columns and result.loaded.num_rows:
            report.messages.append(f"{job.file.file}: columns not used: {', '.join(result.unknown_columns)}")
        report.messages.append(
            f"{job.file.file}: {result.rows_read:,} rows read in {time.monotonic() - started:.1f} s "
            f"({result.quarantined.num_rows:,} quarantined)"
        )
        return self._entry(job, "loaded", None, result.loaded.num_rows, result.quarantined.num_rows)

    def _settle(self, job: Job, load: Load, passed: bool, report: KindReport) -> None:
        """Promote a read file to ``raw/`` (or hold it back), then write its line in the ledger."""
        if load.status == "loaded" and not passed:
            reason = "its batch did not pass the gate"
            load = self._entry(job, "gated", reason, load.rows_loaded, load.rows_quarantined)
        for root, name in ((self._raw, "raw"), (self._quarantine, "quarantine")):
            target = root / job.contract.kind / job.raw_name
            target.parent.mkdir(parents=True, exist_ok=True)
            if load.status == "loaded":
                os.replace(self._staged(job, name), target)
            else:
                self._staged(job, name).unlink(missing_ok=True)
                if load.status == "refused":
                    target.unlink(missing_ok=True)
        self._ledger.record(load)
        report.loads.append(load)
        if load.status == "loaded":
            report.files += 1
            report.rows_loaded += load.rows_loaded
            report.rows_quarantined += load.rows_quarantined

    def _entry(self, job: Job, status: str, reason: str | None, loaded: int, quarantined: int) -> Load:
        return Load(
            batch=job.file.batch,
            contract=job.contract.name,
            kind=job.contract.kind,
            fingerprint=job.fingerprint,
            status=status,  # type: ignore[arg-type]
            reason=reason,
            rows_read=loaded + quarantined,
            rows_loaded=loaded,
            rows_quarantined=quarantined,
            loaded_at=now(),
        )

    def _drop_unclaimed(self, kind: Kind, wanted: list[Job], present: dict[tuple[int, str], Load]) -> None:
        keep = {(job.file.batch, job.contract.name) for job in wanted}
        for key, load in present.items():
            if key not in keep:
                for root in (self._raw, self._quarantine):
                    (root / kind.name / f"{load.batch:08d}_{load.contract}.parquet").unlink(missing_ok=True)
                self._ledger.forget(load)

    def _ensure_empty(self, kind: Kind) -> None:
        """An empty file of the kind's schema, so that models can read a kind that never arrived."""
        path = self._raw / kind.name / "_empty.parquet"
        if not path.exists() or pq.read_schema(path) != kind.arrow_schema:
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(kind.arrow_schema.empty_table(), path)

    def _staged(self, job: Job, part: str = "raw") -> Path:
        return self._scratch / f"{part}_{job.contract.kind}_{job.raw_name}"


def write_load_ledger(ledger: Ledger, raw: Path) -> None:
    """The ledger as Parquet, for the model ``load_ledger``."""
    files = {file.batch: file for file in ledger.landed()}
    schema = pa.schema(
        [(name, pa.string()) for name in ("source", "file", "sha256", "kind", "contract", "status", "reason")]
        + [(name, pa.int64()) for name in ("batch", "bytes", "rows_read", "rows_loaded", "rows_quarantined")]
        + [(name, pa.timestamp("us")) for name in ("landed_at", "loaded_at")]
    )
    rows = [
        {
            **{name: getattr(load, name) for name in schema.names if hasattr(load, name)},
            **{name: getattr(files[load.batch], name) for name in ("source", "file", "sha256", "bytes")},
            "landed_at": _timestamp(files[load.batch].landed_at),
            "loaded_at": _timestamp(load.loaded_at),
        }
        for load in ledger.loads()
    ]
    (raw / "load_ledger").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), raw / "load_ledger" / "ledger.parquet")


def _timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
