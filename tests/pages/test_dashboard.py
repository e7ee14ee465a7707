"""The dashboard in a browser: its numbers are the mart's, filters choose, and every number leads to its cases."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from browsing import Watched, chromium, dashboard
from homes import Cxhouse, Home
from playwright.sync_api import Browser, Page, expect

from orchestration.dashboard.app import SHOWN_CASES
from orchestration.dashboard.kpi import kpis_of
from orchestration.dashboard.members import members_of
from orchestration.dashboard.pages import pages
from orchestration.messages.alerting import listed
from orchestration.published.marts import Marts, PublishedFile, View
from orchestration.query.asking import Question, answer
from orchestration.runs.alert_groups import remembered_groups
from orchestration.runs.alerts import BY_SEVERITY
from orchestration.settings.model import Settings

#: Streamlit looks for itself below the path of a page that was opened by its address; that is its way of finding its root.
PROBES = "the server responded with a status of 404"


#: A machine that runs other tests beside draws a page later than the five seconds that are Playwright's own.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(sample_home: Home, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    with dashboard(sample_home.path, tmp_path_factory.mktemp("dashboard") / "log") as found:
        yield found


def opened(browser: Browser, address: str, width: int = 1280, scheme: str = "light") -> Watched:
    watched = Watched(browser, width, scheme)
    watched.page.goto(address)
    watched.page.wait_for_selector("article.card, h2", timeout=30_000)
    settled(watched.page)
    return watched


def settled(page: Page) -> None:
    """The app has run to its end, without an exception."""
    page.wait_for_timeout(150)
    page.wait_for_selector('.stApp[data-test-script-state="notRunning"]', timeout=60_000)
    assert page.locator('[data-testid="stException"]').count() == 0, page.locator('[data-testid="stException"]').all_inner_texts()


def plain(text: str) -> str:
    """Without what keeps a number and its unit on one line."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label).first
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def go(watched: Watched, title: str) -> None:
    """To a page, by the sidebar, which is folded on a narrow screen."""
    unfold = watched.page.get_by_test_id("stExpandSidebarButton")
    if unfold.is_visible():
        unfold.click()
    watched.page.get_by_test_id("stSidebarNavLink").filter(has_text=title).first.click()


def look_into(page: Page, kpi_id: str) -> None:
    page.locator(f'a[href$="kpi?kpi={kpi_id}"]').first.click()


def shown(page: Page) -> dict[str, str]:
    """The text of each card by KPI."""
    return {card.get_attribute("data-kpi") or "": plain(card.inner_text()) for card in page.locator("article.card").all()}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.slow)])
def test_every_page(browser: Browser, address: str, sample_home: Home, width: int, scheme: str) -> None:
    watched = opened(browser, address, width, scheme)
    ground = watched.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (max(int(part) for part in ground[4:-1].split(",")[:3]) < 80) == (scheme == "dark"), ground
    with sample_home.published() as con:
        marts = Marts(con)
        kpis = kpis_of(marts, View())
        for page in pages(marts):
            go(watched, page.title)
            expect(watched.page.locator("h1")).to_have_text(page.title)
            settled(watched.page)
            cards = shown(watched.page)
            for kpi_id, text in cards.items():
                kpi = kpis[kpi_id]
                change = kpi.delta if page.slug == "overview" else kpi.change
                wanted = [kpi.absence] if kpi.absence else [kpi.value, kpi.period, kpi.interval, kpi.cases, change]
                assert all(part in text for part in wanted), (kpi_id, text)
            assert cards or page.slug in ("journey", "teams", "words", "alerts", "health")
            watched.check(f"{page.slug} at {width}")


def downloaded(page: Page, button: str) -> str:
    """The file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.ci
def test_on_a_narrow_screen_the_menu_gives_way_to_the_page(browser: Browser, address: str) -> None:
    watched = opened(browser, address, 390)
    page = watched.page
    page.get_by_test_id("stExpandSidebarButton").click()
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Alerts")
    link.click()
    expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_in_viewport()
    expect(link).not_to_be_in_viewport()
    watched.check("a page chosen at 390")


@pytest.mark.ci
def test_filters_choose(browser: Browser, address: str, sample_home: Home) -> None:
    page = opened(browser, address).page
    choose(page, "Periods", "quarter")
    choose(page, "Filter by", "channel")
    choose(page, "Which", "email")
    with sample_home.published() as con:
        marts = Marts(con)
        expected = kpis_of(marts, View("quarter", dimension="channel", member="email"))
        cards = shown(page)
        assert any("2026 Q2" in text for text in cards.values())
        for kpi_id, text in cards.items():
            assert (expected[kpi_id].absence or expected[kpi_id].value) in text, kpi_id
        assert "not measured by channel" in cards["retention_rate"]
        # They stay from page to page.
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Feedback").click()
        expect(page.locator("h1")).to_have_text("Feedback")
        settled(page)
        assert expected["review_score"].absence in shown(page)["review_score"]
        # And the address keeps them all: whoever opens it sees the same.
        assert "grain=quarter" in page.url
        assert "dimension=channel" in page.url
        assert "member=email" in page.url
        other = opened(browser, page.url).page
        expect(other.locator("h1")).to_have_text("Feedback")
        other.locator("article.card").first.wait_for()
        settled(other)
        assert shown(other) == shown(page)


@pytest.mark.ci
def test_a_span_of_periods(browser: Browser, address: str, sample_home: Home) -> None:
    page = opened(browser, address).page
    for end, day in (("start", "20260101"), ("end", "20260331")):
        page.get_by_role("spinbutton", name=f"year, Date range {end} date").click()
        page.keyboard.type(day)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    expect(page.locator('article[data-kpi="nps"]')).to_contain_text("March 2026")
    settled(page)
    assert "span=" in page.url
    with sample_home.published() as con:
        expected = kpis_of(Marts(con), View("month", date(2026, 1, 1), date(2026, 3, 31)))
    assert expected["nps"].value in shown(page)["nps"]


def test_from_a_number_to_its_cases(browser: Browser, address: str, sample_home: Home) -> None:
    watched = opened(browser, address)
    page = watched.page
    look_into(page, "on_time_delivery_rate")
    expect(page.locator("h1")).to_have_text("On-time delivery rate")
    settled(page)
    assert "kpi=on_time_delivery_rate" in page.url
    ((cases, late),) = sample_home.query(
        "select n, n - cast(numerator as bigint) from kpis where kpi_id = 'on_time_delivery_rate' and grain = 'month' "
        "and dimension = 'all' and period_start = date '2026-06-01'"
    )
    expect(page.get_by_text(f"{cases} rows of fct_orders")).to_be_visible()
    page.get_by_text("Failing cases only").click()
    settled(page)
    expect(page.get_by_text(f"{late} rows of fct_orders")).to_be_visible()
    rows = list(csv.DictReader(io.StringIO(downloaded(page, "All as CSV"))))
    assert len(rows) == late
    assert all(row["is_delivered_on_time"] == "False" for row in rows)
    known = {row[0] for row in sample_home.query("select order_id from fct_orders where not is_delivered_on_time")}
    assert {row["order_id"] for row in rows} <= known
    watched.check("cases")


@pytest.mark.ci
def test_the_file_of_many_cases_is_made_when_asked_for(browser: Browser, address: str) -> None:
    watched = Watched(browser)
    page = watched.page
    page.goto(f"{address}/kpi?kpi=clv_historic")
    prepare = page.get_by_role("button", name=re.compile(r"Prepare all ([\d,]+) rows as CSV"))
    prepare.wait_for(timeout=30_000)
    settled(page)
    count = int(re.sub(r"\D", "", prepare.inner_text()))
    assert count > SHOWN_CASES
    prepare.click()
    assert len(list(csv.DictReader(io.StringIO(downloaded(page, "All as CSV"))))) == count


@pytest.mark.ci
def test_any_cut(browser: Browser, address: str, sample_home: Home) -> None:
    """Two cuts at once, of some cases: what the page gives as CSV is what the command gives that it shows."""
    watched = Watched(browser)
    page = watched.page
    where = "channel = webshop"
    page.goto(f"{address}/explore?kpi=on_time_delivery_rate&by=country&by=segment&grain=quarter&where={where}")
    expect(page.locator("h1")).to_have_text("Explore", timeout=30_000)
    page.locator('[data-testid="stCode"]').nth(1).wait_for(timeout=30_000)
    settled(page)
    command, sql = page.locator('[data-testid="stCode"]').all_inner_texts()
    assert "kpi('on_time_delivery_rate', 'quarter', ['country', 'segment'])" in sql
    assert "--kpi on_time_delivery_rate --by country,segment --where 'channel = webshop' --grain quarter" in command
    rows = list(csv.DictReader(io.StringIO(downloaded(page, "All as CSV"))))
    question = Question(("on_time_delivery_rate",), ("country", "segment"), where, "quarter")
    with sample_home.published() as con:
        wanted = answer(Marts(con), question)
    assert [(row["country"], row["segment"], row["n"]) for row in rows] == [
        (row["country"], row["segment"], "" if row["n"] is None else str(row["n"])) for row in wanted
    ]
    assert len(rows) > 20
    watched.errors = [text for text in watched.errors if PROBES not in text]
    watched.check("explore")


def test_members_are_those_of_what_is_chosen(sample_home: Home) -> None:
    with sample_home.published() as con:
        marts = Marts(con)
        view = View("quarter", dimension="channel", member="webshop")
        kpi = kpis_of(marts, view)["on_time_delivery_rate"]
        assert kpi.now
        start = kpi.now["period_start"]
        found = members_of(marts, kpi, view, start, "country")
        assert found.note == "Only channel webshop."
        counted = sum(row["n"] for row in found.rows)
        assert counted == kpi.now["n"] or (found.hidden and counted < kpi.now["n"])
        whole = members_of(marts, kpi, View("quarter"), start, "country")
        assert counted < sum(row["n"] for row in whole.rows)
        # Of what cannot be cut once more all cases are shown, and it is said.
        cohort = kpis_of(marts, View("quarter", dimension="stage", member="purchase"))["stage_conversion"]
        assert cohort.now
        apart = members_of(marts, cohort, cohort.view, cohort.now["period_start"], "stage")
        assert len(apart.rows) > 3
        assert "beside the others" in apart.note


@pytest.mark.ci
def test_an_address_names_a_kpi(browser: Browser, address: str) -> None:
    watched = Watched(browser)
    watched.page.goto(f"{address}/kpi?kpi=ces&grain=week")
    expect(watched.page.locator("h1")).to_have_text("Customer effort score", timeout=30_000)
    settled(watched.page)
    assert "week of" in watched.page.locator("article.card").inner_text()
    watched.errors = [text for text in watched.errors if PROBES not in text]
    watched.check("kpi")


@pytest.mark.ci
def test_cases_of_an_alert(browser: Browser, address: str, sample_home: Home) -> None:
    page = opened(browser, address).page
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Alerts").click()
    expect(page.locator("h1")).to_have_text("Alerts")
    settled(page)
    ((query,),) = sample_home.query(
        f"select case_query from alerts where case_query is not null and closed_at is null order by {BY_SEVERITY} limit 1"
    )
    count = len(sample_home.query(query))
    expect(page.get_by_text(f"{count} row", exact=False).last).to_be_visible()


@pytest.mark.ci
def test_alerts_have_owner_and_state(browser: Browser, address: str, sample_home: Home) -> None:
    page = opened(browser, address).page
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Alerts").click()
    expect(page.locator("h2").filter(has_text="Owners and state")).to_be_visible()
    settled(page)
    groups, today = listed(Settings(home=sample_home.path))
    first = remembered_groups(sample_home.path, today)[0]
    assert {(group.key, group.state) for group in groups} == {
        (group.key, group.state) for group in remembered_groups(sample_home.path, today)
    }
    assert first.text in (page.locator("[data-testid=stDataFrame] table").last.text_content() or "")


@pytest.mark.ci
def test_by_keyboard(browser: Browser, address: str, sample_home: Home) -> None:
    page = opened(browser, address).page
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel || ''"))
    with sample_home.published() as con:
        assert {shown.title for shown in pages(Marts(con))} <= set(reached)
    labels = page.evaluate(
        "[...document.querySelectorAll('input, [role=combobox]')].filter((e) => !e.closest('[aria-hidden=true]'))"
        ".map((e) => e.ariaLabel || e.id)"
    )
    assert all(labels)


@pytest.mark.ci
def test_a_publish_is_seen(browser: Browser, sample_home: Home, tmp_path: Path) -> None:
    """Without a click: the page looks every half minute; and nobody holds the file that is replaced."""
    home = tmp_path / "home"
    (home / "published").mkdir(parents=True)
    marts = home / "published" / "marts.duckdb"
    shutil.copy(sample_home.path / "published" / "marts.duckdb", marts)
    with dashboard(home, tmp_path / "log") as address:
        page = opened(browser, address).page
        old = page.locator('article[data-kpi="nps"] .value').inner_text()
        draft = home / "published" / "draft.duckdb"
        shutil.copy(marts, draft)
        with duckdb.connect(str(draft)) as con:
            con.execute("update kpis set value = 99.5 where kpi_id = 'nps'")
        draft.rename(marts)
        expect(page.locator('article[data-kpi="nps"] .value')).to_contain_text("99.5", timeout=60_000)
        assert "99.5" not in old


def test_a_new_version_is_read_while_others_read(sample_home: Home, tmp_path: Path) -> None:
    path = tmp_path / "marts.duckdb"
    shutil.copy(sample_home.path / "published" / "marts.duckdb", path)
    file = PublishedFile(path)
    with file.reading() as marts:
        first = marts.publication.version
    draft = tmp_path / "draft.duckdb"
    shutil.copy(path, draft)
    with duckdb.connect(str(draft)) as con:
        con.execute("update publication set version = 'next'")
    draft.rename(path)
    with file.reading() as marts:
        assert marts.publication.version == "next" != first


def test_nothing_to_look_at(cxhouse: Cxhouse, tmp_path: Path) -> None:
    assert "nothing is published" in cxhouse("dashboard", "--no-browser", "--home", tmp_path, exit_code=2).stderr


@pytest.mark.ci
def test_marts_of_an_earlier_release(cxhouse: Cxhouse, tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb")) as con:
        con.execute("create table publication as select 'v1' as version, 'r' as run_id, now() as as_of, now() as published_at")
    output = cxhouse("dashboard", "--no-browser", "--home", tmp_path, exit_code=3).stderr
    assert "earlier release" in output
    assert "cxhouse run" in output
