"""Many small files read as one give what each alone gives, byte for byte."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from orchestration.pull import reading
from orchestration.pull.kinds import all_kinds
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

WORDS = ["", "open", "solved", "closed", "never heard of", "2026-06-01", "2026-06-01T10:00:00+02:00", "31.02.2026", "x" * 50, "7"]


def write(folder: Path, seed: int) -> None:
    """Small files of several kinds and forms, good and bad."""
    chance = random.Random(seed)
    folder.mkdir()
    for number in range(60):
        kind = chance.choice(["tickets", "orders", "calls", "reviews", "ticket_events"])
        columns = all_kinds()[kind].columns
        required = all_kinds()[kind].required_columns
        names = [*required, *chance.sample([name for name in columns if name not in required], chance.choice([2, 2, 5]))]
        if number % 7 == 0:
            names = names[1:]
        rows = [
            [chance.choice([*WORDS, f"{kind}{number}_{row}", f"{kind}{number}_{row}"]) for _ in names] + ["more"] * (row == 13)
            for row in range(chance.choice([0, 1, 20]))
        ]
        text = "\n".join(",".join(row) for row in [names, *rows]) + "\n"
        (folder / f"{kind}_{number:02d}.csv").write_text(text.replace("x", '"', 1) if number % 11 == 0 else text)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(0, marks=pytest.mark.ci), pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)],
)
def test_read_together_or_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    write(tmp_path / "exports", seed)
    found = {}
    for most in (1, 250):
        monkeypatch.setattr(reading, "_TOGETHER", most)
        settings = Settings(exports=str(tmp_path / "exports"), home=tmp_path / f"home{most}")
        pulling, messages = Pull(settings, lambda _: None), []
        for report in pulling.kinds(lambda _, batches: [True] * len(batches)):
            messages += [message for message in report.messages if "rows read in" not in message]
        files = sorted(
            path.relative_to(settings.home).as_posix()
            for root in (settings.raw, settings.quarantine)
            for path in root.glob("*/0*.parquet")  # their names tell their content
        )
        loads = [(load.batch, load.contract, load.status, load.reason, load.rows_read, load.records, load.available_columns)
                 for load in pulling.ledger.loads()]  # fmt: skip
        found[most] = (files, loads, sorted(messages))
    assert found[1] == found[250]
    assert {load[2] for load in found[1][1]} == {"loaded", "refused"}
    assert sum(load[4] for load in found[1][1]) > 200
