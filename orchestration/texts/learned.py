"""Sentiment as a home's own labelled texts teach it: n-grams of words and letters beside what the lexicon says.

A text is scored by the one of several models that was not fitted to texts with the same words (``_fold``): a review is not
scored by a model that has seen its stars.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from orchestration.texts.base import NEUTRAL, Scored
from orchestration.texts.lexicon import folded

FOLDS = 5
_FEATURES = 2**16
_SIDES = (-1, 1)
_WORDS = HashingVectorizer(
    ngram_range=(1, 2),
    n_features=_FEATURES,
    alternate_sign=False,
    norm=None,
    binary=True,
    token_pattern=r"(?u)\w+",
    lowercase=False,
)
_LETTERS = HashingVectorizer(
    analyzer="char_wb", ngram_range=(2, 5), n_features=_FEATURES, alternate_sign=False, norm=None, binary=True, lowercase=False
)
#: Inverse strength of the penalty on weights.
_C = 3.0


@dataclass(frozen=True)
class Learned:
    """Weights of the models of one language; every array is of floats.

    ``words`` and ``letters``: inverse document frequencies. ``weights``: fold x side (negative, positive) x feature.
    ``intercepts``: fold x side. ``curves``: side x (slope, intercept): how a sum of weights becomes a probability.
    """

    words: np.ndarray
    letters: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    curves: np.ndarray

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        with draft.open("wb") as stream:
            np.savez_compressed(stream, **{field.name: getattr(self, field.name) for field in fields(self)})
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Learned:
        """Raises an OSError, ValueError or KeyError for what is no such file."""
        with np.load(path, allow_pickle=False) as held:
            return cls(**{field.name: held[field.name] for field in fields(cls)})

    def probabilities(self, texts: list[str], scored: list[Scored], language: str) -> np.ndarray:
        """For each text the probabilities that it is negative, and positive: texts x 2."""
        if not texts:
            return np.empty((0, 2))
        plain = [folded(text, language) for text in texts]
        features = _features(plain, scored, self.words, self.letters)
        folds = np.array([_fold(text) for text in plain])
        found = np.empty((len(texts), len(_SIDES)))
        for fold in range(FOLDS):
            rows = np.flatnonzero(folds == fold)
            sums = features[rows] @ self.weights[fold].T.astype(float) + self.intercepts[fold]
            found[rows] = _sigmoid(self.curves[:, 0] * sums + self.curves[:, 1])
        return found / np.maximum(found.sum(axis=1, keepdims=True), 1.0)


def fit(texts: list[str], scored: list[Scored], labels: np.ndarray, language: str) -> Learned | None:
    """Fit to labelled texts (-1, 0, 1); none where a part of them has no negative, other or positive ones."""
    plain = [folded(text, language) for text in texts]
    words, letters = _WORDS.transform(plain), _LETTERS.transform(plain)
    word_idf = TfidfTransformer().fit(words).idf_.astype(np.float32)
    letter_idf = TfidfTransformer().fit(letters).idf_.astype(np.float32)
    features = _features(plain, scored, word_idf, letter_idf)
    folds = np.array([_fold(text) for text in plain])
    weights = np.zeros((FOLDS, len(_SIDES), features.shape[1]), np.float32)
    intercepts = np.zeros((FOLDS, len(_SIDES)))
    sums = np.zeros((len(texts), len(_SIDES)))
    for fold in range(FOLDS):
        own, other = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for place, side in enumerate(_SIDES):
            is_side = labels == side
            if len(set(is_side[own])) < len(_SIDES):
                return None
            model = LogisticRegression(C=_C, solver="liblinear", dual=True, tol=1e-3, random_state=0).fit(
                features[own], is_side[own]
            )
            weights[fold, place], intercepts[fold, place] = model.coef_[0], model.intercept_[0]
            sums[other, place] = features[other] @ weights[fold, place].astype(float) + intercepts[fold, place]
    # Over all texts, each by the model that did not see it.
    curves = np.array([curve(sums[:, place], labels == side) for place, side in enumerate(_SIDES)])
    return Learned(word_idf, letter_idf, weights, intercepts, curves)


def curve(sums: np.ndarray, is_side: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from a score to a probability (Platt's)."""
    model = LogisticRegression(C=1e3).fit(sums.reshape(-1, 1), is_side)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def on_curve(found: tuple[float, float], sums: np.ndarray) -> np.ndarray:
    """Probabilities of sums of weights, by a fitted logistic curve."""
    return _sigmoid(found[0] * sums + found[1])


def _sigmoid(sums: Any) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(sums, -50, 50)))


def _fold(plain: str) -> int:
    return int.from_bytes(hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()[:4], "big") % FOLDS


def _features(plain: list[str], scored: list[Scored], word_idf: np.ndarray, letter_idf: np.ndarray) -> sp.csr_matrix:
    scores = np.array([[one.polarity, one.worst, abs(one.polarity) < NEUTRAL] for one in scored], float)
    parts = [
        _unit(_WORDS.transform(plain).multiply(word_idf).tocsr()),
        _unit(_LETTERS.transform(plain).multiply(letter_idf).tocsr()),
        sp.csr_matrix(scores),
    ]
    return sp.hstack(parts).tocsr()


def _unit(rows: sp.csr_matrix) -> sp.csr_matrix:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sp.diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ rows
