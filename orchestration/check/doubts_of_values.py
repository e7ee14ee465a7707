"""Doubts about numbers, words, ids and letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestration.check.beside import Beside
from orchestration.check.doubts_common import FEW, each, has, mapped_columns, of
from orchestration.check.masking import sources_of
from orchestration.check.report import Doubt
from orchestration.pull.kinds import NUMBERS, Column

#: An enum of which one word has this share.
ONE_WORD = 0.99
_ENUM_ROWS = 50
#: Numbers that may well be 0 in every row.
_MAY_BE_ZERO = {
    "discount_amount", "refund_amount", "tax_amount", "shipping_amount", "reopens", "hold_seconds", "help_page_views",
    "scale_min", "unit_cost", "monthly_pay", "gift_card_amount", "gift_card_sold_amount", "restocking_fee_amount",
    "return_shipping_amount",
}  # fmt: skip
#: Scores with the column that holds their scale, and what is assumed without it.
_SCALES = {"csat_score": ("csat_scale", 5), "rating": ("rating_scale", 5), "score": ("scale_max", None)}
_BROKEN_LETTERS = "[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|\ufffd"
#: Amounts of which half are not above a thousand.
_PRICES = {"total_amount", "unit_price"}
_PERSONS = ("customer_id", "customer_email", "customer_phone")


def doubts_of_values(beside: Beside) -> Iterator[Doubt]:
    """All that looks wrong in what a file's rows hold, but for their times."""
    for look in (
        _always_empty, _zeros, _ratings, _scales, _enums, _own_words, _one_customer, _numbers, _rounded_ids, _float_ids,
        _currencies, _letters,
    ):  # fmt: skip
        yield from look(beside)


def _always_empty(beside: Beside) -> Iterator[Doubt]:
    ((rows,),) = beside.all("select count(*) from loaded")
    if rows < FEW:
        return
    empty = []
    for column, (filled,) in each(beside, mapped_columns(beside), "count({})"):
        sources = sources_of(beside.contract.columns[column.name], beside.columns)
        if not filled and sources and set(beside.added).isdisjoint(sources):
            empty.append(column.name)
    if empty:
        yield Doubt(
            empty[0],
            f"{''.join(f'and {name} ' for name in empty[1:])}never has a value in {rows:,} rows, though its column is there",
        )


def _zeros(beside: Beside) -> Iterator[Doubt]:
    asked = [(column, name) for column, name in mapped_columns(beside, *NUMBERS) if column.name not in _MAY_BE_ZERO]
    for column, (rows, zeros) in each(beside, asked, "count({})", "count(*) filter ({} = 0)"):
        if rows >= FEW and zeros == rows:
            yield Doubt(
                column.name, f'is 0 in all {rows:,} rows: where it is not known, the cell should be empty (`missing: ["0"]`)'
            )


def _ratings(beside: Beside) -> Iterator[Doubt]:
    for score in _SCALES:
        if has(beside, score):
            ((rows, values, one),) = beside.all(f"select count({score}), count(distinct {score}), min({score}) from loaded")
            if rows >= FEW and values == 1:
                yield Doubt(score, f"is {one:g} in all {rows:,} rows: is it the rating, or what was offered?")


def _scales(beside: Beside) -> Iterator[Doubt]:
    for score, (scale, assumed) in _SCALES.items():
        if not has(beside, score):
            continue
        by_kind = "kind" if beside.kind.name == "surveys" else "null"
        top_of = f"coalesce({scale}, {assumed or 'case when kind in (' + repr('nps') + ', ' + repr('enps') + ') then 10 end'})"
        for kind, top, rows, least, most, is_known in beside.all(
            f"select {by_kind}, {top_of}, count(*), min({score}), max({score}), bool_and({scale} is not null) from loaded "
            f"where {score} is not null group by 1, 2 order by 3 desc"
        ):
            what = f"of {kind} " if kind else ""
            how = "" if is_known else f" (assumed; map {scale})"
            if top is not None and rows >= FEW and least < most <= top / 2:
                yield Doubt(score, f"{what}never exceeds {most:g} in {rows:,} rows, on a scale up to {top:g}{how}")
            elif kind in ("nps", "enps") and top == 10 and rows >= 100 and least >= 1:
                yield Doubt(score, f"of {kind} is never 0 in {rows:,} rows: is the scale 1 to 10? (map scale_min)")


def _enums(beside: Beside) -> Iterator[Doubt]:
    for column, name in mapped_columns(beside, "one_of", "word"):
        found = beside.all(f"select {name}, count(*) from loaded where {name} is not null group by 1 order by 2 desc, 1")
        rows = sum(count for _, count in found)
        if rows >= _ENUM_ROWS and found[0][1] >= ONE_WORD * rows:
            word = beside.masks.cell(column.name, str(found[0][0]))
            yield Doubt(column.name, f"is {word} in {of(found[0][1], rows)} rows: is it the right column, and the right map?")


def _own_words(beside: Beside) -> Iterator[Doubt]:
    """Words that are taken as they are, and mean nothing to any model."""
    for column, name in mapped_columns(beside, "word"):
        found = beside.all(f"select {name}, count(*) from loaded where {name} is not null group by 1 order by 2 desc, 1")
        own = [(beside.masks.cell(column.name, word), count) for word, count in found if word not in column.values]
        if column.values and own:
            shown = ", ".join(f"{word} ({count:,})" for word, count in own[:4]) + (", …" if len(own) > 4 else "")
            yield Doubt(column.name, f"has words that are none of {', '.join(column.values)}: {shown} (`map`)")


def _one_customer(beside: Beside) -> Iterator[Doubt]:
    for name in _PERSONS:
        if name in beside.kind.key or not has(beside, name):
            continue
        found = beside.all(
            f"select count(*), sum(count(*)) over () from loaded where {name} is not null group by {name} order by 1 desc limit 1"
        )
        if found and found[0][1] >= _ENUM_ROWS and found[0][0] > 0.2 * found[0][1]:
            most, rows = found[0]
            yield Doubt(name, f"is the same in {of(most, int(rows))} rows: a shared address, or a word for nobody? (`missing`)")


def _numbers(beside: Beside) -> Iterator[Doubt]:
    for column, name in mapped_columns(beside, "money", "money_size", "number"):
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
    asked = [(column, name) for column, name in mapped_columns(beside) if column.is_id or column.type == "phone"]
    rounded = r"regexp_matches({}, '(^|:)\d(\.\d+)?[eE]\+\d+$')"
    for column, rows, first in _rows_where(beside, asked, rounded):
        said = f"is rounded by a spreadsheet in {rows:,} row(s), as in 1.2E+12 (first: row {first}): export it as text"
        yield Doubt(column.name, said)


def _float_ids(beside: Beside) -> Iterator[Doubt]:
    """'700.0' of one export is not the '700' of another."""
    asked = [(column, name) for column, name in mapped_columns(beside) if column.is_id]
    for column, rows, first in _rows_where(beside, asked, r"regexp_matches({}, '^\d+\.0$')"):
        said = f"ends in .0 in {rows:,} row(s) (first: row {first}), and is not the same number elsewhere: export it as text"
        yield Doubt(column.name, said)


def _currencies(beside: Beside) -> Iterator[Doubt]:
    """'€' and 'Euro' are currencies of their own, for which there is no rate."""
    asked = [(column, name) for column, name in mapped_columns(beside) if column.name == "currency"]
    for column, rows, first in _rows_where(beside, asked, "not regexp_full_match(trim({}), '[A-Za-z]{3}')"):
        said = f"is no ISO 4217 code in {rows:,} row(s) (first: row {first}), and there is no rate for it: `map` it to a code"
        yield Doubt(column.name, said)


def _letters(beside: Beside) -> Iterator[Doubt]:
    broken = "regexp_matches({}, '" + _BROKEN_LETTERS + "')"
    for column, rows, first in _rows_where(beside, mapped_columns(beside, "text", "prose"), broken):
        if rows >= 3:
            yield Doubt(column.name, f"has broken letters in {rows:,} rows (first: row {first}): the file has another `encoding`")


def _rows_where(beside: Beside, columns: Iterable[tuple[Column, str]], condition: str) -> Iterator[tuple[Column, int, int]]:
    """Columns of which rows meet a condition (``{}`` is the column), with how many do, and the first of them."""
    for column, (rows, first) in each(beside, columns, f"count(*) filter ({condition})", f"min(_row) filter ({condition})"):
        if rows:
            yield column, rows, first
