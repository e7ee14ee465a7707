"""What moved a KPI: its split is exact, its tests are those of SciPy and statsmodels, and a planted cause is found."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from homes import Home
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

from orchestration.core.errors import ConfigurationError
from orchestration.published.marts import Marts
from orchestration.query.change import adjusted, earlier_period, p_of_shares, p_value
from orchestration.query.explain import HIDDEN, Explanation, explain
from orchestration.query.split import Sums, rest, split

numbers = st.floats(-1e6, 1e6)
weights = st.integers(0, 10**6).map(float)
ratios = st.none() | st.builds(Sums, numbers, weights)
counts = st.none() | st.builds(Sums, weights)


def whole(members: list[Sums | None], is_count: bool) -> Sums:
    there = [sums for sums in members if sums]
    below = None if is_count else sum(sums.denominator or 0 for sums in there)
    return Sums(sum(sums.numerator for sums in there), below)


@given(st.lists(st.tuples(ratios, ratios), min_size=1, max_size=12))
def test_mix_and_rate_of_all_members_are_the_change(pairs: list[tuple[Sums | None, Sums | None]]) -> None:
    now, before = whole([new for new, _ in pairs], False), whole([old for _, old in pairs], False)
    assume(now.value is not None and before.value is not None)
    parts = split(now, before, {str(place): pair for place, pair in enumerate(pairs)})
    # Of members without cases, numerators are divided by those of others: the terms may be large.
    scale = max(1.0, *(abs(part.effect) for part in parts), abs(now.value), abs(before.value))
    assert sum(part.effect for part in parts) == pytest.approx(now.value - before.value, abs=1e-9 * scale)
    assert [abs(part.effect) for part in parts] == sorted((abs(part.effect) for part in parts), reverse=True)


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=12))
def test_parts_of_a_count_are_its_change(pairs: list[tuple[Sums | None, Sums | None]]) -> None:
    now, before = whole([new for new, _ in pairs], True), whole([old for _, old in pairs], True)
    parts = split(now, before, {str(place): pair for place, pair in enumerate(pairs)})
    assert sum(part.effect for part in parts) == pytest.approx(now.numerator - before.numerator)
    assert all(part.mix == 0 for part in parts)


def test_a_split_by_hand() -> None:
    """Chat fell from 80 to 40 % of its 50 then 60 cases, mail stayed at 90 % of 50 then 40."""
    parts = split(Sums(60, 100), Sums(85, 100), {"chat": (Sums(24, 60), Sums(40, 50)), "mail": (Sums(36, 40), Sums(45, 50))})
    # R is .60 after .85, middle .725. Chat: rate -.4 * .55, mix .1 * (.6 - .725); mail: mix -.1 * (.9 - .725).
    assert [(part.member, part.rate, part.mix) for part in parts] == [
        ("chat", pytest.approx(-0.22), pytest.approx(-0.0125)),
        ("mail", pytest.approx(0), pytest.approx(-0.0175)),
    ]
    assert rest(Sums(60, 100), [Sums(24, 60)]) == Sums(36, 40)
    assert rest(Sums(60, 100), [Sums(24, 60), Sums(36, 40)]) is None


@given(st.integers(20, 500), st.integers(20, 500), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_shares_are_tested_as_statsmodels_does(n: int, m: int, p: float, q: float) -> None:
    hits, hits_before = round(p * n), round(q * m)
    expected = proportions_ztest([hits, hits_before], [n, m])[1]
    assert p_of_shares(hits, n, hits_before, m) == pytest.approx(expected, abs=1e-12)


def test_few_cases_are_tested_exactly() -> None:
    assert p_of_shares(1, 9, 6, 8) == pytest.approx(stats.fisher_exact([[1, 8], [6, 2]])[1])
    assert p_of_shares(0, 9, 0, 8) == 1
    assert p_of_shares(0, 0, 3, 8) is None


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=40), st.lists(st.integers(0, 1000), min_size=3, max_size=40))
def test_means_are_tested_as_welch_does(now: list[int], before: list[int]) -> None:
    assume(len({*now}) > 1 and len({*before}) > 1)

    def row(values: list[int]) -> dict[str, object]:
        mean = sum(values) / len(values)
        low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=stats.sem(values))
        return {"value": mean, "n": len(values), "ci_low": low, "ci_high": high}

    expected = stats.ttest_ind(now, before, equal_var=False).pvalue
    assert p_value("t", row(now), row(before)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_many_comparisons_are_corrected() -> None:
    """Holm's method by hand: the smallest p times how many there are, the next times one less, none below one before it."""
    assert adjusted([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert adjusted([None, 0.02, 0.9, None, 0.6]) == [None, pytest.approx(0.06), 1.0, None, 1.0]
    assert adjusted([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_correction_keeps_the_order_and_lowers_nothing(found: list[float]) -> None:
    corrected = adjusted(found)
    assert [p for _, p in sorted(zip(found, corrected, strict=True))] == sorted(corrected)
    assert all(p <= q <= 1 for p, q in zip(found, corrected, strict=True))


@pytest.mark.parametrize(
    ("grain", "start", "against", "expected"),
    [
        ("day", date(2026, 3, 1), "previous", date(2026, 2, 28)),
        ("week", date(2026, 6, 22), "year", date(2025, 6, 23)),
        ("month", date(2026, 1, 1), "previous", date(2025, 12, 1)),
        ("month", date(2024, 2, 1), "year", date(2023, 2, 1)),
        ("quarter", date(2026, 1, 1), "previous", date(2025, 10, 1)),
        ("quarter", date(2026, 1, 1), date(2025, 5, 17), date(2025, 4, 1)),
    ],
)
def test_periods_that_are_compared(grain: str, start: date, against: str | date, expected: date) -> None:
    assert earlier_period(grain, start, against) == expected


# -- a planted cause ---------------------------------------------------------------------------------------------------

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
Cells = dict[tuple[str, str], tuple[tuple[float, float] | None, tuple[float, float] | None]]


def explained(members: Cells, hidden: tuple[str, ...] = (), interval: str = "wilson", unit: str = "rate") -> Explanation | None:
    """What is said of a KPI with these numerators and denominators, in June after May."""
    con = duckdb.connect()
    con.execute(
        "create table publication as select 'v' as version, 'r' as run_id, timestamp '2026-07-01' as as_of, "
        "timestamp '2026-07-01' as published_at, 'UTC' as reporting_timezone"
    )
    con.execute(
        "create table kpi_definitions as select 'sla' as kpi_id, 'Within target' as label, ? as unit, ? as interval_kind, "
        "false as is_percentile",
        [unit, interval],
    )
    con.execute(
        "create table kpis (kpi_id text, grain text, period_start date, dimension text, member text, numerator double, "
        "denominator double, value double, n bigint, ci_low double, ci_high double, status text, is_final boolean)"
    )
    one = next(iter(members))[0]
    cells = dict(members)
    cells["all", "all"] = tuple(  # type: ignore[assignment]
        tuple(map(sum, zip(*(pair[side] for (name, _), pair in members.items() if name == one and pair[side]), strict=True)))
        for side in (0, 1)
    )
    for (dimension, member), pair in cells.items():
        for start, sums in zip((MAY, JUNE), pair, strict=True):
            if sums is None:
                continue
            above, below = (None, None) if member in hidden else sums
            value = None if above is None else above / below
            status = "suppressed" if member in hidden else "on_target"
            row = [start, dimension, member, above, below, value, None if below is None else int(below), status]
            con.execute("insert into kpis values ('sla', 'month', ?, ?, ?, ?, ?, ?, ?, null, null, ?, true)", row)
    marts = Marts(con)
    marts.__dict__["today"] = date(2026, 7, 1)
    return explain(marts, "sla")


def test_the_member_that_fell_is_named() -> None:
    found = explained({
        ("channel", "chat"): ((780, 1000), (410, 1000)),
        ("channel", "email"): ((2700, 3000), (2705, 3000)),
        ("channel", "phone"): ((3600, 4000), (3610, 4000)),
        ("team", "north"): ((3540, 4000), (3362, 4000)),
        ("team", "south"): ((3540, 4000), (3363, 4000)),
    })  # fmt: skip
    assert found
    assert found.sentence == "down 4.4 points: channel chat 41 %, was 78 %; the rest unchanged"
    assert found.is_significant
    for movers in found.parts.values():
        assert sum(mover.effect for mover in movers) == pytest.approx(found.change)


def test_a_member_whose_share_grew_is_named() -> None:
    found = explained({("channel", "chat"): ((500, 1000), (2000, 4000)), ("channel", "email"): ((3600, 4000), (3600, 4000))})
    assert found
    assert found.sentence == "down 12.0 points: channel chat, at 50 %, is 50 % of the cases, was 20 %; the rest unchanged"


def test_new_members_are_named() -> None:
    found = explained({("channel", "chat"): (None, (1000, 4000)), ("channel", "email"): ((3600, 4000), (3600, 4000))})
    assert found
    assert found.sentence == "down 32.5 points: channel chat is new (25 %); the rest unchanged"


def test_what_moves_alike_names_nobody() -> None:
    found = explained({("channel", "chat"): ((1800, 2000), (1400, 2000)), ("channel", "email"): ((1800, 2000), (1400, 2000))})
    assert found
    assert found.sentence == "down 20.0 points: 70 %, was 90 %; no member stands out"
    assert not found.movers


def test_chance_is_no_change() -> None:
    found = explained({("channel", "chat"): ((45, 50), (43, 50)), ("channel", "email"): ((40, 50), (44, 50))})
    assert found
    assert found.sentence == "no significant change: 87 %, was 85 %"
    assert not found.movers


def test_hidden_members_are_one_part() -> None:
    found = explained(
        {
            ("channel", "chat"): ((780, 1000), (410, 1000)),
            ("channel", "email"): ((2700, 3000), (2705, 3000)),
            ("channel", "fax"): ((2, 4), (3, 4)),
            ("channel", "phone"): ((4, 4), (4, 5)),
        },
        hidden=("fax", "phone"),
    )
    assert found
    assert {mover.member for mover in found.parts["channel"]} == {"chat", "email", HIDDEN}
    assert sum(mover.effect for mover in found.parts["channel"]) == pytest.approx(found.change)
    assert "fax" not in found.sentence


def test_members_that_are_not_the_whole_are_no_split() -> None:
    """Tags: a case has several, so that the members are more than the whole."""
    found = explained({
        ("channel", "chat"): ((780, 1000), (410, 1000)),
        ("tag", "vip"): ((780, 1000), (410, 1000)),
        ("tag", "late"): ((390, 500), (205, 500)),
    })  # fmt: skip
    assert found
    assert list(found.parts) == ["channel"]


def test_every_split_of_the_sample_adds_up(sample_home: Home) -> None:
    with sample_home.published() as con:
        marts = Marts(con)
        splits = 0
        for kpi in marts.definitions:
            for against in ("previous", "year"):
                found = explain(marts, kpi, "month", against=against)
                if found is None or found.change is None:
                    continue
                assert found.sentence
                for dimension, movers in found.parts.items():
                    scale = max(abs(mover.effect) for mover in movers)
                    assert sum(mover.effect for mover in movers) == pytest.approx(found.change, abs=1e-6 * max(scale, 1)), (
                        f"{kpi} by {dimension}"
                    )
                    splits += 1
        assert splits > 500
        with pytest.raises(ConfigurationError, match="did you mean 'csat'"):
            explain(marts, "csatt")
        with pytest.raises(ConfigurationError, match="did you mean 'channel'"):
            explain(marts, "csat", by=["chanel"])
