"""Is a change more than chance? Tests of two values of a KPI, from what a row of ``kpis`` holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orchestration.published.marts import period_start

Row = Mapping[str, Any]
#: A change that chance shows less often than this is one.
LEVEL = 0.05
_Z = 1.959963984540054
#: From so many cases on, on either side of a share, the normal approximation holds.
_ENOUGH = 5
#: So many days before a week or day lies the one of the same weekday a year earlier.
_YEAR_IN_WEEKS = 364


def earlier_period(grain: str, start: date, against: str | date) -> date:
    """First day of the period that another one is compared with.

    Args:
        grain: day, week, month or quarter.
        start: first day of the period.
        against: ``previous``, ``year`` (the same period a year earlier; of days and weeks that of 364 days before, so that
            weekdays meet), or any day of the period wanted.

    Raises:
        ValueError: the grain has no periods, or ``against`` is neither of the two words.
    """
    if isinstance(against, date):
        return period_start(grain, against)
    if against == "previous":
        return period_start(grain, start - timedelta(days=1))
    if against != "year":
        raise ValueError(f"compare with previous, year or a day, not {against!r}")
    return start - timedelta(days=_YEAR_IN_WEEKS) if grain in ("day", "week") else start.replace(year=start.year - 1)


def p_value(interval_kind: str | None, now: Row, before: Row) -> float | None:
    """How often chance alone shows so large a difference of two values that are really the same, from 0 to 1.

    Shares by a two-proportion z test (by Fisher's exact test where cases are few), means by Welch's t test, scores and what has
    a standard error by a z test. None where the KPI has no interval (medians, counts), or a side has too few cases.
    """
    if now["value"] is None or before["value"] is None:
        return None
    if interval_kind == "wilson":
        return p_of_shares(now["numerator"], now["denominator"], before["numerator"], before["denominator"])
    if interval_kind == "t":
        return _p_of_means(now, before)
    if interval_kind in ("normal", "multinomial"):
        return _p_of_errors(now["value"] - before["value"], [_half(now), _half(before)])
    return None


def p_of_shares(hits: float, cases: float, hits_before: float, cases_before: float) -> float | None:
    """The test of two shares: of ``cases`` so many ``hits``, now and before; none where a side has no cases."""
    if cases <= 0 or cases_before <= 0:
        return None
    table = [[hits, cases - hits], [hits_before, cases_before - hits_before]]
    if min(map(min, table)) < 0:
        return None
    pooled = (hits + hits_before) / (cases + cases_before)
    if pooled in (0, 1):
        return 1.0
    if min(cases, cases_before) * min(pooled, 1 - pooled) < _ENOUGH:
        return _fisher(round(hits), round(cases), round(hits_before), round(cases_before))
    error = math.sqrt(pooled * (1 - pooled) * (1 / cases + 1 / cases_before))
    return two_sided((hits / cases - hits_before / cases_before) / error)


def _fisher(hits: int, cases: int, hits_before: int, cases_before: int) -> float:
    """Fisher's exact test of a table of two by two: the chance of all tables with these sums that are no likelier than it.

    By logarithms of factorials: scipy.stats, which has the test, takes longer to import than a page to draw (1.2 processor s).
    """
    every, total = hits + hits_before, cases + cases_before

    def chosen(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    def chance(k: int) -> float:
        return math.exp(chosen(cases, k) + chosen(cases_before, every - k) - chosen(total, every))

    limit = chance(hits) * (1 + 1e-7)
    chances = map(chance, range(max(0, every - cases_before), min(cases, every) + 1))
    return min(1.0, math.fsum(found for found in chances if found <= limit))


def two_sided(z: float) -> float:
    """The chance of a normal deviate as far from zero as z, on either side."""
    return math.erfc(abs(z) / math.sqrt(2))


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """p values corrected for how many there are, by Holm's method: so the chance of one false change among all stays at LEVEL.

    Args:
        p_values: of the changes that are looked at together; None for what has no test, which stays None and does not count.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, place) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        found[place] = least
    return found


def _half(row: Row) -> float | None:
    return None if row["ci_low"] is None or row["ci_high"] is None else (row["ci_high"] - row["ci_low"]) / 2


def _p_of_errors(difference: float, halves: list[float | None]) -> float | None:
    known = [half / _Z for half in halves if half is not None]
    if len(known) < len(halves):
        return None
    error = math.hypot(*known)
    return two_sided(difference / error) if error > 0 else None


def _p_of_means(now: Row, before: Row) -> float | None:
    from scipy.special import stdtr, stdtrit

    variances, weights = 0.0, 0.0
    for row in (now, before):
        half = _half(row)
        if half is None or row["n"] < 2:
            return None
        variance = (half / float(stdtrit(row["n"] - 1, 0.975))) ** 2
        variances += variance
        weights += variance * variance / (row["n"] - 1)
    if variances <= 0:
        return None
    freedom = variances * variances / weights
    return float(2 * stdtr(freedom, -abs(now["value"] - before["value"]) / math.sqrt(variances)))
