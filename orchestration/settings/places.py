"""Where a home keeps what."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Places(BaseModel):
    """The folder of a home and the files in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("home"), description="Folder for everything that cxhouse keeps.")

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def raw(self) -> Path:
        return self.home / "raw"

    @property
    def quarantine(self) -> Path:
        return self.home / "quarantine"

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def forgotten(self) -> Path:
        """Whom the home was asked to forget, as keyed hashes (see ``orchestration.privacy.roll``)."""
        return self.home / "forgotten"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def spark(self) -> Path:
        return self.home / "spark"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def salt_file(self) -> Path:
        """The secret in customer keys (see ``orchestration.warehouse.salt``)."""
        return self.home / "identity_salt"

    @property
    def lifetime_record(self) -> Path:
        """What the lifetime tables in `raw` were made of."""
        return self.home / "lifetime.json"

    @property
    def risks(self) -> Path:
        """What trials of the models of risks found: may be removed."""
        return self.home / "risks"

    @property
    def downloads(self) -> Path:
        """What was read of remote exports and has not landed yet."""
        return self.home / "downloads"

    @property
    def asked(self) -> Path:
        """What was read of APIs and databases and has not landed yet, and how far each was read."""
        return self.home / "asked"

    @property
    def scratch(self) -> Path:
        return self.home / "tmp"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        return self.home / "dbt"
