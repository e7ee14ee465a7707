"""Who is forgotten leaves nothing in Spark's tables either, and the next run on Spark counts their rows on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from homes import REPOSITORY, Cxhouse, Home
from persons import traces
from sparks import SMALL, configured, needs_spark

PERSON = "amelie.quastenflosser@leak.example"
WORDS = ("quastenflosser",)


def export(folder: Path) -> None:
    folder.mkdir()
    people = [PERSON, *(f"c{number}@x.example" for number in range(8))]
    days = [f"2026-06-{number % 9 + 1:02}" for number in range(27)]
    tickets = "".join(
        f"T{number},{day} 10:00,solved,{day} 12:00,email,{people[number % 9]},Hello {number}\n" for number, day in enumerate(days)
    )
    orders = "".join(f"O{number},2026-06-{number + 1:02} 09:00,paid,{person},10,EUR\n" for number, person in enumerate(people))
    (folder / "tickets.csv").write_text(f"ticket_id,created_at,status,solved_at,channel,customer_email,subject\n{tickets}")
    (folder / "orders.csv").write_text(f"order_id,ordered_at,status,customer_email,total_amount,currency\n{orders}")


def numbers(home: Home) -> list[tuple]:
    return home.shown(
        "select kpi_id, grain, period_start, dimension, member, printf('%.9g', value), n, n_pending from kpis order by all"
    )


@needs_spark
@pytest.mark.slow
def test_no_trace_stays_in_sparks_tables(tmp_path: Path, cxhouse: Cxhouse) -> None:
    export(tmp_path / "exports")
    config = configured(tmp_path / "config", {**SMALL, "min_people": 1, "vars": {"kpi_grains": ["month", "all"]}})
    home = Home(tmp_path / "home", tmp_path / "exports", config)
    run = ["run", "--engine", "spark", "--exports", home.exports, *home.options, "--as-of", "2026-07-01"]
    cxhouse(*run)
    before = numbers(home)
    assert [path for path in traces(home.path, WORDS) if "spark" in str(path)], "Spark's tables hold the person before"
    command = [sys.executable, "-m", "orchestration.cli", "forget", *map(str, home.options), "--yes", "--reference", "R-1"]
    refused = subprocess.run(command, input=PERSON, text=True, cwd=REPOSITORY, check=False, capture_output=True)
    assert refused.returncode == 2
    assert "it was built by Spark" in refused.stderr
    subprocess.run([*command, "--engine", "spark"], input=PERSON, text=True, cwd=REPOSITORY, check=True)
    assert list(traces(home.path, WORDS)) == []
    cxhouse(*run)
    assert list(traces(home.path, WORDS)) == []
    assert any((home.path / "spark").rglob("*.parquet")), "the tables were built again"
    assert numbers(home) == before
