"""The commands that the documentation shows are run, as they are written, over a copy of the sample's home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from homes import REPOSITORY, Home, copy_of
from test_docs import PAGES

# Some forty processes over a home of the sample.
pytestmark = pytest.mark.ci

#: What a command names -> what a reader of the sample would name.
STAND_INS = {
    "path/to/exports": "exports",
    "path/to/export.csv": "unknown_shop.csv",
    "path/to/home": "home",
    "exports/desk_may.csv": "exports/orders.csv",
    "desk_may.csv --contract our_helpdesk": "exports/orders.csv --contract canonical_orders",
    "exports/servicedesk_2026-06.csv --contract servicedesk_tickets": "exports/orders.csv",
    "exports/servicedesk_2026-06.csv": "unknown_desk.csv",
    "orders_2026-06-09.csv": "orders.csv",
    "/srv/cx": "desk",
}
#: Servers, a second engine, what asks somebody, and models' own tests: other tests start or answer them.
ELSEWHERE = re.compile(r"cxhouse (dashboard|mcp|ui|schedule|dbt)\b|--engine spark|…|cxhouse push|forget .*--reference \S+$")
#: A command whose answer is that something is to be looked at.
ANSWERS = {"check": {0, 1, 2, 3}}


def shown() -> list[tuple[str, str]]:
    """(page, command) of each line in a block for the shell that begins with ours; what forgets somebody comes last."""
    found: dict[str, str] = {}
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            for line in block.splitlines():
                command = re.sub(r"\s+#.*", "", line.strip()).removeprefix(".venv/bin/")
                if command.startswith("cxhouse ") and not ELSEWHERE.search(command):
                    found.setdefault(command, page.name)
    return sorted(((page, command) for command, page in found.items()), key=lambda one: " forget " in one[1])


COMMANDS = shown()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sample_home: Home) -> Path:
    """A folder as the documentation has it: home, config and exports, and a file that no contract knows."""
    folder = tmp_path_factory.mktemp("desk")
    home = copy_of(sample_home, folder)
    assert home.config
    for name, place in {"home": home.path, "config": home.config, "exports": home.exports}.items():
        if place != folder / name:
            place.rename(folder / name)
    (folder / "unknown_shop.csv").write_text("Order no;Placed;Sum\nA1;2026-06-01 10:00;12.50\nA2;2026-06-02 11:00;8\n")
    (folder / "unknown_desk.csv").write_text("Vorgang;Angelegt am;Status\n1;01.06.2026 10:00;Offen\n2;02.06.2026 11:00;Gelöst\n")
    (folder / "request.txt").write_text("somebody@example.org\n")
    return folder


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 25


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_command(page: str, command: str, desk: Path) -> None:
    for name, stand_in in STAND_INS.items():
        command = command.replace(name, stand_in)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CXHOUSE_CONFIG": "config", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        command, shell=True, cwd=desk, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )
    said = f"{page}: {command}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
    assert done.returncode in ANSWERS.get(command.split()[1], {0}), said
    assert "Traceback" not in done.stderr
