"""Any cut of a KPI: up to three dimensions, a condition, a comparison; as table, chart and CSV, with the command for the same."""

from __future__ import annotations

import shlex
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from orchestration.core.errors import ConfigurationError
from orchestration.core.output import as_csv
from orchestration.dashboard.charts import figure, scale
from orchestration.dashboard.kpi import STATUS, Kpi, kpis_of
from orchestration.dashboard.members import chosen
from orchestration.published.display import format_change, format_value
from orchestration.published.marts import ALL, Marts, View, period_name
from orchestration.query.asking import Question, answer
from orchestration.query.explain import explain

#: Lines that a chart can hold; the table has all.
_LINES = 8
_CUTS = 3
_AS_PICTURE = {"displaylogo": False, "modeBarButtons": [["toImage"]]}
_COMPARED = {"nothing": None, "the period before": "previous", "a year before": "year"}


def draw_explorer(marts: Marts, view: View, kpi_id: str) -> None:
    """The page of a KPI. The grain and the span are those chosen at the top; the address holds all else, too."""
    st.title("Explore")
    st.write("Any KPI by up to three groups at once, of the cases that you name, beside an earlier period.")
    definition = marts.definitions[kpi_id]
    able = str(definition["dimensions"]).split(", ") if definition["dimensions"] else []
    if any(name not in able for name in st.session_state.get("by", [])):
        st.session_state["by"] = [name for name in st.session_state["by"] if name in able]
    by = st.multiselect("By", able, key="by", max_selections=_CUTS, bind="query-params")
    where_at, compare_at = st.columns(2)
    where = where_at.text_input(
        "Only where", key="where", bind="query-params", placeholder="country in (DE, AT) and not team = 'First line'"
    )  # fmt: skip
    compare = compare_at.selectbox("Compare with", list(_COMPARED), key="compare", bind="query-params")
    st.caption(" ".join(str(definition["description"]).split()))
    conditions = [text for text in (where.strip(), chosen(view)) if text]
    condition = conditions[0] if len(conditions) == 1 else " and ".join(f"({text})" for text in conditions)
    question = Question((kpi_id,), tuple(by), condition, view.grain, view.first_on, view.last_on, _COMPARED[compare])
    try:
        rows = answer(marts, question)
    except ConfigurationError as error:
        st.warning(str(error))
        return
    _draw_answer(marts, question, rows)


def _draw_answer(marts: Marts, question: Question, rows: list[dict[str, Any]]) -> None:
    kpi_id = question.kpis[0]
    kpi = kpis_of(marts, View(question.grain), kpi_id)[kpi_id]
    rows = [row for row in rows if row["period_start"] is None or row["period_start"] < marts.today]
    if not rows:
        st.write("No cases.")
        return
    st.plotly_chart(
        _chart(kpi.unit, kpi.currency, question, rows), key="explored_chart", config=_AS_PICTURE,
        alt=f"{kpi.definition['label']} by {', '.join(question.by) or 'period'}",
    )  # fmt: skip
    said = partial(format_value, unit=kpi.unit, currency=kpi.currency)
    newest_first = sorted(rows, key=lambda row: (row["period_start"] or date.min, row["n"] or 0), reverse=True)
    shown = [_line(question, row, said, kpi) for row in newest_first]
    st.dataframe(pd.DataFrame(shown), hide_index=True, key="explored_rows", alt="The answer as a table")
    st.download_button("All as CSV", as_csv(rows, list(rows[0])), f"{kpi_id}.csv", "text/csv", on_click="ignore")
    st.caption("The same by the command line; and in SQL, over analysis.duckdb:")
    st.code(command_of(question), language="sh")
    st.code(sql_of(question), language="sql")


def _line(question: Question, row: dict[str, Any], said: Any, kpi: Kpi) -> dict[str, str]:
    line = {"period": period_name(question.grain, row["period_start"])}
    line |= {_in_words(name): str(row[name]) for name in question.by}
    line |= {
        "value": said(row["value"]),
        "95 % interval": kpi.interval_of(row),
        "cases": "" if row["n"] is None else f"{row['n']:,}",
        "pending": f"{row['n_pending']:,}" if row["n_pending"] else "",
        "state": STATUS.get(row["status"], row["status"]) + ("" if row["is_final"] else ", may still change"),
    }
    if question.compare:
        line |= {
            "was": said(row["value_before"]),
            "change": "" if row["change"] is None else format_change(row["change"], kpi.unit),
            "certain": "" if row["p_value"] is None else "yes" if row["p_value"] < _LEVEL else "too few cases to tell",
        }
    return line


#: A change that chance shows less often, corrected for all rows, is called certain.
_LEVEL = 0.05


def _chart(unit: str, currency: str, question: Question, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A line for each group, those with most cases; of all time a bar for each."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(", ".join(str(row[name]) for name in question.by) or "everything", []).append(row)
    largest = sorted(groups, key=lambda name: -sum(row["n"] or 0 for row in groups[name]))[:_LINES]
    divisor, axis = scale(unit, [row["value"] for name in largest for row in groups[name]], currency)

    def values(name: str) -> list[float | None]:
        return [None if row["value"] is None else row["value"] / divisor for row in groups[name]]

    if question.grain == ALL:
        bar = {"type": "bar", "x": largest, "y": [values(name)[0] for name in largest]}
        return figure([bar], yaxis=axis, xaxis={"type": "category"})
    traces = [
        {
            "type": "scatter", "mode": "lines+markers", "name": name, "y": values(name),
            "x": [row["period_start"].isoformat() for row in groups[name]],
        }
        for name in largest
    ]  # fmt: skip
    return figure(traces, 320, yaxis=axis, xaxis={"type": "date"}, showlegend=len(traces) > 1)


def command_of(question: Question) -> str:
    """The command that answers the same question."""
    options = {
        "kpi": ",".join(question.kpis), "by": ",".join(question.by), "where": question.where, "grain": question.grain,
        "from": str(question.first or ""), "to": str(question.last or ""), "compare": question.compare or "",
    }  # fmt: skip
    return " ".join(["cxhouse kpis", *(f"--{name} {shlex.quote(value)}" for name, value in options.items() if value)])


def draw_why(marts: Marts, kpi: Kpi, view: View, period: date | None) -> None:
    """What moved the KPI from the period before to the one that is looked at, of all cases."""
    explanation = explain(marts, kpi.id, view.grain, period) if period else None
    if explanation is None or explanation.change is None:
        return
    st.header("What moved it")
    if view.dimension != ALL:
        st.caption("Of all cases: what is filtered above does not apply here.")
    periods = f"{period_name(view.grain, explanation.period_start)} against {period_name(view.grain, explanation.before_start)}"
    st.write(f"{periods}: {explanation.sentence}.")
    rows = [
        [
            _in_words(mover.dimension), mover.member, kpi.formatted(mover.value), kpi.formatted(mover.value_before),
            f"{mover.share:.0%}", f"{mover.share_before:.0%}", format_change(mover.effect, kpi.unit),
        ]
        for movers in explanation.parts.values()
        for mover in movers[:_CUTS]
    ]  # fmt: skip
    if rows:
        columns = ["by", "member", "value", "was", "share of cases", "was of it", "its part of the change"]
        with st.expander("The parts of the change, by group"):
            st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, key="movers", alt="The parts of the change")


def sql_of(question: Question) -> str:
    """The query of the published table macro that gives the same rows, or more where a condition holds of them only."""
    cuts = ", ".join(f"'{name}'" for name in question.by)
    conditions = [
        f"period_start {sign} date '{day}'" for sign, day in ((">=", question.first), ("<=", question.last)) if day
    ]  # fmt: skip
    comment = "  -- of all cases: the macro takes no condition" if question.where else ""
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return f"select * from kpi('{question.kpis[0]}', '{question.grain}', [{cuts}]){where}{comment}"


def _in_words(name: str) -> str:
    return name.replace("_", " ")
