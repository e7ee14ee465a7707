"""How well a model predicts cases that it was not fitted to, and when that is good enough."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
_BINS = 10


@dataclass(frozen=True)
class Rules:
    """When a risk is modelled, and when what a model says is shown."""

    #: Customers (or tickets) to whom it happened, and to whom it did not, without which nothing is fitted, and nothing is judged.
    min_fitted: int = 50
    min_held_back: int = 30
    #: By how many standard errors the AUC must be above one half. The Brier score must beat that of always saying the share.
    auc_errors: float = 1.645
    #: By how much AUC, and by how many of the difference's standard errors, boosting must beat logistic regression on people that
    #: neither saw; and the cases from which on it is tried.
    margin: float = 0.01
    margin_errors: float = 1.645
    min_boosted: int = 2_000
    #: The cases that a model is fitted to, at most.
    max_cases: int = 20_000


@dataclass(frozen=True)
class Figures:
    """Of one model on cases held back. Brier scores are mean squared errors of a probability: 0 is best."""

    auc: float
    auc_error: float
    brier: float
    guess_brier: float
    #: How many times as often it happened in the tenth with the highest risks as in all.
    top_tenth_lift: float
    #: JSON: for each tenth of the cases by risk, cases, mean risk, share to which it happened.
    calibration: str

    def problem(self, rules: Rules) -> str | None:
        """Why no risk by this model is shown."""
        if self.auc - rules.auc_errors * self.auc_error <= 0.5:
            return f"not surely better than chance: AUC {self.auc:.3f}, standard error {self.auc_error:.3f}"
        if self.brier >= self.guess_brier:
            return f"not better than one risk for all: Brier score {self.brier:.4f}, {self.guess_brier:.4f} for one risk"
        return None


def figures(happened: NDArray[np.bool_], risk: Array, who: NDArray[np.int64], usual: float) -> Figures:
    """Of cases of ``who`` with their risks; ``usual`` is the share that is known from the cases that were fitted to."""
    area = auc(happened, risk)
    order = np.lexsort((np.arange(len(risk)), -risk))
    top = order[: max(1, len(risk) // 10)]
    return Figures(
        auc=area,
        auc_error=auc_error(area, len(np.unique(who[happened])), len(np.unique(who[~happened]))),
        brier=float(np.mean((risk - happened) ** 2)),
        guess_brier=float(np.mean((usual - happened) ** 2)),
        top_tenth_lift=float(happened[top].mean() / happened.mean()),
        calibration=json.dumps(calibration(happened, risk)),
    )


def auc(happened: NDArray[np.bool_], risk: Array) -> float:
    """The chance that of two cases the one to which it happened has the higher risk."""
    count = int(happened.sum())
    return float((rankdata(risk)[happened].sum() - count * (count + 1) / 2) / (count * (len(risk) - count)))


def auc_error(area: float, with_it: int, without: int) -> float:
    """Standard error of an AUC (Hanley and McNeil 1982), of so many people: cases of one person are no independent ones."""
    both_above, one_above = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (with_it - 1) * (both_above - area**2) + (without - 1) * (one_above - area**2)
    return float(np.sqrt(variance / (with_it * without)))


def calibration(happened: NDArray[np.bool_], risk: Array) -> list[dict[str, float]]:
    """Tenths of the cases by risk: how many, the mean risk, and the share to which it happened."""
    parts = np.array_split(np.lexsort((np.arange(len(risk)), risk)), min(_BINS, len(risk)))
    return [
        {"cases": len(part), "predicted": round(float(risk[part].mean()), 4), "actual": round(float(happened[part].mean()), 4)}
        for part in parts
    ]
