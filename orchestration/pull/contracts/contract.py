"""A contract: one vendor's export, its files, their format, and how its columns map to a canonical kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from orchestration.core.errors import RefusedFileError
from orchestration.core.nearest import nearest, none_of
from orchestration.core.zones import time_zones
from orchestration.pull.contracts.extras import faults_of_extra
from orchestration.pull.contracts.faults import Fault
from orchestration.pull.contracts.mappings import UNITS, Companion, Continuation, FileMatch, Form, Held, Mapping, Param
from orchestration.pull.contracts.naming import folder_of
from orchestration.pull.contracts.params import declared
from orchestration.pull.contracts.queries import wrong_sql
from orchestration.pull.kinds import all_kinds

#: Parts of a contract that change nothing in what is read.
_SAID_TO_PEOPLE = ("description", "vendor", "provisional")
#: What `source` says to take it from the folder that a file is in.
FOLDER = "folder"


class Contract(Form):
    """One vendor export: its files, their format, and how its columns map to a canonical kind."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]+$")
    kind: str
    description: str = ""
    vendor: str = Field("", description="Whose export it is, as docs/vendors.md names it.")
    provisional: str = Field("", description="What of the export's form could not be confirmed from the vendor's documentation.")
    extends: str | None = Field(None, description="Contract to start from; what is given here replaces its parts.")
    family: str | None = Field(None, description="The contract of several `kinds` that this is one of; set by itself.")
    files: FileMatch
    also_reads: dict[str, Companion] = Field(
        default_factory=dict, description="Further files that `query` joins: table name -> which file."
    )
    params: dict[str, Param] = Field(
        default_factory=dict,
        description="Values that differ by account, which are used elsewhere as `${name}`: name -> its default, or `description` "
        "and `default`. One without a default must be given: in the setting `contract_params`, or by a contract that extends "
        "this one.",
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
    where: str | dict[str, Held] | None = Field(
        None,
        description="Which rows carry a record of this kind; the others are left out. Column -> value or values that it holds "
        "(case does not matter; null = empty; {not: …} = none of them), or an SQL condition.",
    )
    distinct_on: list[str] = Field(
        default_factory=list,
        description="Of rows that share these columns the first carries the record; the others repeat it.",
    )
    continuation: Continuation | None = Field(
        None, description="Which rows carry no record of this kind, but go on with one of another row."
    )
    source: Mapping | None = Field(
        None,
        description="System that the ids are numbers of, so that equal numbers of two systems stay two: a text, `folder` "
        "(the exports' subfolder that the file is in), or a mapping ({from: column}).",
    )
    columns: dict[str, Mapping]
    extra: dict[str, Mapping] = Field(
        default_factory=dict,
        description="Further columns of the export to carry along, as text: a name of your own -> where its value comes from. "
        "Each becomes a dimension of the KPIs of these records.",
    )

    @field_validator("params", mode="before")
    @classmethod
    def _short_params(cls, value: Any) -> Any:
        return declared(value) if isinstance(value, dict) else value

    @field_validator("source", mode="before")
    @classmethod
    def _short_source(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, str | int) else value

    @model_validator(mode="before")
    @classmethod
    def _short_mappings(cls, data: Any) -> Any:
        for key in ("columns", "extra"):
            if isinstance(data, dict) and isinstance(data.get(key), dict):
                data = {**data, key: {k: {"from": v} if isinstance(v, str) else v for k, v in data[key].items()}}
        return data

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError(f"is not an IANA time zone; such as Europe/Berlin{nearest(value, sorted(time_zones()))}")
        return value

    @model_validator(mode="after")
    def _parts_fit(self, info: ValidationInfo) -> Contract:
        if info.context == SHIPPED_AS_IS:
            return self
        if faults := faults_between(self.model_dump(by_alias=True)):
            raise ValueError("; ".join(map(str, faults)))
        return self

    @property
    def mappings(self) -> list[Mapping]:
        """Where every value comes from, those that are carried along included."""
        return [*self.columns.values(), *self.extra.values()]

    @property
    def looks_around(self) -> bool:
        """Does it look at several rows of a file at once?"""
        places = any(mapping.place_in for mapping in self.columns.values())
        return bool(self.query or self.continuation or self.distinct_on or places)

    def of_file(self, file_name: str) -> Contract:
        """The contract as it reads a file of this name: a `source` by folder is that of the topmost subfolder."""
        if self.source is None or self.source.value != FOLDER:
            return self
        folder = folder_of(file_name).partition("/")[0]
        return self.model_copy(update={"source": Mapping(value=folder) if folder else None})

    @property
    def has_form_of_its_own(self) -> bool:
        """Would the file's header look different to who does not know the contract?"""
        options = (
            self.encoding,
            self.delimiter,
            self.sheet,
            self.sheets,
            self.records,
            self.skip_rows,
            self.header_row,
            self.header_rows != 1,
        )
        return any(options)

    @property
    def lacking_params(self) -> list[str]:
        """Parameters that have no value: without them no file can be read."""
        return [name for name, param in self.params.items() if not param.has_value]

    def require_params(self) -> None:
        """Refuse a file whose contract lacks a value.

        Raises:
            RefusedFileError: it does; the message names each parameter, and where to give it.
        """
        if lacking := self.lacking_params:
            descriptions = {name: self.params[name].description for name in lacking}
            names = ", ".join(f"{name} ({what})" if what else name for name, what in descriptions.items())
            raise RefusedFileError(
                f"is read by the contract {self.name}, which needs values of your account: {names}; give them in cxhouse.yml, as "
                f"contract_params: {{{self.name}: {{{lacking[0]}: …}}}}"
            )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the contract would read a file differently."""
        excluded: dict[str, Any] = {**dict.fromkeys(_SAID_TO_PEOPLE, True), "params": True, "files": {"name"}}
        content = self.model_dump(mode="json", exclude=excluded, exclude_defaults=True)
        content["lacking_params"] = self.lacking_params
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


#: Context of the validation of a contract that is as it was shipped: tests hold those, and to parse the SQL of all of them takes
#: longer than to read a small file.
SHIPPED_AS_IS = "shipped as is"
_EVERY_UNIT = {unit for units in UNITS.values() for unit in units}


def faults_between(data: dict[str, Any]) -> list[Fault]:
    """What is wrong with a contract beyond the form of each key: that it does not fit its kind, and SQL that is none.

    Args:
        data: a contract as it is written; what has the wrong form is passed over.
    """
    raw = data.get("columns")
    columns = raw if isinstance(raw, dict) else {}
    extra = data.get("extra")
    carried = faults_of_extra(data.get("kind"), extra if isinstance(extra, dict) else {})
    return [*_misfits(data.get("kind"), columns), *_wrong_sql(data, columns), *carried]


def _misfits(kind_name: Any, columns: dict[str, Any]) -> Iterator[Fault]:
    if kind_name is None:
        return
    if kind_name not in all_kinds():
        yield Fault(("kind",), none_of(kind_name, all_kinds(), "kind "))
        return
    kind = all_kinds()[kind_name]
    for column, mapping in columns.items():
        if column not in kind.columns:
            yield Fault(
                ("columns", str(column)),
                f"is not a column of {kind_name}{nearest(column, kind.columns)} (its columns: {', '.join(kind.columns)})",
            )
        elif isinstance(mapping, dict) and (unit := mapping.get("unit")) is not None and unit in _EVERY_UNIT:
            fitting = UNITS.get(kind.columns[column].type, ())
            if unit not in fitting:
                what = f"one of: {', '.join(fitting)}" if fitting else "no unit"
                yield Fault(
                    ("columns", str(column), "unit"),
                    f"{unit!r} is no unit of {kind.columns[column].in_words}s, which take {what}",
                )
        if isinstance(mapping, dict) and mapping.get("split"):
            yield Fault(("columns", str(column), "split"), "is of what is carried along (`extra`) only")
    lacking = [column for column in kind.required_columns if column not in columns]
    if lacking:
        yield Fault(("columns",), f"required column(s) of {kind_name} not mapped: {', '.join(lacking)}")


def _wrong_sql(data: dict[str, Any], columns: dict[str, Any]) -> Iterator[Fault]:
    continuation = data.get("continuation")
    rows = continuation.get("rows") if isinstance(continuation, dict) else None
    expressions: list[tuple[tuple[str, ...], Any]] = [(("where",), data.get("where")), (("continuation", "rows"), rows)]
    for column, mapping in columns.items():
        if isinstance(mapping, dict):
            expressions.append((("columns", str(column), "sql"), mapping.get("sql")))
    texts = [(("query",), data.get("query"), False), *((path, sql, True) for path, sql in expressions)]
    for path, sql, is_expression in texts:
        if isinstance(sql, str) and (problem := wrong_sql(sql, is_expression)):
            yield Fault(path, problem)
