"""Power that fails at any moment of a pull.

The ledger claims nothing that the disk lacks, and the next pull gives what an undisturbed one does.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from homes import REPOSITORY
from power import Disk, Op, traced

from orchestration.pull.home import soundness
from orchestration.pull.home.landing import landed_path
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.jobs import stem_of
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

pytestmark = pytest.mark.ci

PULL = (
    "import sys; from orchestration.settings.model import Settings; from orchestration.steps.pulling import Pull\n"
    "pull = Pull(Settings(exports=sys.argv[1], home=sys.argv[2]), lambda _: None)\n"
    "for _ in pull.kinds(lambda _, batches: ['held back' if 'gated' in batch.file else True for batch in batches]): pass\n"
)
HEADER = "ticket_id,created_at,status,subject\n"


def pull(exports: Path, home: Path) -> list[str]:
    said: list[str] = []
    pulling = Pull(Settings(exports=str(exports), home=home), said.append)
    for _ in pulling.kinds(lambda _, batches: ["held back" if "gated" in batch.file else True for batch in batches]):
        pass
    return said


def write(exports: Path, arrival: int) -> None:
    """Two arrivals: good and bad files of two kinds; in the second one changes, one is replaced, and one goes by another name."""
    exports.mkdir(exist_ok=True)
    for number in range(3):
        rows = "".join(f"a{arrival}{number}{row},2026-06-0{row + 1},open,x\n" for row in range(5))
        (exports / f"tickets_{arrival}{number}.csv").write_text(HEADER + rows + "bad,never,open,x\n")
    (exports / "tickets_changing.csv").write_text(HEADER + f"c{arrival},2026-06-01,open,x\n")
    (exports / f"tickets_gated_{arrival}.csv").write_text(HEADER + f"g{arrival},2026-06-01,open,x\nh,never,open,x\n")
    (exports / f"reviews_{arrival}.json").write_text(
        json.dumps([{"review_id": f"r{arrival}", "created_at": "2026-06-01", "rating": 4}])
    )
    (exports / f"reviews_{arrival}.csv.gz").write_bytes(b"no gzip" + bytes([arrival]))
    old = exports / "nobody_knows.csv"
    if arrival == 0:
        old.write_text(HEADER + "n,2026-06-01,open,x\n")
    else:
        old.rename(exports / "tickets_known.csv")


def state(home: Path) -> tuple[Any, ...]:
    """All that a home holds of the exports."""
    settings = Settings(home=home)
    with sqlite3.connect(settings.ledger) as con:
        loads = con.execute(
            "select file, sha256, contract, status, reason, rows_read, rows_loaded, rows_quarantined, available_columns "
            "from loads join landed using (batch) order by 1, 2, 3"
        ).fetchall()
        landed = con.execute("select file, sha256, bytes from landed order by 1, 2").fetchall()
    con.close()
    rows = {}
    for root in (settings.raw, settings.quarantine):
        for kind in ("tickets", "reviews"):
            found = [row for path in root.glob(f"{kind}/0*.parquet") for row in pq.read_table(path).to_pylist()]
            kept = [{name: value for name, value in row.items() if name not in ("_batch", "_delivery")} for row in found]
            rows[root.name, kind] = sorted(map(repr, kept))
    hashes = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in settings.landing.glob("*/*"))
    return loads, landed, rows, hashes


def claims_nothing_that_lacks(home: Path) -> None:
    """What the ledger speaks of is on disk, whole."""
    settings = Settings(home=home)
    if not settings.ledger.exists() or not settings.ledger.stat().st_size:
        return
    ledger = Ledger(settings.ledger)
    for file in ledger.landed():
        assert hashlib.sha256(landed_path(settings.landing, file).read_bytes()).hexdigest() == file.sha256, file
    for load in ledger.loads():
        for root in (settings.raw, settings.quarantine) if load.status == "loaded" else ():
            (path,) = (root / load.kind).glob(f"{stem_of(load.batch, load.contract)}.*")
            assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.name.split(".")[-2]), path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Path, list[Op]]], tuple[Any, ...]]:
    """The exports; before each of two pulls the home, and what the pull asked of the disk; and what there is at the end."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    root = tmp_path_factory.mktemp("power")
    exports, home = root / "exports", root / "home"
    home.mkdir()
    found = []
    for arrival in (0, 1):
        write(exports, arrival)
        before = root / f"before{arrival}"
        shutil.copytree(home, before)
        shutil.copytree(exports, root / f"at{arrival}" / "exports")
        command = [sys.executable, "-c", PULL, str(root / f"at{arrival}" / "exports"), str(home)]
        try:
            ops = traced(command, home, root / f"logs{arrival}", REPOSITORY)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"strace does not work here: {error.stderr[-200:]!r}")
        found.append((before, ops))
    return root, found, state(home)


def test_the_record_is_whole(recorded: tuple[Path, list[tuple[Path, list[Op]]], tuple[Any, ...]], tmp_path: Path) -> None:
    """Played to its end, with nothing lost, it gives the home as it is."""
    root, found, expected = recorded
    before, ops = found[1]
    disk = Disk(before, root / "home")
    for op in ops:
        disk.play(op)

    class Nothing(random.Random):
        def choice(self, seq: Any) -> Any:
            return "all"

    disk.after_a_loss(tmp_path / "home", Nothing())
    assert state(tmp_path / "home") == expected
    assert len(ops) > 100


@pytest.mark.parametrize("count", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_power_fails(
    recorded: tuple[Path, list[tuple[Path, list[Op]]], tuple[Any, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    root, found, expected = recorded
    boot = tmp_path / "boot"
    monkeypatch.setattr(soundness, "BOOT", boot)
    for number in range(count):
        chance = random.Random(number)
        before, ops = found[number % 2]
        disk = Disk(before, root / "home")
        for op in ops[: chance.randrange(len(ops) + 1)]:
            disk.play(op)
        home = tmp_path / f"home{number}"
        disk.after_a_loss(home, chance)
        claims_nothing_that_lacks(home)
        for arrival in range(number % 2, 2):
            boot.write_text(f"another start {number}")
            pull(root / f"at{arrival}" / "exports", home)
        assert state(home) == expected, number
        shutil.rmtree(home)
