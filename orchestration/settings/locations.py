"""Settings of where exports are: one folder or store, or several by name; vendors' APIs and databases among them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Schemes that are read, with the packages' extra that reads them.
SCHEMES = {"s3": "remote", "sftp": "remote", "https": "remote", "http": "remote", "gs": "gcs", "abfs": "azure", "file": ""}
_SECRET = re.compile(r"(?i)key|secret|passw|token|credential|connection_string|sas")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Location(BaseModel):
    """A folder or store of exports; credentials come from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["files"] = "files"
    at: str = Field(description="A folder's path, or s3://, gs://, abfs://, sftp://, https:// with a path.")
    list: str | None = Field(
        None, description="https only: file beside it with the names of the exports, one a line; none: the links of its page."
    )
    endpoint: str | None = Field(None, description="s3 only: address of a store that is not Amazon's.")
    ca: Path | None = Field(None, description="https and s3: certificate authority that signed the server's certificate.")
    known_hosts: Path | None = Field(None, description="sftp only: file with the server's key; none: ~/.ssh/known_hosts.")
    anonymous: bool = Field(False, description="s3, gs and abfs: a public store, read without credentials.")

    @field_validator("at")
    @classmethod
    def _without_secrets(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme and "://" in value and parts.scheme not in SCHEMES:
            raise ValueError(f"{parts.scheme}:// is not read; known are {', '.join(f'{name}://' for name in SCHEMES)}")
        if parts.password or any(_SECRET.search(name) for name in parse_qs(parts.query)):
            raise ValueError("holds a credential; give it in the environment (docs/sources.md)")
        return value

    @property
    def scheme(self) -> str:
        """How it is reached; empty for a folder."""
        return urlsplit(self.at).scheme if "://" in self.at else ""

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one."""
        return Path(self.at.removeprefix("file://")).expanduser() if self.scheme in ("", "file") else None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return self.at


class ApiLocation(BaseModel):
    """A vendor's API, which a file of `apis/` describes; credentials come from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["api"]
    api: str = Field(description="Name of its description: a shipped one, or one of yours in <config>/apis/.")
    at: str | None = Field(None, description="Its address, where that is not the vendor's own.")
    params: dict[str, str | int] = Field(default_factory=dict, description="What the description asks for, such as the account.")
    streams: list[str] | None = Field(None, description="What is read of it; none: every stream of the description.")
    since: date | None = Field(None, description="The first run reads what changed from this day on; none: everything.")
    ca: Path | None = Field(None, description="Certificate authority that signed the server's certificate.")

    @field_validator("at")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://none.example")
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise ValueError("is no https:// address; credentials are sent over no other")
        if parts.username or parts.password or parts.query:
            raise ValueError("is the address alone; give credentials in the environment (docs/sources.md)")
        return value

    @property
    def folder(self) -> None:
        """None: it is no folder."""

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"the API of {self.api}"


class Table(BaseModel):
    """What is read of one table or query of a database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str | None = Field(None, description="Name of the table, with its schema: zendesk.ticket.")
    query: str | None = Field(None, description="Instead: a query, without a semicolon at its end.")
    changed: str | None = Field(
        None,
        description="Column that grows with each change, an instant or a number; none: all is read each time.",
    )
    overlap: float = Field(60, ge=0, description="Minutes that are read again before the newest instant; of numbers none.")

    @model_validator(mode="after")
    def _is_one(self) -> Table:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        return self


class DatabaseLocation(BaseModel):
    """A PostgreSQL database whose tables are exports; its password comes from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["database"]
    at: str = Field(description="Where it is, such as postgresql://reader@db.example.com/warehouse.")
    tables: dict[str, Table] = Field(
        min_length=1, description="Name of the export: its table (a text), or table, query, changed."
    )

    @field_validator("at")
    @classmethod
    def _without_password(cls, value: str) -> str:
        return without_password(value)

    @field_validator("tables", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if wrong := [name for name in value if not isinstance(name, str) or not _NAME.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no name of an export: lower-case letters, digits and _")
        return {name: {"table": table} if isinstance(table, str) else table for name, table in value.items()}

    @property
    def folder(self) -> None:
        """None: it is no folder."""

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"the database {urlsplit(self.at).path.lstrip('/') or 'of the user'}"


AnyLocation = Annotated[Location | ApiLocation | DatabaseLocation, Field(discriminator="kind")]


def without_password(value: str) -> str:
    """An address of PostgreSQL that holds no password.

    Raises:
        ValueError: it is no such address, or holds one.
    """
    parts = urlsplit(value)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("is no address of PostgreSQL; such as postgresql://cxhouse@db.example.com/bi")
    if parts.password or "password" in parse_qs(parts.query):
        raise ValueError("holds a password; give it as PGPASSWORD in the environment, or in ~/.pgpass")
    return value


def read_locations(value: Any) -> Any:
    """What `exports` may be in a file: a location, or several by name; short forms are spelled out."""
    if isinstance(value, dict) and value.get("kind") in ("api", "database"):
        raise ValueError("an API or a database needs a name, such as `exports: {desk: {kind: api, …}}`")
    if isinstance(value, dict) and "at" not in value:
        if wrong := [name for name in value if not isinstance(name, str) or not _NAME.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no name of a source: lower-case letters, digits and _")
        if not value:
            raise ValueError("names no source")
        return {name: _whole(place) for name, place in value.items()}
    return {"": _whole(value)}


def _whole(place: Any) -> Any:
    if isinstance(place, (str, Path)):
        place = {"at": place}
    return {"kind": "files", **place} if isinstance(place, dict) else place
