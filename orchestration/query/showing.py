"""Answers and explanations on the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

import click
from rich.markup import escape

from orchestration.core.errors import ConfigurationError
from orchestration.core.output import console
from orchestration.publish.reading import open_published
from orchestration.publish.suppression import SUPPRESSED
from orchestration.published.display import (
    NO_CASES,
    format_change,
    format_interval,
    format_value,
    kpis_text,
    left_out,
    published_file,
    table_of,
)
from orchestration.published.marts import Marts, period_name
from orchestration.query.asking import COMPARED, FIGURES, Question, Row, answer, kpi_names
from orchestration.query.change import LEVEL
from orchestration.query.explain import Explanation, Mover, explain
from orchestration.settings.model import Settings

#: So many members of a dimension are listed on a terminal.
_LISTED = 8


def show(settings: Settings, question: Question, form: str) -> None:
    """Print an answer as a table, JSON or CSV."""
    with open_published(published_file(settings)) as con:
        marts = Marts(con)
        question = Question(kpi_names(marts, question.kpis), *_rest(question))
        rows = answer(marts, question)
        definitions = marts.definitions
    if form != "table":
        names = ("kpi_id", "period_start", *question.by, *FIGURES, *(COMPARED if question.compare else ()))
        click.echo(kpis_text([{name: row.get(name) for name in names} for row in rows], form))
        return
    table = table_of(f"KPIs by {', '.join([question.grain, *question.by])}".replace("by all, ", "by "))
    heads = ["KPI", "period", *question.by, "value", *(["was", "change"] if question.compare else []), "95 % interval", "cases"]
    for name in [*heads, "pending", "target", "status"]:
        table.add_column(name, justify="right" if name in ("value", "was", "change", "cases", "pending", "target") else "left")
    for row in rows:
        table.add_row(*map(escape, _cells(row, question, definitions[row["kpi_id"]])))
    console().print(table if rows else NO_CASES)
    labelled = [{**row, "label": definitions[row["kpi_id"]]["label"]} for row in rows]
    for line in left_out(settings, labelled):
        console().print(line, markup=False)


def _rest(question: Question) -> tuple[Any, ...]:
    return question.by, question.where, question.grain, question.first, question.last, question.compare


def _cells(row: Row, question: Question, definition: Row) -> list[str]:
    def said(value: float | None) -> str:
        return format_value(value, definition["unit"], definition.get("currency", ""))

    interval = format_interval(row["ci_low"], row["ci_high"], definition["unit"], definition.get("currency", ""))
    compared = [said(row["value_before"]), _change(row, definition["unit"])] if question.compare else []
    return [
        definition["label"],
        period_name(question.grain, row["period_start"]) if row["status"] != "not_available" else "",
        *(row[name] or "" for name in question.by),
        said(row["value"]),
        *compared,
        interval,
        "" if row["n"] is None else f"{row['n']:,}",
        f"{row['n_pending']:,}" if row["n_pending"] else "",
        said(row["target"]) if row["target"] is not None else "",
        _status(row),
    ]


def _status(row: Row) -> str:
    if row.get("missing_export"):
        return f"needs {row['missing_export']}"
    text = "too few people to show" if row["status"] == SUPPRESSED else row["status"].replace("_", " ")
    return text if row["is_final"] or row["period_start"] is None else f"{text}, not final"


def _change(row: Row, unit: str) -> str:
    """A change and, where it could be tested, whether it is significant."""
    if row["change"] is None:
        return ""
    text = format_change(row["change"], unit)
    if row["p_value"] is None:
        return f"{text} (not tested)"
    return text if row["p_value"] < LEVEL else f"{text} (not significant)"


def show_explanation(
    settings: Settings, kpi: str, grain: str, period: date | None, against: str, by: tuple[str, ...] | None, form: str
) -> None:
    """Print what moved a KPI.

    Raises:
        ConfigurationError: there is no such KPI, dimension or period.
    """
    other: str | date = against
    if against not in ("previous", "year"):
        try:
            other = date.fromisoformat(against)
        except ValueError:
            raise ConfigurationError(f"--against {against!r}: it is previous, year, or a day such as 2026-05-01") from None
    with open_published(published_file(settings)) as con:
        explanation = explain(Marts(con), kpi, grain, period, other, by)
    if explanation is None:
        raise ConfigurationError(f"{kpi} has no {grain} with a value")
    if form == "json":
        click.echo(json.dumps(as_json(explanation), indent=1, ensure_ascii=False))
        return
    now, before = period_name(grain, explanation.period_start), period_name(grain, explanation.before_start)
    console().print(f"{explanation.label}, {now} against {before}: {explanation.sentence}", markup=False, highlight=False)
    if not explanation.is_final:
        console().print("These numbers are not final: cases may still be decided.", markup=False)
    for dimension, movers in explanation.parts.items():
        table = table_of(f"by {dimension}")
        for name in (dimension, "value", "was", "share", "was", "moved by its value", "moved by its share", "significant"):
            table.add_column(name, justify="left" if name in (dimension, "significant") else "right")
        for mover in movers[:_LISTED]:
            table.add_row(*map(escape, _mover(mover, explanation.unit)))
        if len(movers) > _LISTED:
            table.caption = f"and {len(movers) - _LISTED} more"
        console().print(table)


def _mover(mover: Mover, unit: str) -> list[str]:
    parts = [format_change(part, unit) for part in (mover.rate, mover.mix)]
    significant = "not tested" if mover.p_value is None else "yes" if mover.is_significant else "no"
    values = [format_value(value, unit) for value in (mover.value, mover.value_before)]
    return [mover.member, *values, f"{100 * mover.share:.0f} %", f"{100 * mover.share_before:.0f} %", *parts, significant]


def as_json(explanation: Explanation) -> dict[str, Any]:
    """An explanation as plain values."""
    plain = asdict(explanation)
    plain["parts"] = {name: [_plain(mover) for mover in movers] for name, movers in explanation.parts.items()}
    plain["movers"] = [_plain(mover) for mover in explanation.movers]
    return {key: str(value) if isinstance(value, date) else value for key, value in plain.items()}


def _plain(mover: Mover) -> dict[str, Any]:
    names = ("dimension", "member", "value", "value_before", "share", "share_before", "n", "n_before", "rate", "mix", "p_value")
    return {name: getattr(mover, name) for name in names}
