"""Which contract would read which file of the exports; nothing is landed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestration.pull.contracts import Contract, claims, load_contracts
from orchestration.pull.loading import options_of
from orchestration.pull.readers import ReadOptions, read_header
from orchestration.pull.sources import Source, SourceFile, open_source
from orchestration.settings import Settings


def _header(source: Source, file: SourceFile, options: ReadOptions | None = None) -> list[str]:
    suffix = "".join(Path(file.name).suffixes[-2:])
    with source.open(file) as stream, tempfile.NamedTemporaryFile(suffix=suffix) as copy:
        shutil.copyfileobj(stream, copy)
        copy.flush()
        return read_header(Path(copy.name), file.name, options)


def _companion_of(name: str, header: list[str], contracts: list[Contract]) -> list[str]:
    return [c.name for c in contracts if any(match.claims(name, header) for match in c.also_reads.values())]


def _asked_for(contract: Contract) -> str:
    """What the file waits for: values that differ by account, which nobody has given yet."""
    return f", which needs contract_params: {', '.join(contract.lacking_params)}" if contract.lacking_params else ""


def survey(settings: Settings) -> Iterator[str]:
    """One line for each file: what reads it, or what to do so that something does."""
    contracts = load_contracts(settings.config_dir, settings.contract_params)
    source = open_source(settings.exports)
    files = list(source.files())
    if not files:
        yield f"{settings.exports} holds no file in a known format (csv, tsv, ndjson, json, parquet, xlsx; also .gz, .zst, .zip)"
    for file in files:
        header = _header(source, file)

        def header_by(contract: Contract, file: SourceFile = file) -> list[str]:
            return _header(source, file, options_of(contract))

        claiming = claims(file.name, header, contracts, header_by)
        readers = [f"{contract.kind} ({contract.name}{_asked_for(contract)})" for contract in claiming]
        helps = _companion_of(file.name, header, contracts)
        if readers:
            yield f"{file.name} -> {', '.join(readers)}"
        elif helps:
            yield f"{file.name} -> read along by {', '.join(helps)}"
        else:
            yield (
                f"{file.name} -> NOT CLAIMED: give it a name that starts with its kind, or write a contract "
                f"(its columns: {', '.join(header[:12]) or 'none could be read'})"
            )
