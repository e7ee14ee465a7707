"""Late, repeated and corrected exports: what they touch is restated, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from homes import REPOSITORY, Cxhouse, Home
from published import published_rows

from orchestration.settings.loading import load_settings

#: An instant that the sample spoils tickets with.
BAD_DATE = "n/a"
LATE_DAY = "2026-03-10"
LATE_REVIEWS = "review_id,created_at,rating,source\n" + "".join(f"late{n},{LATE_DAY} 12:0{n}:00,1,shop\n" for n in range(4))


@pytest.fixture
def copied(copied_home: Home) -> Home:
    # Rows computed from now on carry a later second.
    time.sleep(1)
    return copied_home


#: What a review can change beside the reviews' own KPIs: those that look ahead from an order or a touchpoint to it.
LOOKING_AHEAD = {
    "fct_stage_entries", "fct_orders", "fct_order_windows", "audit_review_bursts", "review_steadiness", "fct_competitor_periods",
}  # fmt: skip


def restated_days(home: Home, since: object, of: str = "%") -> list[date]:
    """Days whose KPIs (of a fact, if one is named) were recomputed."""
    query = (
        "select distinct period_start from kpis inner join kpi_definitions using (kpi_id) "
        "where grain = 'day' and computed_at > ? and fact like ? order by 1"
    )
    return [row[0] for row in home.query(query, since, of)]


def newest(home: Home) -> object:
    return home.query("select max(computed_at) from kpis")[0][0]


@pytest.mark.ci
def test_a_late_file_restates_its_day_and_no_other(copied: Home, cxhouse: Cxhouse) -> None:
    before, since = copied.query("select * exclude (computed_at) from kpis"), newest(copied)
    (copied.exports / "reviews_late.csv").write_text(LATE_REVIEWS)
    cxhouse("run", "--exports", copied.exports, *copied.options)
    assert restated_days(copied, since, of="fct_reviews") == [date.fromisoformat(LATE_DAY)]
    assert len(restated_days(copied, since)) < 5
    changed = copied.query(
        "select distinct fact from kpis inner join kpi_definitions using (kpi_id) where computed_at > ?", since
    )
    assert {row[0] for row in changed} <= {"fct_reviews"} | LOOKING_AHEAD
    # The same file once more changes nothing, and restates nothing.
    after, since = copied.query("select * exclude (computed_at) from kpis order by all"), newest(copied)
    (copied.exports / "reviews_late.csv").touch()
    (copied.exports / "reviews_again.csv").write_text(LATE_REVIEWS)
    cxhouse("run", "--exports", copied.exports, *copied.options)
    assert copied.query("select * exclude (computed_at) from kpis order by all") == after
    assert restated_days(copied, since) == []
    assert len(after) >= len(before)


def spoil(home: Home) -> None:
    """Lose the reviews of a day from a table, as no run would."""
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as con:
        con.execute(
            "delete from journey.fct_reviews "
            "where cast(created_at at time zone 'UTC' at time zone 'Europe/Berlin' as date) = ?", [LATE_DAY],
        )  # fmt: skip


def by_command(home: Home, cxhouse: Cxhouse) -> None:
    cxhouse("run", "--from", LATE_DAY, "--exports", home.exports, *home.options)


def by_backfill(home: Home, _: Cxhouse) -> None:
    """As Dagster's backfill does: one run over a range of partitions; in a process of its own, like a run of Dagster's."""
    settings = load_settings(str(home.exports), str(home.path), str(home.config))
    code = "import sys; from backfilling import backfill_days; backfill_days(*sys.argv[1:])"
    done = subprocess.run(
        [
            sys.executable, "-c", code,
            settings.exports_place, str(settings.home), str(settings.config_dir), "2026-03-09", LATE_DAY,
        ],
        cwd=REPOSITORY, env={"PYTHONPATH": "tests/helpers", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("again", [by_backfill, by_command])
def test_chosen_days_are_processed_again(copied: Home, cxhouse: Cxhouse, again: Callable[[Home, Cxhouse], None]) -> None:
    before, since = published_rows(copied.path), newest(copied)
    spoil(copied)
    again(copied, cxhouse)
    assert published_rows(copied.path) == before
    assert restated_days(copied, since) == [], "what comes out the same keeps its time"


def test_wrong_days_are_explained(cxhouse: Cxhouse, tmp_path: Path) -> None:
    for options, said in (
        (["--from", "yesterday"], "is no date"),
        (["--to", "2026-01-01"], "--to needs --from"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "is before"),
    ):
        assert said in cxhouse("run", "--home", tmp_path, *options, exit_code=2).stderr


@pytest.mark.slow
def test_replay_loads_what_now_fits(copied: Home, cxhouse: Cxhouse, tmp_path: Path) -> None:
    listed = cxhouse("quarantine", "--kind", "tickets", *copied.options).stdout
    assert "created_at is required but empty" in listed, "a word for missing, in a column that is no text"
    exported = cxhouse("quarantine", "--kind", "tickets", "--out", tmp_path / "out", *copied.options).stdout
    assert "tickets_corrected.csv" in exported
    assert BAD_DATE in (tmp_path / "out" / "tickets_corrected.csv").read_text()
    rejected = "select rows_loaded, rows_quarantined from load_ledger where contract = 'acme_tickets'"
    ((loaded, quarantined),) = copied.query(rejected)
    contract = (copied.config or Path()) / "contracts" / "acme_tickets.yml"
    text = contract.read_text()
    assert "created_at" not in text
    contract.write_text(
        text.replace("columns:\n", f"columns:\n  created_at: {{from: Created at, map: {{{BAD_DATE}: 2026-02-28 12:00:00}}}}\n", 1)
    )
    # The exports are gone from their folder: the landed originals are enough.
    shutil.rmtree(copied.exports)
    copied.exports.mkdir()
    cxhouse("replay", "--exports", copied.exports, *copied.options)
    ((loaded_now, quarantined_now),) = copied.query(rejected)
    assert loaded_now > loaded
    assert loaded_now + quarantined_now == loaded + quarantined
    assert f"'{BAD_DATE}'" not in cxhouse("quarantine", *copied.options).stdout


@pytest.mark.slow
def test_the_same_date_gives_the_same_marts_whatever_the_clock_says(copied: Home) -> None:
    today = published_rows(copied.path)
    code = (
        "import sys, time_machine; from orchestration.cli import main\n"
        "with time_machine.travel('2031-02-03T04:05:06Z', tick=True): main(sys.argv[1:])\n"
    )
    options = ["run", "--full-refresh", "--exports", copied.exports, *copied.options]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, options)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(copied.query("select published_at from publication")[0][0]).startswith("2031-02-03")
    assert str(newest(copied)).startswith("2031-02-03")
    assert published_rows(copied.path) == today
