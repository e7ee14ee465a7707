"""The report and the docs site, in a browser: what they show is what the marts hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import plotly.graph_objects as go
import pytest
from browsing import Watched, chromium
from homes import Cxhouse, Home
from playwright.sync_api import Browser
from scipy import stats

from orchestration.dashboard.blocks import Cards, Chart
from orchestration.dashboard.charts import trend
from orchestration.dashboard.families import family_of
from orchestration.dashboard.journey import feedback, journey_map
from orchestration.dashboard.kpi import kpis_of
from orchestration.dashboard.pages import pages
from orchestration.dashboard.report import write_report
from orchestration.published.cases import cases_behind
from orchestration.published.marts import Marts, View, period_end, period_name

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(sample_home: Home) -> str:
    return (sample_home.path / "published" / "report.html").absolute().as_uri()


def slugs(home: Home) -> list[str]:
    with home.published() as con:
        return [page.slug for page in pages(Marts(con))]


def monthly(home: Home) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for kpi_id, month, value in home.shown(
        "select kpi_id, cast(period_start as varchar), value from kpis "
        "where grain = 'month' and dimension = 'all' and period_start < date '2026-07-01' order by all"
    ):
        found.setdefault(kpi_id, {})[month] = value
    return found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.slow)])
def test_every_page_of_the_report(browser: Browser, report: str, sample_home: Home, width: int, scheme: str) -> None:
    watched = Watched(browser, width, scheme)
    for slug in slugs(sample_home):
        watched.page.goto(f"{report}#{slug}")
        watched.page.wait_for_function("document.querySelectorAll('section.page:not([hidden])').length === 1")
        assert watched.page.evaluate("document.querySelector('section.page:not([hidden])').id") == slug
        watched.page.evaluate("document.querySelectorAll('.chart').forEach((c) => { if (c.offsetParent) draw(c); })")
        shown = "[...document.querySelectorAll('.chart')].filter((c) => c.offsetParent)"
        watched.page.wait_for_function(f"{shown}.every((chart) => chart.querySelector('svg.main-svg'))")
        watched.check(f"{slug} at {width}")


def test_the_charts_hold_the_numbers_of_the_mart(browser: Browser, report: str, sample_home: Home) -> None:
    watched = Watched(browser)
    watched.page.goto(report)
    drawn = watched.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('article.card:not(.tile)')].map((card) => {
            const source = card.querySelector('.chart script');
            if (!source && !card.querySelector('.chart')) return [card.dataset.kpi, null];
            const chart = card.querySelector('.chart');
            const figure = source ? JSON.parse(source.textContent) : { data: chart.data, layout: chart.layout };
            const line = figure.data[figure.data.length - 1];
            const title = figure.layout.yaxis.title;
            return [card.dataset.kpi, { x: line.x, y: line.y, axis: title ? title.text : '' }];
        }))"""
    )
    mart = monthly(sample_home)
    units = dict(sample_home.query("select kpi_id, unit from kpi_definitions"))
    with sample_home.published() as con:
        kpis = kpis_of(Marts(con), View())
    # The other statistics and clocks of a measure are in its card, in the period of the card.
    beside = watched.page.evaluate(
        "[...document.querySelectorAll('.variants td[data-kpi]')].map((cell) => [cell.dataset.kpi, cell.textContent.trim()])"
    )
    for kpi_id, text in beside:
        month = kpis[family_of(kpi_id)[0]].now
        value = mart[kpi_id].get(str(month["period_start"])) if month else None
        assert text.replace("\N{NO-BREAK SPACE}", " ") == kpis[kpi_id].formatted(value), kpi_id
    assert set(drawn) | {kpi_id for kpi_id, _ in beside} == set(units)
    assert len(beside) >= 25
    compared = 0
    for kpi_id, chart in drawn.items():
        if chart is None:
            assert not any(value is not None for value in mart.get(kpi_id, {}).values()), kpi_id
            continue
        divisor = SECONDS[chart["axis"]] if units[kpi_id] == "seconds" else 0.01 if units[kpi_id] == "points_of_1" else 1
        shown = {month: None if value is None else value * divisor for month, value in zip(chart["x"], chart["y"], strict=True)}
        assert shown == pytest.approx(mart[kpi_id]), kpi_id
        compared += 1
    assert compared > 80


def test_sparklines_run_through_the_values_of_whole_periods(browser: Browser, report: str, sample_home: Home) -> None:
    """Each value is as high in its box as it is in the range of values and targets; a gap in the values is one in the line."""
    page = Watched(browser).page
    page.goto(report)
    drawn = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('article.card.tile .spark')].map((spark) => {
            const drawing = decodeURIComponent(spark.querySelector('img').src.split(',').slice(1).join(','));
            const svg = new DOMParser().parseFromString(drawing, 'image/svg+xml');
            return [spark.closest('article').dataset.kpi, {
                paths: [...svg.querySelectorAll('path[stroke-width="2"]')].map((path) => path.getAttribute('d')),
                words: [...spark.querySelectorAll('span')].map((period) => period.title),
            }];
        }))"""
    )
    assert len(drawn) >= 5
    with sample_home.published() as con:
        kpis = kpis_of(Marts(con), View())
    for kpi_id, line in drawn.items():
        rows = kpis[kpi_id].whole
        assert len(line["words"]) == len(rows)
        assert line["words"][-1].endswith(kpis[kpi_id].formatted(rows[-1]["value"]))
        points = [tuple(map(float, point.split(","))) for path in line["paths"] for point in path[1:].split("L")]
        values = [row["value"] for row in rows if row["value"] is not None]
        known = [*values, *(row["target"] for row in rows if row["target"] is not None)]
        heights = [43 - 38 * (value - min(known)) / (max(known) - min(known)) for value in values]
        assert [y for _, y in points] == pytest.approx(heights, abs=0.06), kpi_id
        gaps = sum(row["value"] is None and before["value"] is not None for before, row in pairwise(rows))
        assert len(line["paths"]) == gaps + (rows[-1]["value"] is not None)


@pytest.mark.ci
def test_it_can_be_used_by_keyboard(browser: Browser, report: str, sample_home: Home) -> None:
    page = Watched(browser).page
    page.goto(report)
    reached = []
    for _ in range(len(slugs(sample_home)) + 2):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    with sample_home.published() as con:
        titles = [shown.title for shown in pages(Marts(con))]
    assert reached == ["To the content", *titles, "Light / dark"]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground
    for _ in range(len(titles) - 1):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash !== ''")
    assert page.locator("section.page:not([hidden]) h1").inner_text() == titles[1]


def test_it_asks_for_nothing(report: str) -> None:
    text = Path(report.removeprefix("file://")).read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    own = text.replace(text[text.index("<script>") : text.index("</script>", text.index("plotly.js v"))], "")
    assert 'src="http' not in own
    assert "@import" not in own


@pytest.mark.ci
def test_every_figure_is_one_of_plotly(sample_home: Home) -> None:
    """Figures are written as JSON; Plotly's own classes refuse what its schema does not know."""
    with sample_home.published() as con:
        marts = Marts(con)
        for view in (
            View(),
            View("week", date(2026, 1, 1), date(2026, 5, 1), "channel", "email"),
            View("quarter", dimension="team", member="none"),
        ):
            for page in pages(marts):
                for block in page.blocks(marts, view):
                    if isinstance(block, Chart):
                        go.Figure(block.figure)
                    elif isinstance(block, Cards):
                        for kpi in block.kpis:
                            go.Figure(trend(kpi))


@pytest.mark.ci
def test_every_cut_of_every_page(sample_home: Home) -> None:
    """No choice breaks a page: each dimension, and, in turn, a span in which there is nothing."""
    spans = cycle([(None, None), (date(2030, 1, 1), date(2030, 2, 1))])
    with sample_home.published() as con:
        marts = Marts(con)
        assert len(marts.members) > 20
        for (dimension, members), span in zip(marts.members.items(), spans, strict=False):
            for page in pages(marts):
                assert page.blocks(marts, View("quarter", *span, dimension, members[0])), (page.slug, dimension)


def test_charts_of_facts_count_what_the_kpis_count(sample_home: Home) -> None:
    """Reviews of a month, and what became of those who entered a stage: in the reporting time zone's days, as the mart."""
    with sample_home.published() as con:
        marts = Marts(con)
        (stars,) = [block for block in feedback(marts, View()) if block.title == "Reviews by stars"]
        assert isinstance(stars, Chart)
        drawn: dict[str, int] = {}
        for trace in stars.figure["data"]:
            for month, reviews in zip(trace["x"], trace["y"], strict=True):
                drawn[month] = drawn.get(month, 0) + reviews
                assert reviews == 0 or reviews >= marts.least
        journey = {block.title: block for block in journey_map(marts, View()) if isinstance(block, Chart)}
        fates = journey["What became of those who entered a stage"]
        steps = journey["How far people get"].figure["data"][0]
        assert steps["x"] == sorted(steps["x"], reverse=True)
        assert all(lost == 0 or lost >= marts.least for lost in map(int.__sub__, steps["x"], steps["x"][1:]))
        ((everybody,),) = sample_home.query(
            "select count(distinct traveller_key) from fct_stage_entries where not is_whole_journey"
        )
        assert steps["x"][0] == everybody
        decided: dict[str, int] = {}
        for trace in fates.figure["data"]:
            for stage, entries in zip(trace["y"], trace["x"], strict=True):
                decided[stage] = decided.get(stage, 0) + ((entries or 0) if trace["name"] != "pending" else 0)
    counted = {
        "reviews": sample_home.query(
            "select cast(period_start as varchar), n from kpis "
            "where kpi_id = 'review_volume' and grain = 'month' and dimension = 'all' and n > 0"
        ),
        "entries": sample_home.query(
            "select member, n from kpis where kpi_id = 'stage_conversion' and grain = 'all' and dimension = 'stage'"
        ),
    }
    for name, seen, groups, whole in (("reviews", drawn, 5, 1), ("entries", decided, 3, 5)):
        # Lacking is only what a group of fewer than five people would have added.
        lacking = {key: n - seen.get(key, 0) for key, n in counted[name]}
        assert set(seen) <= set(lacking)
        assert all(0 <= missing <= groups * 4 for missing in lacking.values()), (name, lacking)
        assert sum(missing == 0 for missing in lacking.values()) >= whole, (name, lacking)


def chance(kind: str, now: tuple[Any, ...], before: tuple[Any, ...]) -> float | None:
    """The p value of a difference by scipy's tests of tables and of means, from (…, hits, cases, n, low, high)."""
    (value, hits, cases, n, low, high), (value_b, hits_b, cases_b, n_b, low_b, high_b) = now, before
    if kind == "wilson":
        table = [[hits, cases - hits], [hits_b, cases_b - hits_b]]
        if min(map(sum, zip(*table, strict=True))) == 0:
            return 1.0
        few = stats.contingency.expected_freq(table).min() < 5
        tested = stats.fisher_exact(table) if few else stats.chi2_contingency(table, correction=False)
        return float(tested.pvalue)
    if kind == "t" and n > 1 and n_b > 1 and (high > low or high_b > low_b):
        ends = ((low, high, n), (low_b, high_b, n_b))
        spread = [(upper - lower) / 2 / stats.t.ppf(0.975, count - 1) * count**0.5 for lower, upper, count in ends]
        return float(stats.ttest_ind_from_stats(value, spread[0], n, value_b, spread[1], n_b, equal_var=False).pvalue)
    return None


def test_cards_say_what_the_mart_says(sample_home: Home) -> None:
    """The newest whole period, the one before, and a change only where a test of the difference finds one."""
    tested = 0
    with sample_home.published() as con:
        marts = Marts(con)
        for kpi in kpis_of(marts, View("quarter")).values():
            rows = sample_home.shown(
                "select period_start, value, numerator, denominator, n, ci_low, ci_high from kpis "
                "where kpi_id = ? and grain = 'quarter' and dimension = 'all' and value is not null "
                "and period_start < date '2026-07-01' order by 1 desc",
                kpi.id,
            )
            if not rows:
                assert kpi.absence
                continue
            assert kpi.now is not None
            assert (kpi.now["period_start"], kpi.now["value"]) == rows[0][:2]
            if len(rows) > 1 and period_end("quarter", rows[1][0]) == rows[0][0] and None not in rows[0] + rows[1]:
                p = chance(kpi.definition["interval_kind"], rows[0][1:], rows[1][1:])
                if p is None:
                    continue
                tested += 1
                assert kpi.p_value == pytest.approx(p, rel=1e-6, abs=1e-9), kpi.id
                is_other = kpi.formatted(rows[0][1]) != kpi.formatted(rows[1][1])
                assert ("too few cases to tell" in kpi.change) == (p >= 0.05 and is_other)
    assert tested > 40


def test_periods_end_where_the_next_begins() -> None:
    for grain, start, end, name in [
        ("day", date(2026, 2, 28), date(2026, 3, 1), "2026-02-28"),
        ("week", date(2026, 12, 28), date(2027, 1, 4), "week of 2026-12-28"),
        ("month", date(2026, 1, 1), date(2026, 2, 1), "January 2026"),
        ("month", date(2026, 12, 1), date(2027, 1, 1), "December 2026"),
        ("quarter", date(2026, 10, 1), date(2027, 1, 1), "2026 Q4"),
        ("quarter", date(2026, 1, 1), date(2026, 4, 1), "2026 Q1"),
    ]:
        assert period_end(grain, start) == end
        assert period_name(grain, start) == name


@pytest.mark.ci
def test_the_cases_behind_a_value_are_as_many_as_it_says(sample_home: Home) -> None:
    """For the KPIs that count rows; others count days, customers of a period, or two facts."""
    counted: dict[str, bool] = {}
    with sample_home.published() as con:
        marts = Marts(con)
        for row in marts.rows(
            "select * from kpis where grain = 'month' and dimension in ('all', 'channel', 'country') and n > 0 "
            "and period_start between date '2026-04-01' and date '2026-06-01'"
        ):
            found = cases_behind(marts, row["kpi_id"], "month", row["period_start"], row["dimension"], row["member"])
            same = found is not None and found.count(marts) == row["n"]
            counted[row["kpi_id"]] = counted.get(row["kpi_id"], True) and same
    assert sum(counted.values()) >= 85, sorted(kpi for kpi, same in counted.items() if not same)
    assert all(counted[kpi] for kpi in ("nps", "csat", "on_time_delivery_rate", "first_response_time", "fcr_observed"))


@pytest.fixture
def copied(sample_home: Home, tmp_path: Path) -> Path:
    shutil.copy(sample_home.path / "published" / "analysis.duckdb", tmp_path / "analysis.duckdb")
    return Path(shutil.copy(sample_home.path / "published" / "marts.duckdb", tmp_path / "marts.duckdb"))


@pytest.mark.ci
def test_nothing_at_all(copied: Path, browser: Browser) -> None:
    """A home whose tables are all empty, and one whose mart has quarters only and leaves most KPIs out (kpi_grains, kpi_ids)."""
    few = Path(shutil.copy(copied, copied.with_name("few.duckdb")))
    for path in (copied, copied.with_name("analysis.duckdb")):
        with duckdb.connect(str(path)) as con:
            for (table,) in con.execute("select table_name from duckdb_tables() where table_name <> 'publication'").fetchall():
                con.execute(f'delete from "{table}"')
    with duckdb.connect(str(few)) as con:
        con.execute("delete from kpis where grain not in ('quarter', 'all') or kpi_id <> 'csat'")
        con.execute("delete from kpi_definitions where kpi_id <> 'csat'")
    for path, slug in ((copied, "overview"), (few, "stage-relationship")):
        report = path.with_suffix(".html")
        write_report(path, report)
        watched = Watched(browser)
        watched.page.goto(f"{report.as_uri()}#{slug}")
        watched.check(path.name)
    assert "2026 Q2" in watched.page.locator("#stage-relationship [data-kpi=csat]").inner_text()


def test_names_are_shown_not_run(copied: Path, browser: Browser) -> None:
    name = "<script>document.title = 'run'</script><b>&\"'ü"
    with duckdb.connect(str(copied)) as con:
        con.execute("update alerts set message = ?, case_query = ?", [name, f"select '{name}'"])
        con.execute("update load_ledger set file = ?", [name])
        con.execute("update kpi_definitions set label = ? where kpi_id = 'nps'", [name])
    with duckdb.connect(str(copied.with_name("analysis.duckdb"))) as con:
        con.execute("update fct_stage_entries set last_touchpoint = ?", [name])
    report = copied.with_suffix(".html")
    write_report(copied, report)
    watched = Watched(browser)
    for slug, times in (("overview", 2), ("alerts", 1), ("health", 1), ("journey", 1)):
        watched.page.goto(f"{report.as_uri()}#{slug}")
        assert watched.page.get_by_text(name, exact=False).count() >= times, slug
        watched.check(slug)
    assert watched.page.title() == "cxhouse"


def test_a_member_is_bound_not_written(sample_home: Home) -> None:
    with sample_home.published() as con:
        marts = Marts(con)
        found = cases_behind(marts, "csat", "month", date(2026, 6, 1), "channel", "x' or 1 = 1 --")
        assert found is not None
        assert found.count(marts) == 0
        assert cases_behind(marts, "csat", "month", date(2026, 6, 1), "no_dimension", "x") is None
        assert cases_behind(marts, "employee_pay", "month", date(2026, 6, 1)) is None, "its fact is not published"


@pytest.mark.slow
def test_the_docs_site(browser: Browser, cxhouse: Cxhouse, sample_home: Home) -> None:
    output = cxhouse("docs", "--no-open", *sample_home.options).stdout
    index = Path(output.strip().splitlines()[-1])
    assert index == sample_home.path / "docs" / "index.html"
    definitions: list[tuple[Any, ...]] = sample_home.query(
        "select kpi_id, label, description, source from kpi_definitions order by 1"
    )
    assert {path.stem for path in (index.parent / "kpis").glob("*.html")} == {row[0] for row in definitions}
    for width, scheme in ((1280, "dark"), (390, "light")):
        watched = Watched(browser, width, scheme)
        watched.page.goto(index.as_uri())
        watched.check("index")
        assert watched.page.locator("article.card").count() == len(definitions)
        for kpi_id, label, description, source in definitions[::25]:
            watched.page.goto((index.parent / "kpis" / f"{kpi_id}.html").as_uri())
            text = watched.page.locator("main").inner_text()
            assert label in text
            assert " ".join(description.split())[:60] in " ".join(text.split())
            assert source in text
            assert "models/kpis/" in text
            watched.check(kpi_id)
        watched.page.goto(index.as_uri())
        watched.page.locator("main a", has_text="UTC, run").first.click()
        watched.page.wait_for_selector("h2:has-text('Gates')")
        watched.check("gates")
    tables = Watched(browser)
    tables.page.goto((index.parent / "tables.html").as_uri())
    tables.check("tables")
    assert "Salted hash" in tables.page.locator("main").inner_text()
    guides = Watched(browser, 390)
    for page in sorted((index.parent / "guides").glob("*.html")):
        guides.page.goto(page.as_uri())
        guides.check(page.name)
        targets = "[...document.querySelectorAll('.guide a[href], .guide img')].map((a) => a.href || a.src)"
        for link in guides.page.evaluate(targets):
            name, _, anchor = link.partition("#")
            if name.startswith("file:"):
                target = Path(unquote(urlsplit(name).path))
                assert target.is_file(), link
                assert not anchor or f'id="{unquote(anchor)}"' in target.read_text(encoding="utf-8"), link
    assert (index.parent / "guides" / "privacy.html").is_file()
    models = Watched(browser)
    models.page.goto((index.parent / "models.html").as_uri() + "#!/model/model.cxhouse.fct_tickets")
    models.page.wait_for_selector("text=Salted hash")
    assert not models.elsewhere


def test_the_docs_of_an_empty_home(cxhouse: Cxhouse, tmp_path: Path) -> None:
    assert "nothing is published" in cxhouse("docs", "--no-open", "--home", tmp_path, exit_code=2).stderr
