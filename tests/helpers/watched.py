"""A run that says what it imported."""

from __future__ import annotations

#: Runs the command line, and prints which of a run's libraries it imported.
WATCHED = """
import sys
from orchestration.cli import main
main(sys.argv[1:], standalone_mode=False)
print("IMPORTED", *(name for name in ("dagster", "dbt", "great_expectations", "pandas", "pyarrow") if name in sys.modules))
"""
