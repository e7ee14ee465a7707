"""What a home keeps to itself."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from conftest import Home

from orchestration.errors import ConfigurationError
from orchestration.execution import prepare_home
from orchestration.pull.ledger import Ledger
from orchestration.salt import ensure_salt, read_salt, renew_salt
from orchestration.settings import Settings


def test_nobody_else_can_read_a_home(sample_home: Home) -> None:
    paths = [sample_home.path, *sample_home.path.rglob("*")]
    open_to_others = [path for path in paths if not path.is_symlink() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert not open_to_others
    assert len(paths) > 500


def test_no_artefact_holds_the_salt(sample_home: Home) -> None:
    salt = read_salt(Settings(home=sample_home.path)).encode()
    assert len(salt) == 32
    files = [path for path in sample_home.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if salt in path.read_bytes()] == ["identity_salt"]
    # The search would have found it: the compiled queries are there, and name the file.
    assert any(b"identity_salt" in path.read_bytes() for path in files if path.suffix == ".sql")


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
