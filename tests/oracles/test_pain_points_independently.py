"""Pain points by a second computation, with pandas and statsmodels, over the topics of a home; and how often chance is news."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from homes import Home
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

CUTS = {"stage": "stage", "segment": "segment", "product": "product_id", "channel": "channel", "language": "language"}
TEXT = ["record_kind", "record_id"]


def trends(counts: pd.DataFrame, totals: pd.Series, least: int, first: int = 0) -> pd.DataFrame:
    """Months against the twelve before, a column of ``counts`` for each topic: z, p, adjusted p and trend, where it is tested."""
    found = []
    for place, month in list(enumerate(totals.index))[first:]:
        before = totals.index[max(0, place - 12) : place]
        for topic in counts.columns:
            x, n, past, all_past = counts.loc[month, topic], totals[month], counts.loc[before, topic], totals[before]
            if len(before) < 3 or min(n, all_past.sum()) < least:
                continue
            share, pooled = past.sum() / all_past.sum(), (x + past.sum()) / (n + all_past.sum())
            if max(x, pooled * n) < 5 or not 0 < pooled < 1:
                continue
            spread = 1.0
            if 0 < share < 1:
                expected = all_past * share
                squares = (past - expected) ** 2
                chi_square = (squares / expected + squares / (all_past - expected)).sum()
                spread = max(1.0, chi_square / (len(before) - 1))
            t = (x / n - share) / math.sqrt(spread * pooled * (1 - pooled) * (1 / n + 1 / all_past.sum()))
            # Of an estimated spread Student's t has the say.
            p = 2 * (norm.sf(abs(t)) if spread == 1.0 else student.sf(abs(t), len(before) - 1))
            found.append({"topic_id": topic, "period_start": month, "z": t, "p_value": p, "dispersion": spread})
    frame = pd.DataFrame(found)
    if frame.empty:
        return frame
    for _, group in frame.groupby("period_start"):
        frame.loc[group.index, "p_adjusted"] = multipletests(group["p_value"], method="fdr_bh")[1]
    is_news = frame["p_adjusted"] < 0.05
    frame["trend"] = np.where(~is_news, "steady", np.where(frame["z"] > 0, "rising", "falling"))
    return frame


@pytest.mark.ci
def test_pain_points_equal_a_second_computation(sample_home: Home) -> None:
    check(sample_home, "Europe/Berlin", 50)


def check(home: Home, zone: str, at_least: int) -> None:
    with home.marts() as con:
        rows = con.execute("select * from fct_text_topics").df()
        points = con.execute("select * from pain_points").df()
    local = rows["said_at"].dt.tz_localize("UTC").dt.tz_convert(zone)
    rows["month"] = local.dt.tz_localize(None).dt.to_period("M").dt.start_time
    texts = rows.drop_duplicates(TEXT)
    assert len(points) >= at_least
    checked = 0
    cells: list[tuple[str, Any, str, str, pd.Series, pd.Series]] = [
        ("all", None, "all", "all", rows["topic_id"].notna(), texts["topic_id"].notna())
    ]
    cells += [
        ("month", month, "all", "all", rows["month"] == month, texts["month"] == month) for month in texts["month"].unique()
    ]
    for dimension, column in CUTS.items():
        cells += [
            ("all", None, dimension, member, rows[column] == member, texts[column] == member) for member in texts[column].unique()
        ]
    points["start"] = pd.to_datetime(points["period_start"]).astype(object).where(points["period_start"].notna(), None)
    by_cell = {(p.topic_id, p.grain, p.start, p.dimension, p.member): p for p in points.itertuples()}
    for grain, start, dimension, member, said, any_text in cells:
        whole = texts[any_text]
        for topic in set(rows["topic_id"]) - {"none"}:
            own = rows[said & (rows["topic_id"] == topic)]
            point = by_cell.get((topic, grain, None if start is None else pd.Timestamp(start), dimension, member))
            if point is None:
                assert own.empty
                assert grain == "all"
                continue
            keys = set(map(tuple, own[TEXT].to_numpy()))
            rest = whole[[tuple(key) not in keys for key in whole[TEXT].to_numpy()]]
            assert (point.texts, point.all_texts, point.people) == (len(own), len(whole), own["customer_key"].nunique())
            assert point.share == pytest.approx(len(own) / len(whole))
            for column, name in (("is_satisfied", "csat"), ("polarity", "polarity")):
                for part, prefix in ((own, ""), (rest, "rest_")):
                    values = part[column].dropna().astype(float)
                    assert getattr(point, f"{prefix}{name}_n") == len(values)
                    said_mean = getattr(point, f"{prefix}{name}")
                    assert said_mean == pytest.approx(values.mean(), abs=1e-6) if len(values) else pd.isna(said_mean)
            checked += 1
    assert checked == len(points)
    months = sorted(texts["month"].unique())
    about = rows[rows["topic_id"] != "none"]
    counts = about.groupby(["month", "topic_id"]).size().unstack(fill_value=0).reindex(months, fill_value=0)
    second = trends(counts, texts.groupby("month").size().reindex(months), 30)
    tested = points[points["z"].notna()]
    assert len(tested) == len(second)
    for row in second.to_dict("records"):
        point = by_cell[row["topic_id"], "month", pd.Timestamp(row["period_start"]), "all", "all"]
        assert point.trend == row["trend"]
        assert point.dispersion == pytest.approx(row["dispersion"])
        assert point.z == pytest.approx(row["z"], abs=1e-9)
        # The models have Student's t by an approximation.
        assert point.p_value == pytest.approx(row["p_value"], abs=1e-6 if point.dispersion == 1 else 5e-3)
        assert point.p_adjusted == pytest.approx(row["p_adjusted"], abs=5e-2)


def test_chance_is_seldom_news_and_a_rise_is() -> None:
    """Twenty topics over thirteen months, forty times: steady ones, those whose months differ by more than chance, and a rise."""
    rng = np.random.default_rng(6)
    months = pd.date_range("2025-01-01", periods=13, freq="MS")
    totals = pd.Series(400, index=months)
    shares = np.linspace(0.03, 0.2, 20)
    for spread, at_most in ((0.0, 0.12), (0.15, 0.15), (0.3, 0.2)):
        news = lots = found = 0
        for _ in range(40):
            often = shares * np.exp(rng.normal(0, spread, (13, 20))) if spread else np.tile(shares, (13, 1))
            often[-1, 3] = shares[3] * 2.5 if not spread else often[-1, 3]
            counts = pd.DataFrame(rng.binomial(400, np.clip(often, 0, 0.9)), index=months, columns=[f"t{n}" for n in range(20)])
            newest = trends(counts, totals, 30, first=12).set_index("topic_id")
            steady = newest.drop("t3")
            lots += 1
            news += bool((steady["trend"] != "steady").any())
            found += newest.loc["t3", "trend"] == "rising"
        # Five in a hundred lots should have any; the more lopsided the months' differences, the more have.
        print(f"months differ by {spread:.0%}: {news} of {lots} have news, {found} show the rise")
        assert news / lots <= at_most, spread
        assert spread or found / lots > 0.9
