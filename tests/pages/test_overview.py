"""The first page on numbers made by hand: what is missed most comes first and why; values as people write them."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.dashboard.blocks import Cards, Findings
from orchestration.dashboard.drivers import miss_driver
from orchestration.dashboard.families import families, family_of
from orchestration.dashboard.kpi import kpis_of
from orchestration.dashboard.overview import overview
from orchestration.dashboard.questions import by_question
from orchestration.published.cases import record_links, what_matters_first
from orchestration.published.display import format_value, within_limits
from orchestration.published.marts import Marts, View

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
KPIS = [
    # id, label, unit, better, place among the headlines
    ("sla", "Response within target", "rate", "up", 1),
    ("late", "Late orders", "rate", "down", 2),
    ("wait", "Wait", "seconds", "down", None),
    ("wait_median", "Wait, median", "seconds", "down", None),
    ("wait_business", "Wait in business hours", "seconds", "down", None),
    ("csat", "Satisfaction", "rate", "up", None),
]
COLUMNS = (
    "kpi_id", "period_start", "dimension", "member", "numerator", "denominator", "value", "n", "ci_low", "ci_high", "target",
    "status",
)  # fmt: skip


def share(kpi: str, start: date, hits: int, cases: int, target: float | None, status: str, of: tuple[str, str] = ("all", "all"),
          width: float = 0.03) -> tuple[Any, ...]:  # fmt: skip
    value = hits / cases
    return (kpi, start, *of, hits, cases, value, cases, value - width, value + width, target, status)


ROWS = [
    share("sla", MAY, 180, 200, 0.9, "on_target"),
    # 36 answers too few, all of them of the chat.
    share("sla", JUNE, 144, 200, 0.9, "breach"),
    share("sla", JUNE, 20, 60, None, "no_target", ("channel", "chat")),
    share("sla", JUNE, 124, 140, None, "no_target", ("channel", "email")),
    share("sla", JUNE, 72, 100, None, "no_target", ("country", "DE")),
    share("sla", JUNE, 72, 100, None, "no_target", ("country", "FR")),
    # 40 orders too many, but the interval reaches the target.
    share("late", MAY, 60, 1000, 0.05, "breach", width=0.06),
    share("late", JUNE, 90, 1000, 0.05, "breach", width=0.06),
    # Satisfaction rose for certain.
    share("csat", MAY, 70, 100, 0.5, "on_target"),
    share("csat", JUNE, 90, 100, 0.5, "on_target"),
    ("wait", JUNE, "all", "all", 4000, 10, 400.0, 10, -20.0, 820.0, None, "no_target"),
    ("wait_median", JUNE, "all", "all", None, None, 292.0, 10, None, None, None, "no_target"),
    ("wait_business", JUNE, "all", "all", 1000, 10, 100.0, 10, 50.0, 150.0, None, "no_target"),
]


@pytest.fixture
def marts() -> Marts:
    con = duckdb.connect()
    con.execute(
        "create table publication as select 'v' as version, 'r' as run_id, timestamp '2026-06-30 22:00:00' as as_of, "
        "timestamp '2026-06-30 22:00:00' as published_at, 'Europe/Berlin' as reporting_timezone, 'EUR' as currency, "
        "5 as min_people, false as has_agent_names"
    )
    con.execute(
        "create table kpi_definitions (kpi_id varchar, label varchar, unit varchar, direction varchar, headline_position integer)"
    )
    con.executemany("insert into kpi_definitions values (?, ?, ?, ?, ?)", KPIS)
    con.execute(
        "alter table kpi_definitions add column dimensions varchar default 'channel, country';"
        "alter table kpi_definitions add column grains varchar; alter table kpi_definitions add column fact varchar default 'f';"
        "alter table kpi_definitions add column interval_kind varchar default 'wilson';"
        "alter table kpi_definitions add column is_percentile boolean default false"
    )
    con.execute(
        "create table kpis (kpi_id varchar, period_start date, dimension varchar, member varchar, numerator double, "
        "denominator double, value double, n bigint, ci_low double, ci_high double, target double, status varchar)"
    )
    con.executemany(f"insert into kpis values ({', '.join('?' * len(COLUMNS))})", ROWS)
    con.execute(
        "alter table kpis add column grain varchar default 'month'; alter table kpis add column n_pending bigint;"
        "alter table kpis add column is_final boolean default true; alter table kpis add column missing_export varchar"
    )
    con.execute(
        "create table alerts (kind varchar, severity varchar, subject varchar, message varchar, grain varchar, "
        "period_start date, dimension varchar, member varchar, raised_at timestamp, closed_at timestamp, value double, "
        "limit_value double, alert_id varchar)"
    )
    con.execute(
        "insert into alerts values "
        "('anomaly', 'warning', 'csat', 'is lower than usual', 'week', date '2026-06-22', 'all', 'all', "
        "timestamp '2026-06-29 00:00:00', null, 0.4, 0.9, 'a'), "
        "('gate', 'warning', 'journey/x', 'm', null, null, null, null, timestamp '2026-06-29 00:00:00', null, null, null, 'b')"
    )
    con.execute(
        "create table marketplace_compliance as select * from (values "
        "('amazon', 'Defects', 'late', 60, 100, 2, 0, 0.02, '<', 0.01, 'breached', -1::bigint), "
        "('amazon', 'Shipping', 'late', 30, 100, 9, 0, 0.09, '<', 0.1, 'compliant', 0::bigint), "
        "('ebay', 'Shipping', 'late', 30, 100, 1, 0, 0.01, '<', 0.1, 'compliant', 8::bigint)) "
        "as t (marketplace, policy, rule, window_days, cases, bad_cases, unknown_cases, actual, comparison, limit_value, status, "
        "headroom_cases)"
    )
    return Marts(con)


def findings(marts: Marts, title: str) -> Findings:
    (found,) = [block for block in overview(marts, View()) if isinstance(block, Findings) and block.title == title]
    return found


def test_what_is_missed_for_certain_and_most_comes_first(marts: Marts) -> None:
    first, second = findings(marts, "What needs you").findings
    assert first.text == "Response within target 72 % in June 2026, target at least 90 %"
    assert first.why == "Mostly channel chat: 33.3 % of 60 cases; the rest 88.6 %. 36 too many of 200 cases."
    assert second.text.startswith("Late orders 9 %")
    assert second.why == "40 too many of 1,000 cases; too few cases to be sure that it is missed."


def test_a_miss_that_no_group_stands_out_in(marts: Marts) -> None:
    marts.rows("delete from kpis where dimension = 'channel'")
    assert miss_driver(marts, kpis_of(marts, View())["sla"]) == "No channel, team or other group stands out."


def test_good_news_is_not_among_the_warnings(marts: Marts) -> None:
    assert [found.text for found in findings(marts, "Became better").findings] == [
        "Satisfaction 90 % in June 2026, was 70 % in May 2026"
    ]
    worse, late = findings(marts, "Became worse").findings
    assert worse.text == "Response within target 72 % in June 2026, was 90 % in May 2026"
    # The two intervals overlap, the difference is no chance all the same: 2.5 standard errors.
    assert late.text == "Late orders 9 % in June 2026, was 6 % in May 2026"


def test_changes_are_corrected_for_how_many_are_compared(marts: Marts) -> None:
    """Two changes, each of which alone chance shows in 3 or 4 of 100 months, are no finding together; each card says its own."""
    marts.rows("delete from kpis where kpi_id = 'sla'")
    marts.rows("update kpis set numerator = 84, value = 0.084 where kpi_id = 'late' and value = 0.09")
    marts.rows("update kpis set numerator = 83, value = 0.83 where kpi_id = 'csat' and value = 0.9")
    kpis = kpis_of(marts, View())
    late, csat = kpis["late"], kpis["csat"]
    assert late.p_value == pytest.approx(0.0379, abs=0.0005)
    assert csat.p_value == pytest.approx(0.0302, abs=0.0005)
    assert late.has_changed
    assert csat.has_changed
    (block,) = [block for block in overview(marts, View()) if isinstance(block, Findings) and "changed" in block.title]
    assert block.empty.startswith("Nothing for certain")


def test_policies_and_unusual_values(marts: Marts) -> None:
    block = findings(marts, "Policies and unusual values")
    assert [(found.text, found.why) for found in block.findings] == [
        ("Amazon: Defects 2 %, rule: below 1 %", "1 bad case too many. 2 of 100 cases of the last 60 days."),
        ("Amazon: Shipping 9 %, rule: below 10 %", "One more bad case breaches it. 9 of 100 cases of the last 30 days."),
        ("Satisfaction is lower than usual: 40 % (week of 2026-06-22)", "Usual: 90 %."),
    ]
    assert block.note == "1 check of the data warned: page Alerts."


def test_headlines_are_those_of_the_setting(marts: Marts) -> None:
    tiles = overview(marts, View())[0]
    assert isinstance(tiles, Cards)
    assert [kpi.id for kpi in tiles.kpis] == ["sla", "late"]
    assert tiles.kpis[0].delta == "down 18.0 points since May 2026: worse"
    assert tiles.kpis[1].delta == "up 3.0 points since May 2026: worse"


def test_one_card_a_measure(marts: Marts) -> None:
    kpis = kpis_of(marts, View())
    together = {kpi.id: kpi for kpi in families(kpis.values())}
    assert set(together) == {"sla", "late", "wait", "csat"}
    assert {of: kpi.value for of, kpi in together["wait"].variants.items()} == {
        ("", ""): "6:40 min", ("", "_median"): "4:52 min", ("_business", ""): "1:40 min",
    }  # fmt: skip
    assert not together["sla"].variants
    # Without its mean a measure's other statistics are shown by themselves.
    assert [kpi.id for kpi in families([kpis["wait_median"]])] == ["wait_median"]
    assert sum(len(block.kpis) for block in by_question(kpis.values())) == 4
    assert family_of("first_response_time_business_p90") == ("first_response_time", "_business", "_p90")


def test_no_wait_is_below_zero(marts: Marts) -> None:
    wait = kpis_of(marts, View())["wait"]
    assert wait.interval == "0 s to 13:40 min"
    assert within_limits(-0.1, 1.2, "rate") == (0.0, 1.0)
    assert within_limits(-5.0, 5.0, "money") == (-5.0, 5.0)
    assert within_limits(None, None, "seconds") == (None, None)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (292.0, "seconds", "4:52 min"),
        (59.6, "seconds", "1:00 min"),
        (59.4, "seconds", "59 s"),
        (3599.7, "seconds", "1:00 h"),
        (26263.0, "seconds", "7:18 h"),
        (172_799.0, "seconds", "2.0 days"),
        (-90.0, "seconds", "-1:30 min"),
        (0.85, "rate", "85 %"),
        (0.8284, "rate", "82.8 %"),
        (49.089, "money", "€ 49.09"),
        (-3.0, "money", "-€ 3.00"),
        (17.0, "points", "17"),
        (-0.04, "points", "0"),
        (0.21, "points_of_1", "+21 points"),
        (-0.085, "points_of_1", "-8.5 points"),
        (0.0, "points_of_1", "0 points"),
        (1204.0, "count", "1,204"),
        (None, "rate", "–"),
    ],
)
def test_values_as_people_write_them(value: float | None, unit: str, text: str) -> None:
    assert format_value(value, unit, "EUR") == text


def test_cases_begin_with_what_the_kpi_looks_at() -> None:
    columns = ["order_id", "customer_key", "ordered_at", "channel", "items", "is_late", "country"]
    assert what_matters_first(columns, "sum(is_late) and not is_late") == [
        "order_id", "ordered_at", "is_late", "channel", "country", "customer_key", "items",
    ]  # fmt: skip


def test_a_case_links_to_its_record() -> None:
    rows = [{"order_id": "A/1 b", "n": 1}, {"order_id": None, "n": 2}]
    assert record_links({"order_id": "https://shop.example/o?q={order_id}"}, rows[0], rows) == [
        "https://shop.example/o?q=A%2F1%20b", None,
    ]  # fmt: skip
    assert record_links({"ticket_id": "https://desk.example/{ticket_id}"}, rows[0], rows) is None
