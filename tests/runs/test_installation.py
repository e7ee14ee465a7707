"""A wheel, installed where no checkout is, does all that the checkout does."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import duckdb
import pytest
from homes import REPOSITORY

from orchestration.core.errors import ConfigurationError
from orchestration.starter import write_project


def shell(*command: str | Path, cwd: Path, exit_code: int = 0) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CXHOUSE_", "DAGSTER_", "PYTHON"))}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel in an environment of its own, which has the libraries of this one and not its checkout."""
    folder = tmp_path_factory.mktemp("installed")
    copy = folder / "checkout"
    names = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (REPOSITORY / name).is_file() and not name.startswith(("tests/", "docs/images")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, copy / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    shell(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, copy, cwd=folder)
    shutil.rmtree(copy)
    environment = folder / "venv"
    venv.create(environment, with_pip=False)
    packages = next((environment / "lib").glob("python3*/site-packages"))
    (wheel,) = folder.glob("cxhouse-*.whl")
    python = environment / "bin" / "python"
    shell(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    # A line of a .pth is a folder; those in it, such as that of an editable checkout, are not read.
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    where = shell(python, "-c", "import orchestration; print(orchestration.__file__)", cwd=folder)
    assert where.strip().startswith(str(packages))
    return environment / "bin" / "cxhouse"


@pytest.mark.ci
def test_an_installed_wheel_runs_a_project_from_nothing(installed: Path, tmp_path: Path) -> None:
    project = tmp_path / "our project"
    assert "Next: put exports into" in shell(installed, "init", project, cwd=tmp_path)
    (project / "exports" / "example_desk_june.csv").write_text(
        "Ticket,Created,State\n1,2026-06-01 08:00,Done\n2,2026-06-02 09:00,Open\n3,2026-06-02 10:00,Waiting\n"
    )
    checked = shell(installed, "check", project / "exports", "--config", project / "config", cwd=tmp_path)
    assert "example_desk" in checked
    shell(installed, "run", "--config", project / "config", "--as-of", "2026-07-01", cwd=tmp_path)
    with duckdb.connect(str(project / "home" / "published" / "analysis.duckdb"), read_only=True) as con:
        assert con.execute("select ticket_id, status from fct_tickets order by 1").fetchall() == [
            ("1", "solved"),
            ("2", "open"),
            ("3", "pending"),
        ]
    assert "nothing new" in shell(installed, "run", "--config", project / "config", "--as-of", "2026-07-01", cwd=tmp_path)


def test_a_project_is_written_once_and_nothing_of_it_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "p" / "config").mkdir(parents=True)
    (tmp_path / "p" / "config" / "cxhouse.yml").write_text("currency: USD\n")
    with pytest.raises(ConfigurationError, match=r"cxhouse\.yml is there already"):
        write_project(tmp_path / "p")
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["config"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    write_project(tmp_path / "p")
    units = [tmp_path / "p" / "systemd" / f"cxhouse.{kind}" for kind in ("service", "timer")]
    assert shell("systemd-analyze", "verify", *units, cwd=tmp_path) == ""
