"""What a home keeps for so long only, by kind."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from persons import NAME, traces, write

from orchestration.core.errors import ConfigurationError
from orchestration.privacy.retention import apply_retention, check_retention, limits_of
from orchestration.privacy.sweep import what_is_read
from orchestration.pull.home.ledger import Ledger
from orchestration.settings.model import Retention, Settings
from orchestration.steps.pulling import Pull

NOW = datetime(2026, 7, 1)


def settings_of(root: Path, **retention: dict[str, int]) -> Settings:
    limits = {kind: Retention(**days) for kind, days in retention.items()}
    return Settings(exports=str(root / "exports"), home=root / "home", retention=limits)


def ticket(number: int, day: str, status: str = "open") -> dict[str, str]:
    return {"ticket_id": f"t{number}", "created_at": f"2026-{day}T10:00:00Z", "status": status, "text": f"{NAME} {number}"}


def pulled(root: Path, *rows: dict[str, str]) -> None:
    (root / "exports").mkdir()
    write(root / "exports", "tickets", list(rows))
    for _ in Pull(settings_of(root), lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
        pass


def applied(settings: Settings, later: timedelta = timedelta()) -> list[str]:
    ledger = Ledger(settings.ledger)
    arrived = datetime.fromisoformat(ledger.landed()[0].landed_at).replace(tzinfo=None)
    now = arrived + later if later else NOW
    return list(apply_retention(settings, ledger, what_is_read(settings, ledger)[1], now))


def texts(settings: Settings) -> list[Any]:
    (path,) = (settings.raw / "tickets").glob("0*.parquet")
    return pq.ParquetFile(path).read()["text"].to_pylist()


def test_texts_go_when_their_rows_are_old_enough(tmp_path: Path) -> None:
    pulled(tmp_path, ticket(1, "03-01"), ticket(2, "05-01"), ticket(3, "06-20"))
    settings = settings_of(tmp_path, tickets={"texts": 90})
    assert applied(settings) == ["retention: tickets: texts of 1 row(s) of before 2026-04-02 removed"]
    assert texts(settings) == ["[removed]", f"{NAME} 2", f"{NAME} 3"]
    assert applied(settings) == []
    shorter = settings_of(tmp_path, all={"texts": 30})
    assert applied(shorter) == ["retention: tickets: texts of 1 row(s) of before 2026-06-01 removed"]
    assert texts(shorter) == ["[removed]", "[removed]", f"{NAME} 3"]


@pytest.mark.ci
def test_a_file_that_is_read_anew_loses_them_again_in_the_same_run(tmp_path: Path) -> None:
    pulled(tmp_path, ticket(1, "03-01"))
    settings = settings_of(tmp_path, tickets={"texts": 1}).model_copy(update={"replay": True})
    for _ in range(2):
        for _ in Pull(settings, lambda _: None).kinds(lambda _, batches: [True] * len(batches)):
            pass
        assert texts(settings) == ["[removed]"]


def test_originals_and_rejected_cells_go_and_all_counts_stay(tmp_path: Path) -> None:
    pulled(tmp_path, ticket(1, "03-01"), ticket(2, "03-02"), ticket(3, "03-03", status="no such word"))
    settings = settings_of(tmp_path, all={"originals": 30, "rejected": 60})
    loads = Ledger(settings.ledger).loads()
    assert applied(settings, timedelta(days=29)) == []
    assert applied(settings, timedelta(days=31)) == ["retention: 1 original(s) removed"]
    assert {trace.partition("/")[0] for trace in traces(settings.home)} == {"raw", "quarantine"}
    assert applied(settings, timedelta(days=61)) == ["retention: tickets: cells of 1 rejected row(s) removed"]
    assert {trace.partition("/")[0] for trace in traces(settings.home)} == {"raw"}
    # What was loaded stays, and cannot be read again.
    said: list[str] = []
    replay = settings.model_copy(update={"replay": True, "retention": {}})
    for _ in Pull(replay, said.append).kinds(lambda _, batches: [True] * len(batches)):
        pass
    assert any("stay as they were read" in line for line in said)
    assert Ledger(settings.ledger).loads() == loads
    assert texts(settings) == [f"{NAME} 1", f"{NAME} 2"]


def test_an_original_outlives_no_text_that_it_holds() -> None:
    settings = settings_of(Path("x"), all={"originals": 400, "texts": 90}, orders={"originals": 20})
    assert limits_of(settings, "tickets").originals == 90
    assert (limits_of(settings, "orders").originals, limits_of(settings, "orders").texts) == (20, None)
    assert limits_of(settings, "shipments").originals == 400


@pytest.mark.parametrize(("kind", "words"), [("letters", "no kind 'letters'"), ("orders", "orders has no texts")])
def test_a_limit_that_means_nothing_is_refused(kind: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_retention(settings_of(Path("x"), **{kind: {"texts": 3}}))
