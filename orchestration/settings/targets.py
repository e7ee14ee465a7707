"""Settings of the places that are brought to the published version besides its files."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestration.settings.locations import without_password


class PostgreSQL(BaseModel):
    """A PostgreSQL server (14 or newer) that gets the published tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="Where it is, such as postgresql://cxhouse@db.example.com/bi; its password: PGPASSWORD or ~/.pgpass."
    )
    marts_schema: str = Field("cx_marts", description="Schema of the marts.")
    analysis_schema: str | None = Field("cx_analysis", description="Schema of the rows for analysts; null: they stay here.")
    state_schema: str = Field("cx_state", description="Schema of the loader's own table.")
    reader_role: str = Field("cx_reader", description="Role that may read the marts.")
    analyst_role: str = Field("cx_analyst", description="Role that may read the marts and the rows for analysts.")

    @field_validator("url")
    @classmethod
    def _without_password(cls, value: str) -> str:
        return without_password(value)

    @property
    def schemas(self) -> dict[str, str]:
        """The schema of each publication that the server gets."""
        return {"marts": self.marts_schema, **({"analysis": self.analysis_schema} if self.analysis_schema else {})}


class Iceberg(BaseModel):
    """A folder of Apache Iceberg tables with a catalogue in SQLite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(description="Folder for the catalogue, the tables' metadata and their rows.")
    marts_namespace: str = Field("cx_marts", description="Namespace of the marts.")
    analysis_namespace: str | None = Field("cx_analysis", description="Namespace of the rows for analysts; null: they stay here.")

    @property
    def namespaces(self) -> dict[str, str]:
        """The namespace of each publication that the catalogue gets."""
        return {"marts": self.marts_namespace, **({"analysis": self.analysis_namespace} if self.analysis_namespace else {})}


class Targets(BaseModel):
    """What is brought to the published version after each publication."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postgresql: PostgreSQL | None = None
    iceberg: Iceberg | None = None
