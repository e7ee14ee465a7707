"""Which contract would read which file of the exports, by their columns alone; no row is read."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestration.check.arrivals import arrive, passed_over
from orchestration.check.claiming import Claim, Claims, lines_above_note, listed
from orchestration.check.faults import Tables
from orchestration.check.looking import faults_of
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.readers import FORMATS
from orchestration.pull.home.ledger import Landed, Ledger
from orchestration.pull.sources.locations import all_files, asked_sources
from orchestration.settings.model import Settings


def survey(settings: Settings) -> Iterator[str]:
    """One line for each file: what reads it, or what to do so that something does."""
    contracts = load_contracts(settings.config_dir, settings.contract_params)
    source = all_files(settings)
    with tempfile.TemporaryDirectory(prefix="cxhouse_sources_") as folder, Tables() as tables:
        arrivals = arrive(source, Path(folder))
        claims = Claims(arrivals, contracts, settings)
        if not arrivals.landed and len(settings.exports) > len(asked_sources(settings)):
            yield f"{settings.exports_place} holds no file in a known format ({', '.join(FORMATS)}; also .gz, .zst, .zip)"
        for file in arrivals.landed:
            yield _line(file, claims, tables)
        for name, other in arrivals.twins.items():
            yield f"{name} -> the same bytes as {other}, read once"
    yield from _asked_lines(settings, contracts)
    if (place := settings.exports_folder) is not None:
        yield from (f"{other.file} -> NOT READ: {other.why}" for other in passed_over(place))


def _asked_lines(settings: Settings, contracts: list[Contract]) -> Iterator[str]:
    """What APIs and databases are asked for, and who read what came of it last; nobody is asked now."""
    landed = Ledger(settings.ledger).landed() if settings.ledger.exists() else []
    for source in asked_sources(settings):
        for text in source.described():
            yield text + _last_reader(text.partition(" ")[0], landed, contracts)


def _last_reader(prefix: str, landed: list[Landed], contracts: list[Contract]) -> str:
    """The contracts that claim the last file of a stream."""
    files = [file for file in landed if re.fullmatch(rf"{re.escape(prefix)}_\d{{8}}_\d+\.ndjson\.gz", file.file)]
    if not files:
        return ""
    name, header = files[-1].file, files[-1].header
    readers = [f"{found.kind} ({found.name})" for found in claims(name, header, contracts) if found.files.claims(name, header)]
    along = [contract.name for contract in contracts for other in contract.also_reads.values() if other.claims(name, header)]
    return f" -> {', '.join(readers) or ('read along by ' + ', '.join(along) if along else 'NOT CLAIMED: write a contract')}"


def _line(file: Landed, claims: Claims, tables: Tables) -> str:
    readers = [_reader(claim, claims, tables) for claim in claims.of(file)]
    along = claims.read_along(file)
    if readers:
        return f"{file.file} -> {', '.join(readers)}"
    if along:
        return f"{file.file} -> read along by {', '.join(along)}"
    if reason := claims.unreadable(file):
        return f"{file.file} -> NOT CLAIMED: it {reason}"
    seen, above = claims.below_preamble(file)
    near = "".join(f"; near {miss.contract}: {'; '.join(miss.lacks)}" for miss in claims.near_misses(seen)[:1])
    return (
        f"{file.file} -> NOT CLAIMED: give it a name that starts with its kind, or write a contract "
        f"(its columns: {listed(seen.header, 12) or 'none could be read'}{lines_above_note(above)}){near}"
    )


def _reader(claim: Claim, claims: Claims, tables: Tables) -> str:
    """A kind and its contract; what keeps a run from reading the file so."""
    contract = claim.job.contract
    stopping = [fault.text for fault in faults_of(claim, claims, tables) if fault.refuses or fault.stops]
    reader = f"{contract.kind} ({contract.name})"
    return f"NOT {reader}: {'; '.join(stopping)}" if stopping else reader
