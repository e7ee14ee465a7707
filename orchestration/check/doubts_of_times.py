"""Doubts about instants and durations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestration.check.beside import Beside
from orchestration.check.doubts_common import FEW, each, has, hours, mapped_columns, of
from orchestration.check.report import Doubt

#: The kind of doubt that all files without a contract share.
NO_ZONE = "no zone"
#: Days that may lie ahead.
_MAY_BE_AHEAD = {
    ("subscriptions", "trial_ends_at"),
    ("subscriptions", "ended_at"),
    ("agents", "work_date"),
    ("agents", "left_on"),
}
#: Instants between which something waits or lasts: the same in nearly every row, it would be 0.
_LASTING = {
    "tickets": [("created_at", "first_response_at"), ("created_at", "solved_at"), ("created_at", "first_solved_at")],
    "calls": [("queued_at", "answered_at"), ("started_at", "answered_at"), ("answered_at", "ended_at")],
    "orders": [("ordered_at", "shipped_at"), ("ordered_at", "delivered_at"), ("shipped_at", "delivered_at")],
    "shipments": [("shipped_at", "delivered_at")],
    "reviews": [("created_at", "replied_at")],
    "web_sessions": [("started_at", "ended_at")],
}
#: Durations that the file has twice: as a number, and by instants.
_TOLD_TWICE = {
    "calls": [
        ("talk_seconds", "answered_at", "ended_at"),
        ("wait_seconds", "queued_at", "answered_at"),
        ("wait_seconds", "started_at", "answered_at"),
    ],
    "tickets": [
        ("vendor_first_response_seconds", "created_at", "first_response_at"),
        ("vendor_full_resolution_seconds", "created_at", "solved_at"),
    ],
}
_FACTORS = {1000: "milliseconds", 60: "minutes", 3600: "hours", 86400: "days"}
#: Seconds between which half of the values lie, in a file whose unit is right.
_USUAL = {"calls": (2, 4 * 3600), "tickets": (30, 60 * 86400), "product_usage": (1, 86400)}
#: Durations that are often next to nothing.
_MAY_BE_SHORT = {"hold_seconds", "wait_seconds"}
#: How a clock time ends that names its zone; and what looks like the name of one.
_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?| [A-LN-Z][A-Z]{1,4}|M[DS]T|MSK)$"
_NO_OFFSET = r" ?([AP]M|HRS|UHR)$"


def doubts_of_times(beside: Beside, as_of: datetime) -> Iterator[Doubt]:
    """All that looks wrong in the times of a file's rows; ``as_of`` in UTC."""
    yield from _ahead(beside, as_of)
    for look in (_no_time_between, _out_of_order, _days_and_months, _durations, _zones, _no_clock):
        yield from look(beside)


def _ahead(beside: Beside, as_of: datetime) -> Iterator[Doubt]:
    # A day for the zones.
    ahead = f"filter ({{}} > timestamp '{as_of + timedelta(days=1)}')"
    dated = [
        (c, name) for c, name in mapped_columns(beside, "instant", "date") if (beside.kind.name, c.name) not in _MAY_BE_AHEAD
    ]
    figures = (f"count(*) {ahead}", f"min(_row) {ahead}", f"max({{}}) {ahead}")
    for column, (rows, first, latest) in each(beside, dated, *figures):
        if rows:
            yield Doubt(column.name, f"lies in the future in {rows:,} row(s), up to {str(latest)[:10]} (first: row {first})")


def _no_time_between(beside: Beside) -> Iterator[Doubt]:
    for first, then in _LASTING.get(beside.kind.name, []):
        if not has(beside, first, then):
            continue
        ((rows, same),) = beside.all(
            f"select count(*), count(*) filter ({first} = {then}) from loaded where {first} is not null and {then} is not null"
        )
        if rows >= FEW and same >= 0.95 * rows:
            yield Doubt(then, f"equals {first} in {of(same, rows)} rows: every time between the two would be 0")


def _out_of_order(beside: Beside) -> Iterator[Doubt]:
    names = [name for name in beside.kind.in_time_order if has(beside, name)]
    for first, then in ((names[0], name) for name in names[1:]):
        ((rows, before),) = beside.all(
            f"select count(*), count(*) filter ({then} < {first}) from loaded where {first} is not null and {then} is not null"
        )
        if before < max(5, 0.05 * rows):
            continue
        ((offset, at_it),) = beside.all(
            f"select 900 * round(date_diff('second', {first}, {then}) / 900.0) as seconds, count(*) from loaded "
            f"where {then} < {first} group by 1 order by 2 desc, 1 limit 1"
        )
        exactly = at_it >= 0.8 * before and offset <= -900
        why = f", by {hours(-offset)} in {of(at_it, before)}" if exactly else ""
        yield Doubt(then, f"lies before {first} in {of(before, rows)} rows{why}: is one of the two in another time zone?")


def _days_and_months(beside: Beside) -> Iterator[Doubt]:
    for column, name in mapped_columns(beside, "instant", "date"):
        ((days, highest, first, last),) = beside.all(
            f"select count(distinct cast({name} as date)), max(day({name})), min({name}), max({name}) from loaded"
        )
        if days >= 30 and highest <= 12 and (last - first) > timedelta(days=60):
            yield Doubt(column.name, f"has {days} days, none of them after the 12th of a month: are day and month swapped?")


def _durations(beside: Beside) -> Iterator[Doubt]:
    doubted = set()
    for name, start, end in _TOLD_TWICE.get(beside.kind.name, []):
        if name in doubted or not has(beside, name, start, end):
            continue
        ((rows, ratio),) = beside.all(
            f"select count(*), median({name} / epoch({end} - {start})) from loaded where {name} > 0 and {end} > {start}"
        )
        for factor, unit in _FACTORS.items() if rows >= FEW else ():
            for times, direction in ((ratio / factor, "longer"), (ratio * factor, "shorter")):
                if 0.8 <= times <= 1.25:
                    doubted.add(name)
                    advice = f"unit: {unit}" if (direction == "longer") == (factor == 1000) else "another `unit`"
                    yield Doubt(name, f"is {factor:,} times {direction} than from {start} to {end}: does it need {advice}?")
    yield from _unusual(beside, doubted)


def _unusual(beside: Beside, doubted: set[str]) -> Iterator[Doubt]:
    """Durations of which half are longer, or shorter, than any would be."""
    if beside.kind.name not in _USUAL:
        return
    low, high = _USUAL[beside.kind.name]
    for column, name in mapped_columns(beside, "seconds"):
        mapping = beside.contract.columns[column.name]
        text = beside.text(mapping)
        if column.name in doubted or text is None:
            continue
        # What is rejected for its size shows in the file only.
        is_plain = mapping.unit in (None, "seconds")
        number = f"select try_cast({text} as double) as s from mapped" if is_plain else f"select {name} as s from loaded"
        ((rows, middle),) = beside.all(f"with numbers as ({number}) select count(*), median(s) from numbers where s > 0")
        if rows < FEW:
            continue
        if middle > high:
            fits = "; as milliseconds it would be usual (`unit: milliseconds`)" if is_plain and middle / 1000 <= high else ""
            yield Doubt(column.name, f"is {middle:,.0f} s or more in half of {rows:,} rows{fits}")
        elif middle < low and column.name not in _MAY_BE_SHORT:
            yield Doubt(column.name, f"is {middle:.3g} s or less in half of {rows:,} rows: is it in minutes or hours? (`unit`)")


def _zones(beside: Beside) -> Iterator[Doubt]:
    """Nobody says a zone, and the clock times name none."""
    if beside.is_zone_known:
        return
    local = []
    for column, _ in mapped_columns(beside, "instant", "promise"):
        mapping = beside.contract.columns[column.name]
        text = beside.text(mapping)
        # What SQL makes is known where a format reads it, such as a day and a time of two columns.
        is_local = bool(mapping.formats) and not any("%z" in form.lower() for form in mapping.formats)
        if text is None or mapping.unit or (mapping.sql is not None and not is_local):
            continue
        ((rows, without),) = beside.all(
            f"with texts as (select {text} as t from mapped) "
            r"select count(t), count(*) filter (regexp_matches(t, '\d:\d\d') "
            f"and (not regexp_matches(t, '{_OFFSET}') or regexp_matches(t, '{_NO_OFFSET}'))) from texts"
        )
        if rows and without >= 0.5 * rows:
            local.append(column.name)
    if local:
        name = beside.contract.family or beside.contract.name
        where = f"`contract_params: {{{name}: {{timezone: …}}}}` in cxhouse.yml"
        if beside.is_canonical:
            where = "`exports_timezone` in cxhouse.yml"
        elif "timezone" not in beside.contract.params:
            where = "`timezone` in the contract"
        more = f", nor do {len(local) - 1} other column(s)" if len(local) > 1 else ""
        yield Doubt(local[0], f"names no time zone{more}, and is taken for UTC: set {where}", NO_ZONE)


def _no_clock(beside: Beside) -> Iterator[Doubt]:
    if beside.kind.name not in ("tickets", "ticket_events", "calls"):
        return
    for column, name in mapped_columns(beside, "instant"):
        text = beside.text(beside.contract.columns[column.name])
        if text is None or beside.contract.columns[column.name].sql is not None:
            continue
        ((rows, dated),) = beside.all(
            f"with texts as (select _row, {text} as t from mapped) select count(t), count(*) filter "
            r"(regexp_matches(t, '\D') and (not contains(t, ':') or regexp_matches(t, '[ T]0?0:00(:00)?(\.0+)?\b'))) from texts "
            f"where _row in (select _row from loaded where {name} is not null)"
        )
        if rows >= FEW and dated >= 0.95 * rows:
            yield Doubt(column.name, f"has no time of day in {of(dated, rows)} rows: durations would be whole days")
