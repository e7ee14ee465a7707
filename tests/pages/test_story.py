"""The sample's story: the overview finds each month's problem, and says whom it is due to."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from homes import Cxhouse, Home

from orchestration.dashboard.blocks import Findings
from orchestration.dashboard.overview import overview
from orchestration.publish.reading import open_published
from orchestration.published.marts import Marts, View
from orchestration.reference.docs import SAMPLE
from orchestration.sample.company import TOPIC_TEAM, Scope
from orchestration.sample.life import live
from orchestration.sample.story import BAD_BATCH, CARRIER, CHAPTERS, CHAT, PAYMENTS, STAFF_ILL, Chapter

SCOPE = Scope(*SAMPLE)
#: Found by the few cases of the sample that most tests share; the others need the larger one.
PLAIN = [chapter for chapter in CHAPTERS if chapter.key in (PAYMENTS, CARRIER)]


def is_found(marts: Marts, chapter: Chapter) -> bool:
    """Does the overview of a chapter's month name its KPI among what is wrong or worse, with whom it is due to?"""
    last_on = ((chapter.month(SCOPE) + 1).astype("datetime64[D]")).item() - timedelta(days=1)
    assert isinstance(last_on, date)
    label = marts.definitions[chapter.kpi_id]["label"]
    found = [
        finding
        for block in overview(marts, View("month", last_on=last_on))
        if isinstance(block, Findings) and block.title in ("What needs you", "Became worse")
        for finding in block.findings
        if finding.text.startswith(label)
    ]
    # A topic is one team's, which tells as much of a change.
    whom = {chapter.member, TOPIC_TEAM.get(chapter.member, chapter.member)}
    return any(member in finding.why for finding in found for member in whom)


@pytest.mark.parametrize("chapter", PLAIN, ids=lambda chapter: chapter.key)
def test_the_overview_finds_the_problem(sample_home: Home, chapter: Chapter) -> None:
    with sample_home.published() as con:
        assert is_found(Marts(con), chapter)


@pytest.mark.slow
def test_the_overview_finds_every_months_problem(tmp_path: Path, cxhouse: Cxhouse) -> None:
    """On the sample that `make run` writes."""
    cxhouse("sample", "--out", tmp_path)
    cxhouse("run", "--exports", tmp_path / "exports", "--home", tmp_path / "home", "--config", tmp_path / "config")
    with open_published(tmp_path / "home" / "published" / "marts.duckdb") as con:
        marts = Marts(con)
        assert [chapter.key for chapter in CHAPTERS if not is_found(marts, chapter)] == []


def test_problems_keep_to_their_month_and_members() -> None:
    """From the generator's own frames: how many times as often as in the other months of the half year."""
    life = live(Scope(4000, 365, 5), 0, 4000)
    orders, tickets, calls = life.orders, life.tickets, life.calls
    chapters = {chapter.key: chapter for chapter in CHAPTERS}
    late = orders["delivered_at"].to_numpy() >= orders["promised_on"].to_numpy().astype("datetime64[s]") + 86400
    slow_chat = (tickets["answered_at"] - tickets["at"]).dt.total_seconds() > 60
    for key, frame, when, is_bad, members in [
        (CARRIER, orders, "ordered_at", late, orders["country"] == "FR"),
        (PAYMENTS, orders, "ordered_at", orders["cancelled_by"] == "seller", orders["channel"] == "webshop"),
        (BAD_BATCH, orders, "ordered_at", ~orders["refunded_at"].isna(), orders["is_bad"]),
        (CHAT, tickets, "at", slow_chat, tickets["via"] == "Live chat"),
        (STAFF_ILL, calls, "queued_at", calls["wait"] > 20, calls["team"] == "First line"),
    ]:
        month = frame[when].to_numpy().astype("datetime64[M]")
        hit = (month == chapters[key].month(life.scope)) & members.to_numpy()
        is_bad = is_bad.to_numpy() if hasattr(is_bad, "to_numpy") else is_bad
        assert is_bad[hit].mean() > 0.1, key
        if key != BAD_BATCH:  # there is no such item before
            assert is_bad[hit].mean() > 2 * is_bad[~hit & members.to_numpy()].mean(), key
        if key != CHAT:  # who writes a mail waits longer than a minute at any time
            assert is_bad[~members.to_numpy()].mean() < 0.2, key


def test_no_cohort_is_unlike_the_others() -> None:
    """Customers come evenly: the first month wins as many as any other."""
    life = live(Scope(6000, 365, 5), 0, 6000)
    month = life.customers["joined_at"].dt.to_period("M").value_counts()
    assert len(month) == 12
    assert month.max() < 1.5 * month.min()  # February is short
