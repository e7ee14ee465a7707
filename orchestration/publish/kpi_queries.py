"""The compiled queries of KPIs (``kpi_queries``) with their marks filled in, and the table macro made of them."""

from __future__ import annotations

import duckdb

from orchestration.core.literals import literal

#: Where what differs from KPI to KPI ends.
_TAIL = " joined as ("
_EVER = ("date '0001-01-01'", "date '9999-12-31'")


def filled(template: str, grain: str, cuts: list[str], first: str, last: str, where: str = "") -> str:
    """A query for a grain and cuts.

    Args:
        template: of ``kpi_queries``.
        grain: day, week, month, quarter or all.
        cuts: names of dimensions, which the KPI has.
        first: an expression for the first day that counts; of rows of whole periods, the first day of the first of them.
        last: the same of the last day.
        where: conditions on columns d_<dimension>, with parameters.
    """
    columns = [f"d_{name}" for name in cuts]
    marks = {
        "{grain}": grain,
        "{period}": "cast(null as date)" if grain == "all" else f"cast(date_trunc('{grain}', day) as date)",
        "{cuts}": "".join(f", {column}" for column in columns),
        "{named}": "".join(f', {column} as "{name}"' for column, name in zip(columns, cuts, strict=True)),
        "{dimension}": f"'{', '.join(cuts) or 'all'}'",
        "{member}": f"concat_ws(', ', {', '.join(columns)})" if columns else "'all'",
        "{first}": first,
        "{last}": last,
        "{where}": f"and ({where})" if where else "",
    }
    for mark, text in marks.items():
        template = template.replace(mark, text)
    return template


def write_table_macro(con: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Write table macro ``kpi(id, grain, cuts)`` beside the table ``kpi_queries`` of an attached file."""
    found = con.execute(
        f"select kpi_id, query from {catalog}.main.kpi_queries where query is not null order by kpi_id"
    ).fetchall()
    if not found:
        return
    tail = found[0][1].partition(_TAIL)[2]
    heads = ", ".join(f"{literal(kpi)}: {literal(query.partition(_TAIL)[0])}" for kpi, query in found)
    there = literal("no KPI of that name has a query; kpi_queries says why: ")
    text = f"coalesce(map {{{heads}}}[id], error(concat({there}, id))) || {literal(_TAIL + tail)}"
    period = "case when grain = 'all' then 'cast(null as date)' else 'cast(date_trunc(''' || grain || ''', day) as date)' end"
    columns = "list_transform(cuts, lambda cut: 'd_' || cut)"
    marks = {
        "{grain}": "grain",
        "{period}": period,
        "{cuts}": _joined(f"list_transform({columns}, lambda cut: ', ' || cut)"),
        "{named}": _joined("list_transform(cuts, lambda cut: ', d_' || cut || ' as \"' || cut || '\"')"),
        "{dimension}": "case when len(cuts) = 0 then '''all''' else '''' || array_to_string(cuts, ', ') || '''' end",
        "{member}": "case when len(cuts) = 0 then '''all''' else "
        f"'concat_ws('', '', ' || array_to_string({columns}, ', ') || ')' end",
        "{first}": literal(_EVER[0]),
        "{last}": literal(_EVER[1]),
        "{where}": "''",
    }  # fmt: skip
    for mark, expression in marks.items():
        text = f"replace({text}, {literal(mark)}, {expression})"
    con.execute(
        f"create or replace macro {catalog}.main.kpi(id, grain, cuts := cast([] as varchar[])) as table from query({text})"
    )


def _joined(texts: str) -> str:
    """The texts of a list as one; in earlier versions of DuckDB an empty list has none."""
    return f"coalesce(array_to_string({texts}, ''), '')"
