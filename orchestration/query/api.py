"""Questions to a home from Python: ``cxhouse.query`` and ``cxhouse.explain``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa

from orchestration.publish.reading import open_published
from orchestration.published.display import published_file
from orchestration.published.marts import Marts
from orchestration.query.asking import Question, answer, as_table, kpi_names
from orchestration.query.explain import Explanation
from orchestration.query.explain import explain as explain_marts
from orchestration.settings.loading import load_settings


def query(
    kpi: str | Iterable[str],
    by: str | Iterable[str] = (),
    where: str = "",
    grain: str = "month",
    first: date | str | None = None,
    last: date | str | None = None,
    compare: str | None = None,
    home: str | Path | None = None,
) -> pa.Table:
    """Ask a home for KPIs by any cut.

    Args:
        kpi: one id, or several (a list, or parted by commas).
        by: dimensions; each combination of their members is a row.
        where: conditions on dimensions, as ``country in (DE, AT) and not team = 'First line'``.
        grain: day, week, month, quarter, or all.
        first: a day of the first period; without it all periods.
        last: a day of the last one.
        compare: ``previous`` or ``year``: the same cell in the period before, or a year earlier.
        home: the home; without it CXHOUSE_HOME, or ``home`` in the working folder.

    Returns:
        An Arrow table (``.to_pandas()``): kpi_id, period_start, a column for each cut, value, n, n_pending, numerator,
        denominator, ci_low, ci_high, target, status, is_final; with ``compare`` also before_start, value_before, change, p_value.

    Raises:
        ConfigurationError: there is no such KPI, dimension, member or grain, or nothing is published.
    """
    settings = load_settings(home=str(home) if home else None, config=None)
    with open_published(published_file(settings)) as con:
        marts = Marts(con)
        names = kpi_names(marts, _listed(kpi))
        question = Question(names, _listed(by), where, grain, _day(first), _day(last), compare)
        return as_table(answer(marts, question), question)


def explain(
    kpi: str,
    grain: str = "month",
    period: date | str | None = None,
    against: str | date = "previous",
    by: str | Iterable[str] | None = None,
    home: str | Path | None = None,
) -> Explanation | None:
    """What moved a KPI (see `orchestration.query.explain.explain`); ``period`` and ``against`` may be days written as texts."""
    settings = load_settings(home=str(home) if home else None, config=None)
    with open_published(published_file(settings)) as con:
        other = against if against in ("previous", "year") else _day(against)
        return explain_marts(Marts(con), kpi, grain, _day(period), other or "previous", None if by is None else _listed(by))


def _listed(names: str | Iterable[str]) -> tuple[str, ...]:
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(name.strip() for name in parts if name.strip())


def _day(day: date | str | None) -> date | None:
    return date.fromisoformat(day) if isinstance(day, str) else day
