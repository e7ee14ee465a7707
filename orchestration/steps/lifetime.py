"""The lifetime models as a step: fitted to the purchases of the journey layer, before the KPIs are built on them."""

from __future__ import annotations

from orchestration.lifetime.keeping import lifetime_tables
from orchestration.steps.run import Run

PURCHASES = "int_purchase_days"


def fit_lifetime(run: Run) -> dict[str, int]:
    """Fit, where anything changed, and write the tables that the models read; returns their rows."""
    run.progress("customer lifetime value")
    with run.current.timed("lifetime value"), run.warehouse.tables([f"journey.{PURCHASES}"]) as con:
        purchases = con.execute(
            f"select customer_key, purchased_on, revenue, margin from journey.{PURCHASES} order by customer_key, purchased_on"
        ).df()
        return lifetime_tables(run.settings, purchases)
