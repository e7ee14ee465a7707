"""The order of files by their names."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.pull.contracts.naming import in_order, order_key


@pytest.mark.parametrize(
    "names",
    [
        ["calls_2026-3-9.csv", "calls_2026-3-10.csv", "calls_2026-11-1.csv"],
        ["calls_2026-03-09.csv", "calls_20260310.csv.gz", "calls_2026_03_11.parquet"],
        ["part2.csv", "part10.csv"],
        ["orders.csv", "orders (2).csv", "orders (10).csv"],
        ["orders.csv", "orders_2026-01-01.csv"],
        ["z/orders_2026-6-9.csv", "a/orders_2026-6-10.csv"],
        ["2026/2/orders.csv", "2026/10/orders.csv"],
        ["calls_9.3.2026.csv", "calls_10.3.2026.csv", "calls_1.4.2026.csv"],
        # Only month-day-year makes a date of the second.
        ["calls_03-09-2026.csv", "calls_03-13-2026.csv", "calls_04-01-2026.csv"],
        ["calls_2026-03-01_2026-03-09.csv", "calls_2026-03-02_2026-03-10.csv"],
        ["calls_20260309T0800.csv", "calls_20260309T1400.csv"],
        ["calls_202603090800.csv", "calls_202603091400.csv"],
        ["calls_20260309-2.csv", "calls_20260309-10.csv"],
    ],
)
def test_names_follow_dates_and_numbers(names: list[str]) -> None:
    shuffled = names.copy()
    random.Random(1).shuffle(shuffled)
    assert in_order(shuffled) == names
    assert in_order(reversed(names)) == names


pieces = st.sampled_from(["orders", "_", "-", "2", "10", "2026-6-9", "20260610", "9.6.2026", "a/", ".csv", "é", "²", " (2)"])


@given(st.lists(st.lists(pieces, min_size=1, max_size=5).map("".join), unique=True, max_size=6), st.randoms())
def test_the_order_of_names_is_total(names: list[str], chance: random.Random) -> None:
    """Whatever the names are called and however they are listed, they come in one order."""
    keys = sorted(map(order_key, names))
    assert all(one < other for one, other in pairwise(keys))
    shuffled = names.copy()
    chance.shuffle(shuffled)
    assert in_order(shuffled) == in_order(names)
