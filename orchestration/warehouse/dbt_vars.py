"""The dbt vars of a run."""

from __future__ import annotations

from typing import Any

from orchestration.pull.contracts.dimensions import extra_dimensions
from orchestration.pull.contracts.library import load_contracts
from orchestration.settings.model import Settings


def dbt_vars(settings: Settings) -> dict[str, Any]:
    """The user's variables (`vars` of the settings), the settings that models need, and the dimensions that contracts add."""
    return {
        **settings.vars,
        "extra_dimensions": extra_dimensions(load_contracts(settings.config_dir, settings.contract_params)),
        "reporting_timezone": settings.reporting_timezone,
        "currency": settings.currency,
    }
