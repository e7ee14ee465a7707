"""Personal values planted in every column of every kind: where they turn up after whole runs, and where they do not."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest
from homes import Cxhouse, Home

from orchestration.core.literals import identifier
from orchestration.pull.kinds import Column, all_kinds

MARK = "leak.example"
PHONE = "+49 30 12345678"
AS_OF = "2026-07-01"
#: What holds the rows themselves, and is for the owner only.
PRIVATE = ("landing", "raw", "quarantine", "warehouse.duckdb", "texts", "spill")
#: A gate refuses a file of rates whose codes are none, before anything else of it is looked at.
CURRENCIES = ("currency", "base_currency")
#: Columns by which persons are distinguished: they leave the warehouse as keys.
OF_PERSONS = ("customer_id", "agent_id", "visitor_id", "user_id")


def plain(column: Column, number: int) -> str:
    """A value that fits a column."""
    if column.values:
        return column.values[0]
    if column.name in ("from_value", "to_value"):
        return "open"
    if column.name in CURRENCIES:
        return "EUR"
    if column.name.endswith(("_scale", "_max")):
        return "5"
    if column.is_id or column.name.endswith("_id"):
        return f"{column.name.removesuffix('_id')}-{number}"
    match column.type:
        case "instant" | "promise":
            return f"2026-06-{number % 28 + 1:02}T10:00:00Z"
        case "date":
            return f"2026-06-{number % 28 + 1:02}"
        case "boolean":
            return "false"
        case "integer" | "seconds" | "number" | "money" | "money_size":
            return "1"
        case _:
            return "word"


def write_exports(folder: Path, everywhere: bool) -> int:
    """A file for each kind with twenty plain rows; rows with a personal value in one column each, or in those of persons."""
    planted = 0
    for kind in all_kinds().values():
        rows = [{name: plain(column, n) for name, column in kind.columns.items()} for n in range(20)]
        for name, column in kind.columns.items():
            is_persons = column.is_personal or name in OF_PERSONS
            is_gated = kind.name == "exchange_rates" and name in CURRENCIES
            if (everywhere and not is_gated) or is_persons:
                for text in (f"erika.{kind.name}.{name}@{MARK}.com", PHONE):
                    row = {key: plain(other, 100 + planted) for key, other in kind.columns.items()}
                    rows.append({**row, name: text})
                    planted += 1
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{kind.name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(kind.columns))
            writer.writeheader()
            writer.writerows(rows)
    return planted


def found_in_files(home: Path) -> list[str]:
    """Files that hold a planted value in bytes, and published tables that do in a row."""
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    found = []
    for path in files:
        if path.relative_to(home).parts[0] in PRIVATE:
            continue
        data = path.read_bytes()
        if MARK.encode() in data or PHONE.encode() in data:
            found.append(str(path.relative_to(home)))
    for path in (home / "published").glob("*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as con:
            for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                query = f"select count(*) from {identifier(table)} as t where contains(t::varchar, ?) or contains(t::varchar, ?)"
                if con.execute(query, [MARK, PHONE]).fetchone() != (0,):
                    found.append(f"{path.name}: {table}")
    return found


@pytest.mark.slow
def test_what_columns_of_persons_hold_is_nowhere_but_in_the_private_stores(tmp_path: Path, cxhouse: Cxhouse) -> None:
    home = Home(tmp_path / "home", tmp_path / "exports", tmp_path / "config")
    planted = write_exports(home.exports, everywhere=False)
    home.config.mkdir()  # type: ignore[union-attr]
    (home.config / "cxhouse.yml").write_text("max_quarantined_share: 1\n")  # type: ignore[operator]
    said = cxhouse("run", "--exports", home.exports, *home.options, "--as-of", AS_OF, "--record")
    assert planted > 50
    assert MARK not in said.stdout + said.stderr
    assert PHONE not in said.stdout + said.stderr
    assert home.shown("select count(*) > 20 from fct_tickets") == [(True,)]
    assert found_in_files(home.path) == []
    # They did arrive.
    assert any(MARK.encode() in path.read_bytes() for path in (home.path / "landing").rglob("*") if path.is_file())


@pytest.mark.slow
def test_what_every_other_column_holds_keeps_a_version_from_being_published(tmp_path: Path, cxhouse: Cxhouse) -> None:
    home = Home(tmp_path / "home", tmp_path / "exports", tmp_path / "config")
    write_exports(home.exports, everywhere=True)
    home.config.mkdir()  # type: ignore[union-attr]
    (home.config / "cxhouse.yml").write_text("max_quarantined_share: 1\n")  # type: ignore[operator]
    said = cxhouse("run", "--exports", home.exports, *home.options, "--as-of", AS_OF, "--record", exit_code=1)
    text = " ".join((said.stdout + said.stderr).split())
    assert "holds no personal data" in text
    assert "fct_orders" in text
    assert MARK not in text
    assert PHONE not in text
    assert not (home.path / "published" / "marts.duckdb").exists()
    assert found_in_files(home.path) == []
