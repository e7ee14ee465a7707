"""Teams and agents: their KPIs side by side, never one number alone."""

from __future__ import annotations

from orchestration.dashboard.agent_time import agent_time
from orchestration.dashboard.blocks import Block, Table, not_given
from orchestration.dashboard.kpi import TOO_FEW, Kpi, kpis_of, newest_whole
from orchestration.published.marts import ALL, Marts, Row, View, period_name

#: Numbers of fewer cases are greyed: they say little about anybody.
_FEW = 30
#: Members that a page can hold; the tables have all.
_MEMBERS = 60
#: As many letters of an agent's key distinguish agents on a page.
_KEY = 10
_NO_RANK = "who has the harder cases looks worse, so this is no ranking."


def teams(marts: Marts, view: View) -> list[Block]:
    """The KPIs of each team in the newest whole month, or quarter where a reader looks at quarters; and what its time goes to."""
    return [_scorecard(marts, view, "Teams", "team", "kpis"), *agent_time(marts, view)]


def agents(marts: Marts, view: View) -> Block:
    """The same for each agent. Readers of single cases alone may see it, so that it is in no report."""
    if not marts.has("kpis_by_agent"):
        return not_given("Agents")
    return _scorecard(marts, view, "Agents", "agent", "kpis_by_agent")


def _scorecard(marts: Marts, view: View, title: str, dimension: str, table: str) -> Table:
    grain = "quarter" if view.grain == "quarter" else "month"
    span = View(grain, view.first_on, view.last_on)
    start = newest_whole(span, marts.today)
    compared = marts.rows("select column_name from duckdb_columns() where table_name = 'team_scorecard'")
    names = [row["column_name"] for row in compared if row["column_name"] in marts.definitions]
    whose = "agent_key" if table == "kpis_by_agent" else "case when dimension = 'team' then member end"
    rows = marts.rows(
        f"""
        select *, {whose} as whose from {table} where grain = $grain and period_start = $start and {whose} <> 'unknown'
        """,
        grain=grain, start=start,
    )  # fmt: skip
    cells: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["kpi_id"] in names:
            cells.setdefault(row["whose"], {})[row["kpi_id"]] = row
    cases = {who: max((row["n"] or 0 for row in found.values()), default=0) for who, found in cells.items()}
    whom = sorted(cells, key=lambda who: (-cases[who], who))[:_MEMBERS]
    kpis = kpis_of(marts, span)
    shown = [[_short(who, dimension), *(_cell(kpis[name], cells[who].get(name)) for name in names)] for who in whom]
    if shown:
        shown.append(["everybody", *(_of_all(kpis[name], start) for name in names)])
    faint = frozenset(
        (at, place)
        for at, who in enumerate(whom)
        for place, name in enumerate(names, 1)
        if name in cells[who] and (cells[who][name]["n"] or 0) < _FEW
    )
    cut = "" if view.dimension == ALL else f" Of all cases: not only {view.dimension} {view.member}."
    note = f"{period_name(grain, start)}, cases in brackets. Grey: fewer than {_FEW} cases. Read with care: {_NO_RANK}{cut}"
    columns = [dimension, *(kpis[name].definition["label"] for name in names)]
    return Table(title, columns, shown, numbers=tuple(columns[1:]), faint=faint, note=note, empty="None in this period.")


def _short(who: str, dimension: str) -> str:
    return f"{who[:_KEY]}…" if dimension == "agent" and len(who) > 2 * _KEY else who


def _cell(kpi: Kpi, row: Row | None) -> str:
    if row is None:
        return "–"
    if row["value"] is None:
        return TOO_FEW if row["status"] == "suppressed" else "–"
    return f"{kpi.formatted(row['value'])} ({row['n']:,})"


def _of_all(kpi: Kpi, start: object) -> str:
    found = next((row for row in kpi.periods if row["period_start"] == start and row["value"] is not None), None)
    return _cell(kpi, found)
