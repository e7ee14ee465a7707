"""The exact test of two shares, held against another library's; and that a page does not wait for that library."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from scipy import stats

from orchestration.query.change import p_of_shares


def test_few_cases_are_tested_exactly() -> None:
    """Tables of few cases, of few hits among many, and of one side much larger than the other."""
    rng = random.Random(5)
    exact = 0
    for _ in range(400):
        cases, before = rng.randint(1, rng.choice([9, 60, 5000])), rng.randint(1, rng.choice([9, 60, 5000]))
        share = rng.choice([0.002, 0.05, 0.5, 0.97])
        hits, hits_before = (sum(rng.random() < share for _ in range(n)) for n in (cases, before))
        pooled = (hits + hits_before) / (cases + before)
        if min(cases, before) * min(pooled, 1 - pooled) >= 5 or pooled in (0, 1):
            continue
        exact += 1
        expected = stats.fisher_exact([[hits, cases - hits], [hits_before, before - hits_before]]).pvalue
        assert p_of_shares(hits, cases, hits_before, before) == pytest.approx(expected, rel=1e-6)
    assert exact > 150


def test_the_first_page_does_not_import_a_slow_library() -> None:
    """scipy.stats takes more than a second of processor: pages and runs do without."""
    code = (
        "import sys, orchestration.dashboard.overview; from orchestration.query.change import p_of_shares; "
        "p_of_shares(1, 9, 6, 8); sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
