"""The tables that the step of risks writes for the models, and their columns."""

from __future__ import annotations

import pyarrow as pa

from orchestration.pull.home.tables import put_table
from orchestration.settings.model import Settings

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
CUSTOMERS, TICKETS, MODELS = "risk_customers", "risk_tickets", "risk_models"
_REASONS = [("reason_1", _TEXT), ("reason_2", _TEXT), ("reason_3", _TEXT)]
OPENINGS = "int_ticket_openings"
#: The tables of the journey that the step reads, with the order of their rows.
SOURCES = {
    "int_churn_history": "on_date, customer_key",
    "int_churn_today": "customer_key",
    "int_purchase_days": "customer_key, purchased_on",
    OPENINGS: "created_at, ticket_id",
}
#: name -> (what it holds, its columns)
TABLES: dict[str, tuple[str, pa.Schema]] = {
    CUSTOMERS: (
        "The risk of each customer to be lost, with the reasons, or why there is none.",
        pa.schema([
            ("customer_key", _TEXT), ("basis", _TEXT), ("risk", _NUMBER), *_REASONS, ("why_not", _TEXT), ("version", _TEXT),
        ]),
    ),
    TICKETS: (
        "The risks of each open ticket, with the reasons, or why there is none.",
        pa.schema([
            ("ticket_id", _TEXT), ("target", _TEXT), ("risk", _NUMBER), *_REASONS, ("why_not", _TEXT), ("version", _TEXT),
        ]),
    ),
    MODELS: (
        "The models of risks, with how well each predicted a last period that was held back.",
        pa.schema([
            ("target", _TEXT), ("model", _TEXT), ("version", _TEXT), ("is_used", pa.bool_()), ("cases", _COUNT),
            ("fitted_to", _COUNT), ("held_back", _COUNT), ("held_back_from", pa.date32()), ("happened_share", _NUMBER),
            ("auc", _NUMBER), ("auc_error", _NUMBER), ("brier", _NUMBER), ("guess_brier", _NUMBER),
            ("top_tenth_lift", _NUMBER), ("calibration", _TEXT), ("problem", _TEXT),
        ]),
    ),
}  # fmt: skip


def ensure_risk_tables(settings: Settings, are_empty: bool = False) -> None:
    """Empty tables, so that models can read them before the first fit; with ``are_empty`` also in the place of earlier ones."""
    for name, (_, schema) in TABLES.items():
        if are_empty or not any((settings.raw / name).glob("*.parquet")):
            put_table(schema.empty_table(), name, settings.raw, settings.scratch)
