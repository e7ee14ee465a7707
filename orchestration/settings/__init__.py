"""Settings of cxhouse: what there is (model), where it comes from (loading), and where a home keeps what (places)."""

from pathlib import Path

#: This package.
PACKAGE = Path(__file__).parents[1]
_INSTALLED = PACKAGE / "project"
#: What holds dbt_project/, models/ and expectations/: the checkout, or a folder of the installed package.
PROJECT = _INSTALLED if _INSTALLED.is_dir() else PACKAGE.parent
