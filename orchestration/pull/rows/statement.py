"""The query that types the rows of a contract's files, as SQL over the table ``mapped``.

Only names and literals of the *contract* become part of it; nothing from the data does. Each step is worked out once, in a query
of its own over the one before; columns that the contract does not give take no part.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.core.literals import identifier, literal
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.files.headers import found
from orchestration.pull.kinds import LINEAGE, Column, Kind
from orchestration.pull.rows.carrying import KEPT_BACK, as_json, kept_back, members
from orchestration.pull.rows.carrying import texts as texts_of_extra
from orchestration.pull.rows.times import changes_clocks
from orchestration.pull.rows.values import (
    cleared,
    in_words,
    is_about_nobody,
    prepared,
    problem,
    quickly,
    rule_problem,
    text_of,
    trimmed,
    typed,
)

#: Columns of a row that cannot be taken, and what is said of them; null in one that can.
PROBLEM_COLUMNS, PROBLEM_REASONS = "_problem_columns", "_problem_reasons"
#: In a kind whose rows record one thing in order: the later instant of a clock time that happens twice, null in other rows.
LATER = "_later"
#: In a contract that reads further files: do they give several rows for the one?
REPEATED = "_repeated"
_FAILED = literal("has a value on which the SQL of the contract fails")
_REPEATED = literal("gives several rows for it, of which nobody knows the right one")


def statement(
    contract: Contract,
    kind: Kind,
    present: dict[str, str],
    lineage: dict[str, str],
    condition: str | None = None,
    tried: bool = False,
) -> str:
    """Every row in the columns of its kind, and why it cannot be taken.

    Args:
        contract: what the columns are taken from.
        kind: the columns.
        present: names of the columns of ``mapped``, by their lower-cased form.
        lineage: SQL of each of the kind's columns of lineage.
        condition: what a row meets that is taken; none for all rows.
        tried: an expression of the contract that fails on a value fails for its row only.
    """
    # A column that the file has not is null: its expressions would be planned, which takes longer than to work them out.
    mapped = {
        name: mapping
        for name, column in kind.columns.items()
        if (mapping := contract.columns.get(name)) and (column.required or not _is_away(mapping, present))
    }
    by_rows = kind.in_row_order.instant if kind.in_row_order else None
    moved = [name for name in (*kind.in_time_order, by_rows) if name in mapped and changes_clocks(contract.timezone)]
    failing = [name for name, mapping in mapped.items() if tried and mapping.sql is not None]
    others = [name for name in _named(kind) if name not in mapped]
    source = {"s_source": contract.source} if contract.source else {}

    def each(prefix: str, text: Callable[[str, Mapping], str | None]) -> dict[str, str]:
        return {prefix + name: sql for name, mapping in mapped.items() if (sql := text(name, mapping)) is not None}

    quick = {name: ways for name, mapping in mapped.items() if (ways := quickly(kind.columns[name], mapping))}
    trimmed_texts = each("r_", lambda _, mapping: trimmed(mapping, present, tried))
    trimmed_texts |= {name: trimmed(mapping, present) for name, mapping in source.items()}
    extra = {name: mapping for name, mapping in contract.extra.items() if not _is_away(mapping, present)}
    trimmed_texts |= {f"r_x_{name}": trimmed(mapping, present, tried) for name, mapping in extra.items()}
    tried_sql = {name: mapped[name].sql for name in failing}
    tried_sql |= {f"x_{name}": mapping.sql for name, mapping in extra.items() if tried and mapping.sql is not None}
    failing = list(tried_sql)
    for name, sql in tried_sql.items():
        is_wrong = f"try({{'v': cast(({sql}) as varchar)}}) is null"
        trimmed_texts[f"f_{name}"] = f"case when {is_wrong} then {_FAILED} end"
    if contract.query is not None and contract.also_reads:
        failing.append("also_reads")
        trimmed_texts["f_also_reads"] = f"case when {REPEATED} then {_REPEATED} end"
    texts = each("t_", lambda name, mapping: text_of(f"r_{name}", mapping, contract, kind.columns[name]))
    texts |= {name: text_of(name, mapping, contract) for name, mapping in source.items()}
    texts |= texts_of_extra(extra, contract)
    values = {
        f"{'e' if name in moved else 'c'}_{name}": typed(kind.columns[name], kind, mapping, contract)
        for name, mapping in mapped.items()
    }
    values |= {f"l_{name}": typed(kind.columns[name], kind, mapped[name], contract, second=True) for name in moved}
    values |= {f"c_{name}": f"cast(null as {kind.columns[name].sql_type})" for name in others}
    values |= members(extra)
    problems = [(name, f"p_{name}", problem(kind.columns[name], kind)) for name in kind.columns if name in mapped]
    problems += [(rule.column, f"p_{i}", rule_problem(rule.holds, rule.otherwise, kind)) for i, rule in enumerate(kind.rules)]
    steps = [
        ("trimmed", trimmed_texts, ["_row"]),
        ("texts", texts, ["_row", *(f"f_{name}" for name in failing)]),
        ("quick", {f"{way}_{name}": sql for name, ways in quick.items() for way, sql in zip("qz", ways, strict=True)}, ["*"]),
        ("cleared", each("m_", lambda name, mapping: cleared(kind.columns[name], mapping, contract)), ["*"]),
        ("prepared", each("n_", lambda name, _: prepared(kind.columns[name], contract)), ["*"]),
        ("typed", values, ["*"]),
        ("placed", {f"c_{name}": sql for name, sql in _clock_times(moved).items()}, ["*"]),
        ("judged", {alias: sql for _, alias, sql in problems if sql}, ["*"]),
    ]
    said: list[tuple[str, str, Column | None]] = [
        (name.replace("x_", "extra.", 1) if name.startswith("x_") else name, f"f_{name}", None) for name in failing
    ]
    said += [(name, alias, kind.columns[name] if name in mapped else None) for name, alias, sql in problems if sql]
    columns = {
        name: _of_source(name, kind, contract) if name in mapped else f"cast(null as {column.sql_type})"
        for name, column in kind.columns.items()
    }
    columns |= {"extra": as_json(extra), **{name: lineage[name] for name in LINEAGE}}
    if extra:
        columns[KEPT_BACK] = kept_back(extra)
    if by_rows:
        columns[LATER] = f"nullif(l_{by_rows}, e_{by_rows})" if by_rows in moved else "cast(null as timestamp)"
    columns |= _what_is_said(said)
    # No row has such a number; but the file is read to its end, even where nothing can meet the condition.
    before, queries = f"mapped where ({condition}) or _row < 0" if condition else "mapped", []
    for name, worked_out, kept in steps:
        if worked_out:
            queries.append(f"{name} as (select {', '.join(kept)}, {_listed(worked_out)} from {before})")
            before = name
    return f"with {', '.join(queries)} select {_listed(columns)} from {before}"


def _is_away(mapping: Mapping, present: dict[str, str]) -> bool:
    """Is a column taken from one that the file has not?"""
    return mapping.source is not None and found(present, mapping.source) is None


def _named(kind: Kind) -> list[str]:
    """Columns of which rules and vocabularies speak."""
    rules = " ".join(rule.holds for rule in kind.rules)
    words = {*re.findall(r"\w+", rules), *(vocabulary.where_column for vocabulary in kind.vocabularies)}
    return [name for name in kind.columns if name in words]


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} as {identifier(name)}" for name, sql in columns.items())


def _what_is_said(said: list[tuple[str, str, Column | None]]) -> dict[str, str]:
    """The names and reasons of a row's problems, each with the column that it is about.

    A row without any, as nearly all are, costs one look. One expression puts all reasons into words: a copy of it for each column
    takes longer to plan than ten thousand rows to read.
    """
    if not said:
        return dict.fromkeys((PROBLEM_COLUMNS, PROBLEM_REASONS), "cast(null as varchar)")
    is_wrong = f"coalesce({', '.join(sql for _, sql, _ in said)}) is not null"
    names = ", ".join(f"case when {sql} is not null then {literal(name)} end" for name, sql, _ in said)
    reason_structs = ", ".join(_reason_struct(*one) for one in said)
    reasons = f"list_filter([{reason_structs}], lambda x: x.r is not null)"
    worded = f"list_transform({reasons}, lambda x: x.c || ' ' || {in_words('x.r', 'x.t', 'x.n')})"
    return {
        PROBLEM_COLUMNS: f"case when {is_wrong} then concat_ws(', ', {names}) end",
        PROBLEM_REASONS: f"case when {is_wrong} then array_to_string({worded}, '; ') end",
    }


def _reason_struct(name: str, reason: str, column: Column | None) -> str:
    """SQL: a reason (``r``) with its column (``c``), the text that it is about (``t``), and whether that is nobody's (``n``)."""
    text = identifier(f"t_{column.name}") if column else "cast(null as varchar)"
    may_show = "true" if column and is_about_nobody(column) else "false"
    return f"{{'c': {literal(name)}, 'r': {reason}, 't': {text}, 'n': {may_show}}}"


def _clock_times(names: list[str]) -> dict[str, str]:
    """Of clock times that happen twice (``e_`` the earlier instant, ``l_`` the later) the one that fits those of its record.

    It is the earlier, unless that lies before what came earlier, or an hour more than the later before what comes next.
    """
    chosen = {}
    for place, name in enumerate(names):
        first, second = f"e_{name}", f"l_{name}"
        before = ", ".join(f"c_{earlier}" for earlier in names[:place])
        after = ", ".join(f"case when e_{later} = l_{later} then e_{later} end" for later in names[place + 1 :])
        cases = f"when {first} < greatest({before}) then {second} " if before else ""
        if after:
            next_at = f"least({after})"
            cases += f"when {second} <= {next_at} and {next_at} - {second} < interval 1 hour then {second} "
        chosen[name] = f"case when {first} = {second} then {first} {cases}else {first} end"
    return chosen


def _of_source(name: str, kind: Kind, contract: Contract) -> str:
    """A column's value; an id carries the source whose number it is."""
    value = identifier("c_" + name)
    if name not in kind.ids:
        return value
    mapping = contract.columns[name]
    if mapping.in_source is not None:
        return f"{literal(mapping.in_source + ':')} || {value}" if mapping.in_source else value
    return f"coalesce(s_source || ':', '') || {value}" if contract.source else value
