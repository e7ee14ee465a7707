"""Risks as a step: fitted to past customers of the journey layer, before the KPIs are built on them."""

from __future__ import annotations

from orchestration.risk.tables import TABLES, ensure_risk_tables
from orchestration.steps.run import Run

HISTORY, TODAY, PURCHASES = "int_churn_history", "int_churn_today", "int_purchase_days"


def fit_risks(run: Run) -> dict[str, int]:
    """Fit, where the past changed, and write the tables that the models read; returns their rows."""
    tables = [f"journey.{name}" for name in (HISTORY, TODAY, PURCHASES)]
    with run.current.timed("risks"), run.warehouse.tables(tables) as con:
        if not con.execute(f"select 1 from journey.{TODAY} limit 1").fetchone():
            # Without customers nothing is imported either.
            ensure_risk_tables(run.settings, are_empty=True)
            return dict.fromkeys(TABLES, 0)
        from orchestration.risk.step import write_risk_tables
        from orchestration.risk.trying import Home

        history = con.execute(f"select * from journey.{HISTORY} order by on_date, customer_key").df()
        today = con.execute(f"select * from journey.{TODAY} order by customer_key").df()
        purchases = con.execute(
            f"select customer_key, purchased_on from journey.{PURCHASES} order by customer_key, purchased_on"
        ).df()
        home = Home(run.settings.risks, run.progress, full_refresh=run.settings.full_refresh)
        return write_risk_tables(run.settings, history, today, purchases, home)
