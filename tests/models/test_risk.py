"""Risks: simulated customers whose risk is known, a planted leak, and what is said where nothing can be known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from homes import Cxhouse, Home
from scipy import stats

from orchestration.risk import churn, tickets
from orchestration.risk.cases import Cases
from orchestration.risk.churn import PURCHASES, SUBSCRIPTION, Rule
from orchestration.risk.features import Feature, counted, matrix, reasons
from orchestration.risk.fitting import BOOSTED, LOGISTIC, calibrated, leaks, tried
from orchestration.risk.judging import Rules, auc, auc_error, calibration
from orchestration.risk.step import Frames
from orchestration.risk.trying import Home as RiskHome
from orchestration.risk.trying import Scored, Target, scored

FEATURES = (
    Feature("contacts", counted("contact", "contacts")),
    Feature("idle_days", counted("idle day", "idle days")),
    Feature("bad_share", lambda v: f"{v:.0%} bad scores", is_amount=False),
)
MONTHS, HORIZON = 12, 90


def _customers(rng: np.random.Generator, size: int, is_odd: bool = False) -> tuple[Cases, np.ndarray]:
    """Customers seen on each of twelve mornings, with their true risk: a line of the features, or (``is_odd``) no line at all."""
    count = size * MONTHS
    who = np.tile(np.arange(size), MONTHS)
    columns = {
        "contacts": rng.poisson(1.5, count).astype(float),
        "idle_days": rng.exponential(30, count),
        "bad_share": np.where(rng.random(count) < 0.5, rng.random(count), np.nan),
    }
    found = matrix(FEATURES, columns)
    odds = -2.2 + 1.2 * (found[:, 0] - 0.8) + 0.5 * (found[:, 1] - 3)
    if is_odd:
        odds = -2.0 + 3.0 * ((columns["contacts"] == 1) & (columns["idle_days"] > 20))
    odds = odds + np.nan_to_num(columns["bad_share"] - 0.5)
    risk = 1 / (1 + np.exp(-odds))
    seen = np.repeat(np.arange(MONTHS) * 30, size)
    cases = Cases(
        names=tuple(f.name for f in FEATURES), features=found, happened=rng.random(count) < risk, who=who, draw=who,
        seen_on=seen, judged_on=seen + HORIZON,
    )  # fmt: skip
    return cases, risk


def _is_calibrated(risk: np.ndarray, happened: np.ndarray, slack: float = 0.0) -> bool:
    """Tenths by risk: what happened lies within the binomial bounds (99.9 %) of what was predicted, give or take ``slack``."""
    parts = np.array_split(np.argsort(risk), 10)
    bounds = [stats.binom.interval(0.999, len(part), risk[part].mean()) for part in parts]
    return all(
        low - slack * len(part) <= happened[part].sum() <= high + slack * len(part)
        for part, (low, high) in zip(parts, bounds, strict=True)
    )


@pytest.mark.parametrize("is_odd", [False, True])
def test_known_risks_come_back_calibrated(is_odd: bool) -> None:
    """A line is found by logistic regression, what is none by boosted trees; both predict new customers as often as they say."""
    cases, _ = _customers(np.random.default_rng(7), 1500, is_odd)
    old, new = cases.split(8 * 30)
    assert old.judged_on.max() <= new.seen_on.min(), "nothing of after the split is known before it"
    trial = tried(old, new, Rules())
    assert trial.used == (BOOSTED if is_odd else LOGISTIC), trial.problems
    model = calibrated(trial.used, old)
    strangers, truth = _customers(np.random.default_rng(8), 1000, is_odd)
    risk = model.risks(strangers.features)
    # What trees learn of nine thousand cases is off by a hundredth where hardly anybody leaves.
    slack = 0.01 if is_odd else 0.0
    assert _is_calibrated(risk, strangers.happened, slack)
    assert np.corrcoef(risk, truth)[0, 1] > (0.85 if is_odd else 0.97)
    # One that says too much is found out by the same measure.
    assert not _is_calibrated(np.minimum(1.5 * risk, 1), strangers.happened, slack)


def test_figures_by_hand() -> None:
    happened = np.array([True, False, True, False, False])
    risk = np.array([0.9, 0.8, 0.4, 0.4, 0.1])
    # Pairs: (.9 beats .8, .4, .1) and (.4 loses to .8, draws with .4, beats .1): 4.5 of 6.
    assert auc(happened, risk) == pytest.approx(0.75)
    assert calibration(happened, risk)[-1] == {"cases": 1, "predicted": 0.9, "actual": 1.0}
    # Q1 = .7 / 1.3, Q2 = .98 / 1.7: (.21 + 49 (.53846 - .49) + 49 (.57647 - .49)) / 2500 = .0027287.
    assert auc_error(0.7, 50, 50) ** 2 == pytest.approx(0.0027287, abs=1e-7)


def test_a_planted_leak_is_found_and_left_out(tmp_path: Path) -> None:
    """A feature of after the morning: how long ago the customer left. Nobody who stayed has one above 0."""
    cases, _ = _customers(np.random.default_rng(3), 400)
    after = np.where(cases.happened, 5.0, 0.0) + np.random.default_rng(4).normal(0, 0.5, len(cases))
    assert not leaks(cases), "what was known before tells no end surely"
    leaking = replace(cases, names=(*cases.names, "days_since_leaving"), features=np.column_stack([cases.features, after]))
    assert leaks(leaking) == ["days_since_leaving"]
    features = (*FEATURES, Feature("days_since_leaving", counted("day", "days"), is_amount=False))
    today = {name: np.ones(5) for name in leaking.names}
    target = Target("loss", features, leaking, leaking.split, 8 * 30)
    found = scored(target, today, RiskHome(tmp_path, lambda _: None))
    assert any("left out, since they tell the end by themselves: days_since_leaving" in row["problem"] for row in found.models)
    used = next(row for row in found.models if row["is_used"])
    assert used["auc"] < 0.9, "the figures are those without it"


def _scored(tmp_path: Path, cases: Cases, day: int | None = 8 * 30, progress: list[str] | None = None) -> Scored:
    today = {"contacts": np.array([0.0, 6.0]), "idle_days": np.array([0.0, 6.0]), "bad_share": np.full(2, np.nan)}
    home = RiskHome(tmp_path, (progress if progress is not None else []).append)
    return scored(Target("loss", FEATURES, cases, cases.split, day), today, home)


def test_nothing_is_said_where_nothing_can_be_known(tmp_path: Path) -> None:
    """Too short a history, too few cases, no better than a guess: no risk, and why."""
    cases, _ = _customers(np.random.default_rng(5), 300)
    short = _scored(tmp_path, cases, None)
    assert short.risks == [None, None]
    assert short.why_not == "the history is too short"
    few = _scored(tmp_path, cases.chosen(cases.who < 40))
    assert few.risks == [None, None]
    assert few.why_not is not None
    assert "too few cases" in few.why_not
    random = replace(cases, happened=np.random.default_rng(6).random(len(cases)) < 0.2)
    guess = _scored(tmp_path, random)
    assert guess.risks == [None, None]
    assert guess.why_not is not None
    assert "not surely better than chance" in guess.why_not or "not better than one risk" in guess.why_not
    assert not any(row["is_used"] for row in guess.models)


def test_the_same_cases_are_tried_once_and_say_the_same(tmp_path: Path) -> None:
    cases, _ = _customers(np.random.default_rng(9), 400)
    messages: list[str] = []
    first = _scored(tmp_path, cases, progress=messages)
    again = _scored(tmp_path, cases, progress=messages)
    assert len(messages) == 1
    assert first == again
    assert first == _scored(tmp_path / "elsewhere", cases)
    assert first.risks[1] > first.risks[0]  # type: ignore[operator]
    assert first.reasons[1][0] == "6 contacts"
    rows = json.loads(first.models[0]["calibration"])
    assert sum(row["cases"] for row in rows) == first.models[0]["held_back"]
    changed = replace(cases, happened=np.roll(cases.happened, 1))
    assert _scored(tmp_path, changed, progress=messages).version != first.version
    assert len(messages) == 2


def test_reasons_are_the_strongest_first() -> None:
    columns = {"contacts": np.array([3.0, 0.0]), "idle_days": np.array([1.0, np.nan]), "bad_share": np.array([0.5, 0.0])}
    effects = np.array([[0.2, 0.9, 0.4], [-0.1, 0.5, 0.01]])
    assert reasons(FEATURES, columns, effects) == [["1 idle day", "50% bad scores", "3 contacts"], [None, None, None]]


def _snapshot(**values: object) -> dict[str, object]:
    names = {f.name for features in churn.FEATURES.values() for f in features} - {"overdue", "alive"}
    day = pd.Timestamp("2026-01-01")
    row: dict[str, object] = dict.fromkeys(names, np.nan)
    row |= {
        "customer_key": "k", "on_date": day, "judged_on": day + pd.Timedelta(days=90), "is_subscriber": False,
        "first_purchase_on": pd.NaT, "last_purchase_on": pd.NaT, "purchase_days": 0, "is_subscriber_then": False,
        "first_purchase_then_on": pd.NaT, "last_purchase_then_on": pd.NaT, "purchase_days_then": 0,
    }  # fmt: skip
    return row | values


def test_who_is_lost_by_hand() -> None:
    """Bought 300 days ago: the window of 365 days ends within the horizon, unless something is bought."""
    bought = {"first_purchase_on": "2025-03-07", "last_purchase_on": "2025-03-07", "purchase_days": 1}
    then = {"first_purchase_then_on": "2025-03-07", "last_purchase_then_on": "2025-03-07", "purchase_days_then": 1}
    rows = [
        _snapshot(is_subscriber=True, is_subscriber_then=True),
        _snapshot(is_subscriber=True, **bought, **then),
        _snapshot(**bought, **then),
        _snapshot(**bought, **{**then, "last_purchase_then_on": "2026-03-31", "purchase_days_then": 2}),
        _snapshot(**bought, **then, is_subscriber_then=True),
        # Bought a week before: cannot be lost within 90 days.
        _snapshot(first_purchase_on="2025-12-25", last_purchase_on="2025-12-25", purchase_days=1),
        # 366 days ago: is no customer.
        _snapshot(first_purchase_on="2024-12-31", last_purchase_on="2024-12-31", purchase_days=1),
    ]
    frame = pd.DataFrame(rows)
    rule = Rule(horizon=90, window=365, least_alive=0.5, parameters=None)
    assert list(churn.basis_of(frame, rule)) == [SUBSCRIPTION] * 2 + [PURCHASES] * 4 + [""]
    assert list(churn.is_lost(frame[:2], rule, SUBSCRIPTION)) == [False, True]
    assert list(churn.is_lost(frame[2:5], rule, PURCHASES)) == [True, False, False]
    assert list(churn.is_at_stake(frame[2:6], rule, PURCHASES)) == [True, True, True, False]
    # BG/NBD's published example: a customer of x = 2, 30.43 and 38.86 weeks is alive with a chance of .7266.
    by_model = replace(rule, parameters=(0.243, 4.414, 0.793, 2.426))
    alive = by_model.alive(np.array([3]), np.array([0]), np.array([213]), np.array([272]))
    assert alive[0] == pytest.approx(0.7266, abs=2e-3)
    assert not replace(by_model, least_alive=0.8).is_there(np.array([3]), np.array([0]), np.array([213]), np.array([272]))[0]


def _ticket(**values: object) -> dict[str, object]:
    names = {f.name for features in tickets.FEATURES.values() for f in features}
    row: dict[str, object] = dict.fromkeys(names, np.nan)
    opened = pd.Timestamp("2026-01-05 10:00")
    row |= {
        "ticket_id": "t", "created_at": opened, "response_starts_at": opened, "first_response_at": pd.NaT,
        "first_solved_at": pd.NaT, "rated_at": pd.NaT, "is_solved": False, "is_response_tracked": True,
        "response_target_seconds": 4 * 3600, "is_response_in_time": None, "response_seconds": np.nan,
        "unanswered_open_seconds": np.nan, "is_target_in_opening_hours": False, "is_score_bad": None, "opening_hour": 10,
        "opening_weekday": 1,
    }  # fmt: skip
    return row | values


def test_tickets_are_seen_as_they_were() -> None:
    """Of a ticket that was answered after 2.5 of 4 hours it was open what becomes of it at 0, 25 and 50 %, and not later."""
    frame = pd.DataFrame([
        _ticket(ticket_id="a", first_response_at=pd.Timestamp("2026-01-05 12:30"), response_seconds=9000,
                is_response_in_time=True),
        _ticket(ticket_id="b", is_response_in_time=False),
        # Solved after two days, rated after four: from the second day on it was not open.
        _ticket(ticket_id="c", first_solved_at=pd.Timestamp("2026-01-07 09:00"), rated_at=pd.Timestamp("2026-01-09 10:00"),
                is_score_bad=True, first_response_at=pd.Timestamp("2026-01-06 09:00"), response_seconds=23 * 3600,
                is_response_in_time=False, is_solved=True),
    ])  # fmt: skip
    missed = tickets.missed_cases(frame)
    shares = missed.features[:, missed.names.index("used_share")]
    assert sorted(shares) == [0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75]
    assert missed.happened.sum() == 8
    # The unanswered one was decided when its four hours were over, the late one with its answer.
    assert sorted({int(day) - 20458 for day in missed.judged_on}) == [0, 1]
    bad = tickets.bad_cases(frame)
    features = {name: list(bad.features[:, place]) for place, name in enumerate(bad.names)}
    assert list(np.expm1(features["age_days"])) == pytest.approx([0, 1])
    assert features["is_answered"] == [0, 1]
    assert features["is_missed"] == [0, 1]
    assert list(np.expm1(features["waited_hours"])) == pytest.approx([0, 23])
    waiting, columns = tickets.waiting(
        pd.DataFrame([_ticket(), _ticket(ticket_id="u", is_solved=True)]), pd.Timestamp("2026-01-05 11:00", tz="UTC")
    )
    assert list(waiting["ticket_id"]) == ["t"]
    assert list(columns["used_share"]) == [0.25]


@pytest.mark.slow
def test_nothing_of_after_a_morning_was_known_on_it(copied_home: Home, sample_home: Home, cxhouse: Cxhouse) -> None:
    """What a run of that morning finds of each customer is what a later run says was known then."""
    morning = "2026-03-01"
    keys = {"customer_key", "is_subscriber", "purchase_days", "first_purchase_on", "last_purchase_on"}
    columns = sorted({f.name for features in churn.FEATURES.values() for f in features} - {"overdue", "alive"} | keys)
    query = f"select {', '.join(columns)} from journey.{{}} where on_date = '{morning}' order by customer_key"

    def found(warehouse: Path, table: str) -> pd.DataFrame:
        with duckdb.connect(str(warehouse), read_only=True) as con:
            return con.execute(query.format(table)).df()

    later = found(sample_home.path.parent / "warehouse.duckdb", "int_churn_history")
    cxhouse("run", "--exports", copied_home.exports, *copied_home.options, "--as-of", morning)
    then = found(copied_home.path / "warehouse.duckdb", "int_churn_today")
    assert len(then) > 200
    # Keys come from all records there are: of some persons two keys have become one since.
    both = then.merge(later, on="customer_key", suffixes=("_then", ""))
    assert len(both) >= 0.95 * max(len(then), len(later))
    for name in set(columns) - {"customer_key"}:
        own, of_then = both[name], both[f"{name}_then"]
        same = (own == of_then) | (own.isna() & of_then.isna())
        # Of two scores of a ticket the facts keep the last.
        assert same.mean() >= (0.95 if name in ("scores_365", "bad_share_365") else 0.99), name


def test_of_many_tickets_a_part_is_learned_from_and_all_open_ones_are_read() -> None:
    with duckdb.connect() as con:
        con.execute("create schema journey")
        for name in ("int_churn_history", "int_churn_today", "int_purchase_days"):
            con.execute(f"create table journey.{name} (on_date date, customer_key varchar, purchased_on date)")
        con.execute(
            "create table journey.int_ticket_openings as select 'T' || n as ticket_id, timestamp '2026-01-01' as created_at, "
            "case n % 10 when 0 then false when 1 then null else true end as is_solved from range(4000) as numbers (n)"
        )
        every, half, eighth = (Frames.read(con, most) for most in (4000, 3999, 500))
        con.execute("insert into journey.int_ticket_openings values ('new', timestamp '2026-01-02', true)")
        later = Frames.read(con, 500)
    learned = [set(frames.tickets["ticket_id"]) for frames in (every, half, eighth)]
    assert len(learned[0]) == 4000
    assert learned[0] > learned[1] > learned[2]
    assert 1800 < len(learned[1]) < 2200
    assert 400 < len(learned[2]) < 600
    # Solved or not, a ticket has the same chance: eight of ten are solved.
    assert 0.75 < eighth.tickets["is_solved"].fillna(False).mean() < 0.85
    assert [len(frames.open_tickets) for frames in (every, half, eighth)] == [800, 800, 800]
    # 4,001 tickets are more than eight times 500.
    assert set(later.tickets["ticket_id"]) < learned[2] | {"new"}
