"""What moved a KPI from one period to another: the test of its change, and its exact split by the members of each dimension.

Works on the published ``kpis`` alone, so that readers of the marts get it as well as analysts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.publish.suppression import SUPPRESSED
from orchestration.published.display import format_value
from orchestration.published.marts import ALL, Marts, period_end, period_name, period_start
from orchestration.query.change import LEVEL, adjusted, earlier_period, p_of_shares, p_value
from orchestration.query.split import Part, Sums, rest, split

#: The member that stands for all of a dimension whose numbers are not shown, in one of the periods at least.
HIDDEN = "members of too few people to show"
#: The member of the cases whose member is not known: it is nobody whom a change is due to.
UNKNOWN = "unknown"
#: So many movers are named in a sentence.
_NAMED = 3
#: A mover's part of the change must be so much larger than its part of the cases, or it moved as all others did.
_BEYOND_ITS_SHARE = 0.15
_UNTESTED = 1.25
#: Intervals of KPIs whose denominators are numbers of cases.
_OF_CASES = ("wilson", "t", "multinomial")

Row = dict[str, Any]


@dataclass(frozen=True)
class Mover(Part):
    """One member of a dimension, and what it did to the KPI. `rate` + `mix` of all members of a dimension are the change.

    `rate` is the part of the change that the member's own value made, `mix` the part that its share of the denominators (of the
    cases, mostly) made, both in the KPI's unit.
    """

    dimension: str = ALL
    n: int | None = None
    n_before: int | None = None
    #: Of the larger of the two parts, corrected for all that were compared; none where it cannot be tested.
    p_value: float | None = None

    @property
    def value(self) -> float | None:
        """In the KPI's unit; none without cases."""
        return self.now.value if self.now else None

    @property
    def value_before(self) -> float | None:
        return self.before.value if self.before else None

    @property
    def is_significant(self) -> bool:
        return self.p_value is not None and self.p_value < LEVEL


@dataclass(frozen=True)
class Explanation:
    """A KPI in two periods, and what moved it. `sentence` says it in plain words."""

    kpi_id: str
    label: str
    unit: str
    grain: str
    period_start: date
    before_start: date
    value: float | None
    value_before: float | None
    #: None where one of the two values is not known or not shown.
    change: float | None
    #: Of the change of the whole, by itself: correct it with `change.adjusted` where several KPIs are looked at together.
    p_value: float | None
    is_final: bool
    #: By dimension all members, the largest effect first; only dimensions whose members add up to the whole.
    parts: dict[str, list[Mover]] = field(default_factory=dict)
    #: Those that explain most of the change, of one dimension; empty where none stands out.
    movers: list[Mover] = field(default_factory=list)
    sentence: str = ""

    @property
    def is_significant(self) -> bool | None:
        """Is the change more than chance? None where that cannot be tested."""
        return None if self.p_value is None else self.p_value < LEVEL


def explain(
    marts: Marts,
    kpi_id: str,
    grain: str = "month",
    start: date | None = None,
    against: str | date = "previous",
    by: Iterable[str] | None = None,
) -> Explanation | None:
    """Explain the change of a KPI's value for the whole.

    Args:
        marts: a published version; its table ``kpis`` is all that is read.
        kpi_id: as in ``kpi_definitions``.
        grain: day, week, month or quarter.
        start: any day of the period; without it the newest whole period with a value.
        against: ``previous``, ``year``, or any day of the period to compare with.
        by: only these dimensions; without it all that the marts hold of the KPI.

    Returns:
        None where there is no such period.

    Raises:
        ConfigurationError: no such KPI or dimension.
    """
    definition = _definition(marts, kpi_id)
    start = period_start(grain, start) if start else _newest(marts, kpi_id, grain)
    if start is None:
        return None
    before_start = earlier_period(grain, start, against)
    rows = marts.rows(
        "select * from kpis where kpi_id = $kpi_id and grain = $grain and period_start in ($now, $before) "
        "order by dimension, member",
        kpi_id=kpi_id, grain=grain, now=start, before=before_start,
    )  # fmt: skip
    found = {(row["period_start"], row["dimension"], row["member"]): row for row in rows}
    now, before = found.get((start, ALL, ALL)), found.get((before_start, ALL, ALL))
    explanation = Explanation(
        kpi_id, definition["label"], definition["unit"], grain, start, before_start,
        now["value"] if now else None, before["value"] if before else None, None, None, bool(now and now["is_final"]),
    )  # fmt: skip
    if now is None or before is None or explanation.value is None or explanation.value_before is None:
        return replace(explanation, sentence=_unknown(explanation, now, before))
    explanation = replace(
        explanation,
        change=explanation.value - explanation.value_before,
        p_value=p_value(definition["interval_kind"], now, before),
    )
    if not definition["is_percentile"]:
        members = [row for row in rows if row["dimension"] != ALL]
        explanation = replace(explanation, parts=_parts(definition, now, before, members, _wanted(definition, members, by)))
    explanation = replace(explanation, movers=_movers(explanation))
    return replace(explanation, sentence=_sentence(explanation, definition, now, before))


def _definition(marts: Marts, kpi_id: str) -> Row:
    if kpi_id not in marts.definitions:
        raise ConfigurationError(f"no KPI {kpi_id}{nearest(kpi_id, set(marts.definitions))}")
    return marts.definitions[kpi_id]


def _wanted(definition: Row, members: list[Row], by: Iterable[str] | None) -> set[str]:
    held = {row["dimension"] for row in members}
    if by is None:
        return held
    for name in by:
        if name not in held:
            there = f"by: {', '.join(sorted(held))}{nearest(name, held)}"
            raise ConfigurationError(f"{definition['kpi_id']} is not held by {name} in these periods, only {there}")
    return set(by)


def _newest(marts: Marts, kpi_id: str, grain: str) -> date | None:
    day = marts.today - timedelta(days=1)
    start = period_start(grain, day)
    last = start if period_end(grain, start) <= marts.today else period_start(grain, start - timedelta(days=1))
    found = marts.rows(
        "select max(period_start) as newest from kpis where kpi_id = $kpi_id and grain = $grain and dimension = 'all' "
        "and period_start <= $last and value is not null",
        kpi_id=kpi_id, grain=grain, last=last,
    )  # fmt: skip
    return found[0]["newest"]


def _sums(row: Row) -> Sums:
    return Sums(row["numerator"], row["denominator"])


def _is_shown(row: Row | None) -> bool:
    return row is None or row["numerator"] is not None


def _parts(definition: Row, now: Row, before: Row, members: list[Row], wanted: set[str]) -> dict[str, list[Mover]]:
    """By dimension the movers, their p values corrected for all of all dimensions."""
    found: dict[str, list[Mover]] = {}
    for dimension, rows in groupby(members, key=lambda row: row["dimension"]):
        if dimension in wanted and (parts := _of_dimension(definition, now, before, list(rows))):
            found[dimension] = parts
    everyone = [mover for parts in found.values() for mover in parts]
    corrected = iter(adjusted([mover.p_value for mover in everyone]))
    return {name: [replace(mover, p_value=next(corrected)) for mover in parts] for name, parts in found.items()}


def _of_dimension(definition: Row, now: Row, before: Row, rows: list[Row]) -> list[Mover]:
    """A dimension's movers; none where its members are not the whole (those of lists, distinct people)."""
    by_member: dict[str, list[Row | None]] = {}
    for row in rows:
        by_member.setdefault(row["member"], [None, None])[row["period_start"] != now["period_start"]] = row
    shown = {name: pair for name, pair in by_member.items() if all(map(_is_shown, pair))}
    sums = {name: (_sums(new) if new else None, _sums(old) if old else None) for name, (new, old) in shown.items()}
    left = rest(_sums(now), [new for new, _ in sums.values() if new])
    left_before = rest(_sums(before), [old for _, old in sums.values() if old])
    if left or left_before:
        below = [(part.denominator if part.denominator is not None else part.numerator) for part in (left, left_before) if part]
        if len(shown) == len(by_member) or min(below) < 0:
            return []
        sums[HIDDEN] = (left, left_before)
    dimension = rows[0]["dimension"]
    return [
        _mover(definition, dimension, part, shown.get(part.member, [None, None]), now, before)
        for part in split(_sums(now), _sums(before), sums)
    ]


def _mover(definition: Row, dimension: str, part: Part, pair: list[Row | None], now: Row, before: Row) -> Mover:
    new, old = pair
    mover = Mover(**vars(part), dimension=dimension, n=new["n"] if new else None, n_before=old["n"] if old else None)
    kind = definition["interval_kind"]
    if now["denominator"] is None or part.member == HIDDEN:
        return mover
    if abs(part.rate) >= abs(part.mix) and new and old:
        return replace(mover, p_value=p_value(kind, new, old))
    if kind not in _OF_CASES:
        return mover
    # Is the member's share of the cases another one?
    cases = [(row["n"] if row else 0) for row in (new, now, old, before)]
    return replace(mover, p_value=p_of_shares(*cases))


def _movers(explanation: Explanation) -> list[Mover]:
    """The members of one dimension that explain most of the change by fewest cases."""
    if not explanation.change or explanation.is_significant is False:
        return []
    best: list[Mover] = []
    most = _BEYOND_ITS_SHARE
    for parts in explanation.parts.values():
        able = [
            mover for mover in parts
            if mover.member not in (HIDDEN, UNKNOWN)
            and mover.effect / explanation.change > 0
            and (mover.is_significant or explanation.p_value is None)
        ]  # fmt: skip
        for count in range(1, min(_NAMED, len(able)) + 1):
            beyond = sum(mover.effect / explanation.change - (mover.share + mover.share_before) / 2 for mover in able[:count])
            # What cannot be tested, and is more than the change, is undone by others: chance as likely as not.
            too_much = (
                explanation.p_value is None and sum(mover.effect / explanation.change for mover in able[:count]) > _UNTESTED
            )
            if beyond > most + 1e-9 and not too_much:
                best, most = able[:count], beyond
    return best


# -- in words ----------------------------------------------------------------------------------------------------------


def _unknown(explanation: Explanation, now: Row | None, before: Row | None) -> str:
    for row, start in ((now, explanation.period_start), (before, explanation.before_start)):
        if row is None or row["value"] is None:
            is_hidden = row is not None and row["status"] == SUPPRESSED
            return f"{'too few people to show' if is_hidden else 'no cases'} in {period_name(explanation.grain, start)}"
    return ""


def _sentence(explanation: Explanation, definition: Row, now: Row, before: Row) -> str:
    def said(value: float | None) -> str:
        return format_value(value, explanation.unit, definition.get("currency", ""))

    assert explanation.change is not None
    if explanation.change == 0:
        return f"unchanged at {said(explanation.value)}"
    if explanation.is_significant is False:
        return f"no significant change: {said(explanation.value)}, was {said(explanation.value_before)}"
    head = f"{'up' if explanation.change > 0 else 'down'} {_amount(abs(explanation.change), explanation.unit)}"
    if explanation.p_value is None:
        head += " (not tested)"
    if definition["is_percentile"]:
        return f"{head}: {said(explanation.value)}, was {said(explanation.value_before)}"
    if not explanation.movers:
        why = "no member stands out" if explanation.parts else "no members to compare"
        return f"{head}: {said(explanation.value)}, was {said(explanation.value_before)}; {why}"
    movers = ", ".join(_of_mover(mover, said) for mover in explanation.movers)
    return f"{head}: {movers}; {_rest(explanation, definition, now, before, said)}"


def _amount(change: float, unit: str) -> str:
    return f"{100 * change:.1f} points" if unit == "rate" else format_value(change, unit)


def _of_mover(mover: Mover, said: Callable[[float | None], str]) -> str:
    is_count = mover.now is not None and mover.now.denominator is None
    if mover.before is None or mover.value_before is None:
        return f"{mover.dimension} {mover.member} is new ({said(mover.value)})"
    if mover.now is None or mover.value is None:
        return f"{mover.dimension} {mover.member} has none left (was {said(mover.value_before)})"
    if not is_count and abs(mover.mix) > abs(mover.rate):
        return (
            f"{mover.dimension} {mover.member}, at {said(mover.value)}, is {100 * mover.share:.0f} % of the cases, "
            f"was {100 * mover.share_before:.0f} %"
        )
    return f"{mover.dimension} {mover.member} {said(mover.value)}, was {said(mover.value_before)}"


def _rest(explanation: Explanation, definition: Row, now: Row, before: Row, said: Callable[[float | None], str]) -> str:
    """What became of all but the movers."""
    left = rest(_sums(now), [mover.now for mover in explanation.movers if mover.now])
    left_before = rest(_sums(before), [mover.before for mover in explanation.movers if mover.before])
    value, value_before = left.value if left else None, left_before.value if left_before else None
    if left is None or left_before is None or value is None or value_before is None:
        return "there are no others"
    if definition["interval_kind"] == "wilson" and left.denominator is not None and left_before.denominator is not None:
        p = p_of_shares(left.numerator, left.denominator, left_before.numerator, left_before.denominator)
        if p is not None and p >= LEVEL:
            return "the rest unchanged"
    if said(value) == said(value_before):
        return "the rest unchanged"
    return f"the rest {said(value)}, was {said(value_before)}"
