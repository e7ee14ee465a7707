"""How well a model foresees labels that it was not fitted to, and whether it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from orchestration.texts.base import NEUTRAL

_BINS = 10
#: What a learned model says of a text that leans to neither side: chances of negative and positive that are closer than this.
UNDECIDED = 0.3


@dataclass(frozen=True)
class Figures:
    """Of one model on labelled texts held back: negative, neither or positive. AUC and Brier score are of negative."""

    auc: float
    brier: float
    macro_f1: float
    accuracy: float
    #: JSON: for each tenth of the probability of negative, texts, mean probability, share that was negative.
    calibration: str


@dataclass(frozen=True)
class Rules:
    """When a language learns, and when what it learned is used."""

    #: Labelled texts without which nothing is learned, and negative and other ones without which nothing is judged.
    min_labelled: int = 1_000
    min_side: int = 50
    #: The newest of the labelled texts are held back.
    held_back: float = 0.2
    #: By how much the learned model's AUC must be above the lexicon's, and by how many of the difference's standard errors; its
    #: Brier score must not be worse.
    margin: float = 0.01
    margin_errors: float = 1.645
    #: It is fitted again once there are so many times the labelled texts.
    growth: float = 1.2
    #: The newest labelled texts that it is fitted to and judged by, at most.
    max_labelled: int = 20_000

    def learned_from(self, labelled: int) -> tuple[int, int]:
        """Of so many labelled texts in the order of their time, the first and last (exclusive) that count.

        The number grows in steps, so that a night's texts leave it as it was; and it depends on nothing but the texts that
        there are, so that a full rebuild learns the same.
        """
        if labelled < self.min_labelled:
            return 0, 0
        end = float(self.min_labelled)
        while int(end * self.growth) <= labelled:
            end *= self.growth
        return max(0, int(end) - self.max_labelled), int(end)


def figures(labels: np.ndarray, p_negative: np.ndarray, sides: np.ndarray) -> Figures:
    """Of labels (-1, 0, 1), probabilities of negative, and the labels foreseen."""
    negative = labels == -1
    return Figures(
        auc=float(roc_auc_score(negative, p_negative)),
        brier=float(brier_score_loss(negative, p_negative)),
        macro_f1=float(f1_score(labels, sides, labels=[-1, 0, 1], average="macro", zero_division=0)),
        accuracy=float((labels == sides).mean()),
        calibration=_calibration(negative, p_negative),
    )


def gain(labels: np.ndarray, better: np.ndarray, plain: np.ndarray) -> tuple[float, float]:
    """By how much the AUC of one probability of negative is above that of another, and the standard error of that.

    Both are of the same texts, so that what is hard for both says nothing (DeLong, DeLong and Clarke-Pearson 1988).
    """
    negative = labels == -1
    above, below = (np.subtract(*parts) for parts in zip(_shares(better, negative), _shares(plain, negative), strict=True))
    return float(above.mean()), float(np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))


def _shares(found: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each negative text the share of the others that lie below it; for each other the share of the negative above it."""
    ranks = rankdata(found)
    own, others = rankdata(found[negative]), rankdata(found[~negative])
    return (ranks[negative] - own) / len(others), 1.0 - (ranks[~negative] - others) / len(own)


def guessed(labels: np.ndarray) -> float:
    """The accuracy of who always says the commonest label."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def side_of(polarity: np.ndarray, band: float = NEUTRAL) -> np.ndarray:
    """Negative, neither or positive, by polarity; within ``band`` of zero it is neither."""
    return np.where(polarity <= -band, -1, np.where(polarity >= band, 1, 0))


def _calibration(negative: np.ndarray, p_negative: np.ndarray) -> str:
    bins = np.minimum((p_negative * _BINS).astype(int), _BINS - 1)
    return json.dumps(
        [
            {
                "from": number / _BINS,
                "to": (number + 1) / _BINS,
                "texts": int(here.sum()),
                "foreseen": round(float(p_negative[here].mean()), 4),
                "negative": round(float(negative[here].mean()), 4),
            }
            for number in range(_BINS)
            if (here := bins == number).any()
        ]
    )
