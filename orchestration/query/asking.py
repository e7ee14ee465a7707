"""Any cut of any KPI, of what a home has published.

What the mart ``kpis`` holds (the whole, or one dimension without conditions) is read from it; any other cut is computed over the
published facts by the KPI's compiled query (table ``kpi_queries``), which has the same measures, intervals and targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.publish.kpi_queries import filled
from orchestration.published.marts import ALL, GRAINS, Marts, period_end, period_start
from orchestration.query.change import adjusted, earlier_period, p_value
from orchestration.query.hiding import hide_few
from orchestration.query.where import Condition, parse

Row = dict[str, Any]
#: Columns of an answer, after those of the cuts.
FIGURES = ("value", "n", "n_pending", "numerator", "denominator", "ci_low", "ci_high", "target", "status", "is_final")
COMPARED = ("before_start", "value_before", "change", "p_value")
_COMPARISONS = ("previous", "year")
_TYPES = {
    "period_start": pa.date32(), "n": pa.int64(), "n_pending": pa.int64(), "status": pa.string(), "is_final": pa.bool_(),
    "before_start": pa.date32(),
}  # fmt: skip
#: The dimension whose members are persons: no mart holds it.
_AGENT = "agent"


@dataclass(frozen=True)
class Question:
    """What is asked.

    kpis: ids as in ``kpi_definitions``. by: dimensions, each combination of whose members is a row. where: a condition on
    dimensions (`orchestration.query.where`). grain: day, week, month, quarter, or all for the whole span. first, last: days; the
    periods that they lie in count whole (of grain all: the days from the one to the other). compare: previous or year.
    """

    kpis: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: str = ""
    grain: str = "month"
    first: date | None = None
    last: date | None = None
    compare: str | None = None


@dataclass(frozen=True)
class _Cutting:
    """How a KPI may be cut."""

    definition: Row
    #: By any of them together.
    free: tuple[str, ...]
    grains: tuple[str, ...]
    template: str | None
    reason: str

    @property
    def kpi(self) -> str:
        return str(self.definition["kpi_id"])

    @cached_property
    def all(self) -> tuple[str, ...]:
        """Those of the mart as well, by which it may be cut alone."""
        names = self.definition["dimensions"]
        return tuple(dict.fromkeys([*(names.split(", ") if names else []), *self.free]))


def answer(marts: Marts, question: Question) -> list[Row]:
    """The rows that answer a question: by KPI as asked, then by period and members.

    Each has ``kpi_id``, ``period_start`` (none of grain all), a column for each cut, and the ``FIGURES``; with a comparison also
    ``COMPARED``, whose p values are corrected for the number of rows (Holm). A KPI that no export has the data for has one row,
    whose status is not_available. Numbers of too few people are none, status suppressed.

    Args:
        marts: the published ones, over a connection that has the published facts beside them
            (`orchestration.publish.open_published`).
        question: what is asked.

    Raises:
        ConfigurationError: there is no such KPI, dimension, member or grain, or the KPI has no meaning by it.
    """
    _check(question)
    rows: list[Row] = []
    for kpi in question.kpis:
        if missing := marts.missing_exports.get(kpi):
            rows.append(_not_available(kpi, question, missing))
            continue
        cutting = _cutting(marts, kpi)
        condition = _checked(marts, question, cutting)
        found = _asked(marts, question, cutting, condition)
        if question.compare:
            found = _compared(marts, question, cutting, condition, found)
        rows += found
    if question.compare:
        for row, p in zip(rows, adjusted([row["p_value"] for row in rows]), strict=True):
            row["p_value"] = p
    return rows


def as_table(rows: Sequence[Row], question: Question) -> pa.Table:
    """Rows of an answer as an Arrow table."""
    names = ["kpi_id", "period_start", *question.by, *FIGURES, *(COMPARED if question.compare else ())]
    texts = {"kpi_id", *question.by}
    fields = [pa.field(name, pa.string() if name in texts else _TYPES.get(name, pa.float64())) for name in names]
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=pa.schema(fields))


# -- what may be asked -------------------------------------------------------------------------------------------------


def _check(question: Question) -> None:
    if question.grain not in (*GRAINS, ALL):
        there = (*GRAINS, ALL)
        raise ConfigurationError(f"no grain {question.grain!r}; there are: {', '.join(there)}{nearest(question.grain, there)}")
    if question.compare and question.compare not in _COMPARISONS:
        raise ConfigurationError(f"--compare {question.compare}: it is one of: {', '.join(_COMPARISONS)}")
    if question.compare and question.grain == ALL:
        raise ConfigurationError("--compare needs a grain with periods; all has none")
    if question.first and question.last and question.first > question.last:
        raise ConfigurationError(f"--from {question.first} lies after --to {question.last}")
    if len(set(question.by)) < len(question.by):
        raise ConfigurationError(f"--by names a dimension twice: {', '.join(question.by)}")


def _cutting(marts: Marts, kpi: str) -> _Cutting:
    if kpi not in marts.definitions:
        there = sorted(marts.definitions)
        raise ConfigurationError(f"no KPI {kpi}{nearest(kpi, there)}; there are: {', '.join(there)}")
    definition = marts.definitions[kpi]
    if not marts.has("kpi_queries"):
        why = "that needs the published facts (analysis.duckdb), which are not here, or not yours to read"
        return _Cutting(definition, (), (*GRAINS, ALL), None, why)
    ((row),) = marts.rows("select * from kpi_queries where kpi_id = $kpi", kpi=kpi)
    free = tuple(name for name in row["dimensions"].split(", ") if name)
    return _Cutting(definition, free, tuple(row["grains"].split(", ")), row["query"], row["reason"] or "")


def _checked(marts: Marts, question: Question, cutting: _Cutting) -> Condition | None:
    for name in question.by:
        _check_dimension(name, cutting, "by")
    if question.grain not in cutting.grains:
        raise ConfigurationError(f"{cutting.kpi} has no meaning by {question.grain}, only by: {', '.join(cutting.grains)}")
    if not question.where.strip():
        return None

    def column(name: str) -> str:
        _check_dimension(name, cutting, "where")
        if name not in cutting.free:
            raise ConfigurationError(_why_not_free(cutting, name))
        return f"d_{name}"

    condition = parse(question.where, column)
    for name, values in condition.members.items():
        there = _members(marts, name)
        for value in values:
            if there and value not in there:
                raise ConfigurationError(
                    f"--where: no {name} {value!r}{nearest(value, there)}; there are: {', '.join(there[:20])}"
                )
    return condition


def _check_dimension(name: str, cutting: _Cutting, option: str) -> None:
    if name not in cutting.all:
        there = ", ".join(cutting.all) or "nothing"
        why = f"the rows of {cutting.definition['fact']} have no {name}, or its two sides mean different things by it"
        raise ConfigurationError(
            f"--{option}: {cutting.kpi} cannot be cut by {name}: {why}; by: {there}{nearest(name, cutting.all)}"
        )


def _why_not_free(cutting: _Cutting, name: str) -> str:
    why = cutting.reason or f"a case has several of {name}, so that they are only counted one by one"
    return f"{cutting.kpi} is held by {name} alone, without conditions or other cuts: {why}"


def _members(marts: Marts, dimension: str) -> list[str]:
    """The members of a dimension, most cases first; none where it is not known which there are."""
    if dimension == _AGENT:
        return [row["agent_key"] for row in marts.rows("select distinct agent_key from kpis_by_agent order by agent_key")]
    return marts.members.get(dimension, [])


# -- the rows ----------------------------------------------------------------------------------------------------------


def _asked(marts: Marts, question: Question, cutting: _Cutting, condition: Condition | None) -> list[Row]:
    if _is_held(marts, question, cutting, condition):
        return _from_mart(marts, question, cutting)
    if cutting.template is None:
        raise ConfigurationError(f"{cutting.kpi} has no such cut in the marts: {cutting.reason}")
    if unfree := [name for name in question.by if name not in cutting.free]:
        raise ConfigurationError(_why_not_free(cutting, unfree[0]))
    return _from_facts(marts, question, cutting, condition)


def _is_held(marts: Marts, question: Question, cutting: _Cutting, condition: Condition | None) -> bool:
    """Does the mart hold the cut?"""
    if condition or len(question.by) > 1 or (question.grain == ALL and (question.first or question.last)):
        return False
    found = marts.rows(
        "select 1 as held from kpis where kpi_id = $kpi and grain = $grain and dimension = $dimension limit 1",
        kpi=cutting.kpi, grain=question.grain, dimension=question.by[0] if question.by else ALL,
    )  # fmt: skip
    return bool(found)


def _span(question: Question) -> tuple[date | None, date | None]:
    """The first and the last day of the periods that are asked for."""
    if question.grain == ALL:
        return question.first, question.last
    first = period_start(question.grain, question.first) if question.first else None
    last = question.last and period_end(question.grain, period_start(question.grain, question.last)) - timedelta(days=1)
    return first, last


def _from_mart(marts: Marts, question: Question, cutting: _Cutting) -> list[Row]:
    first, last = _span(question)
    found = marts.rows(
        """
        select * from kpis
        where kpi_id = $kpi and grain = $grain and dimension = $dimension
            and ($first is null or period_start >= $first) and ($last is null or period_start <= $last)
        order by period_start, member
        """,
        kpi=cutting.kpi, grain=question.grain, dimension=question.by[0] if question.by else ALL, first=first, last=last,
    )  # fmt: skip
    return [{**row, **dict.fromkeys(question.by, row["member"])} for row in found]


def _from_facts(marts: Marts, question: Question, cutting: _Cutting, condition: Condition | None) -> list[Row]:
    assert cutting.template
    first, last = _span(question)
    query = filled(
        cutting.template, question.grain, list(question.by), "$first_day", "$last_day", condition.sql if condition else ""
    )
    order = ", ".join(["period_start", *(f'"{name}"' for name in question.by)])
    days = {"first_day": first or date.min, "last_day": last or date.max}
    rows = marts.rows(f"select * from ({query}) order by {order}", **days, **(condition.values if condition else {}))
    return hide_few(rows, question.by, marts.least)


def _not_available(kpi: str, question: Question, missing: str) -> Row:
    names = ("period_start", *question.by, *FIGURES, *(COMPARED if question.compare else ()))
    return {"kpi_id": kpi, **dict.fromkeys(names), "n": 0, "status": "not_available", "missing_export": missing}


def _compared(marts: Marts, question: Question, cutting: _Cutting, condition: Condition | None, rows: list[Row]) -> list[Row]:
    """Each row beside that of the period it is compared with."""
    starts = {row["period_start"]: earlier_period(question.grain, row["period_start"], question.compare or "") for row in rows}
    if not starts:
        return rows
    wider = replace(question, first=min(starts.values()), last=max(starts.values()))
    earlier = _asked(marts, wider, cutting, condition)
    by_cell = {(row["period_start"], *(row[name] for name in question.by)): row for row in earlier}
    kind = cutting.definition["interval_kind"]
    found = []
    for row in rows:
        start = starts[row["period_start"]]
        before = by_cell.get((start, *(row[name] for name in question.by)))
        value, value_before = row["value"], before["value"] if before else None
        change = None if value is None or value_before is None else value - value_before
        p = p_value(kind, row, before) if before else None
        found.append({**row, "before_start": start, "value_before": value_before, "change": change, "p_value": p})
    return found


def kpi_names(marts: Marts, asked: Iterable[str]) -> tuple[str, ...]:
    """KPIs, of which several may be in one text, parted by commas; all of them where none is asked for."""
    found = [name.strip() for text in asked for name in text.split(",") if name.strip()]
    return tuple(dict.fromkeys(found)) or tuple(sorted(marts.definitions))
