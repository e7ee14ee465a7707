"""The parts of a contract: how a file is written, which files it covers, and where a column's value comes from."""

from __future__ import annotations

import codecs
from datetime import date
from fnmatch import fnmatch
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.core.literals import Scalar

InstantUnit = Literal["epoch_seconds", "epoch_milliseconds", "epoch_microseconds", "epoch_nanoseconds", "excel_days"]
DurationUnit = Literal["milliseconds", "seconds", "minutes", "hours", "days", "mm:ss", "hh:mm"]
Unit = InstantUnit | DurationUnit | Literal["cents", "micros", "fraction"]
#: Units by the types of columns that may have them.
UNITS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("instant", "promise", "date"), get_args(InstantUnit)),
    "seconds": get_args(DurationUnit),
    **dict.fromkeys(("money", "money_size"), ("cents", "micros")),
    "number": ("fraction",),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Mapping(_Strict):
    """Where a canonical column's value comes from. A plain string is short for ``{from: …}``."""

    source: str | None = Field(None, alias="from", description="Column of the export (case does not matter).")
    value: Scalar | None = Field(None, description="The same value for every row.")
    sql: str | None = Field(None, description="DuckDB expression over the export's columns, all of type text.")
    place_in: list[str] = Field(
        default_factory=list,
        description="The place (1, 2, …) of the row among the records of the file that share these columns.",
    )
    option_of: list[str] = Field(
        default_factory=list,
        description="Columns of the options of one question, by name or with * for the option: those in which the row holds a "
        "value (but 0, no or false); several are joined with '; '.",
    )
    map: dict[str, Scalar | None] = Field(
        default_factory=dict,
        description="Value in the export -> canonical value (case does not matter; null = missing). "
        "Values not listed stay as they are; '*' catches them.",
    )
    format: list[str] | str | None = Field(None, description="strptime format(s) of a date or instant.")
    unit: Unit | None = Field(None, description="Unit of a number that stands for an instant, a duration or an amount.")
    missing: list[str] = Field(default_factory=list, description="Values that mean 'missing'.")
    in_source: str | None = Field(
        None, description="Of an id: the `source` whose number it is, where that is another than the contract's; '' for none."
    )

    split: list[str] = Field(
        default_factory=list,
        description="Of what is carried along (`extra`): the marks between several values of a cell, such as [',', ';']; a list "
        "in JSON is one as well. Each value is a member of the dimension, in lower case, and each counts its record.",
    )

    @field_validator("option_of", "split", mode="before")
    @classmethod
    def _one_pattern(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("map", mode="before")
    @classmethod
    def _dates_as_text(cls, value: Any) -> Any:
        """YAML takes an unquoted 2026-02-28 for a date."""
        if not isinstance(value, dict):
            return value
        return {str(key): item.isoformat() if isinstance(item, date) else item for key, item in value.items()}

    @model_validator(mode="after")
    def _one_origin(self) -> Mapping:
        origins = (self.source, self.value, self.sql, self.place_in or None, self.option_of or None)
        if sum(x is not None for x in origins) != 1:
            raise ValueError("give exactly one of 'from', 'value', 'sql', 'place_in' and 'option_of'")
        return self

    @property
    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else list(self.format or [])


class Param(_Strict):
    """A value that differs by account."""

    description: str = Field("", description="What it is, for who is asked for it.")
    default: Any = Field(None, description="What it is where nobody gives it; without this key it must be given.")

    @property
    def has_value(self) -> bool:
        return "default" in self.model_fields_set


class Unpivot(_Strict):
    """Columns of a wide file that are values of one column, such as a column for each currency."""

    keep: list[str] = Field(min_length=1, description="Columns that stay as they are, in each of the rows.")
    name: str = Field(description="New column with the name of the column that a row comes from.")
    value: str = Field(description="New column with the cell's value.")


class Form(_Strict):
    """How a file is written."""

    encoding: str | None = Field(None, description="Default: UTF-8, or what the file's byte-order mark says.")
    delimiter: str | None = Field(None, description="Default: the most frequent of , ; tab | in the header line.")
    sheet: str | int = Field(0, description="Sheet of a workbook: its name, or its position from 0.")
    sheets: Literal["all"] | list[str | int] | None = Field(
        None,
        description="Several sheets of one form instead: all that hold the columns, or a list; `_sheet` has the name of each.",
    )
    records: str | None = Field(None, description="JSON: key of the object that holds the list of records.")
    lines: str | list[str] | None = Field(
        None,
        description="JSON: key (dotted) of a list in each record; each object of it is a row. Of several keys, those of each "
        "list in turn; `.` among them is the record itself.",
    )
    skip_rows: int = Field(0, ge=0, description="Lines (rows of a sheet) above the header, whatever they hold.")
    header_row: int | None = Field(None, ge=1, description="Row of the header, as a spreadsheet counts.")
    header_rows: int = Field(1, ge=0, le=9, description="Rows of the header, whose names are joined; 0: the file has none.")
    skip_below_header: int = Field(0, ge=0, description="Rows right below the header that are no records, such as units.")
    skip_footer: int = Field(0, ge=0, description="Rows at the end that are no records, such as a total; blank ones not counted.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            codecs.lookup(value or "utf-8")
        except LookupError as error:
            raise ValueError("is not an encoding; such as utf-8 or cp1252") from error
        return value

    carry_down: list[str] = Field(
        default_factory=list,
        description="Columns of which a blank cell takes the value of the row that began its group; a group begins where the "
        "first of them has another value.",
    )

    unpivot: Unpivot | None = Field(
        None, description="Of a wide file: each cell of the columns that are not kept becomes a row of its own."
    )

    @model_validator(mode="after")
    def _one_way_to_the_header(self) -> Form:
        if self.skip_rows and self.header_row:
            raise ValueError("give `header_row` or `skip_rows`, not both")
        return self


class FileMatch(_Strict):
    """Which files a contract covers: the name matches, and all the columns are there."""

    name: str = Field(
        "*", description="Glob over the file's name, without regard to case; with / over its folders (or the .zip) as well."
    )
    columns: list[str] = Field(default_factory=list, description="Columns that the file must have.")

    @model_validator(mode="after")
    def _says_something(self) -> FileMatch:
        if self.name == "*" and not self.columns:
            raise ValueError("would claim every file; give a 'name' or 'columns'")
        return self

    def matches_name(self, file_name: str) -> bool:
        name, pattern = file_name.lower(), self.name.lower()
        if "/" in pattern:
            return fnmatch(name, pattern) or fnmatch(name, f"*/{pattern}")
        return fnmatch(name.rpartition("/")[2], pattern)

    def claims(self, file_name: str, header: list[str]) -> bool:
        present = {column.strip().lower() for column in header}
        return self.matches_name(file_name) and all(column.lower() in present for column in self.columns)


class Companion(FileMatch, Form):
    """A further file that `query` joins, and its form where that is not the usual one."""

    key: list[str] = Field(
        default_factory=list,
        description="Columns of its own `columns` by which several files make one table: all that arrived are read, and of the "
        "rows that share these the newest file's count. Without it the newest file alone is read.",
    )

    @model_validator(mode="after")
    def _has_its_key(self) -> Companion:
        there = {column.lower() for column in self.columns}
        if lacking := [column for column in self.key if column.lower() not in there]:
            raise ValueError(
                f"`key` names {', '.join(lacking)}, which `columns` does not: name each there, so that a file has it"
            )
        return self


class Unlike(_Strict):
    """What a column does not hold."""

    but: list[Scalar | None] | Scalar | None = Field(alias="not", description="A value, or several; null = an empty cell.")


#: What a column holds: a value or one of several (case does not matter; null = an empty cell), or none of them.
Held = Unlike | list[Scalar | None] | Scalar | None


class Continuation(_Strict):
    """Rows that go on with a record of another row of the file, and carry none of their own."""

    rows: str = Field(description="SQL condition over the file's columns (those of `query`) that such a row meets.")
    of: list[str] = Field(min_length=1, description="Columns that it shares with the row that carries the record.")
