"""Which version a published file is of, as its table ``publication`` says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import duckdb

from orchestration.core.connections import connect
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import MARTS_FILE


@dataclass(frozen=True)
class PublishedVersion:
    """One published version."""

    version: str
    run_id: str
    as_of: datetime
    published_at: datetime
    # What earlier releases published does not say.
    reporting_timezone: str = "UTC"
    currency: str = ""
    #: Marts show nothing of fewer people; none of a release that showed everything.
    min_people: int | None = None
    has_agent_names: bool | None = None


def read_publication(settings: Settings) -> PublishedVersion | None:
    """The version that readers see now; None before the first publish."""
    path = settings.published / MARTS_FILE
    if not path.exists():
        return None
    with connect(path, read_only=True) as con:
        return publication_of(con)


def publication_of(con: duckdb.DuckDBPyConnection) -> PublishedVersion:
    """The version that a connection to a published file sees."""
    cursor = con.execute("select * from publication")
    row = cursor.fetchone()
    if row is None:
        raise ValueError("the table publication is empty")
    known = {field.name for field in fields(PublishedVersion)}
    facts = dict(zip((column[0] for column in cursor.description or []), row, strict=True))
    return PublishedVersion(**{name: value for name, value in facts.items() if name in known})
