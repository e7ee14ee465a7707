"""Settings of cxhouse: what there is (model), where it comes from (loading), and where a home keeps what (places)."""

from pathlib import Path

from orchestration.settings.loading import CONFIG_FILE, load_settings, parse_as_of, parse_days
from orchestration.settings.model import ENGINES, MODELS_AT_ONCE, SCHEDULE_RUNS, Engine, Settings

#: The checkout (or installation) that holds dbt_project/, models/ and expectations/.
PROJECT = Path(__file__).parents[2]

__all__ = [
    "CONFIG_FILE",
    "ENGINES",
    "MODELS_AT_ONCE",
    "PROJECT",
    "SCHEDULE_RUNS",
    "Engine",
    "Settings",
    "load_settings",
    "parse_as_of",
    "parse_days",
]
