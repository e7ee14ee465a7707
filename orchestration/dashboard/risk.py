"""Blocks of the page of customers: whom to call before they are lost, and how far that can be trusted."""

from __future__ import annotations

import json

from orchestration.dashboard.blocks import Block, Chart, Table, not_given
from orchestration.dashboard.charts import bars
from orchestration.published.display import format_value
from orchestration.published.marts import Marts

#: Customers that fit on a page.
_CUSTOMERS = 20


def churn_blocks(marts: Marts) -> list[Block]:
    """The customers with the most margin at risk, and the models of churn risk with the calibration of those in use."""
    if not marts.has("customers_at_risk"):
        return [not_given("At risk and worth a call")]
    return [_worth_a_call(marts), _models(marts), *_calibrations(marts)]


def _worth_a_call(marts: Marts) -> Table:
    found = marts.rows("select * from customers_at_risk where place <= $most order by place", most=_CUSTOMERS)
    rows = [
        [
            row["customer_key"],
            row["segment"],
            row["country"],
            format_value(row["churn_risk"], "rate"),
            format_value(row["margin_at_risk"], "money"),
            "; ".join(row[name] for name in ("reason_1", "reason_2", "reason_3") if row[name]),
            row["usual_channel"],
        ]
        for row in found
    ]
    columns = ["customer", "segment", "country", "risk", "margin at risk", "why", "channel"]
    return Table("At risk and worth a call", columns, rows, numbers=("risk", "margin at risk"), is_whole=True)


def _models(marts: Marts) -> Table:
    found = marts.rows("select * from churn_models order by target, model")
    rows = [
        [
            row["target"],
            row["model"],
            "yes" if row["is_used"] else "no",
            "–" if row["held_back"] is None else f"{row['held_back']:,}",
            "–" if row["auc"] is None else f"{row['auc']:.2f} ± {1.96 * row['auc_error']:.2f}",
            "–" if row["brier"] is None else f"{row['brier']:.3f} ({row['baseline_brier']:.3f})",
            "–" if row["top_tenth_lift"] is None else f"{row['top_tenth_lift']:.1f}",
            row["problem"] or "",
        ]
        for row in found
    ]
    columns = ["risk", "model", "used", "held back", "AUC", "Brier score (a guess)", "lift of the top tenth", "problem"]
    return Table(
        "How far churn risk can be trusted", columns, rows,
        numbers=("held back", "AUC", "Brier score (a guess)", "lift of the top tenth"), is_whole=True,
    )  # fmt: skip


def _calibrations(marts: Marts) -> list[Chart]:
    found = marts.rows("select target, calibration from churn_models where is_used order by target")
    charts = []
    for row in found:
        tenths = json.loads(row["calibration"])
        chart = bars(
            [f"{place} ({tenth['cases']:,})" for place, tenth in enumerate(tenths, 1)],
            {"predicted": [tenth["predicted"] for tenth in tenths], "actual": [tenth["actual"] for tenth in tenths]},
            xaxis={"type": "category", "title": {"text": "tenths by risk (cases)"}},
            yaxis={"title": {"text": "share lost"}, "tickformat": ".0%"},
            legend={"orientation": "h", "y": 1.15, "x": 0},
        )
        charts.append(Chart(f"Predicted and actual share lost: {row['target']}", chart, "Of months held back.", is_whole=True))
    return charts
