"""What a file of `apis/` says of a vendor's API: where it is, who may ask, and how each stream is paged and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.settings.locations import ApiLocation

SHIPPED = Path(__file__).parents[3] / "apis"
#: What is filled in: {account} of the settings, {since} of the state, {id} of the record that is asked about.
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Names of the credentials that the environment may hold: CXHOUSE_<SOURCE>_TOKEN.
SECRETS = ("user", "password", "token", "key", "secret")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Next(_Part):
    """How the next page is asked for: one of cursor, url, link, page and last."""

    cursor: str | None = Field(None, description="Key (dotted) of the answer with a token; it is sent as `into`.")
    url: str | None = Field(None, description="Key (dotted) of the answer with the next page's address.")
    link: bool = Field(False, description="The header `Link` names the next page.")
    page: str | None = Field(None, description="Parameter with the number of the page, which counts from 1.")
    last: str | None = Field(None, description="Key of the page's last record; it is sent as `into`.")
    into: str | None = Field(None, description="Parameter, or key (dotted) of the body, of what is sent.")
    size: int | None = Field(None, ge=1, description="Records of a full page: one with fewer is the last.")
    more: str | None = Field(None, description="Key (dotted) of the answer that says whether there is another page.")
    end: str | None = Field(None, description="Key (dotted) of the answer that says whether this is the last page.")

    @model_validator(mode="after")
    def _is_one(self) -> Next:
        ways = [name for name in ("cursor", "url", "link", "page", "last") if getattr(self, name)]
        if len(ways) != 1:
            raise ValueError("give one of cursor, url, link, page, last")
        if bool(self.into) != bool(self.cursor or self.last):
            raise ValueError("cursor and last need `into`, the others have none")
        if (self.page or self.last) and not self.size:
            raise ValueError("page and last need `size`, which tells the last page")
        return self


class Changes(_Part):
    """How the next run reads only what changed."""

    by: str = Field(description="Key (dotted) of a record's instant; or `cursor`: the vendor's own cursor goes on where it was.")
    overlap: float = Field(60, ge=0, description="Minutes before the newest instant that are read again, for late changes.")
    order: Literal["any", "oldest_first", "newest_first"] = Field(
        "any", description="newest_first: reading ends at the first record that is older than what is asked for."
    )
    from_last: bool = Field(
        False, description="oldest_first only: each page is asked for from the last one's newest instant, not by its number."
    )

    @model_validator(mode="after")
    def _is_ordered(self) -> Changes:
        if self.from_last and self.order != "oldest_first":
            raise ValueError("from_last needs order: oldest_first")
        return self


class Stream(_Part):
    """One list of the API."""

    path: str = Field(description="Below the address; {id} is that of the record of `each`.")
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, Any] = Field(
        default_factory=dict, description="Parameters; {since} is the instant to read from. Lists get commas."
    )
    body: dict[str, Any] | None = Field(None, description="What a POST sends, as JSON.")
    records: str = Field("", description="Key (dotted) of the answer with the records; none: the answer itself.")
    next: Next | None = None
    changes: Changes | None = Field(None, description="None: all of it is read each time, and lands where it changed.")
    instants: Literal["iso", "iso_without_zone", "date", "epoch_seconds", "epoch_milliseconds"] = Field(
        "iso", description="How {since} is written."
    )
    each: str | None = Field(None, description="Stream above, for each of whose records one request is made.")
    id: str = Field("id", description="Key of the records of `each` that {id} is.")
    set: dict[str, Any] = Field(default_factory=dict, description="Values that every record of this list gets.")
    total: str | None = Field(None, description="Key (dotted) of the answer, or header, with the number of all records.")
    per_minute: float | None = Field(None, gt=0, description="Requests a minute that the vendor allows here.")


class OAuth(_Part):
    """Where key and secret give a token for a while (grant: client credentials)."""

    at: str = Field(description="Path below the address.")
    basic: tuple[str, str]
    form: dict[str, str] = Field(default_factory=lambda: {"grant_type": "client_credentials"})


class Credentials(_Part):
    """How a request says who asks; {token} is CXHOUSE_<SOURCE>_TOKEN of the environment, and so on."""

    bearer: str | None = None
    basic: tuple[str, str] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    oauth: OAuth | None = None

    def texts(self) -> list[str]:
        """Everything with placeholders in it."""
        given = [self.bearer, *(self.basic or ()), *self.headers.values(), *(self.oauth.basic if self.oauth else ())]
        return [text for text in given if text]


class Description(_Part):
    """A vendor's API."""

    name: str
    vendor: str
    description: str = ""
    docs: str = Field(description="Page of the vendor's documentation that this follows.")
    provisional: str = Field("", description="What the documentation leaves open.")
    address: str
    params: dict[str, str] = Field(default_factory=dict, description="What settings give: name -> what it is.")
    defaults: dict[str, str | int] = Field(default_factory=dict, description="Values of params that need not be given.")
    credentials: Credentials
    headers: dict[str, str] = Field(default_factory=dict)
    begin: date = Field(date(2005, 1, 1), description="From when the first run reads, where settings say nothing.")
    streams: dict[str, Stream] = Field(min_length=1)

    @field_validator("streams")
    @classmethod
    def _are_named(cls, value: dict[str, Stream]) -> dict[str, Stream]:
        for name, stream in value.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a stream: lower-case letters, digits and _")
            above = list(value)[: list(value).index(name)]
            if stream.each is not None and stream.each not in above:
                raise ValueError(f"{name}.each: {stream.each!r} is no stream above it")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Description:
        wrong = {found for text in self.credentials.texts() for found in PLACEHOLDER.findall(text)} - {*SECRETS}
        if wrong:
            raise ValueError(f"credentials: {{{min(wrong)}}} is none of {', '.join(SECRETS)}")
        known = {*self.params, "since", "id"}
        texts = [self.address, *(text for stream in self.streams.values() for text in _texts(stream.model_dump()))]
        if wrong := {found for text in texts for found in PLACEHOLDER.findall(text)} - known:
            raise ValueError(f"{{{min(wrong)}}} is none of {', '.join(sorted(known))}")
        return self

    @property
    def secrets(self) -> list[str]:
        """Credentials that the environment must hold, such as `token`."""
        return list(dict.fromkeys(name for text in self.credentials.texts() for name in PLACEHOLDER.findall(text)))

    def chosen(self, location: ApiLocation) -> dict[str, Stream]:
        """The streams that a source reads, and those that others need, in the order of the description.

        Raises:
            ConfigurationError: there is no such stream.
        """
        wanted = set(self.streams if location.streams is None else location.streams)
        if unknown := [name for name in location.streams or [] if name not in self.streams]:
            raise ConfigurationError(
                f"{self.name} has no stream {unknown[0]!r}{nearest(unknown[0], self.streams)} "
                f"(streams: {', '.join(self.streams)})"
            )
        wanted |= {stream.each for name, stream in self.streams.items() if name in wanted and stream.each}
        return {name: stream for name, stream in self.streams.items() if name in wanted}

    def values(self, location: ApiLocation) -> dict[str, str | int]:
        """The parameters with the values that settings give.

        Raises:
            ConfigurationError: one is lacking, or unknown.
        """
        if unknown := [name for name in location.params if name not in self.params]:
            raise ConfigurationError(f"{self.name} has no param {unknown[0]!r}{nearest(unknown[0], self.params)}")
        values = {**self.defaults, **location.params}
        # An address of one's own is whole.
        needed = set(self.params) - (set(PLACEHOLDER.findall(self.address)) if location.at else set())
        if lacking := [name for name in self.params if name in needed and name not in values]:
            names = "; ".join(f"{name}: {self.params[name]}" for name in lacking)
            raise ConfigurationError(f"{self.name} needs params ({names})")
        return values


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def filled(value: Any, values: dict[str, Any]) -> Any:
    """A text, list or mapping with what is in braces filled in; a text that is nothing else becomes the value itself."""
    if isinstance(value, dict):
        return {key: filled(part, values) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, values) for part in value]
    if not isinstance(value, str):
        return value
    if (whole := PLACEHOLDER.fullmatch(value)) and whole[1] in values:
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), value)


def load_description(name: str, config_dir: Path | None) -> Description:
    """The description of a name: the user's, or a shipped one.

    Raises:
        ConfigurationError: there is none, or it is not valid.
    """
    folders = [*([config_dir / "apis"] if config_dir else []), SHIPPED]
    for folder in folders:
        if _NAME.fullmatch(name) and (path := folder / f"{name}.yml").is_file():
            return read_description(path)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.yml")})
    raise ConfigurationError(f"there is no description of an API {name!r}{nearest(name, known)} (there are: {', '.join(known)})")


def read_description(path: Path) -> Description:
    """The description in a file.

    Raises:
        ConfigurationError: it is not valid; the message names the file and the place.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Description.model_validate(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable YAML: {error}") from error
    except ValidationError as error:
        errors = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        )
        raise ConfigurationError(f"{path} is no valid description of an API: {errors}") from error
    if found.name != path.stem:
        raise ConfigurationError(f"{path}: its name is {found.name!r}; call the file {found.name}.yml")
    return found
