"""Wide files, whose columns are values of one column: each cell becomes a row (`unpivot`)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml
from reading import Canonical, canonicalise, read

from orchestration.core.errors import ConfigurationError, RefusedFileError
from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.readers import read_header
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.sorting import Origin

RATES = """
name: our_rates
kind: exchange_rates
files: {columns: [Day, USD]}
unpivot: {keep: [Day], name: Money, value: Costs}
where: {Costs: {not: null}}
columns: {rate_date: Day, base_currency: {value: EUR}, currency: Money, rate: Costs}
"""


def contract_of(folder: Path, text: str = RATES) -> Contract:
    (folder / "contracts").mkdir(exist_ok=True)
    (folder / "contracts" / "mine.yml").write_text(text)
    return next(contract for contract in load_contracts(folder) if contract.name == yaml.safe_load(text)["name"])


def made(path: Path, contract: Contract) -> Canonical:
    return canonicalise(read(path, path.name, options_of(contract)), contract, Origin("test", path.name, 1, contract.name))


def test_each_cell_is_a_row_whose_number_tells_row_and_column(tmp_path: Path) -> None:
    path, contract = tmp_path / "rates.csv", contract_of(tmp_path)
    path.write_text("Day,USD,GBP,\n2026-06-05,1.25,0.85,\n2026-06-04,1.5,,\n2026-06-03,x,0.8,\n2026-06-02,1,2,3,4\n")
    result = made(path, contract)
    rates = [(row["rate_date"], row["currency"], row["rate"], row["_row"]) for row in result.loaded.to_pylist()]
    assert rates == [
        (date(2026, 6, 5), "USD", 1.25, 2002),
        (date(2026, 6, 5), "GBP", 0.85, 2003),
        (date(2026, 6, 4), "USD", 1.5, 3002),
        (date(2026, 6, 3), "GBP", 0.8, 4003),
    ]
    # Left out is the cell that holds nothing; the column without a name is none. A row that is too long is one row, whole.
    rejected = {row["_row"]: row["reason"] for row in result.quarantined.to_pylist()}
    assert set(rejected) == {4002, 5000}
    assert (result.rows_read, result.rows_left_out) == (7, 1)
    assert result.unknown_columns == []


@pytest.mark.parametrize("form", ["xlsx", "json", "parquet"])
def test_other_formats_are_claimed_by_their_own_header(form: str, tmp_path: Path) -> None:
    contract, path = contract_of(tmp_path), tmp_path / f"rates.{form}"
    frame = pd.DataFrame({"Day": ["2026-06-05", "2026-06-04"], "USD": [1.25, 1.5], "GBP": [0.85, None]})
    {"xlsx": lambda: frame.to_excel(path, index=False), "json": lambda: frame.to_json(path, orient="records"),
     "parquet": lambda: frame.to_parquet(path)}[form]()  # fmt: skip
    header = read_header(path, path.name)
    assert header == ["Day", "USD", "GBP"]
    assert claims(path.name, header, [contract], lambda c: read_header(path, path.name, options_of(c))) == [contract]
    assert [(row["currency"], row["rate"]) for row in made(path, contract).loaded.to_pylist()] == [
        ("USD", 1.25), ("GBP", 0.85), ("USD", 1.5),
    ]  # fmt: skip


def test_a_file_without_a_kept_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("Date,USD\n2026-06-05,1.25\n")
    with pytest.raises(RefusedFileError, match=r"lacks the column.s. Day, which its contract keeps"):
        made(path, contract_of(tmp_path))


def test_what_unpivot_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"unpivot"):
        contract_of(tmp_path, RATES.replace("keep: [Day], ", ""))
