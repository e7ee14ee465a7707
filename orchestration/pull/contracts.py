"""Contracts: how a vendor's export becomes a canonical kind. One YAML file each; the reference is docs/contracts.md."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from orchestration.errors import ConfigurationError
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.pull.queries import require_one_query
from orchestration.pull.readers import file_format
from orchestration.zones import time_zones

SHIPPED = Path(__file__).parents[1] / "contracts"

Unit = Literal["epoch_seconds", "epoch_milliseconds", "milliseconds", "seconds", "minutes", "hours", "days"]
Scalar = str | int | float | bool


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Mapping(_Strict):
    """Where a canonical column's value comes from. A plain string is short for ``{from: …}``."""

    source: str | None = Field(None, alias="from", description="Column of the export (case does not matter).")
    value: Scalar | None = Field(None, description="The same value for every row.")
    sql: str | None = Field(None, description="DuckDB expression over the export's columns, all of type text.")
    map: dict[str, Scalar | None] = Field(
        default_factory=dict,
        description="Value in the export -> canonical value (case does not matter; null = missing). "
        "Values not listed stay as they are; '*' catches them.",
    )
    format: list[str] | str | None = Field(None, description="strptime format(s) of a date or instant.")
    unit: Unit | None = Field(None, description="Unit of a number that stands for an instant or a duration.")
    missing: list[str] = Field(default_factory=list, description="Values that mean 'missing'.")
    in_source: str | None = Field(
        None, description="Of an id: the `source` whose number it is, where that is another than the contract's; '' for none."
    )

    @field_validator("map", mode="before")
    @classmethod
    def _dates_as_text(cls, value: Any) -> Any:
        """YAML takes an unquoted 2026-02-28 for a date."""
        if not isinstance(value, dict):
            return value
        return {str(key): item.isoformat() if isinstance(item, date) else item for key, item in value.items()}

    @model_validator(mode="after")
    def _one_origin(self) -> Mapping:
        if sum(x is not None for x in (self.source, self.value, self.sql)) != 1:
            raise ValueError("give exactly one of 'from', 'value' and 'sql'")
        return self

    @property
    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else list(self.format or [])


class Form(_Strict):
    """How a file is written."""

    encoding: str | None = Field(None, description="Default: UTF-8, or what the file's byte-order mark says.")
    delimiter: str | None = Field(None, description="Default: the most frequent of , ; tab | in the header line.")
    sheet: str | int = Field(0, description="Sheet of a workbook: its name, or its position from 0.")
    records: str | None = Field(None, description="JSON: key of the object that holds the list of records.")
    skip_rows: int = Field(0, ge=0, description="Lines (rows of a sheet) above the header, whatever they hold.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            codecs.lookup(value or "utf-8")
        except LookupError as error:
            raise ValueError("is not an encoding; such as utf-8 or cp1252") from error
        return value


class FileMatch(_Strict):
    """Which files a contract covers: the name matches, and all the columns are there."""

    name: str = Field("*", description="Glob over the file's name, without regard to case.")
    columns: list[str] = Field(default_factory=list, description="Columns that the file must have.")

    @model_validator(mode="after")
    def _says_something(self) -> FileMatch:
        if self.name == "*" and not self.columns:
            raise ValueError("would claim every file; give a 'name' or 'columns'")
        return self

    def matches_name(self, file_name: str) -> bool:
        return fnmatch(file_name.rpartition("/")[2].lower(), self.name.lower())

    def claims(self, file_name: str, header: list[str]) -> bool:
        present = {column.strip().lower() for column in header}
        return self.matches_name(file_name) and all(column.lower() in present for column in self.columns)


class Companion(FileMatch, Form):
    """A further file that `query` joins, and its form where that is not the usual one."""


class Continuation(_Strict):
    """Rows that go on with a record of another row of the file, and carry none of their own."""

    rows: str = Field(description="SQL condition over the file's columns (those of `query`) that such a row meets.")
    of: list[str] = Field(min_length=1, description="Columns that it shares with the row that carries the record.")


#: What `source` says to take it from the folder that a file lies in.
FOLDER = "folder"


class Contract(Form):
    """One vendor export: its files, their format, and how its columns map to a canonical kind."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]+$")
    kind: str
    description: str = ""
    extends: str | None = Field(None, description="Contract to start from; what is given here replaces its parts.")
    files: FileMatch
    also_reads: dict[str, Companion] = Field(
        default_factory=dict, description="Further files that `query` joins: table name -> which file."
    )
    timezone: str = Field("UTC", description="IANA zone of instants that carry no offset.")
    decimal: Literal[".", ","] = "."
    missing: list[str] = Field(default_factory=list, description="Values that mean 'missing' in every column.")
    query: str | None = Field(
        None,
        description="DuckDB query over `file` (and the tables of `also_reads`) that the columns are taken from. "
        "It must keep `_row` and give one row for each row of the file.",
    )
    optional_columns: list[str] = Field(
        default_factory=list, description="Columns that `query` or `sql` name and a file may lack: empty there."
    )
    mode: Literal["incremental", "full"] = Field(
        "incremental",
        description="full: each file is a snapshot, and what the next one of the same folder no longer holds is gone.",
    )
    whole_orders: bool = Field(
        True, description="Of order_items: a file brings all lines of the orders that it names, and they replace earlier ones."
    )
    continuation: Continuation | None = Field(
        None, description="Which rows carry no record of this kind, but go on with one of another row."
    )
    source: Mapping | None = Field(
        None,
        description="System that the ids are numbers of, so that equal numbers of two systems stay two: a text, `folder` "
        "(the exports' subfolder that the file lies in), or a mapping ({from: column}).",
    )
    columns: dict[str, Mapping]

    @field_validator("source", mode="before")
    @classmethod
    def _short_source(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, str | int) else value

    @model_validator(mode="before")
    @classmethod
    def _short_mappings(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("columns"), dict):
            columns = {k: {"from": v} if isinstance(v, str) else v for k, v in data["columns"].items()}
            data = {**data, "columns": columns}
        return data

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError("is not an IANA time zone; such as Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _sql_can_be_parsed(self) -> Contract:
        for column, mapping in self.columns.items():
            if mapping.sql is not None:
                require_one_query(f"select ({mapping.sql}) from file", f"columns > {column} > sql")
        if self.query is not None:
            require_one_query(self.query, "query")
        return self

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Contract:
        if self.kind not in all_kinds():
            raise ValueError(f"kind {self.kind!r} is none of: {', '.join(all_kinds())}")
        kind = all_kinds()[self.kind]
        unknown = [column for column in self.columns if column not in kind.columns]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not a column of {self.kind}, which has: {', '.join(kind.columns)}")
        lacking = [column for column in kind.required_columns if column not in self.columns]
        if lacking:
            raise ValueError(f"required column(s) of {self.kind} not mapped: {', '.join(lacking)}")
        return self

    def of_file(self, file_name: str) -> Contract:
        """The contract as it reads a file of this name: a `source` by folder is that of the topmost subfolder."""
        if self.source is None or self.source.value != FOLDER:
            return self
        folder, slash, _ = file_name.partition("/")
        return self.model_copy(update={"source": Mapping(value=folder) if slash else None})

    @property
    def has_form_of_its_own(self) -> bool:
        """Would the file's header look different to who does not know the contract?"""
        return bool(self.encoding or self.delimiter or self.sheet or self.records or self.skip_rows)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the contract would read a file differently."""
        content = self.model_dump(mode="json", exclude={"description": True, "files": {"name"}})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def canonical(kind: Kind, header: list[str], timezone: str = "UTC", source: str | None = None) -> Contract:
    """The contract of a file that already carries the canonical names (those that it has)."""
    present = {column.strip().lower(): column for column in header}
    columns = {name: Mapping(source=present[name]) for name in kind.columns if name in present}
    for name in kind.required_columns:
        columns.setdefault(name, Mapping(source=name))
    return Contract(
        name=f"canonical_{kind.name}",
        kind=kind.name,
        files=FileMatch(name=f"{kind.name}*", columns=list(kind.required_columns)),
        timezone=timezone,
        source=Mapping(value=source) if source else None,
        columns=columns,
    )


def _canonical_kind(file_name: str) -> Kind | None:
    """The kind whose name the file's name starts with; the longest, so that ticket_events.csv is not tickets."""
    base_name = file_name.rpartition("/")[2].lower()
    for name in sorted(all_kinds(), key=len, reverse=True):
        if re.match(rf"{name}(?![a-z])", base_name):
            return all_kinds()[name]
    return None


def claims(
    file_name: str,
    header: list[str],
    contracts: list[Contract],
    header_by: Callable[[Contract], list[str]] = lambda _: [],
    timezone: str = "UTC",
    source: str | None = None,
) -> list[Contract]:
    """The contracts that read a file: for each kind the first that claims it; else the canonical one by its name.

    ``header_by`` reads the header as a contract says that it is written (encoding, delimiter, sheet); ``timezone`` and
    ``source`` are those of files that need no contract.
    """
    by_kind: dict[str, Contract] = {}
    for contract in contracts:
        claimed = contract.files.claims(file_name, header) or (
            contract.has_form_of_its_own
            and contract.files.matches_name(file_name)
            and contract.files.claims(file_name, header_by(contract))
        )
        if claimed:
            by_kind.setdefault(contract.kind, contract)
    if by_kind:
        return list(by_kind.values())
    kind = _canonical_kind(file_name)
    own = canonical(kind, header, timezone, source) if kind else None
    if file_format(file_name) in ("csv", "xlsx") and not (own and own.files.claims(file_name, header)):
        # Something may stand above the header: each contract knows its own by the columns.
        for contract in contracts:
            if contract.files.columns and contract.files.claims(file_name, header_by(contract)):
                by_kind.setdefault(contract.kind, contract)
        below = header_by(own) if kind and own else []
        if kind and not by_kind and own and own.files.claims(file_name, below):
            own = canonical(kind, below, timezone, source)
    return list(by_kind.values()) or ([own] if own else [])


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        place = " > ".join(str(part) for part in item["loc"]) or "contract"
        given = "" if isinstance(item["input"], dict) else f" (given: {item['input']!r})"
        given += "; YAML reads no, yes, on and off so: quote them" if isinstance(item["input"], bool) else ""
        lines.append(f"  {place}: {item['msg'].removeprefix('Value error, ')}{given}")
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: a contract is a mapping with name, kind, files and columns")
    return data


def _extended(data: dict[str, Any], raw: dict[str, tuple[Path, dict[str, Any]]], seen: tuple[str, ...]) -> dict[str, Any]:
    base_name = data.get("extends")
    if base_name is None:
        return data
    if base_name in seen or base_name not in raw:
        problem = "extends itself" if base_name in seen else f"extends {base_name!r}, which does not exist"
        raise ConfigurationError(f"contract {data.get('name')!r} {problem}; contracts: {', '.join(sorted(raw))}")
    base = _extended(raw[base_name][1], raw, (*seen, base_name))
    columns = {**base.get("columns", {}), **data.get("columns", {})}
    return {**base, **data, "columns": {name: mapping for name, mapping in columns.items() if mapping is not None}}


def load_contracts(config_dir: Path | None) -> list[Contract]:
    """Every contract in the order in which they get to claim a file: the user's, then the shipped ones.

    Raises:
        ConfigurationError: a contract is not valid; the message names the file, the place and the remedy.
    """
    folders = [config_dir / "contracts"] if config_dir else []
    paths = [path for folder in [*folders, SHIPPED] for path in sorted(folder.glob("*.y*ml"))]
    return list(_contracts_of(tuple((path, path.exists() and path.stat().st_mtime_ns) for path in paths)))


@lru_cache(maxsize=16)
def _contracts_of(files: tuple[tuple[Path, int], ...]) -> tuple[Contract, ...]:
    """A run asks three times; to check what is written in them takes half a second."""
    raw: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, _ in files:
        data = _read(path)
        name = str(data.get("name"))
        if name in raw and raw[name][0].parent == path.parent:
            raise ConfigurationError(f"{path}: the name {name!r} is taken by {raw[name][0]}; rename one")
        raw.setdefault(name, (path, data))
    contracts = []
    for name, (path, data) in raw.items():
        try:
            contracts.append(Contract.model_validate(_extended(data, raw, (name,))))
        except ValidationError as error:
            raise ConfigurationError(f"{path} is not a valid contract:\n{_explain(error)}") from error
    return tuple(contracts)
