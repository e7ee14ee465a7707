"""The KPIs of bots and of teams, by month, against a second computation over the raw rows of a sample with a bot."""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path

import pytest
from conversation_cases import BOTS, MEANS, TEAMS
from homes import AS_OF, Cxhouse, Home, built_once
from independent import Company, percentile

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bot_home(tmp_path_factory: pytest.TempPathFactory, cxhouse: Cxhouse) -> Home:
    """The sample of few customers, with chats that a bot answers first and a price of them."""

    def build(folder: Path) -> None:
        cxhouse("sample", "--out", folder, "--customers", "1500", "--days", "200", "--bots")
        settings = folder / "config" / "cxhouse.yml"
        settings.write_text(settings.read_text() + "vars: {bot_cost_per_conversation: 0.75}\n")
        cxhouse("run", "--exports", folder / "exports", "--home", folder / "home", "--config", folder / "config")

    folder = built_once(tmp_path_factory, "bot_home", build)
    return Home(folder / "home", folder / "exports", folder / "config")


@pytest.fixture(scope="module")
def company(bot_home: Home) -> Company:
    return Company(bot_home.path, AS_OF, "Europe/Berlin", bot_home.config / "seeds")


@pytest.mark.parametrize("kpi", [*BOTS, *TEAMS, *MEANS])
def test_mean_or_rate_by_month(kpi: str, company: Company, bot_home: Home) -> None:
    expected = defaultdict(list)
    for at, value in {**BOTS, **TEAMS, **MEANS}[kpi](company):
        expected[company.month(at)].append(float(value))
    found = bot_home.query(
        "select period_start, value, n from kpis where kpi_id = ? and grain = 'month' and dimension = 'all' and n > 0", kpi
    )
    assert {month for month, _, _ in found} == expected.keys()
    assert sum(map(len, expected.values())) > 20, "too few cases to prove anything"
    for month, value, n in found:
        assert value == pytest.approx(statistics.fmean(expected[month]), rel=1e-9, abs=1e-8), month
        assert n == len(expected[month]), month


def test_median_and_cost(company: Company, bot_home: Home) -> None:
    waits = [value for _, value in BOTS["first_reply_time"](company)]
    contained = [value for _, value in BOTS["bot_containment_rate"](company)]
    assert bot_home.kpi("first_reply_time_median", "value") == pytest.approx(percentile(waits, 0.5))
    assert bot_home.kpi("bot_cost_per_contained", "value") == pytest.approx(0.75 * len(contained) / sum(contained))
    assert bot_home.kpi("bot_cost_per_contained", "n") == sum(contained)


def test_a_log_without_bots_tells_none(sample_home: Home) -> None:
    """Absent with the reason, not zero: nobody knows whether no bot wrote, or the log does not say so."""
    for kpi in (*BOTS, "bot_cost_per_contained", "first_reply_time_median"):
        assert sample_home.kpi(kpi, "status") == "not_available", kpi
        wanted = "setting bot_cost_per_conversation" if kpi == "bot_cost_per_contained" else "actor_type bot (ticket_events)"
        assert str(sample_home.kpi(kpi, "missing_export")).startswith(wanted), kpi
