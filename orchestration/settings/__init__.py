"""Settings of cxhouse: what there is (model), where it comes from (loading), and where a home keeps what (places)."""

from pathlib import Path

from orchestration.settings.loading import CONFIG_FILE, load_settings, parse_as_of, parse_day, parse_days
from orchestration.settings.model import MODELS_AT_ONCE, SCHEDULE_RUNS, Settings

#: This package.
PACKAGE = Path(__file__).parents[1]
_INSTALLED = PACKAGE / "project"
#: What holds dbt_project/, models/ and expectations/: the checkout, or a folder of the installed package.
PROJECT = _INSTALLED if _INSTALLED.is_dir() else PACKAGE.parent

__all__ = [
    "CONFIG_FILE",
    "MODELS_AT_ONCE",
    "PACKAGE",
    "PROJECT",
    "SCHEDULE_RUNS",
    "Settings",
    "load_settings",
    "parse_as_of",
    "parse_day",
    "parse_days",
]
