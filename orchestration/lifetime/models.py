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
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, hyp2f1, logit

Array = NDArray[np.float64]
#: A negative log-likelihood and its gradient, of the parameters' logarithms.
Loss = Callable[[Array], tuple[float, Array]]
WEEKS_OF_MONTH = 365.25 / 12 / 7
#: Logarithms of parameters beyond these are a likelihood without a maximum, such as customers who never leave.
_BOUND = 12.0
#: Newton's steps, in logarithms: the longest that counts as none, how far they may lead, and how many there may be.
_SETTLED, _DRIFT, _MAX_STEPS = 1e-7, 2.0, 60
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


def _maximise(names: tuple[str, ...], loss: Loss, starts: tuple[tuple[float, ...], ...], cases: int) -> Fit:
    """The lowest of the minima of ``loss`` from several starts."""
    bounds = [(-_BOUND, _BOUND)] * len(names)
    # Truncated Newton calls no LAPACK, whose threads cost L-BFGS-B some tens of milliseconds a search.
    found = [minimize(loss, np.log(start), jac=True, method="TNC", bounds=bounds) for start in starts]
    best = min(found, key=lambda result: result.fun if np.isfinite(result.fun) else np.inf)
    if not np.isfinite(best.fun):
        return _no_fit(names, cases, "the likelihood is not finite")
    at, last_step = _polished(loss, best.x)
    if (beyond := np.abs(at) > _BOUND - 0.5).any():
        return _no_fit(names, cases, f"the likelihood has no maximum: {_listed(names, beyond)} grows without end")
    if (far := np.abs(at - best.x) > _DRIFT).any():
        problem = f"the likelihood has no maximum that the search could find: {_listed(names, far)} drift away"
        return _no_fit(names, cases, problem)
    lowest, gradient = loss(at)
    if np.max(np.abs(gradient)) > 1e-3 * max(1.0, abs(lowest)) ** 0.5:
        return _no_fit(names, cases, "the search ended on a slope")
    hessian = _hessian(loss, at)
    if last_step > _SETTLED or np.min(np.linalg.eigvalsh(hessian)) <= 0:
        return _no_fit(names, cases, "the likelihood is flat at its maximum: the data cannot tell its parameters")
    values = np.exp(at)
    errors = values * np.sqrt(np.diag(np.linalg.inv(hessian)))
    return Fit(names, tuple(map(float, values)), tuple(map(float, errors)), -float(lowest), cases)


def _listed(names: tuple[str, ...], chosen: NDArray[np.bool_]) -> str:
    return ", ".join(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)


def _polished(loss: Loss, start: Array) -> tuple[Array, float]:
    """Newton's steps from ``start`` until they vanish, and the size of the last one.

    Where the likelihood has no maximum they do not vanish: towards a limit that it nears as an exponential does, each is as
    long as the one before. They end where the caller calls it a drift.
    """
    at, size = start, np.inf
    for _ in range(_MAX_STEPS):
        if size <= _SETTLED or np.any(np.abs(at) > _BOUND - 0.5) or np.any(np.abs(at - start) > _DRIFT):
            break
        before, gradient = loss(at)
        curvatures, directions = np.linalg.eigh(_hessian(loss, at))
        # Downhill where the curvature is negative, too.
        step = -directions @ ((directions.T @ gradient) / np.maximum(np.abs(curvatures), 1e-12))
        step /= max(1.0, float(np.max(np.abs(step))))
        # What rounding leaves of the sum is no rise.
        while loss(at + step)[0] > before + 1e-13 * abs(before) and np.max(np.abs(step)) > _SETTLED:
            step = step / 2
        at, size = at + step, float(np.max(np.abs(step)))
    return at, size


def _hessian(loss: Loss, at: Array, step: float = 1e-4) -> Array:
    """Central differences of the gradient."""
    rows = np.array([(loss(at + shift)[1] - loss(at - shift)[1]) / (2 * step) for shift in np.eye(len(at)) * step])
    return np.asarray((rows + rows.T) / 2)


# -- purchases


@dataclass(frozen=True)
class AlikeCustomers:
    """Customers of the same history, with their count; and ``of_number``, the customers with 0, 1, 2 … repeat purchases."""

    number: NDArray[np.intp]
    recency: Array
    age: Array
    count: Array
    of_number: Array

    @classmethod
    def of(cls, h: Histories) -> AlikeCustomers:
        unique, count = np.unique(np.column_stack([h.frequency, h.recency, h.age]), axis=0, return_counts=True)
        number = unique[:, 0].astype(np.intp)
        return cls(number, unique[:, 1], unique[:, 2], count.astype(float), np.bincount(number, weights=count).astype(float))


def _rising(start: float, top: int) -> tuple[Array, Array]:
    """Logarithm of start (start + 1) … (start + n - 1) for n = 0 … top, and its derivative by ``start``.

    It is ln Γ(start + n) - ln Γ(start), without the difference of two large numbers.
    """
    factors = start + np.arange(top)
    return np.append(0.0, np.cumsum(np.log(factors))), np.append(0.0, np.cumsum(1 / factors))


def _dot(a: Array, b: Array) -> float:
    """Sum of products, in one thread and one order: BLAS starts several threads, which here cost more than they save."""
    return float((a * b).sum())


def purchases_log_likelihood(params: Array, alike: AlikeCustomers) -> tuple[float, Array]:
    """BG/NBD's log-likelihood of all customers and its gradient, for (r, alpha, a, b): equation 6 of the paper, in logarithms.

    For (r, alpha, odds) the odds to leave after a purchase are the same for all: the limit for a and b without end.
    What depends on the number of purchases alone is computed once for each number.
    """
    r, alpha = params[:2]
    top = len(alike.of_number) - 1
    numbers = np.arange(top + 1)
    rise, by_r = _rising(r, top)
    # Chances not to leave after any of n purchases, and odds to have left after the last one; with their derivatives.
    if len(params) == 3:
        odds = params[2]
        stays, stays_by = -numbers * np.log1p(odds), [-numbers / (1 + odds)]
        leaves, leaves_by = np.full(top + 1, np.log(odds)), [np.full(top + 1, 1 / odds)]
    else:
        a, b = params[2:]
        (of_b, by_b), (of_both, by_both) = _rising(b, top), _rising(a + b, top)
        stays, stays_by = of_b - of_both, [-by_both, by_b - by_both]
        before_last = b + np.maximum(numbers - 1, 0)
        leaves, leaves_by = np.log(a / before_last), [np.full(top + 1, 1 / a), -1 / before_last]
    leaves[0] = -np.inf
    x, count, customers = alike.number, alike.count, float(alike.count.sum())
    to_age, to_recency = alpha + alike.age, alpha + alike.recency
    log_age = np.log(to_age)
    since_last = log_age - np.log(to_recency)
    shape = r + x
    log_odds = leaves[x] + shape * since_last
    either = np.logaddexp(0, log_odds)
    left = count * np.exp(log_odds - either)
    left_of_number = np.bincount(x, weights=left).astype(float)
    value = _dot(alike.of_number, rise + stays) + customers * r * np.log(alpha) + _dot(count, either - shape * log_age)
    gradient = [
        _dot(alike.of_number, by_r) + customers * np.log(alpha) - _dot(count, log_age) + _dot(left, since_last),
        customers * r / alpha + _dot(shape, (left - count) / to_age - left / to_recency),
    ]
    gradient += [_dot(alike.of_number, s) + _dot(left_of_number, v) for s, v in zip(stays_by, leaves_by, strict=True)]
    return float(value), np.array(gradient)


def _loss_of(log_likelihood: Callable[[Array], tuple[float, Array]]) -> Loss:
    def loss(logs: Array) -> tuple[float, Array]:
        params = np.exp(logs)
        value, gradient = log_likelihood(params)
        return -value, -gradient * params

    return loss


def fit_purchases(h: Histories, min_repeaters: int = 30) -> Fit:
    """BG/NBD's r, alpha (weeks), a and b, with standard errors from the observed information.

    Where the data do not show how customers differ in the chance to leave (the likelihood grows with a and b without end, or
    hardly changes with them): r, alpha and one chance p for all.
    """
    names = ("r", "alpha", "a", "b")
    repeaters = int((h.frequency > 0).sum())
    if repeaters < min_repeaters:
        return _no_fit(names, len(h), f"only {repeaters} customers bought again; {min_repeaters} are needed")
    alike = AlikeCustomers.of(h)
    loss = _loss_of(lambda params: purchases_log_likelihood(params, alike))
    fit = _maximise(names, loss, _STARTS, len(h))
    # Errors as large as a and b themselves: how customers differ cannot be estimated, only how they are on the whole.
    if fit.has_converged and all(error < value for error, value in zip(fit.standard_errors[2:], fit.values[2:], strict=True)):
        return fit
    odds = _maximise(("r", "alpha", "p"), loss, _ONE_CHANCE_STARTS, len(h))
    if not odds.has_converged:
        return fit
    p = odds.values[2] / (1 + odds.values[2])
    error = odds.standard_errors[2] / (1 + odds.values[2]) ** 2
    return replace(odds, values=(*odds.values[:2], p), standard_errors=(*odds.standard_errors[:2], error))


def _left_odds(params: tuple[float, ...], h: Histories) -> Array:
    """Odds of having left against being there still."""
    r, alpha = params[:2]
    x = h.frequency
    # E[p (1 - p)^(x - 1)] / E[(1 - p)^x]; who bought once was not asked whether to leave.
    log_odds = logit(params[2]) if len(params) == 3 else np.log(params[2]) - np.log(params[3] + np.maximum(x - 1, 0))
    shift = (r + x) * (np.log(alpha + h.age) - np.log(alpha + h.recency))
    return np.where(x > 0, np.exp(log_odds + shift), 0.0)


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


@dataclass(frozen=True)
class RepeatedSpending:
    """Repeat customers: their numbers of repeat days, the mean amounts of these days, and sums that no parameter changes."""

    number: Array
    total: Array
    numbers: Array
    of_number: Array
    sums: tuple[float, float, float]

    @classmethod
    def of(cls, x: Array, spent: Array) -> RepeatedSpending:
        numbers, count = np.unique(x, return_counts=True)
        sums = (float(np.log(spent).sum()), _dot(x, np.log(spent)), _dot(x, np.log(x)))
        return cls(x, x * spent, numbers, count.astype(float), sums)


def spending_log_likelihood(params: Array, of: RepeatedSpending) -> tuple[float, Array]:
    """Gamma-Gamma's log-likelihood of all repeat customers and its gradient, for (p, q, gamma): equation 1a of the note."""
    p, q, gamma = params
    customers = len(of.number)
    shapes = p * of.numbers
    amount, weighted_amount, weighted_number = of.sums
    rate = gamma + of.total
    shape, log_rate = p * of.number + q, np.log(rate)
    value = (
        _dot(of.of_number, gammaln(shapes + q) - gammaln(shapes)) + customers * (q * np.log(gamma) - gammaln(q))
        + p * (weighted_amount + weighted_number) - amount - _dot(shape, log_rate)
    )  # fmt: skip
    by_p = _dot(of.of_number * of.numbers, digamma(shapes + q) - digamma(shapes)) + weighted_amount + weighted_number
    by_q = _dot(of.of_number, digamma(shapes + q)) + customers * (np.log(gamma) - digamma(q))
    by_gamma = customers * q / gamma - (shape / rate).sum()
    return float(value), np.array([by_p - _dot(of.number, log_rate), by_q - log_rate.sum(), by_gamma])


def fit_spending(h: Histories, min_repeaters: int = 30) -> Fit:
    """Gamma-Gamma's p, q and gamma, of those who bought again and spent something."""
    names = ("p", "q", "gamma")
    chosen = (h.frequency > 0) & (h.spent > 0)
    x, spent = h.frequency[chosen], h.spent[chosen]
    if len(x) < min_repeaters:
        return _no_fit(names, len(x), f"only {len(x)} customers bought again with a value; {min_repeaters} are needed")
    scale = float(np.mean(spent))
    repeated = RepeatedSpending.of(x, spent / scale)
    loss = _loss_of(lambda params: spending_log_likelihood(params, repeated))
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
