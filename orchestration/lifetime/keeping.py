"""The lifetime tables stay where nothing changed that they are made of."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.configuration import known_vars
from orchestration.core import durable
from orchestration.lifetime.tables import TABLES
from orchestration.settings.model import Settings

if TYPE_CHECKING:
    import pandas as pd

#: The variables that the tables depend on.
KNOBS = ("discount_rate", "lifetime_holdout_days")
_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy")


def lifetime_tables(settings: Settings, purchases: pd.DataFrame) -> dict[str, int]:
    """Leave the tables as they are, or make them; returns their rows. ``purchases`` as for ``write_lifetime_tables``."""
    made_of = _fingerprint(settings, purchases)
    if not settings.full_refresh and (rows := _kept(settings, made_of)) is not None:
        return rows
    # Not before it is needed: the libraries of the fit take half a second to import.
    from orchestration.lifetime.step import write_lifetime_tables

    rows = write_lifetime_tables(settings, purchases)
    record = {"made_of": made_of, "files": _files(settings), "rows": rows}
    durable.write_text(settings.lifetime_record, json.dumps(record, indent=1))
    return rows


def _kept(settings: Settings, made_of: str) -> dict[str, int] | None:
    """The rows of the tables there, if these are made of just this; a record that cannot be read says nothing."""
    try:
        record = json.loads(settings.lifetime_record.read_text(encoding="utf-8"))
        is_same = record["made_of"] == made_of and record["files"] == _files(settings)
        return {name: int(record["rows"][name]) for name in TABLES} if is_same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _files(settings: Settings) -> dict[str, list[str]]:
    """The files of the tables; their names are made of their content."""
    return {name: sorted(path.name for path in (settings.raw / name).glob("*.parquet")) for name in TABLES}


def _fingerprint(settings: Settings, purchases: pd.DataFrame) -> str:
    """Changes with the purchases (not with their order), the day, the variables and the code."""
    import numpy as np
    import pandas as pd

    knobs = {**known_vars(), **settings.vars}
    inputs = [settings.reporting_day.isoformat(), *(knobs[name] for name in KNOBS), *map(version, _LIBRARIES)]
    digest = hashlib.sha256(json.dumps(inputs).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    dated = purchases.assign(purchased_on=pd.to_datetime(purchases["purchased_on"]).astype("datetime64[us]"))
    columns = dated[["customer_key", "purchased_on", "revenue", "margin"]]
    digest.update(np.sort(pd.util.hash_pandas_object(columns, index=False).to_numpy()).tobytes())
    return digest.hexdigest()
