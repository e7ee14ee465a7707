"""Settings of where exports are: one folder or store, or several by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: Schemes that are read, with the packages' extra that reads them.
SCHEMES = {"s3": "remote", "sftp": "remote", "https": "remote", "http": "remote", "gs": "gcs", "abfs": "azure", "file": ""}
_SECRET = re.compile(r"(?i)key|secret|passw|token|credential|connection_string|sas")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Location(BaseModel):
    """A folder or store of exports; credentials come from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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


def read_locations(value: Any) -> Any:
    """What `exports` may be in a file: a location, or several by name; short forms are spelled out."""
    if isinstance(value, dict) and "at" not in value:
        if wrong := [name for name in value if not isinstance(name, str) or not _NAME.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no name of a source: lower-case letters, digits and _")
        if not value:
            raise ValueError("names no source")
        return {name: {"at": at} if isinstance(at, str) else at for name, at in value.items()}
    return {"": {"at": value} if isinstance(value, (str, Path)) else value}
