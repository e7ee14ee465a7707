"""The page of customers and their value: segments, who stays, what they are worth, whom to ask."""

from __future__ import annotations

from datetime import date

from orchestration.dashboard.blocks import Block, Cards, Chart, Table, not_given
from orchestration.dashboard.charts import bars, by_member, heatmap
from orchestration.dashboard.families import families
from orchestration.dashboard.kpi import Kpi, kpis_of
from orchestration.dashboard.risk import churn_blocks
from orchestration.published.display import format_value
from orchestration.published.marts import Marts, View

_FACTS = ("fct_customer_base", "customer_values", "customer_risks", "fct_customer_months")
#: Cohorts and months of age that fit on a page.
_COHORTS = 18


def customers(marts: Marts, view: View) -> list[Block]:
    """Segments by behaviour, cohorts, lifetime value and its calibration, survey eligibility, and the KPIs of all of them."""
    kpis = [kpi for kpi in kpis_of(marts, view).values() if kpi.definition["fact"] in _FACTS]
    return [
        Cards(families(kpi for kpi in kpis if kpi.now)),
        _behaviour(marts),
        *_cohorts(marts),
        *_of_all_time(marts, kpis),
        *churn_blocks(marts),
        _calibration(marts),
        _parameters(marts),
        _eligibility(marts),
    ]


def _behaviour(marts: Marts) -> Block:
    if not marts.has("segments"):
        return not_given("Customers by behaviour")
    found = marts.rows(
        """
        select behaviour, count(*) as customers from segments group by behaviour having count(*) >= $least
        order by customers desc, behaviour
        """,
        least=marts.least,
    )
    chart = bars([row["behaviour"] for row in found], {"customers": [row["customers"] for row in found]}, lying=True)
    return Chart(
        "Customers by behaviour", chart, "Segments by recency, frequency, money and problems: table segments.", is_whole=True
    )


def _cohorts(marts: Marts) -> list[Block]:
    if not marts.has("fct_customer_months"):
        return [not_given("Customers who buy again, by month of their first purchase (customers)")]
    found = marts.rows(
        """
        select
            cohort_starts_on, age_months, count(*) as customers, count(*) filter (where purchases > 0) as buyers
        from fct_customer_months
        where is_complete and age_months > 0
        group by all
        having count(*) >= $least
        order by all
        """,
        least=marts.least,
    )
    if not found:
        return []
    cohorts = sorted({row["cohort_starts_on"] for row in found})[-_COHORTS:]
    ages = sorted({row["age_months"] for row in found})[:_COHORTS]
    cells = {(row["cohort_starts_on"], row["age_months"]): row for row in found}

    def share(cohort: date, age: int) -> float | None:
        row = cells.get((cohort, age))
        return row["buyers"] / row["customers"] if row else None

    sizes = {row["cohort_starts_on"]: row["customers"] for row in found}
    z = [[share(cohort, age) for age in ages] for cohort in cohorts]
    chart = heatmap(
        ages,
        [f"{cohort:%Y-%m} ({sizes[cohort]})" for cohort in cohorts],
        z,
        [["" if cell is None else f"{cell:.0%}" for cell in line] for line in z],
        height=120 + 24 * len(cohorts),
        xaxis={"title": {"text": "months since the first purchase"}, "dtick": 1},
    )
    return [Chart("Customers who buy again, by month of their first purchase (customers)", chart, is_whole=True)]


def _of_all_time(marts: Marts, kpis: list[Kpi]) -> list[Block]:
    """What is known as of now only, by customer segment."""
    blocks: list[Block] = []
    rows = []
    for kpi in kpis:
        whole = marts.by_member(kpi.id, "all", None, "all")
        if kpi.now or not whole:
            continue
        row, label = whole[0], kpi.definition["label"]
        rows.append([label, kpi.formatted(row["value"]), kpi.interval_of(row), f"{row['n']:,}"])
        if "segment" in kpi.dimensions and (members := marts.by_member(kpi.id, "all", None, "segment")):
            blocks.append(Chart(f"{label} by segment", by_member(kpi, members), is_whole=True))
    columns = ["KPI", "value", "95 % interval", "cases"]
    return [Table("As of now", columns, rows, numbers=("value", "cases"), is_whole=True), *blocks]


def _calibration(marts: Marts) -> Chart:
    found = marts.rows("select * from clv_calibration order by purchase_days_before = 'all', purchase_days_before")
    found = [row for row in found if row["customers"] is not None]
    problem = next((row["problem"] for row in found if row["problem"]), None)
    chart = bars(
        [f"{row['purchase_days_before']} ({row['customers']:,})" for row in found],
        {
            "foreseen": [row["predicted_per_customer"] for row in found],
            "came": [row["actual_per_customer"] for row in found],
        },
        xaxis={"type": "category", "title": {"text": "days with a purchase before (customers)"}},
        yaxis={"title": {"text": "purchase days per customer"}},
        legend={"orientation": "h", "y": 1.15, "x": 0},
    )
    days = found[0]["held_back_days"] if found else None
    note = problem or f"Purchases of the last {days} days, foreseen from what came before them, and what came."
    return Chart("How far lifetime value can be trusted", chart, note, is_whole=True)


def _parameters(marts: Marts) -> Table:
    found = marts.rows("select * from clv_parameters order by model, parameter")
    rows = [
        [
            row["model"],
            row["parameter"],
            "–" if row["estimate"] is None else f"{row['estimate']:.3f}",
            "–" if row["standard_error"] is None else f"{row['standard_error']:.3f}",
            f"{row['customers']:,}",
            row["problem"] or "",
        ]
        for row in found
    ]
    columns = ["model", "parameter", "estimate", "standard error", "customers", "problem"]
    return Table(
        "Parameters of lifetime value", columns, rows, numbers=("estimate", "standard error", "customers"), is_whole=True
    )


def _eligibility(marts: Marts) -> Table:
    if not marts.has("survey_eligibility"):
        return not_given("Whom to ask")
    found = marts.rows(
        """
        select
            case when is_eligible then concat('ask: ', survey) else concat('do not ask: ', reason) end as answer,
            count(*) as customers
        from survey_eligibility
        group by answer
        having count(*) >= $least
        order by customers desc
        """,
        least=marts.least,
    )
    total = sum(row["customers"] for row in found)
    rows = [[row["answer"], f"{row['customers']:,}", format_value(row["customers"] / total, "rate")] for row in found]
    return Table("Whom to ask", ["answer", "customers", "share"], rows, numbers=("customers", "share"), is_whole=True)
