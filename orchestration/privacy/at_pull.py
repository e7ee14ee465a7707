"""What a pull does for those whom the home was asked to forget: their rows are anonymised before they are loaded."""

from __future__ import annotations

from pathlib import Path

from orchestration.privacy.roll import Roll
from orchestration.privacy.rows import add_rows, anonymise_loaded, anonymise_rejected
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.sorting import QUARANTINE_SCHEMA
from orchestration.settings.model import Settings


class Persons:
    """What the loader asks of each file that it read."""

    def __init__(self, settings: Settings) -> None:
        self.roll = Roll(settings)
        self._frozen = settings.forgotten / "rows"

    def settle(self, contract: Contract, stem: str, loaded: Path, rejected: Path, has_original: bool) -> tuple[int, int]:
        """Anonymise a file's typed and rejected rows in place.

        Where the file was read from what was kept of it, the rows of persons forgotten before join them; returns how many
        typed and rejected ones.
        """
        kind, joined = all_kinds()[contract.kind], [0, 0]
        parts = ((loaded, "raw", kind.arrow_schema), (rejected, "quarantine", QUARANTINE_SCHEMA))
        for place, (path, part, schema) in enumerate(parts):
            frozen = self._frozen / f"{stem}.{part}.parquet"
            if not has_original and frozen.exists():
                joined[place] = add_rows(path, frozen, schema)
        if self.roll:
            marks = anonymise_loaded(loaded, kind, self.roll)
            anonymise_rejected(rejected, self.roll, of_customers(contract))
            if self.roll.add(marks.records):
                # Once its row is anonymised, nothing else shows that the record is theirs.
                self.roll.save()
        return joined[0], joined[1]


def of_customers(contract: Contract) -> frozenset[str]:
    """The export's columns that hold customers' numbers, lower-cased; none where only the contract's SQL knows."""
    named = [contract.columns[name].source for name in ("customer_id", "visitor_id") if name in contract.columns]
    return frozenset(name.lower() for name in named if name)
