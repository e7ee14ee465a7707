"""Words of doubt: what is possible in a file, and looks wrong. Each says what was seen, and what it may come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestration.check.facts import Beside
from orchestration.check.masking import sources_of
from orchestration.check.report import Doubt
from orchestration.pull.kinds import NUMBERS, Column
from orchestration.pull.literals import identifier

#: The kind of doubt that all files without a contract share.
NO_ZONE = "no zone"
#: With fewer values nothing looks wrong.
FEW = 20
#: An enum of which one word has this share.
ONE_WORD = 0.99
_ENUM_ROWS = 50
#: Numbers that may well be 0 in every row.
_MAY_BE_ZERO = {
    "discount_amount", "refund_amount", "tax_amount", "shipping_amount", "reopens", "hold_seconds", "help_page_views",
    "scale_min", "unit_cost", "monthly_pay",
}  # fmt: skip
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
#: Durations that the file tells twice: as a number, and by instants.
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
#: Scores with the column that tells their scale, and what is assumed without it.
_SCALES = {"csat_score": ("csat_scale", 5), "rating": ("rating_scale", 5), "score": ("scale_max", None)}
#: Durations that are often next to nothing.
_MAY_BE_SHORT = {"hold_seconds", "wait_seconds"}
#: How a clock time ends that names its zone.
_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?| [A-LN-Z][A-Z]{1,4}|M[DS]T|MSK)$"
_BROKEN_LETTERS = "[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|\ufffd"
#: Amounts of which half are not above a thousand.
_PRICES = {"total_amount", "unit_price"}
_PERSONS = ("customer_id", "customer_email", "customer_phone")


def doubts(beside: Beside, as_of: datetime) -> list[Doubt]:
    """All that looks wrong in a file's loaded rows; ``as_of`` in UTC."""
    found = list(_ahead(beside, as_of))
    for look in _LOOKS:
        found += look(beside)
    return found


def _told(beside: Beside, *types: str) -> Iterator[tuple[Column, str]]:
    """Columns of some types that the contract takes from the file, as they are called in SQL."""
    for name, column in beside.kind.columns.items():
        mapping = beside.contract.columns.get(name)
        if mapping is not None and mapping.value is None and (not types or column.type in types):
            yield column, identifier(name)


def _has(beside: Beside, *names: str) -> bool:
    return all(name in beside.contract.columns and beside.contract.columns[name].value is None for name in names)


def _of(part: int, whole: int) -> str:
    return f"all {whole:,}" if part == whole else f"{part:,} of {whole:,}"


def _always_empty(beside: Beside) -> Iterator[Doubt]:
    ((rows,),) = beside.all("select count(*) from loaded")
    if rows < FEW:
        return
    empty = []
    for column, name in _told(beside):
        sources = sources_of(beside.contract.columns[column.name], beside.columns)
        if (
            sources
            and beside.added.isdisjoint(sources)
            and not beside.all(f"select 1 from loaded where {name} is not null limit 1")
        ):
            empty.append(column.name)
    if empty:
        yield Doubt(
            empty[0],
            f"{''.join(f'and {name} ' for name in empty[1:])}never has a value in {rows:,} rows, though its column is there",
        )


def _zeros(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside, *NUMBERS):
        if column.name in _MAY_BE_ZERO:
            continue
        ((rows, zeros),) = beside.all(f"select count({name}), count(*) filter ({name} = 0) from loaded")
        if rows >= FEW and zeros == rows:
            yield Doubt(
                column.name, f'is 0 in all {rows:,} rows: where it is not known, the cell should be empty (`missing: ["0"]`)'
            )


def _no_time_between(beside: Beside) -> Iterator[Doubt]:
    for first, then in _LASTING.get(beside.kind.name, []):
        if not _has(beside, first, then):
            continue
        ((rows, same),) = beside.all(
            f"select count(*), count(*) filter ({first} = {then}) from loaded where {first} is not null and {then} is not null"
        )
        if rows >= FEW and same >= 0.95 * rows:
            yield Doubt(then, f"equals {first} in {_of(same, rows)} rows: every time between the two would be 0")


def _ratings(beside: Beside) -> Iterator[Doubt]:
    for score in _SCALES:
        if _has(beside, score):
            ((rows, values, one),) = beside.all(f"select count({score}), count(distinct {score}), min({score}) from loaded")
            if rows >= FEW and values == 1:
                yield Doubt(score, f"is {one:g} in all {rows:,} rows: is it the rating, or what was offered?")


def _scales(beside: Beside) -> Iterator[Doubt]:
    for score, (scale, assumed) in _SCALES.items():
        if not _has(beside, score):
            continue
        by_kind = "kind" if beside.kind.name == "surveys" else "null"
        told = f"coalesce({scale}, {assumed or 'case when kind in (' + repr('nps') + ', ' + repr('enps') + ') then 10 end'})"
        for kind, top, rows, least, most, is_told in beside.all(
            f"select {by_kind}, {told}, count(*), min({score}), max({score}), bool_and({scale} is not null) from loaded "
            f"where {score} is not null group by 1, 2 order by 3 desc"
        ):
            what = f"of {kind} " if kind else ""
            how = "" if is_told else f" (assumed; map {scale})"
            if top is not None and rows >= FEW and least < most <= top / 2:
                yield Doubt(score, f"{what}never exceeds {most:g} in {rows:,} rows, on a scale up to {top:g}{how}")
            elif kind in ("nps", "enps") and top == 10 and rows >= 100 and least >= 1:
                yield Doubt(score, f"of {kind} is never 0 in {rows:,} rows: is the scale 1 to 10? (map scale_min)")


def _ahead(beside: Beside, as_of: datetime) -> Iterator[Doubt]:
    # A day for the zones.
    limit = as_of + timedelta(days=1)
    for column, name in _told(beside, "instant", "date"):
        if (beside.kind.name, column.name) in _MAY_BE_AHEAD:
            continue
        ((rows, first, latest),) = beside.all(f"select count(*), min(_row), max({name}) from loaded where {name} > ?", limit)
        if rows:
            yield Doubt(column.name, f"lies in the future in {rows:,} row(s), up to {str(latest)[:10]} (first: row {first})")


def _out_of_order(beside: Beside) -> Iterator[Doubt]:
    names = [name for name in beside.kind.in_time_order if _has(beside, name)]
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
        why = f", by {hours(-offset)} in {_of(at_it, before)}" if exactly else ""
        yield Doubt(then, f"lies before {first} in {_of(before, rows)} rows{why}: is one of the two in another time zone?")


def hours(seconds: float) -> str:
    """A whole number of quarter hours in words."""
    return f"{seconds / 3600:g} h" if seconds % 3600 == 0 else f"{seconds / 60:g} min"


def _days_and_months(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside, "instant", "date"):
        ((days, highest, first, last),) = beside.all(
            f"select count(distinct cast({name} as date)), max(day({name})), min({name}), max({name}) from loaded"
        )
        if days >= 30 and highest <= 12 and (last - first) > timedelta(days=60):
            yield Doubt(column.name, f"has {days} days, none of them after the 12th of a month: are day and month swapped?")


def _enums(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside, "one_of", "word"):
        found = beside.all(f"select {name}, count(*) from loaded where {name} is not null group by 1 order by 2 desc, 1")
        rows = sum(count for _, count in found)
        if rows >= _ENUM_ROWS and found[0][1] >= ONE_WORD * rows:
            word = beside.masks.cell(column.name, str(found[0][0]))
            yield Doubt(column.name, f"is {word} in {_of(found[0][1], rows)} rows: is it the right column, and the right map?")


def _durations(beside: Beside) -> Iterator[Doubt]:
    doubted = set()
    for name, start, end in _TOLD_TWICE.get(beside.kind.name, []):
        if name in doubted or not _has(beside, name, start, end):
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
    for column, name in _told(beside, "seconds"):
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
    if beside.zone_is_told:
        return
    local = []
    for column, _ in _told(beside, "instant", "promise"):
        mapping = beside.contract.columns[column.name]
        text = beside.text(mapping)
        if text is None or mapping.unit or mapping.sql is not None:
            continue
        ((rows, without),) = beside.all(
            f"with texts as (select {text} as t from mapped) "
            rf"select count(t), count(*) filter (regexp_matches(t, '\d:\d\d') and not regexp_matches(t, '{_OFFSET}')) from texts"
        )
        if rows and without >= 0.5 * rows:
            local.append(column.name)
    if local:
        where = "`exports_timezone` in cxhouse.yml" if beside.is_canonical else "`timezone` in the contract"
        more = f", nor do {len(local) - 1} other column(s)" if len(local) > 1 else ""
        yield Doubt(local[0], f"names no time zone{more}, and is taken for UTC: set {where}", NO_ZONE)


def _no_clock(beside: Beside) -> Iterator[Doubt]:
    if beside.kind.name not in ("tickets", "ticket_events", "calls"):
        return
    for column, name in _told(beside, "instant"):
        text = beside.text(beside.contract.columns[column.name])
        if text is None or beside.contract.columns[column.name].sql is not None:
            continue
        ((rows, dated),) = beside.all(
            f"with texts as (select _row, {text} as t from mapped) select count(t), count(*) filter "
            r"(regexp_matches(t, '\D') and (not contains(t, ':') or regexp_matches(t, '[ T]0?0:00(:00)?(\.0+)?\b'))) from texts "
            f"where _row in (select _row from loaded where {name} is not null)"
        )
        if rows >= FEW and dated >= 0.95 * rows:
            yield Doubt(column.name, f"has no time of day in {_of(dated, rows)} rows: durations would be whole days")


def _one_customer(beside: Beside) -> Iterator[Doubt]:
    for name in _PERSONS:
        if name in beside.kind.key or not _has(beside, name):
            continue
        found = beside.all(
            f"select count(*), sum(count(*)) over () from loaded where {name} is not null group by {name} order by 1 desc limit 1"
        )
        if found and found[0][1] >= _ENUM_ROWS and found[0][0] > 0.2 * found[0][1]:
            most, rows = found[0]
            yield Doubt(name, f"is the same in {_of(most, int(rows))} rows: a shared address, or a word for nobody? (`missing`)")


def _numbers(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside, "money", "money_size", "number"):
        text = beside.text(beside.contract.columns[column.name])
        if text is None or beside.contract.columns[column.name].sql is not None:
            continue
        ((rows, thousands, plain, middle),) = beside.all(
            f"with texts as (select _row, {text} as t from mapped), "
            f"cells as (select t, {name} as value from texts inner join loaded using (_row)) "
            r"select count(t), count(*) filter (regexp_full_match(t, '-?\d{1,3}\.\d{3}')), "
            r"count(*) filter (regexp_full_match(t, '-?\d+')), median(value) from cells"
        )
        if beside.contract.decimal == "." and thousands >= 5 and thousands + plain == rows:
            yield Doubt(column.name, 'has a point before three digits and nowhere else: does it part thousands? (`decimal: ","`)')
        elif column.name in _PRICES and rows >= FEW and plain == rows and middle is not None and middle >= 1000:
            yield Doubt(
                column.name, f"is a whole number in all {rows:,} rows, half of them {middle:,.0f} or more: is it in cents?"
            )


def _rounded_ids(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside):
        if column.is_id:
            ((rows, first),) = beside.all(
                rf"select count(*), min(_row) from loaded where regexp_matches({name}, '(^|:)\d(\.\d+)?[eE]\+\d+$')"
            )
            if rows:
                yield Doubt(
                    column.name,
                    f"is rounded by a spreadsheet in {rows:,} row(s), as in 1.2E+12 (first: row {first}): export ids as text",
                )


def _letters(beside: Beside) -> Iterator[Doubt]:
    for column, name in _told(beside, "text", "prose"):
        ((rows, first),) = beside.all(f"select count(*), min(_row) from loaded where regexp_matches({name}, '{_BROKEN_LETTERS}')")
        if rows >= 3:
            yield Doubt(column.name, f"has broken letters in {rows:,} rows (first: row {first}): the file has another `encoding`")


_LOOKS = (
    _always_empty, _zeros, _no_time_between, _ratings, _scales, _out_of_order, _days_and_months, _enums, _durations, _zones,
    _no_clock, _one_customer, _numbers, _rounded_ids, _letters,
)  # fmt: skip
