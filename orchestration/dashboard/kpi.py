"""What a page says of one KPI: its newest whole period, the one before, how sure, and whether it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from orchestration.published.display import format_interval, format_value, within_limits
from orchestration.published.marts import ALL, Marts, Row, View, period_end, period_name, period_start
from orchestration.query.change import LEVEL, p_value

TOO_FEW = "too few people to show"
#: What a KPI may lack beside exports.
_OF_CONFIGURATION = ("setting ", "seed ")
STATUS = {
    "on_target": "on target",
    "warning": "near its target",
    "breach": "misses its target",
    "no_target": "",
    "insufficient_data": "too few cases to judge",
    "suppressed": TOO_FEW,
}


@dataclass(frozen=True)
class Kpi:
    """A KPI in a view."""

    definition: Row
    view: View
    #: Oldest first; the last one may not be over.
    periods: list[Row] = field(default_factory=list)
    missing_export: str | None = None
    #: The newest period that was over on the reporting day of the marts begins here; later ones may have no row.
    newest_start: date | None = None
    #: Periods that were over on the reporting day of the marts.
    whole: list[Row] = field(default_factory=list)
    #: The mart has the view's grain of the view's dimension.
    is_cut_held: bool = True
    #: Which records its exports lack the data for, in words; empty for none.
    left_out: str = ""
    #: The same measure by other statistics and clocks: (clock, statistic) -> its KPI. See families.py.
    variants: dict[tuple[str, str], Kpi] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.definition["kpi_id"])

    @property
    def unit(self) -> str:
        return str(self.definition["unit"])

    @property
    def currency(self) -> str:
        """The currency of amounts of money, an ISO 4217 code."""
        return str(self.definition.get("currency", ""))

    @cached_property
    def now(self) -> Row | None:
        """The newest whole period with a value."""
        return next((row for row in reversed(self.whole) if row["value"] is not None), None)

    @cached_property
    def before(self) -> Row | None:
        """The period just before, where it has a value."""
        if self.now is None:
            return None
        place = self.whole.index(self.now)
        earlier = self.whole[place - 1] if place else None
        if earlier is None or earlier["value"] is None:
            return None
        follows = period_end(self.view.grain, earlier["period_start"]) == self.now["period_start"]
        return earlier if follows else None

    @property
    def value(self) -> str:
        return self.formatted(self.now["value"]) if self.now else "–"

    @property
    def period(self) -> str:
        """The period of the value; where whole ones came after it, that they had no cases."""
        if self.now is None:
            return ""
        name = period_name(self.view.grain, self.now["period_start"])
        if self.is_newest:
            return name
        hidden = any(row["status"] == "suppressed" and row["period_start"] > self.now["period_start"] for row in self.whole)
        return f"{name}, {TOO_FEW if hidden else 'none'} since"

    @property
    def is_newest(self) -> bool:
        """The value is that of the newest whole period of the view."""
        return self.now is None or self.newest_start is None or self.now["period_start"] >= self.newest_start

    @property
    def interval(self) -> str:
        """The 95 % interval; empty where the KPI has none."""
        return self.interval_of(self.now) if self.now else ""

    @property
    def cases(self) -> str:
        """How many cases the value is based on, and how many are not decided yet."""
        if self.now is None:
            return ""
        pending = f", {self.now['n_pending']:,} pending" if self.now["n_pending"] else ""
        return f"{self.now['n']:,} case{'' if self.now['n'] == 1 else 's'}{pending}"

    @property
    def status(self) -> str:
        return str(self.now["status"]) if self.now else "no_target"

    @property
    def status_text(self) -> str:
        return STATUS[self.status]

    @property
    def target(self) -> str:
        if self.now is None or self.now["target"] is None:
            return ""
        return f"target {'at least' if self.definition['direction'] == 'up' else 'at most'} {self.formatted(self.now['target'])}"

    @property
    def absence(self) -> str:
        """Why there is no value; empty when there is one."""
        if self.missing_export:
            is_column = "(" in self.missing_export
            what = "the" if self.missing_export.startswith(_OF_CONFIGURATION) else "the column" if is_column else "the export"
            return f"needs {what} {self.missing_export}"
        if self.now:
            return ""
        if self.view.dimension != ALL and self.view.dimension not in self.dimensions:
            return f"not measured by {self.view.dimension}"
        if self.definition["grains"] and self.view.grain not in self.definition["grains"].split(", "):
            return f"not measured by {self.view.grain}; by {self.definition['grains']}"
        if not self.is_cut_held:
            return f"the marts hold no {self.view.grain}s by {self.view.dimension}: choose longer periods, or set kpi_grains"
        hidden = next((row for row in reversed(self.whole) if row["status"] == "suppressed"), None)
        return f"{period_name(self.view.grain, hidden['period_start'])}: {TOO_FEW}" if hidden else "no whole period with cases"

    @property
    def dimensions(self) -> list[str]:
        return str(self.definition["dimensions"]).split(", ") if self.definition["dimensions"] else []

    @cached_property
    def p_value(self) -> float | None:
        """Of the change since the period before, by itself (see query/change.py); None where it cannot be tested."""
        return p_value(self.definition.get("interval_kind"), self.now, self.before) if self.now and self.before else None

    @property
    def has_changed(self) -> bool:
        """More than chance, looked at by itself; where many KPIs are looked at together, correct for how many."""
        return self.p_value is not None and self.p_value < LEVEL

    @property
    def change(self) -> str:
        """Against the period before, and whether the cases are enough to call it a change."""
        if not self.now or not self.before:
            return ""
        difference = self.now["value"] - self.before["value"]
        earlier = f"{self.formatted(self.before['value'])} in {period_name(self.view.grain, self.before['period_start'])}"
        if difference == 0 or self.value == self.formatted(self.before["value"]):
            return f"unchanged from {earlier}"
        word = f"{'up' if difference > 0 else 'down'} from {earlier}"
        if self.p_value is None:
            return word
        return f"{word}: {self.verdict}" if self.has_changed else f"{word}; too few cases to tell"

    @property
    def delta(self) -> str:
        """The change against the period before, in few words."""
        if not self.now or not self.before:
            return ""
        difference = self.now["value"] - self.before["value"]
        size = f"{abs(difference) * 100:.1f} points" if self.unit == "rate" else self.formatted(abs(difference))
        since = f"since {period_name(self.view.grain, self.before['period_start'])}"
        if self.value == self.formatted(self.before["value"]):
            return f"unchanged {since}"
        doubt = "" if self.p_value is None else f": {self.verdict}" if self.has_changed else "; too few cases to tell"
        return f"{'up' if difference > 0 else 'down'} {size} {since}{doubt}"

    @property
    def verdict(self) -> str:
        """Better or worse, of a change that is no chance."""
        assert self.now
        assert self.before
        rises = self.now["value"] > self.before["value"]
        return "better" if rises == (self.definition["direction"] == "up") else "worse"

    @property
    def is_final(self) -> bool:
        return self.now is None or bool(self.now["is_final"])

    def formatted(self, value: float | None) -> str:
        return format_value(value, self.unit, self.currency)

    def value_in(self, period: Row | None) -> str:
        """The value in the period of another KPI's row."""
        start = period["period_start"] if period else None
        return self.formatted(next((row["value"] for row in self.whole if row["period_start"] == start), None))

    def ends(self, row: Row) -> tuple[float | None, float | None]:
        """The ends of a row's interval, none beyond what the KPI can be."""
        return within_limits(row["ci_low"], row["ci_high"], self.unit)

    def interval_of(self, row: Row) -> str:
        return format_interval(row["ci_low"], row["ci_high"], self.unit, self.currency)


def newest_whole(view: View, today: date) -> date:
    """Where the newest period of a view begins that is over today."""
    day = min(view.last_on, today) if view.last_on else today
    start = period_start(view.grain, day)
    return start if period_end(view.grain, start) <= today else period_start(view.grain, start - timedelta(days=1))


def kpis_of(marts: Marts, view: View, kpi_id: str | None = None) -> dict[str, Kpi]:
    """Every KPI in a view, by id and in the order of their labels; or only one."""
    periods = marts.periods(view, kpi_id)
    newest = newest_whole(view, marts.today)
    return {
        name: Kpi(
            definition,
            view,
            periods.get(name, []),
            marts.missing_exports.get(name),
            newest,
            [row for row in periods.get(name, []) if period_end(view.grain, row["period_start"]) <= marts.today],
            view.dimension == ALL or (view.grain, view.dimension) in marts.cuts,
            marts.left_out.get(name, ""),
        )
        for name, definition in marts.definitions.items()
        if kpi_id in (None, name)
    }
