"""Every setting, with its default and what it means."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from orchestration.core.engines import Engine
from orchestration.core.limits import SHIPPED, Limits
from orchestration.core.resources import Resources, default_memory, parse_memory, processors
from orchestration.core.zones import time_zones
from orchestration.settings.alerting import AlertOwner
from orchestration.settings.digests import Digest
from orchestration.settings.locations import AnyLocation, Location, read_locations, without_password
from orchestration.settings.places import Places
from orchestration.settings.targets import Targets

#: Set by 'cxhouse schedule': the schedule runs without being switched on in the UI.
SCHEDULE_RUNS = "CXHOUSE_SCHEDULE_RUNS"


#: Each takes memory of its own; DuckDB uses all threads for one as well.
MODELS_AT_ONCE = 4


class Retention(BaseModel):
    """Days for which something of a kind is kept; none: always."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    originals: int | None = Field(None, ge=1, description="Landed files as they were exported, from their arrival on.")
    texts: int | None = Field(None, ge=1, description="Free texts of the rows, from the date of their record on.")
    rejected: int | None = Field(None, ge=1, description="Cells of rejected rows, from the arrival of their file on.")


class Settings(Places):
    """All settings of a run. Instants are UTC without a zone, as in the warehouse."""

    exports: dict[str, AnyLocation] = Field(
        default_factory=lambda: dict[str, AnyLocation]({"": Location(at="exports")}),
        description="Where exports are: a folder, store, API or database, or several by name (see docs/sources.md).",
    )
    config_dir: Path | None = Field(None, description="Folder with cxhouse.yml, contracts/ and seeds/.")
    as_of: datetime | None = Field(None, description="Instant that the run speaks of; none: now.")
    reporting_timezone: str = Field("UTC", description="IANA zone in which days, weeks and months are cut.")
    exports_timezone: str = Field("UTC", description="IANA zone of local times in files that need no contract.")
    exports_source: str | None = Field(
        None,
        description="System whose ids files without a contract hold: a name, or `folder` for the exports' subfolder of each.",
    )
    contract_params: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Values of contracts' params: a contract's name, or a pattern such as zendesk_*, -> param -> value.",
    )
    currency: str = Field("EUR", description="ISO 4217 code of the reporting currency.")
    schedule: str = Field("0 5 * * *", description="Cron expression of the daily run, in the reporting time zone.")
    max_quarantined_share: float = Field(0.05, ge=0, le=1, description="Share of a batch that may be quarantined.")
    max_clashing_share: float = Field(
        0.5, gt=0, le=1, description="Share of the numbers common to two files that may stand for two things."
    )
    max_gone_share: float = Field(
        0.5, ge=0, le=1, description="Share of the records of a full export that may be missing from the next one."
    )
    notify: list[str] = Field(
        default_factory=list,
        description="Apprise addresses (mail, Slack, webhooks, …) notified of new alerts and of runs not published.",
    )
    alert_owners: list[AlertOwner] = Field(
        default_factory=list,
        description="Who owns which alerts, and gets messages of them; the first that fits (docs/practices.md).",
    )
    digests: list[Digest] = Field(default_factory=list, description="Messages with KPIs, once a period.")
    engine: Engine = Field("duckdb", description="What builds the models.")
    spark_master: str = Field("local[*]", description="Where Spark runs; such as spark://host:7077.")
    spark_conf: dict[str, Any] = Field(default_factory=dict, description="Spark's own settings, by their names.")
    spark_table_format: str = Field("parquet", description="Format of Spark's tables; a cluster may have delta or iceberg.")
    spark_parts: int = Field(8, ge=1, description="Parts that Spark stores a table in; a change overwrites whole parts.")
    memory_limit: str | None = Field(
        None, description="Memory of the database, such as 4GB or 60%; none: half of what the machine or its cgroup has."
    )
    temp_directory: Path | None = Field(None, description="Folder for what does not fit into memory; none: `spill` in the home.")
    threads: int = Field(
        default_factory=processors, ge=1, description="Threads of the database, and models built at the same time (four at most)."
    )
    read_memory: str | None = Field(
        None, description="Memory of the process that reads one file, such as 2GB; none: `memory_limit` and 1 GiB."
    )
    read_seconds: float | None = Field(
        None, gt=0, description="Seconds that reading one file may take, with 10 more for each MiB of it; none: 300."
    )
    read_bytes: str | None = Field(None, description="What one file may unpack to, such as 8GB; none: 64GiB.")
    read_cells: int | None = Field(None, ge=1, description="Rows times columns of one file; none: 20 thousand million.")
    readable_by: Literal["owner", "group"] = Field("owner", description="Who may read the home, personal data included.")
    published_readable_by: Literal["owner", "group", "all"] = Field("owner", description="Who may read what is published.")
    analysis_readable_by: Literal["owner", "group", "all"] = Field(
        "owner", description="Who may read the published single cases (analysis); nobody who may not read the marts."
    )
    min_people: int = Field(
        5, ge=1, le=20, description="Numbers of fewer people than this are not shown in the marts; 1 shows all."
    )
    publish_agent_names: bool = Field(
        False, description="Publish beside each agent's key the name that exports give them; ask your works council first."
    )
    publish_examples: bool = Field(
        False,
        description="Publish with each pain point up to three sentences of customers, redacted, if enough people complain of it.",
    )
    impersonal_columns: list[str] = Field(
        default_factory=list, description="Published columns (table.column) in which texts like a phone number are nobody's."
    )
    served_hosts: list[str] = Field(
        default_factory=list, description="Names by which dashboard and UI may be asked for besides 127.0.0.1 and localhost."
    )
    access_token: SecretStr | None = Field(
        None, description="What dashboard and UI ask for before they answer; better in CXHOUSE_ACCESS_TOKEN than in a file."
    )
    published_versions: int = Field(3, ge=1, description="Published versions that are kept, the current one included.")
    published_versions_days: int | None = Field(
        None, ge=0, description="Days after which earlier published versions are removed; none: however old."
    )
    record_links: dict[str, str] = Field(
        default_factory=dict,
        description="By column of cases (ticket_id, order_id …) the address of a record in its tool, with the column in braces.",
    )
    retention: dict[str, Retention] = Field(
        default_factory=dict,
        description="Days for which originals, texts and cells of rejected rows are kept, by kind or for `all`.",
    )
    dagster_database: str | None = Field(
        None,
        description="PostgreSQL database for Dagster's runs, such as postgresql://cxhouse@db.example.com/dagster; its password: "
        "PGPASSWORD or ~/.pgpass; none: files in the home.",
    )
    targets: Targets = Field(
        default_factory=Targets, description="Places that get what is published besides its files: postgresql, iceberg."
    )
    vars: dict[str, Any] = Field(default_factory=dict, description="Knobs of the KPI catalogue (dbt vars).")

    # Options of one run; never in the configuration file.
    full_refresh: bool = Field(False, description="Read every landed file and rebuild every model.")
    replay: bool = Field(False, description="Read every landed file again.")
    days: tuple[date, date] | None = Field(None, description="First and last reporting day to process again.")
    since: date | None = Field(None, description="APIs and databases are read again for what changed from this day on.")

    @field_validator("home")
    @classmethod
    def _plain(cls, value: Path) -> Path:
        if found := sorted(set("'\"`*?[]{}") & set(str(value.absolute()))):
            raise ValueError(f"{value} has {' '.join(found)} in its path, which SQL engines read as a pattern; choose another")
        return value

    @field_validator("exports", mode="before")
    @classmethod
    def _places(cls, value: Any) -> Any:
        return read_locations(value)

    @field_validator("memory_limit", "read_memory", "read_bytes")
    @classmethod
    def _amount(cls, value: str | None) -> str | None:
        if value is not None:
            parse_memory(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if len(value.split()) != 5 or not re.fullmatch(r"[\d*,/\-A-Za-z ]+", value) or value[0] not in "*0123456789":
            raise ValueError(f"{value!r} is no cron expression of five fields; such as '0 5 * * *'")
        return value

    @field_validator("reporting_timezone", "exports_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError("is no IANA time zone; such as Europe/Berlin")
        return value

    @field_validator("dagster_database")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        return value and without_password(value)

    @field_validator("record_links")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for column, address in value.items():
            if not address.startswith(("https://", "http://")) or f"{{{column}}}" not in address:
                raise ValueError(
                    f"{column}: wanted an address with {{{column}}} in it, such as https://desk.example/{{{column}}}"
                )
        return value

    @field_validator("currency")
    @classmethod
    def _currency_code(cls, value: str) -> str:
        if len(value) != 3 or not value.isalpha():
            raise ValueError("is no ISO 4217 code; such as EUR")
        return value.upper()

    @property
    def exports_place(self) -> str:
        """Where exports are, in words."""
        return ", ".join(place.place for place in self.exports.values())

    @property
    def exports_folder(self) -> Path | None:
        """The folder of exports, where it is one and the only source."""
        return self.exports[""].folder if "" in self.exports else None

    def pinned(self) -> Settings:
        """The same settings with `as_of` fixed, so that every step of a run speaks of one instant."""
        return self.model_copy(update={"as_of": self.as_of_instant()})

    def as_of_instant(self) -> datetime:
        """The instant that a run speaks of, in UTC without a zone."""
        return self.as_of or datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    @property
    def reporting_day(self) -> date:
        """The day of that instant in the reporting time zone."""
        return self.as_of_instant().replace(tzinfo=UTC).astimezone(ZoneInfo(self.reporting_timezone)).date()

    @property
    def resources(self) -> Resources:
        """What each connection to DuckDB may take."""
        memory = parse_memory(self.memory_limit) if self.memory_limit else default_memory()
        return Resources(memory, self.threads, (self.temp_directory or self.home / "spill").expanduser().absolute())

    @property
    def limits(self) -> Limits:
        """What reading one file may take."""
        asked: dict[str, Any] = {
            "memory_bytes": self.read_memory and parse_memory(self.read_memory),
            "seconds": self.read_seconds,
            "unpacked": self.read_bytes and parse_memory(self.read_bytes),
            "cells": self.read_cells,
        }
        return replace(SHIPPED, **{name: value for name, value in asked.items() if value})

    @property
    def umask(self) -> int:
        """What is taken from the permissions of every file and folder that is written."""
        return 0o077 if self.readable_by == "owner" else 0o027

    @property
    def home_mode(self) -> int:
        """Permissions of the home itself: readers of what is published must get through it."""
        passing = {"owner": 0, "group": 0o010, "all": 0o011}[self.published_readable_by]
        return 0o777 & ~self.umask | passing

    @property
    def published_mode(self) -> int:
        """Permissions of the folders of what is published; those of its files are the same without the right to enter."""
        return self._mode_for(self.published_readable_by)

    @property
    def analysis_mode(self) -> int:
        """Permissions of the folder of the published single cases, and so of its files: never wider than of all published."""
        return self._mode_for(self.analysis_readable_by) & self.published_mode

    def _mode_for(self, readers: str) -> int:
        return 0o777 & ~self.umask | {"owner": 0, "group": 0o050, "all": 0o055}[readers]

    def environment(self) -> dict[str, str]:
        """What the dbt project reads, and what keeps every library from calling home."""
        return {
            "CXHOUSE_ENGINE": self.engine,
            "CXHOUSE_SPARK_MASTER": self.spark_master,
            "CXHOUSE_SPARK_PARTS": str(self.spark_parts),
            "CXHOUSE_SPARK_TABLE_FORMAT": self.spark_table_format,
            "CXHOUSE_WAREHOUSE": str(self.warehouse),
            "CXHOUSE_RAW": str(self.raw).replace("'", "''"),
            "CXHOUSE_SALT_FILE": str(self.salt_file).replace("'", "''"),
            "CXHOUSE_SEEDS": str(self.home / "seeds"),
            "CXHOUSE_AS_OF": self.as_of_instant().isoformat(sep=" "),
            "CXHOUSE_FROM": self.days[0].isoformat() if self.days else "",
            "CXHOUSE_TO": self.days[1].isoformat() if self.days else "",
            "CXHOUSE_DUCKDB_MEMORY": self.resources.memory_limit,
            "CXHOUSE_DUCKDB_THREADS": str(self.threads),
            "CXHOUSE_MODELS_AT_ONCE": str(min(self.threads, MODELS_AT_ONCE)),
            "DAGSTER_HOME": str(self.dagster_home),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "GX_ANALYTICS_ENABLED": "false",
        }
