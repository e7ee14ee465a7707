"""The lifetime models as a step: fitted to the purchases of the journey layer, before the KPIs are built on them."""

from __future__ import annotations

from orchestration.steps.run import Run

PURCHASES = "int_purchase_days"


def fit_lifetime(run: Run) -> dict[str, int]:
    """Fit, and write the tables that the models read; returns their rows."""
    # Not before it is needed: the library takes half a second to import.
    from orchestration.lifetime.step import write_lifetime_tables

    run.progress("customer lifetime value: fitting")
    with run.current.timed("lifetime value"), run.warehouse.tables([f"journey.{PURCHASES}"]) as con:
        purchases = con.execute(
            f"select customer_key, purchased_on, revenue, margin from journey.{PURCHASES} order by customer_key, purchased_on"
        ).df()
        return write_lifetime_tables(run.settings, purchases)
