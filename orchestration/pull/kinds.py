"""The canonical exports: which kinds there are, their columns and types (from ``kinds.yml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.core.yaml_text import read_yaml

KINDS_FILE = Path(__file__).with_name("kinds.yml")

#: type name -> (DuckDB type, Arrow type, holds personal data)
TYPES: dict[str, tuple[str, pa.DataType, bool]] = {
    "text": ("varchar", pa.string(), False),
    "word": ("varchar", pa.string(), False),
    "one_of": ("varchar", pa.string(), False),
    "prose": ("varchar", pa.string(), True),
    "email": ("varchar", pa.string(), True),
    "phone": ("varchar", pa.string(), True),
    "instant": ("timestamp", pa.timestamp("us"), False),
    "promise": ("timestamp", pa.timestamp("us"), False),
    "date": ("date", pa.date32(), False),
    "integer": ("bigint", pa.int64(), False),
    "seconds": ("bigint", pa.int64(), False),
    "number": ("double", pa.float64(), False),
    "money": ("decimal(18, 4)", pa.decimal128(18, 4), False),
    "money_size": ("decimal(18, 4)", pa.decimal128(18, 4), False),
    "boolean": ("boolean", pa.bool_(), False),
}

TIMES = ("instant", "promise", "date")
NUMBERS = ("integer", "seconds", "number", "money", "money_size")
#: Ids that name no person or record of its own: exports put words like "unknown" there, and the row still counts.
_THINGS = ("product_id", "line_id")
#: Columns that name a customer.
_PERSON = ("customer_id", "customer_email", "customer_phone", "email", "phone")

#: Where each raw row came from; written beside the canonical columns.
LINEAGE: dict[str, tuple[str, pa.DataType]] = {
    "_source": ("varchar", pa.string()),
    "_file": ("varchar", pa.string()),
    "_row": ("bigint", pa.int64()),
    "_batch": ("bigint", pa.int64()),
    "_contract": ("varchar", pa.string()),
    # The series of a snapshot, of which only the newest counts; null in a file that adds to what is there.
    "_series": ("varchar", pa.string()),
    # The pull that brought a file whose order lines replace earlier lines of the same orders; null elsewhere.
    "_delivery": ("bigint", pa.int64()),
}

#: What contracts carry along with a record (their ``extra``): an object in JSON, null where they carry nothing.
CARRIED: dict[str, tuple[str, pa.DataType]] = {"extra": ("varchar", pa.string())}

_SPEC = re.compile(r"^(?P<type>\w+)(\((?P<values>[^)]*)\))?(\[(?P<low>[^,]+),(?P<high>[^\]]+)\])?(?P<required>\*)?$")


@dataclass(frozen=True)
class Column:
    """One canonical column."""

    name: str
    type: str
    required: bool
    values: tuple[str, ...] = ()
    #: Lowest and highest value of a number.
    bounds: tuple[float, float] | None = None
    is_id: bool = False

    @property
    def in_words(self) -> str:
        return {"money_size": "amount", "money": "amount", "seconds": "number of seconds"}.get(self.type, self.type)

    @property
    def is_somebody(self) -> bool:
        """Does the column name a person or a record, so that a placeholder in it names none?"""
        return self.type in ("email", "phone") or (self.is_id and self.name not in _THINGS)

    @property
    def sql_type(self) -> str:
        return TYPES[self.type][0]

    @property
    def is_personal(self) -> bool:
        return TYPES[self.type][2]


@dataclass(frozen=True)
class Vocabulary:
    """The words that columns may hold in rows where another column has one of some values."""

    columns: tuple[str, ...]
    where_column: str
    where_values: tuple[str, ...]
    values: tuple[str, ...]
    or_number: bool = False


@dataclass(frozen=True)
class Rule:
    """What must hold within a row, as SQL over its canonical columns, and what is said of a row for which it does not."""

    column: str
    holds: str
    otherwise: str


@dataclass(frozen=True)
class TwoThings:
    """By which columns a number that comes back in another file is seen to stand for another thing; see kinds.yml."""

    who: tuple[str, ...]
    when: str
    in_words: str = "persons and dates"
    of: tuple[str, ...] = ()
    at_least: int = 1


@dataclass(frozen=True)
class RowOrder:
    """An instant that rows record of one thing, in the order in which it happened."""

    of: str
    instant: str


@dataclass(frozen=True)
class Kind:
    """One kind of export (tickets, calls, …)."""

    name: str
    key: tuple[str, ...]
    required: bool
    columns: dict[str, Column]
    #: Columns that hold a system's own numbers; see kinds.yml.
    ids: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    vocabularies: tuple[Vocabulary, ...] = ()
    #: Instants of one record in the order in which they happen.
    in_time_order: tuple[str, ...] = ()
    two_things: TwoThings | None = None
    in_row_order: RowOrder | None = None
    #: When a record happened; none where the kind has no instant of that.
    event_at: str | None = None
    #: The column of what a record is a part of, whose records come together; see kinds.yml.
    group: str | None = None

    def vocabularies_of(self, column: str) -> list[Vocabulary]:
        return [vocabulary for vocabulary in self.vocabularies if column in vocabulary.columns]

    @property
    def required_columns(self) -> list[str]:
        return [column.name for column in self.columns.values() if column.required]

    @property
    def arrow_schema(self) -> pa.Schema:
        """Schema of the kind's raw Parquet files: canonical columns, what is carried along, then lineage."""
        fields = [pa.field(c.name, TYPES[c.type][1]) for c in self.columns.values()]
        return pa.schema(fields + [pa.field(name, arrow) for name, (_, arrow) in (CARRIED | LINEAGE).items()])


def _column(name: str, spec: str, is_id: bool) -> Column:
    match = _SPEC.match(spec)
    if not match or match["type"] not in TYPES:
        raise ValueError(f"{KINDS_FILE.name}: column {name!r} has an unknown type {spec!r}")
    values = tuple(v.strip() for v in (match["values"] or "").split(",") if v.strip())
    bounds = (float(match["low"]), float(match["high"])) if match["low"] else None
    return Column(name, match["type"], bool(match["required"]), values, bounds, is_id)


def _vocabulary(spec: dict[str, Any]) -> Vocabulary:
    ((where_column, where_values),) = spec["where"].items()
    return Vocabulary(
        tuple(spec["columns"]), where_column, tuple(where_values), tuple(spec["values"]), bool(spec.get("or_number", False))
    )


def _first_required_instant(columns: dict[str, Column]) -> str | None:
    return next((name for name, column in columns.items() if column.required and column.type == "instant"), None)


def _two_things(spec: dict[str, Any], columns: dict[str, Column]) -> TwoThings | None:
    """What the kind says, else the persons that it names and its first required instant."""
    if "two_things" in spec:
        options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in spec["two_things"].items()}
        return TwoThings(**options)
    when = _first_required_instant(columns)
    who = tuple(name for name in _PERSON if name in columns and name not in spec["key"])
    return TwoThings(who, when) if who and when else None


@cache
def all_kinds() -> dict[str, Kind]:
    """Every kind by name, in the order of ``kinds.yml``."""
    raw = read_yaml(KINDS_FILE.read_text(encoding="utf-8"))
    all_columns = {
        name: {column: _column(column, text, column in spec.get("ids", ())) for column, text in spec["columns"].items()}
        for name, spec in raw.items()
    }
    return {
        name: Kind(
            name=name,
            key=tuple(spec["key"]),
            required=bool(spec.get("required", False)),
            ids=tuple(spec.get("ids", ())),
            columns=all_columns[name],
            rules=tuple(Rule(**rule) for rule in spec.get("rules", ())),
            vocabularies=tuple(_vocabulary(vocabulary) for vocabulary in spec.get("vocabularies", ())),
            in_time_order=tuple(spec.get("in_time_order", ())),
            two_things=_two_things(spec, all_columns[name]),
            in_row_order=RowOrder(**spec["in_row_order"]) if "in_row_order" in spec else None,
            event_at=spec.get("event_at") or _first_required_instant(all_columns[name]),
            group=spec.get("group"),
        )
        for name, spec in raw.items()
    }
