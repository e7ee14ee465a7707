"""The whole check: files are claimed, tried and looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from orchestration.check.arrivals import Arrivals, arrive, source_of
from orchestration.check.between import doubts_between
from orchestration.check.claiming import Claim, Claims
from orchestration.check.currencies import doubts_of_currencies
from orchestration.check.doubts_of_times import NO_ZONE
from orchestration.check.facts import says_its_zone
from orchestration.check.faults import Fault, Tables
from orchestration.check.finding import facts_of
from orchestration.check.report import Doubt, FileReport, Reading, Report
from orchestration.check.trial import Trial, Tried
from orchestration.core import limits
from orchestration.core.errors import ConfigurationError, GateFailedError, RefusedFileError
from orchestration.core.resources import Resources, use
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.readers import file_format
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Landed
from orchestration.pull.isolated import isolated
from orchestration.pull.kinds import all_kinds
from orchestration.settings.model import Settings


def look_at(places: Sequence[Path], settings: Settings, wanted: str | None = None) -> Report:
    """What a run over these files, or this folder, would make of them.

    Args:
        places: files, or one folder.
        settings: those of the run; nothing is written to its home.
        wanted: name of the contract that is to read every file; none: those that claim them.

    Raises:
        ConfigurationError: a place or contract does not exist, or the configuration is not valid.
    """
    contracts = load_contracts(settings.config_dir, settings.contract_params)
    if wanted is not None and wanted not in {contract.name for contract in contracts}:
        raise ConfigurationError(f"no contract {wanted}; there are: {', '.join(contract.name for contract in contracts)}")
    source, passed = source_of(places, settings.exports_folder)
    with tempfile.TemporaryDirectory(prefix="cxhouse_check_") as name:
        folder = Path(name)
        bounds = settings.resources
        limits.use(settings.limits)
        use(Resources(bounds.memory_bytes, bounds.threads, settings.temp_directory or folder / "spill"))
        arrivals = arrive(source, folder / "landing")
        claims = Claims(arrivals, contracts, settings, wanted)
        report = Report(passed_over=passed)
        tried: list[Tried] = []
        readings_of: dict[int, Reading] = {}
        with Tables() as tables:
            sound = []
            for file in arrivals.landed:
                file_report, made = _file(file, claims, tables, arrivals, contracts)
                report.files.append(file_report)
                sound += [claim for claim, reading in made if reading.status != "stops"]
        with Trial(folder, arrivals, settings) as trial:
            by_job = {(t.job.file.batch, t.job.contract.name): t for t in trial.load([claim.job for claim in sound])}
            for file, file_report in zip(arrivals.landed, report.files, strict=True):
                for reading in file_report.readings:
                    if (one := by_job.get((file.batch, reading.contract))) is not None:
                        tried.append(one)
                        readings_of[id(one)] = reading
                        _read(one, reading, arrivals, folder, settings)
        for one, doubt in doubts_of_currencies(tried, settings):
            readings_of[id(one)].doubts.append(doubt)
        for file_report in report.files:
            _unused_by_all(file_report)
        report.doubts = [*_shared(report), *doubts_between(tried)]
        report.files += [FileReport(twin, twin, [], same_as=other) for twin, other in arrivals.twins.items()]
    report.exit_code = _exit_code(report)
    return report


def _file(
    file: Landed, claims: Claims, tables: Tables, arrivals: Arrivals, contracts: list[Contract]
) -> tuple[FileReport, list[tuple[Claim, Reading]]]:
    """What can be said of a file by its columns alone."""
    made = []
    for claim in claims.of(file):
        contract = claim.job.contract
        reading = Reading(contract.name, contract.kind, claim.why, claim.also, "loaded")
        reading.faults = faults_of(claim, claims, tables)
        if stopping := [fault.text for fault in reading.faults if fault.stops]:
            reading.status, reading.reason = "stops", stopping[0]
        made.append((claim, reading))
    report = FileReport(
        file.file,
        _from_here(arrivals.places[file.batch]),
        file.header,
        [reading for _, reading in made],
        read_along_by=claims.read_along(file),
        unreadable=claims.unreadable(file),
    )
    refused = all(any(fault.refuses or fault.stops for fault in reading.faults) for reading in report.readings)
    if not report.readings and not report.read_along_by and not report.unreadable:
        file, report.lines_above = claims.below_preamble(file)
        report.columns = file.header
    report.near_misses = claims.near_misses(file) if refused else []
    report.sheets_left = _sheets_left(file, report, arrivals, contracts)
    return report, made


def _from_here(path: Path) -> str:
    """A path as one would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def faults_of(claim: Claim, claims: Claims, tables: Tables) -> list[Fault]:
    """What of a contract does not fit the columns of a file that it claims."""
    job = claim.job
    if reason := claims.unreadable(job.file):
        return [Fault(reason, refuses=True)]
    beside = {name: claims.read_header_of(files, job.contract.also_reads[name]) for name, files in job.companions.items()}
    return tables.faults(job.contract, claims.mapped_header(job.file, job.contract), beside)


def _sheets_left(file: Landed, report: FileReport, arrivals: Arrivals, contracts: list[Contract]) -> list[str]:
    if file_format(file.file) != "xlsx":
        return []
    read = [c.sheet for c in contracts if c.name in {reading.contract for reading in report.readings}] or [0]
    found = arrivals.untrusted.sheets(landed_path(arrivals.landing, file), file.file)
    return [name for place, (name, holds) in enumerate(found.items()) if holds and place not in read and name not in read]


def _read(tried: Tried, reading: Reading, arrivals: Arrivals, folder: Path, settings: Settings) -> None:
    """Add to a reading what was found by reading the rows."""
    load = tried.load
    reading.messages = tried.messages
    if load is None:
        reading.status, reading.reason = "stops", tried.fault
        return
    reading.rows_read, reading.rows_loaded = load.rows_read, load.rows_loaded
    reading.rows_rejected, reading.rows_merged, reading.records = load.rows_quarantined, load.rows_merged, load.records
    if load.status == "refused":
        reading.status, reading.reason = "refused", load.reason
        return
    mapped = tried.job.contract.columns
    reading.not_mapped = [name for name in all_kinds()[reading.kind].columns if name not in mapped]
    assert tried.loaded is not None
    assert tried.rejected is not None
    size = sum(file.bytes for file in (tried.job.file, *tried.job.companion_files))
    try:
        found = isolated().call(
            size, facts_of, tried.job, tried.loaded, tried.rejected, arrivals.landing, folder / "tmp",
            says_its_zone(tried.job.contract, settings), settings.as_of_instant(),
        )  # fmt: skip
    except RefusedFileError as error:
        reading.status, reading.reason = "refused", str(error)
        return
    reading.failed, reading.not_judged = [check for check in tried.check_results if not check.passed], tried.not_judged
    reading.status = "held back" if tried.is_held_back else "loaded"
    for name, fact in found.items():
        setattr(reading, name, fact)
    reading.messages = [*reading.messages, *tried.messages]


def _unused_by_all(file: FileReport) -> None:
    """Of a file of several kinds a column is unused that none of them uses."""
    read = [reading for reading in file.readings if reading.columns]
    for reading in read:
        names = [{one.name for one in other.unused} for other in read]
        reading.unused = [one for one in reading.unused if all(one.name in unused for unused in names)]


def _shared(report: Report) -> list[Doubt]:
    """Take the doubt about the zone, which one setting settles, out of files without a contract where several have it."""
    having = [r for r in report.readings if r.is_canonical and any(doubt.shared == NO_ZONE for doubt in r.doubts)]
    if len(having) < 2:
        return []
    for reading in having:
        reading.doubts = [doubt for doubt in reading.doubts if doubt.shared != NO_ZONE]
    text = (
        f"{len(having)} files without a contract name no time zone, and are taken for UTC: set `exports_timezone` in cxhouse.yml"
    )
    return [Doubt(None, text, NO_ZONE)]


def _exit_code(report: Report) -> int:
    """How a run of these files would end, were there no others."""
    readings = report.readings
    if any(reading.status == "stops" for reading in readings):
        return ConfigurationError.exit_code
    if any(reading.status == "held back" for reading in readings):
        return GateFailedError.exit_code
    return 0 if any(reading.status == "loaded" and reading.rows_loaded for reading in readings) else ConfigurationError.exit_code
