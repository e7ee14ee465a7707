"""A probability fitted to past cases: logistic regression, or boosted trees where they are surely better."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from orchestration.risk.cases import Cases, mixed
from orchestration.risk.judging import Array, Figures, Rules, auc, figures
from orchestration.texts.judging import gain

LOGISTIC, BOOSTED = "logistic regression", "boosted trees"
#: Parts of the people (not of the cases) of which each is predicted by a model that was fitted to the others.
FOLDS = 3
#: Inverse strength of the penalty on weights.
_C = 0.5


@dataclass(frozen=True)
class Scaled:
    """How features become numbers around zero: what is unknown is the mean, and so moves nothing."""

    centre: Array
    scale: Array

    @classmethod
    def of(cls, features: Array) -> Scaled:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column of nothing
            centre, scale = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
        return cls(np.nan_to_num(centre), np.where(np.nan_to_num(scale) > 1e-9, np.nan_to_num(scale), np.inf))

    def __call__(self, features: Array) -> Array:
        found = (features - self.centre) / self.scale
        # Far outside of what was seen, a line leads anywhere.
        return np.asarray(np.clip(np.nan_to_num(found), -6.0, 6.0))


@dataclass(frozen=True)
class Fitted:
    """A model with its curve: how its score becomes a probability."""

    kind: str
    scaled: Scaled
    model: Any
    curve: tuple[float, float] = (1.0, 0.0)

    def scores(self, features: Array) -> Array:
        return self._of_scaled(self.scaled(features))

    def _of_scaled(self, found: Array) -> Array:
        if self.kind == LOGISTIC:
            return np.asarray((found * self.model.coef_[0]).sum(axis=1) + self.model.intercept_[0])
        with threadpool_limits(1):
            return np.asarray(self.model.decision_function(found))

    def risks(self, features: Array) -> Array:
        slope, shift = self.curve
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(slope * self.scores(features) + shift, -30, 30))))

    def effects(self, features: Array) -> Array:
        """Cases x features: by how much each feature raises the logarithm of the odds above what its mean would do."""
        found, slope = self.scaled(features), self.curve[0]
        if self.kind == LOGISTIC:
            return np.asarray(slope * found * self.model.coef_[0])
        whole, effects = self._of_scaled(found), np.zeros_like(found)
        for place in range(found.shape[1]):
            without = found.copy()
            without[:, place] = 0.0
            effects[:, place] = slope * (whole - self._of_scaled(without))
        return effects


def fit(kind: str, cases: Cases) -> Fitted:
    """A model of a kind, without its curve. The same cases in the same order give the same model."""
    scaled = Scaled.of(cases.features)
    found = scaled(cases.features)
    model = (
        LogisticRegression(C=_C, max_iter=1_000, tol=1e-6)
        if kind == LOGISTIC
        else HistGradientBoostingClassifier(
            max_iter=80, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=50, early_stopping=False, random_state=0
        )
    )
    with threadpool_limits(1):
        model.fit(found, cases.happened)
    return Fitted(kind, scaled, model)


def predicted_by_others(kind: str, cases: Cases) -> Array:
    """The score of each case by a model that was fitted without the person whose case it is."""
    scores, folds = np.zeros(len(cases)), mixed(cases.draw) % FOLDS
    for fold in range(FOLDS):
        scores[folds == fold] = fit(kind, cases.chosen(folds != fold)).scores(cases.features[folds == fold])
    return scores


def curve(scores: Array, happened: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and shift of the logistic curve from a score to a probability (Platt's)."""
    model = LogisticRegression(C=1e3).fit(scores.reshape(-1, 1), happened)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def calibrated(kind: str, cases: Cases) -> Fitted:
    """A model whose curve comes from scores of people that it did not see."""
    return replace(fit(kind, cases), curve=curve(predicted_by_others(kind, cases), cases.happened))


@dataclass(frozen=True)
class Trial:
    """What was found by fitting to older cases and predicting newer ones."""

    fitted_to: int
    held_back: int
    held_back_from: int
    happened_share: float
    #: By kind of model; none of a model that was not tried.
    figures: dict[str, Figures]
    #: The kind that is better on what was fitted to, and whether it is good enough to be used; why the others are not.
    chosen: str
    used: str | None
    problems: dict[str, str]


def few(old: Cases, new: Cases, rules: Rules) -> str | None:
    """Why there are too few cases to fit and to judge a model, if there are."""
    for cases, least, what in ((old, rules.min_fitted, "to fit to"), (new, rules.min_held_back, "to judge by")):
        with_it, without = cases.people()
        if min(with_it, without) < least:
            return f"too few cases {what}: {with_it} to whom it happened, {without} others; {least} of each are needed"
    return None


def tried(old: Cases, new: Cases, rules: Rules) -> Trial:
    """Fit to ``old``, choose a model by people of ``old`` that it did not see, and judge it by ``new``."""
    old = old.capped(rules.max_cases)
    usual = float(old.happened.mean())
    found: dict[str, Figures] = {}
    problems: dict[str, str] = {}
    scores = {LOGISTIC: predicted_by_others(LOGISTIC, old)}
    if len(old) >= rules.min_boosted:
        scores[BOOSTED] = predicted_by_others(BOOSTED, old)
    else:
        problems[BOOSTED] = f"not tried with fewer than {rules.min_boosted} cases"
    for kind, own in scores.items():
        model = replace(fit(kind, old), curve=curve(own, old.happened))
        found[kind] = figures(new.happened, model.risks(new.features), new.who, usual)
    chosen = LOGISTIC
    if BOOSTED in scores:
        sides = np.where(old.happened, -1, 0)
        gained, error = gain(sides, scores[BOOSTED], scores[LOGISTIC])
        comparison = f"{gained:+.3f} of AUC, standard error {error:.3f}"
        if gained >= max(rules.margin, rules.margin_errors * error):
            chosen = BOOSTED
            problems[LOGISTIC] = f"boosted trees are better: {comparison}"
        else:
            problems[BOOSTED] = f"not surely better than logistic regression: {comparison}"
    if problem := found[chosen].problem(rules):
        problems[chosen] = problem
    return Trial(
        fitted_to=len(old),
        held_back=len(new),
        held_back_from=int(new.seen_on.min()),
        happened_share=float(new.happened.mean()),
        figures=found,
        chosen=chosen,
        used=None if chosen in problems else chosen,
        problems=problems,
    )


def leaks(cases: Cases, limit: float = 0.98) -> list[str]:
    """Features that alone give away the end of a case almost surely: what does so is known afterwards only."""
    found = []
    for place, name in enumerate(cases.names):
        values = cases.features[:, place]
        known = ~np.isnan(values)
        if 0 < cases.happened[known].sum() < known.sum():
            area = auc(cases.happened[known], values[known])
            if max(area, 1 - area) >= limit:
                found.append(name)
    return found
