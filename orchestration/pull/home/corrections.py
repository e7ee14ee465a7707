"""Rejected rows as files to correct: written so that the contract which rejected them reads them when they come back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.core.errors import ConfigurationError
from orchestration.core.output import cell_for_csv, row_for_csv
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.home.quarantine import query
from orchestration.settings.model import Settings

#: Columns that an exported row carries beside its own.
REASON, ROW = "_reason", "_row"
#: What is where a contract expects lines that are no records.
_FILLER = "-"


@dataclass(frozen=True)
class Written:
    """A file of rejected rows; ``is_claimed``: put into the exports folder, the contract that rejected them reads it."""

    path: Path
    rows: int
    contract: str
    is_claimed: bool


def export_rows(settings: Settings, kind: str | None, file: str | None, out: Path) -> Iterator[Written]:
    """Write the rejected rows as CSV, one file for each contract and export.

    A row is there as it was in the export; one that could not be cut into columns is whole in ``_text``.

    Raises:
        ConfigurationError: there is no such kind, or nothing to write.
    """
    # Of some the cells were taken out: nothing of them can be corrected.
    columns = "kind, _contract, _file, _row, reason, record"
    sql = f"select {columns} from rejected where record <> '{{}}' order by kind, _contract, _file, _row"
    rows = query(settings, sql, kind, file)
    if not rows:
        raise ConfigurationError("no such rows are in quarantine; 'cxhouse quarantine' lists what is")
    out.mkdir(parents=True, exist_ok=True)
    known = {contract.name: contract for contract in load_contracts(settings.config_dir, settings.contract_params)}
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row_kind, contract, name, number, reason, record in rows:
        groups.setdefault((row_kind, contract, name), []).append({**_cells(record), REASON: reason, ROW: number})
    taken: set[Path] = set()
    for (row_kind, contract, name), cells in groups.items():
        path, is_claimed = _place(out, row_kind, known.get(contract), name, taken)
        taken.add(path)
        _write(path, cells, known.get(contract))
        yield Written(path, len(cells), contract, is_claimed)


def _place(out: Path, kind: str, contract: Contract | None, name: str, taken: set[Path]) -> tuple[Path, bool]:
    """A file whose name the contract claims, as near as possible to that of the export, whose date orders it among others."""
    stem = name.rpartition("/")[2].partition(".")[0]
    known = contract.files if contract else None
    for number in range(1, len(taken) + 2):
        which = f"_{number}" if number > 1 else ""
        names = [f"{stem}_corrected{which}.csv", f"corrected{which}_{stem}.csv", f"{stem}{which}.csv"]
        if known is None:
            # A file without a contract is identified by its name.
            names = names if stem.lower().startswith(kind) else [f"{kind}_{name}" for name in names]
        fit = next((one for one in names if known is None or known.matches_name(one)), None)
        if out / (fit or names[0]) not in taken:
            return out / (fit or names[0]), fit is not None
    raise AssertionError("there are more numbers than files")


def _write(path: Path, cells: list[dict[str, Any]], contract: Contract | None) -> None:
    names = list(dict.fromkeys(column for row in cells for column in row))
    delimiter = (contract and contract.delimiter) or ","
    # The mark of UTF-8 wins over the encoding that the contract says of exports; spreadsheets ask for it, too.
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, [cell_for_csv(name) for name in names], delimiter=delimiter)
        plain = csv.writer(stream, delimiter=delimiter)
        above, below_header, below = _fillers(contract)
        plain.writerows([[_FILLER]] * above)
        writer.writeheader()
        plain.writerows([[_FILLER] * len(names)] * below_header)
        writer.writerows(map(row_for_csv, cells))
        plain.writerows([[_FILLER] * len(names)] * below)


def _fillers(contract: Contract | None) -> tuple[int, int, int]:
    """Lines that a contract passes over: above the header, right below it, and at the end."""
    if contract is None:
        return 0, 0, 0
    return max(contract.skip_rows, (contract.header_row or 1) - 1), contract.skip_below_header, contract.skip_footer


def _cells(record: str | None) -> dict[str, Any]:
    try:
        cells = json.loads(record or "{}")
    except (json.JSONDecodeError, RecursionError):
        return {"_text": record}
    return cells if isinstance(cells, dict) else {"_text": record}
