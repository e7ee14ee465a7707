"""What a home keeps to itself."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path

import duckdb
import pytest
from homes import Home
from reading import canonicalise

from orchestration.core.errors import ConfigurationError
from orchestration.execution import prepare_home
from orchestration.gates.lineage import lineage
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import FileMatch, Mapping
from orchestration.pull.files.records import from_records
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.tables import write_ledger
from orchestration.pull.home.withdrawal import choose
from orchestration.pull.kinds import all_kinds
from orchestration.pull.personal import may_be_shown, may_be_shown_sql, names_shown
from orchestration.pull.rows.sorting import Origin
from orchestration.settings.model import Settings
from orchestration.warehouse.salt import ensure_salt, read_salt, renew_salt


def test_nobody_else_can_read_a_home(sample_home: Home) -> None:
    paths = [sample_home.path, *sample_home.path.rglob("*")]
    open_to_others = [path for path in paths if not path.is_symlink() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert not open_to_others
    assert {"identity_salt", "ledger.sqlite", "warehouse.duckdb", "report.html"} <= {path.name for path in paths}


def test_no_artefact_holds_the_salt(sample_home: Home) -> None:
    salt = read_salt(Settings(home=sample_home.path)).encode()
    assert len(salt) == 32
    files = [path for path in sample_home.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if salt in path.read_bytes()] == ["identity_salt"]
    # The search would have found it: the queries are there, and name the file.
    assert any(b"identity_salt" in path.read_bytes() for path in files if path.name == "manifest.json")


def with_data(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    prepare_home(settings)
    Ledger(settings.ledger).land("00", "exports", "tickets.csv", 1, ["ticket_id"])
    return settings


@pytest.mark.parametrize(("text", "reason"), [(None, "missing"), ("", "missing"), ("\n", "empty"), ("0" * 32, "not the one")])
def test_a_lost_or_other_salt_is_refused(text: str | None, reason: str, tmp_path: Path) -> None:
    settings = with_data(tmp_path)
    salt = read_salt(settings)
    settings.salt_file.unlink() if text is None else settings.salt_file.write_text(text)
    with pytest.raises(ConfigurationError, match=reason) as raised:
        prepare_home(settings)
    assert salt not in str(raised.value)
    # Put back, it is recognised, a line's end after it or not.
    settings.salt_file.write_text(salt + "\n")
    prepare_home(settings)


def test_a_home_of_an_earlier_release_keeps_its_salt(tmp_path: Path) -> None:
    settings = with_data(tmp_path)
    salt = read_salt(settings)
    settings.ledger.unlink()
    Ledger(settings.ledger).land("00", "exports", "tickets.csv", 1, ["ticket_id"])
    settings.salt_file.unlink()
    with pytest.raises(ConfigurationError, match="missing"):
        ensure_salt(settings)
    settings.salt_file.write_text(salt)
    ensure_salt(settings)
    settings.salt_file.write_text("1" * 32)
    with pytest.raises(ConfigurationError, match="not the one"):
        ensure_salt(settings)


def test_a_new_salt_is_made_on_purpose_or_brought_along(tmp_path: Path) -> None:
    settings = with_data(tmp_path)
    salt = read_salt(settings)
    renew_salt(settings)
    assert read_salt(settings) != salt
    ensure_salt(settings)
    other = Settings(home=tmp_path / "other")
    other.home.mkdir()
    shutil.copyfile(settings.salt_file, other.salt_file)
    prepare_home(other)
    assert read_salt(other) == read_salt(settings)


PERSONS = [
    "erika.mustermann@leak.example",
    "IBAN DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "+49 (0)30 123 456-78",
    "030/12345678",
    "Erika Mustermann",
    "Dr. Erika von Mustermann",
    "Mustermann, Erika",
    "Łucja Żak",
    "Hauptstr. 12, 80331 München",
    "please call me back I am at home",
    "https://shop.example/account/erika",
]
WORDS = [
    "in progress",
    "open",
    "Waiting for customer",
    "12.5",
    "-3",
    "2026-02-30",
    "31.02.2026 10:00",
    "2026-06-01T25:00:00Z",
    "yes!",
]


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_no_reason_shows_a_person(kind: str) -> None:
    """Cells are shifted by one: what identifies a person is where nobody expects it, in every column."""
    columns = all_kinds()[kind].columns
    rows = [{name: text} for name in columns for text in PERSONS]
    rows += [dict.fromkeys(columns, text) for text in PERSONS]
    contract = Contract(
        name="test", kind=kind, files=FileMatch(name="x"), columns={name: Mapping(source=name) for name in columns}
    )
    content = from_records(((number, {**dict.fromkeys(columns), **row}) for number, row in enumerate(rows, start=2)), [])
    result = canonicalise(content, contract, Origin("s", "f.csv", 1, "test"))
    reasons = result.quarantined["reason"].to_pylist()
    assert len(reasons) + result.loaded.num_rows == len(rows)
    assert len(reasons) > len(rows) / 2
    parts = {part for text in PERSONS for part in (text, *re.findall(r"[A-ZŁŻ]\w{4,}|\d{4,}", text))}
    assert not {part for part in parts for reason in reasons if part in reason}


def test_python_and_sql_agree_on_what_may_be_shown() -> None:
    with duckdb.connect() as con:
        for text in [*PERSONS, *WORDS]:
            ((in_sql,),) = con.execute(f"select {may_be_shown_sql('$1')}", [text]).fetchall()
            assert in_sql == may_be_shown(text), text
            assert may_be_shown(text) == (text in WORDS), text


def test_a_row_in_the_place_of_the_header_is_not_shown() -> None:
    """The header was cut off: the first row's cells are taken for names."""
    assert names_shown(["ticket_id", "erika@leak.example", "+49 30 123456-78", "Created at"]) == (
        "ticket_id, (18 characters), (16 characters), Created at"
    )
    assert names_shown([f"column_{n}" for n in range(40)]).endswith("column_29 and 10 more")


def test_a_files_name_loses_its_person_where_it_is_named_and_still_finds_the_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    name = "tickets_erika@leak.example.csv"
    landed = ledger.land("a" * 64, "exports", name, 1, ["ticket_id"])
    shown = lineage({"_file": name, "_row": 3})
    assert shown == "(an address).csv, row 3"
    # What a gate names in this way is found again: by the run that withdraws it, and by whoever types it.
    ledger.blame({shown.rpartition(", row ")[0]})
    assert ledger.blamed() == {landed.batch}
    (change,) = choose(ledger, "(an address).csv", None, undo=False)
    assert (change.file, "leak" in str(change)) == (landed, False)
    assert choose(ledger, name, None, undo=False) == [change]
    ledger.land("b" * 64, "exports", "orders_erika@leak.example.csv", 1, ["order_id"])
    with pytest.raises(ConfigurationError, match=r"batch 1.*batch 2.*by --batch") as error:
        choose(ledger, "(an address).csv", None, undo=False)
    assert "leak" not in str(error.value)
    with pytest.raises(ConfigurationError, match="no landed file") as error:
        choose(ledger, "other_erika@leak.example.csv", None, undo=False)
    assert "leak" not in str(error.value)
    write_ledger(ledger, tmp_path / "raw", tmp_path / "tmp")
    assert not any(b"leak" in path.read_bytes() for path in (tmp_path / "raw").rglob("*.parquet"))
