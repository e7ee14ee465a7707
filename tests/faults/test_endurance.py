"""Counted: publications killed and read while they go on, rows of any form, thousands of small files, two homes on one folder."""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import string
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from homes import REPOSITORY
from small_home import SmallHome

from orchestration.core.errors import CxhouseError
from orchestration.core.lock import release_writer_lock
from orchestration.gates.suite_runner import SuiteRunner
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.isolated import isolated
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull
from orchestration.warehouse.versions import current

HELPERS = REPOSITORY / "tests" / "helpers"


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", str(HELPERS / "small_home.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


# -- kills -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kills", [pytest.param(10, marks=pytest.mark.ci), pytest.param(200, marks=pytest.mark.slow)])
def test_killed_publications_leave_no_torn_version(tmp_path: Path, kills: int) -> None:
    """One process forks publishers that publish without end; each is killed at a moment of its own."""
    home = tmp_path / "home"
    process = started("--killed", home, kills, 20261126)
    said, complaints = process.communicate()
    assert process.returncode == 0, complaints
    counts = json.loads(said)
    print(counts)
    assert (counts["kills"], counts["torn"]) == (kills, 0)
    # They hit publications at work, and some of these came to their end before.
    assert counts["versions"] > 0
    assert counts["cut"] > 0


# -- readers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [pytest.param(200, marks=pytest.mark.ci), pytest.param(10_000, marks=pytest.mark.slow)])
def test_reads_during_publications_see_one_version(tmp_path: Path, reads: int) -> None:
    home = SmallHome(tmp_path / "home", published_versions=20)
    home.publish(0)
    readers = [started("--read", home.settings.home, -(-reads // 2)) for _ in range(2)]
    number = 0
    while any(reader.poll() is None for reader in readers):
        number += 1
        home.publish(number)
    seen: set[int] = set()
    count = 0
    for reader in readers:
        said, complaints = reader.communicate()
        assert reader.returncode == 0, complaints
        result = json.loads(said)
        seen, count = seen | set(result["numbers"]), count + result["reads"]
    print(f"{count} reads during {number} publications, {len(seen)} versions seen, no error, none mixed")
    assert count >= reads
    assert len(seen) >= 3


# -- rows of any form --------------------------------------------------------------------------------------------------

_TEXTS = ["", " ", "-", "n/a", "0", "-1", "1e999", "NaN", "inf", "9" * 30, "2026-02-30", "2026-06-01", "2026-06-01T10:00:00Z",
          "01.06.2026 25:61", "1780000000", "true", "nein", "open", "solved", "=1+1", "a,b", 'x "y"', "x\ny", "\x1b[31m",
          "\u202e", "🙂", "ÄÖ", "x" * 500, "T1", "5", "12,50", "1.234,5", "\0", "\ufeff", "null"]  # fmt: skip
_DRESSES = [("utf-8", ",", "\n"), ("utf-8-sig", ";", "\r\n"), ("utf-16", "\t", "\n"), ("utf-8", "|", "\n")]


def fuzzed(chance: random.Random, path: Path, kind: Any, rows: int) -> int:
    """A file of a kind whose cells hold anything, in some encoding, with some delimiter; returns its data rows."""
    encoding, delimiter, end = chance.choice(_DRESSES)
    names = [name for name, column in kind.columns.items() if column.required or chance.random() < 0.6]
    with path.open("w", encoding=encoding, errors="replace", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
        writer.writerow(names)
        for number in range(rows):
            cells = [_cell(chance, kind.columns[name], number) for name in names]
            writer.writerow(cells)
    return rows


def _cell(chance: random.Random, column: Any, number: int) -> str:
    luck = chance.random()
    if luck < 0.15:
        return chance.choice(_TEXTS).replace("\0", "")
    if luck < 0.17:
        return "".join(chance.choices(string.printable[:95] + "äöüß€", k=chance.randrange(40)))
    if column.values:
        return str(chance.choice(column.values))
    match column.type:
        case "instant" | "promise":
            return f"2026-06-{number % 30 + 1:02} {number % 24:02}:00:00"
        case "date":
            return f"2026-06-{number % 30 + 1:02}"
        case "boolean":
            return chance.choice(["true", "false"])
        case "integer" | "seconds" | "number" | "money" | "money_size":
            return str(chance.randrange(100))
        case _:
            return f"{column.name[:2]}{number}"


@pytest.mark.parametrize("rows", [pytest.param(4_000, marks=pytest.mark.ci), pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_of_rows_of_any_form_each_is_loaded_or_rejected(tmp_path: Path, rows: int) -> None:
    """Read = loaded + quarantined + merged, and read is what was written: to the row."""
    chance, exports = random.Random(rows), tmp_path / "exports"
    exports.mkdir()
    written: dict[str, int] = {}
    kinds = list(all_kinds().values())
    each = max(50, min(rows // 40, 25_000))
    while sum(written.values()) < rows:
        number = len(written)
        kind = kinds[number % len(kinds)]
        name = f"{kind.name}_{number}.csv"
        written[name] = fuzzed(chance, exports / name, kind, each)
    settings = Settings(exports=str(exports), home=tmp_path / "home")
    started_at = time.monotonic()
    for _ in Pull(settings, lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
        pass
    ledger = Ledger(settings.ledger)
    files = {file.batch: file.file for file in ledger.landed()}
    read, status = Counter[str](), Counter[str]()
    for load in ledger.loads():
        assert load.rows_read == load.rows_loaded + load.rows_quarantined + load.rows_merged
        read[files[load.batch]] += load.rows_read
        status.update({load.status: 1, "loaded rows": load.rows_loaded, "quarantined rows": load.rows_quarantined})
    print(f"{sum(written.values()):,} rows in {len(written)} files, {time.monotonic() - started_at:.0f} s: {dict(status)}")
    assert dict(read) == written
    assert status["loaded rows"] + status["quarantined rows"] == sum(written.values())
    assert min(status["loaded rows"], status["quarantined rows"]) > sum(written.values()) / 10


# -- many files --------------------------------------------------------------------------------------------------------


def pulled(folder: Path, files: int) -> list[float]:
    """Processor seconds of two pulls of so many small files, children included; the second finds nothing new."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for number in range(files):
        rows = "".join(f"T{number}_{row},2026-06-01 10:00,open\n" for row in range(3))
        (exports / f"tickets_{number:05}.csv").write_text(f"ticket_id,created_at,status\n{rows}")
    settings = Settings(exports=str(exports), home=folder / "home")
    seconds = []
    with SuiteRunner(None) as suites:

        def gate(kind: str, batches: list[Batch]) -> list[bool | str]:
            judged = suites.check(f"raw/{kind}", [batch.path for batch in batches], ["_file", "_row"])
            return [all(check.passed for check, _ in check_results) for check_results in judged]

        for _ in range(2):
            isolated().stop()  # its seconds count once it has ended
            start, clock = _processor_seconds(), time.monotonic()
            for _ in Pull(settings, lambda _: None).kinds(gate):
                pass
            isolated().stop()
            seconds.append(_processor_seconds() - start)
            print(f"{files:,} files: {seconds[-1]:.0f} s of processors, {time.monotonic() - clock:.0f} s by the clock")
    assert sum(load.rows_loaded for load in Ledger(settings.ledger).loads()) == 3 * files
    return seconds


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@pytest.mark.parametrize("many", [pytest.param(200, marks=pytest.mark.ci), pytest.param(10_000, marks=pytest.mark.slow)])
def test_the_cost_of_many_small_files_follows_their_number(tmp_path: Path, many: int) -> None:
    """Ten times as many files cost about ten times as much, and far less when there is nothing new."""
    few = pulled(tmp_path / "few", many // 10)
    all_of_them = pulled(tmp_path / "many", many)
    assert all_of_them[0] < 20 * few[0]
    assert all_of_them[1] < all_of_them[0] / 2


# -- two homes ---------------------------------------------------------------------------------------------------------


def test_two_homes_read_one_folder(tmp_path: Path) -> None:
    """They pull at the same time; each has every row, and neither changes a byte of the folder."""
    exports = tmp_path / "exports"
    exports.mkdir()
    for number in range(20):
        (exports / f"tickets_{number}.csv").write_text(f"ticket_id,created_at,status\nT{number},2026-06-01,open\n")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in exports.iterdir()}
    code = (
        "import sys; from orchestration.settings.model import Settings; from orchestration.steps.pulling import Pull\n"
        "for _ in Pull(Settings(exports=sys.argv[1], home=sys.argv[2]), print).kinds(lambda _, b: [True] * len(b)): pass\n"
    )
    pulls = [
        subprocess.Popen([sys.executable, "-c", code, exports, tmp_path / name], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        for name in ("one", "two")
    ]
    assert [pull.wait() for pull in pulls] == [0, 0]
    loaded = [sum(load.rows_loaded for load in Ledger(Settings(home=tmp_path / name).ledger).loads()) for name in ("one", "two")]
    assert loaded == [20, 20]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in exports.iterdir()} == before


def test_a_published_folder_is_one_homes(tmp_path: Path) -> None:
    """A second home whose `published` leads there is refused: else each would remove the other's versions."""
    shared = tmp_path / "shared"
    shared.mkdir()
    homes = []
    for name in ("one", "two"):
        (tmp_path / name / "home").mkdir(parents=True)
        (tmp_path / name / "home" / "published").symlink_to(shared)
        homes.append(SmallHome(tmp_path / name / "home"))
    homes[0].publish(1)
    with pytest.raises(CxhouseError, match="published by another home"):
        homes[1].publish(2)
    assert homes[0].seen() == 1
    homes[0].publish(3)
    assert homes[0].seen() == 3
    # A home that was moved, or copied from a backup to where it lay, goes on.
    release_writer_lock(homes[0].settings.home)
    (tmp_path / "one" / "home").rename(tmp_path / "moved")
    assert current(Settings(home=tmp_path / "moved")) is not None
    SmallHome(tmp_path / "moved").publish(4)
