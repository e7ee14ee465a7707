"""How long customers stay and what they will spend: BG/NBD and Gamma-Gamma, by maximum likelihood.

Purchases while alive come at a rate that differs between customers as a gamma distribution does; after each purchase a
customer leaves with a probability that differs as a beta distribution does (BG/NBD: Fader, Hardie & Lee 2005, "Counting Your
Customers" the Easy Way). What one spends varies around a mean of one's own (Gamma-Gamma: Fader & Hardie 2013). Time is in weeks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import approx_fprime, minimize
from scipy.special import betaln, expit, gammaln, hyp2f1

Array = NDArray[np.float64]
WEEKS_OF_MONTH = 365.25 / 12 / 7
#: Logarithms of parameters beyond these are a likelihood without a maximum, such as customers who never leave.
_BOUND = 12.0
_STARTS = ((0.5, 5.0, 0.8, 2.5), (1.0, 20.0, 1.0, 1.0), (0.2, 2.0, 0.3, 5.0), (3.0, 60.0, 0.5, 10.0))
_ONE_CHANCE_STARTS = ((0.5, 5.0, 0.2), (1.0, 20.0, 0.05))
_SPENDING_STARTS = ((6.0, 4.0, 15.0), (2.0, 3.0, 60.0), (20.0, 2.0, 2.0))


@dataclass(frozen=True)
class Fit:
    """Parameters at the maximum of a likelihood, or why there is none that can be trusted."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    standard_errors: tuple[float, ...]
    log_likelihood: float
    cases: int
    problem: str | None = None

    @property
    def has_converged(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class Histories:
    """One entry for each customer; times in weeks.

    ``frequency`` counts days with a purchase after the first one, ``recency`` is the time from the first to the last, ``age``
    from the first to now, ``spent`` the mean of a repeat day's purchases (nan for none).
    """

    frequency: Array
    recency: Array
    age: Array
    spent: Array

    def __len__(self) -> int:
        return len(self.frequency)


def _no_fit(names: tuple[str, ...], cases: int, problem: str) -> Fit:
    nothing = (float("nan"),) * len(names)
    return Fit(names, nothing, nothing, float("nan"), cases, problem)


def _maximise(names: tuple[str, ...], loss: Callable[[Array], float], starts: tuple[tuple[float, ...], ...], cases: int) -> Fit:
    """The lowest of the minima of ``loss`` (a negative log-likelihood, of the parameters' logarithms) from several starts."""
    bounds = [(-_BOUND, _BOUND)] * len(names)
    found = [minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda result: result.fun if np.isfinite(result.fun) else np.inf)
    if not np.isfinite(best.fun):
        return _no_fit(names, cases, "the likelihood is not finite")
    start_of_polish = best.x
    polished = minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000})
    if np.isfinite(polished.fun) and polished.fun <= best.fun and np.all(np.abs(polished.x) < _BOUND):
        best = polished
    if np.any(np.abs(best.x) > _BOUND - 0.5):
        at = ", ".join(name for name, value in zip(names, best.x, strict=True) if abs(value) > _BOUND - 0.5)
        return _no_fit(names, cases, f"the likelihood has no maximum: {at} grows without end")
    gradient = _gradient(loss, best.x)
    if (far := np.abs(best.x - start_of_polish) > 2).any():
        at = ", ".join(name for name, is_far in zip(names, far, strict=True) if is_far)
        return _no_fit(names, cases, f"the likelihood has no maximum that the search could find: {at} drift away")
    if np.max(np.abs(gradient)) > 1e-3 * max(1.0, abs(best.fun)) ** 0.5:
        return _no_fit(names, cases, "the search ended on a slope")
    hessian = np.array([approx_fprime(best.x, lambda x, i=i: _gradient(loss, x)[i], 1e-4) for i in range(len(names))])
    hessian = (hessian + hessian.T) / 2
    if np.min(np.linalg.eigvalsh(hessian)) <= 0:
        return _no_fit(names, cases, "the likelihood is flat at its maximum: the data cannot tell its parameters")
    values = np.exp(best.x)
    errors = values * np.sqrt(np.diag(np.linalg.inv(hessian)))
    return Fit(names, tuple(map(float, values)), tuple(map(float, errors)), -float(best.fun), cases)


def _gradient(loss: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    """Central differences."""
    shifts = np.eye(len(at)) * step
    return np.array([(loss(at + shift) - loss(at - shift)) / (2 * step) for shift in shifts])


# -- purchases


def _log_stays(params: tuple[float, ...], x: Array) -> Array:
    """Logarithm of the chance not to leave after any of x purchases: E[(1 - p)^x]."""
    if len(params) == 3:
        return x * np.log1p(-params[2])
    return np.asarray(betaln(params[2], params[3] + x) - betaln(params[2], params[3]))


def _log_leaves(params: tuple[float, ...], x: Array) -> Array:
    """Logarithm of the chance to leave after the last of x purchases and not before: E[p (1 - p)^(x - 1)]; never for x = 0."""
    if len(params) == 3:
        left = np.log(params[2]) + (x - 1) * np.log1p(-params[2])
    else:
        left = betaln(params[2] + 1, params[3] + x - 1) - betaln(params[2], params[3])
    return np.where(x > 0, left, -np.inf)


def log_likelihood(params: tuple[float, ...], h: Histories) -> Array:
    """BG/NBD's log-likelihood of each customer, for (r, alpha, a, b): equation 6 of the paper, in logarithms.

    For (r, alpha, p) the chance to leave after a purchase is the same for all: the limit for a and b without end.
    """
    r, alpha = params[:2]
    x, recency, age = h.frequency, h.recency, h.age
    # Far from its maximum the likelihood leaves the range of a double; the search turns back there.
    with np.errstate(all="ignore"):
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stayed = _log_stays(params, x) - (r + x) * np.log(alpha + age)
        left = _log_leaves(params, x) - (r + x) * np.log(alpha + recency)
        return np.asarray(common + np.logaddexp(stayed, left))


def fit_purchases(h: Histories, min_repeaters: int = 30) -> Fit:
    """BG/NBD's r, alpha (weeks), a and b, with standard errors from the observed information.

    Where the data cannot tell how customers differ in the chance to leave (the likelihood grows with a and b without end, or
    hardly changes with them): r, alpha and one chance p for all.
    """
    names = ("r", "alpha", "a", "b")
    repeaters = int((h.frequency > 0).sum())
    if repeaters < min_repeaters:
        return _no_fit(names, len(h), f"only {repeaters} customers bought again; {min_repeaters} are needed")
    columns = np.column_stack([h.frequency, h.recency, h.age])
    unique, counts = np.unique(columns, axis=0, return_counts=True)
    alike = Histories(unique[:, 0], unique[:, 1], unique[:, 2], np.full(len(unique), np.nan))

    def loss_of(to_params: Callable[[Array], tuple[float, ...]]) -> Callable[[Array], float]:
        def loss(logs: Array) -> float:
            total = float(-(log_likelihood(to_params(logs), alike) * counts).sum())
            return total if np.isfinite(total) else 1e300

        return loss

    fit = _maximise(names, loss_of(lambda logs: tuple(np.exp(logs))), _STARTS, len(h))
    # Errors as large as a and b themselves: how customers differ cannot be told, only how they are on the whole.
    if fit.has_converged and all(error < value for error, value in zip(fit.standard_errors[2:], fit.values[2:], strict=True)):
        return fit
    # The odds of p are free where p is not.
    odds = _maximise(("r", "alpha", "p"), loss_of(lambda logs: (*np.exp(logs[:2]), expit(logs[2]))), _ONE_CHANCE_STARTS, len(h))
    if not odds.has_converged:
        return fit
    p = odds.values[2] / (1 + odds.values[2])
    error = odds.standard_errors[2] / (1 + odds.values[2]) ** 2
    return replace(odds, values=(*odds.values[:2], p), standard_errors=(*odds.standard_errors[:2], error))


def _left_odds(params: tuple[float, ...], h: Histories) -> Array:
    """Odds of having left against being there still."""
    r, alpha = params[:2]
    x = h.frequency
    shift = (r + x) * (np.log(alpha + h.age) - np.log(alpha + h.recency))
    return np.asarray(np.exp(_log_leaves(params, x) - _log_stays(params, x) + shift))


def p_alive(params: tuple[float, ...], h: Histories) -> Array:
    """Probability that each customer has not left (Fader, Hardie & Lee 2008, note on P(alive))."""
    return np.asarray(1 / (1 + _left_odds(params, h)))


def expected_purchases(params: tuple[float, ...], h: Histories, weeks: float) -> Array:
    """Days with a purchase that each customer will have in the next ``weeks``: equation 10 of the paper."""
    r, alpha = params[:2]
    x, age = h.frequency, h.age
    if len(params) == 3:
        p = params[2]
        shrinking = np.exp((r + x) * (np.log(alpha + age) - np.log(alpha + age + p * weeks)))
        return np.asarray((1 - shrinking) / p * p_alive(params, h))
    a, b = params[2:]
    # The formula has a removable singularity at a = 1.
    a = a if abs(a - 1) > 1e-6 else 1 + 1e-6
    series = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
    growth = 1 - np.exp((r + x) * (np.log(alpha + age) - np.log(alpha + age + weeks))) * series
    return np.asarray((a + b + x - 1) / (a - 1) * growth * p_alive(params, h))


# -- spending


def spending_log_likelihood(params: tuple[float, ...], x: Array, spent: Array) -> Array:
    """Gamma-Gamma's log-likelihood of each repeat customer, for (p, q, gamma): equation 1a of the note."""
    p, q, gamma = params
    return np.asarray(
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        + (p * x - 1) * np.log(spent) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * spent)
    )  # fmt: skip


def fit_spending(h: Histories, min_repeaters: int = 30) -> Fit:
    """Gamma-Gamma's p, q and gamma, of those who bought again and spent something."""
    names = ("p", "q", "gamma")
    chosen = (h.frequency > 0) & (h.spent > 0)
    x, spent = h.frequency[chosen], h.spent[chosen]
    if len(x) < min_repeaters:
        return _no_fit(names, len(x), f"only {len(x)} customers bought again with a value; {min_repeaters} are needed")
    scale = float(np.mean(spent))

    def loss(logs: Array) -> float:
        total = float(-(spending_log_likelihood(tuple(np.exp(logs)), x, spent / scale)).sum())
        return total if np.isfinite(total) else 1e300

    fit = _maximise(names, loss, tuple((p, q, g / 15) for p, q, g in _SPENDING_STARTS), len(x))
    if not fit.has_converged:
        return fit
    # In the currency again: gamma is an amount, and the density of an amount is that of the scaled one over the scale.
    p, q, gamma = fit.values
    if q <= 1:
        return _no_fit(names, len(x), "the mean spending is infinite (q is at most 1)")
    errors = (*fit.standard_errors[:2], fit.standard_errors[2] * scale)
    return Fit(names, (p, q, gamma * scale), errors, fit.log_likelihood - len(x) * float(np.log(scale)), len(x))


def expected_spending(params: tuple[float, ...], h: Histories) -> Array:
    """What each customer is expected to spend on a day with a purchase: the own mean, drawn to that of all."""
    p, q, gamma = params
    known = (h.frequency > 0) & (h.spent > 0)
    x = np.where(known, h.frequency, 0.0)
    spent = np.where(known, h.spent, 0.0)
    return np.asarray(p * (gamma + x * spent) / (p * x + q - 1))


def discounted_purchases(params: tuple[float, ...], h: Histories, months: int, discount_rate: float) -> Array:
    """Expected days with a purchase in the next ``months``, each month's discounted to today by a rate a year."""
    total, before = np.zeros(len(h)), np.zeros(len(h))
    for month in range(1, months + 1):
        so_far = expected_purchases(params, h, month * WEEKS_OF_MONTH)
        total += (so_far - before) / (1 + discount_rate) ** (month / 12)
        before = so_far
    return total
