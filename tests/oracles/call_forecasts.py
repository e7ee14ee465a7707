"""The forecast of calls a second way: day by day from dictionaries, with scipy's regression."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from scipy.stats import linregress

MIN_SAMPLE = 30
WEEK, YEAR = timedelta(days=7), timedelta(days=364)


@dataclass
class Calls:
    """A team's calls until the last whole day, and the two forecasts of them."""

    first: date
    last: date
    #: Calls at a clock time (in half hours) of a day: of two half hours that share it, the mean.
    by_clock: dict[tuple[date, int], float]
    by_day: dict[date, int]
    #: Clock times that a day has, of those at which the desk is ever open or called on that weekday.
    clock_times: Callable[[date], set[int]]
    #: Kind of holiday of a day; none for ordinary ones.
    holidays: dict[date, str]
    #: Last day of which the export has a call; what came after it nobody knows.
    ends: date = date.max
    history_weeks: int = 8
    held_back_weeks: int = 8
    _usual: dict[date, float | None] = field(default_factory=dict)

    def usual(self, day: date) -> float | None:
        """Calls of a day, or of its weekday in the weeks before where it is a holiday."""
        if not self.first <= day <= min(self.last, self.ends):
            return None
        if day not in self._usual:
            before = [day - n * WEEK for n in range(1, self.history_weeks + 1)]
            found = [self.by_day.get(d, 0) for d in before if d >= self.first and d not in self.holidays]
            known = statistics.fmean(found) if found else None
            self._usual[day] = known if day in self.holidays else self.by_day.get(day, 0)
        return self._usual[day]

    def total(self, first: date, last: date) -> float | None:
        days = [self.usual(first + timedelta(days=n)) for n in range((last - first).days + 1)]
        return None if None in days else sum(day for day in days if day is not None)

    def trend(self, made_on: date, weeks: float) -> float:
        """What the line through the weeks until a day makes of their mean, some weeks later."""
        places = range(-self.history_weeks + 1, 1)
        sums = {n: self.total(made_on + n * WEEK - timedelta(days=6), made_on + n * WEEK) for n in places}
        known = {n: total for n, total in sums.items() if total is not None}
        if len(known) < 3 or sum(known.values()) < MIN_SAMPLE:
            return 1
        line = linregress(list(known), list(known.values()))
        if not line.pvalue < 0.05:
            return 1
        return max(0.0, (line.intercept + line.slope * weeks) / statistics.fmean(known.values()))

    def season(self, made_on: date, day: date) -> float | None:
        """How the calls moved last year from the weeks until then to those around the day."""
        if day - YEAR + timedelta(days=10) > made_on:
            return None
        then = made_on - YEAR
        base = self.total(then - timedelta(days=7 * self.history_weeks - 4), then + timedelta(days=3))
        around = self.total(day - YEAR - timedelta(days=10), day - YEAR + timedelta(days=10))
        if base is None or around is None or base < MIN_SAMPLE:
            return None
        return (around / 3) / (base / self.history_weeks)

    def holiday(self, made_on: date, day: date) -> float | None:
        """Calls of earlier holidays of the kind out of what their weekdays bring."""
        if day not in self.holidays:
            return 1
        earlier = [d for d, kind in self.holidays.items() if self.first <= d <= made_on and kind == self.holidays[day]]
        usual = {d: self.usual(d) or 0 for d in earlier}
        brought = sum(self.by_day.get(d, 0) for d in earlier if usual[d])
        return brought / sum(usual.values()) if sum(usual.values()) >= MIN_SAMPLE else None

    def weeks_before(self, day: date, clock: int) -> list[date]:
        """The same weekdays that have the clock time, the newest first."""
        found = [day - n * WEEK for n in range(1, (day - self.first).days // 7 + 1)]
        return [d for d in found if clock in self.clock_times(d)]

    def forecasts(self, day: date, clock: int, horizon: int) -> tuple[float | None, float | None, bool]:
        """By the naive way, by the model, and whether the model has weeks enough."""
        weeks = self.weeks_before(day, clock)[horizon - 1 :]
        if not weeks:
            return None, None, False
        made_on = weeks[0]
        known = [d for d in weeks[: self.history_weeks] if d <= self.ends]
        ordinary = [self.by_clock.get((d, clock), 0) for d in known if d not in self.holidays]
        naive = float(self.by_clock.get((known[0], clock), 0)) if known else None
        if len(ordinary) < (self.history_weeks + 1) // 2:
            return naive, None, False
        factor, holiday = self.season(made_on, day), self.holiday(made_on, day)
        if factor is None:
            factor = self.trend(made_on, (day - made_on).days / 7)
        return naive, None if holiday is None else statistics.fmean(ordinary) * factor * holiday, True

    @cached_property
    def _missed(self) -> dict[tuple[date, int], tuple[float, float] | None]:
        return {}

    def missed(self, day: date, horizon: int) -> tuple[float, float] | None:
        """Squared errors of model and naive forecast on a day; none where they cannot be compared."""
        if (day, horizon) not in self._missed:
            found = []
            for clock in self.clock_times(day):
                naive, model, _ = self.forecasts(day, clock, horizon)
                came = self.by_clock.get((day, clock), 0)
                if naive is not None and model is not None:
                    found.append(((model - came) ** 2, (naive - came) ** 2))
            self._missed[day, horizon] = (sum(m for m, _ in found), sum(n for _, n in found)) if found else None
        return self._missed[day, horizon]

    def choice(self, until: date, horizon: int) -> str:
        """Why which forecast is used, as known on a day."""
        days = [until - timedelta(days=n) for n in range(7 * self.held_back_weeks)]
        known = {d: errors for d in days if self.first <= d <= self.ends and (errors := self.missed(d, horizon))}
        if not known or (until - min(known)).days + 1 < 7 * self.held_back_weeks / 2:
            return "too few weeks tested"
        model, naive = (round(sum(errors[n] for errors in known.values()), 6) for n in (0, 1))
        return "smaller error" if model < naive else "no smaller error"

    def expected(self, day: date, clock: int) -> tuple[float | None, str | None, str]:
        """The forecast that staffing goes by, its method and the reason."""
        horizon = max(1, -(-(day - self.last).days // 7))
        naive, model, is_enough = self.forecasts(day, clock, horizon)
        if naive is None:
            return None, None, "no week before"
        until = self.last if day > self.last else self.weeks_before(day, clock)[0]
        reason = self.choice(until, horizon)
        if reason != "smaller error":
            return naive, "naive", reason
        if not is_enough:
            return naive, "naive", "too few such weekdays before"
        return (None, None, "too few such holidays before") if model is None else (model, "model", reason)
