"""The tables that the lifetime step writes for the models, and their columns."""

from __future__ import annotations

import pyarrow as pa

from orchestration.pull.home.tables import put_table
from orchestration.settings.model import Settings

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
#: name -> (what it holds, its columns)
TABLES: dict[str, tuple[str, pa.Schema]] = {
    "lifetime_parameters": (
        "Parameters of the lifetime models, with standard errors.",
        pa.schema([
            ("model", _TEXT), ("parameter", _TEXT), ("estimate", _NUMBER), ("standard_error", _NUMBER),
            ("log_likelihood", _NUMBER), ("customers", _COUNT), ("has_converged", pa.bool_()), ("problem", _TEXT),
        ]),
    ),
    "lifetime_calibration": (
        "Purchases that the model foresaw in a period held back, beside those that came.",
        pa.schema([
            ("purchase_days_before", _TEXT), ("customers", _COUNT), ("predicted_per_customer", _NUMBER),
            ("actual_per_customer", _NUMBER), ("held_back_days", _COUNT), ("problem", _TEXT),
        ]),
    ),
    "lifetime_predictions": (
        "What the model expects of each customer.",
        pa.schema([
            ("customer_key", _TEXT), ("purchase_days", _COUNT), ("p_alive", _NUMBER), ("expected_purchases", _NUMBER),
            ("expected_value", _NUMBER), ("predicted_margin", _NUMBER),
        ]),
    ),
}  # fmt: skip


def ensure_lifetime_tables(settings: Settings) -> None:
    """Empty tables, so that models can read them before the first fit."""
    for name, (_, schema) in TABLES.items():
        if not any((settings.raw / name).glob("*.parquet")):
            put_table(schema.empty_table(), name, settings.raw, settings.scratch)
