"""What is wrong with a contract, in words: where it is, what it is, and the nearest right word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestration.core.nearest import nearest, none_of


@dataclass(frozen=True)
class Fault:
    """One fault: the keys that lead to it, and what is said of it."""

    path: tuple[str, ...]
    said: str

    def __str__(self) -> str:
        return f"{' > '.join(self.path) or 'contract'}: {self.said}"


def faults_of(error: ValidationError, data: Any, model: type[BaseModel]) -> list[Fault]:
    """The faults of a model's fields in ``data``; what it finds once all its fields are right is not among them."""
    by_path: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for item in error.errors(include_url=False):
        if item["loc"]:
            by_path.setdefault(_path(item, data), []).append(item)
    return [Fault(path, _said(path, items, model)) for path, items in by_path.items()]


def _path(item: ErrorDetails, data: Any) -> tuple[str, ...]:
    """The keys of the file: where a value may be of several types, the library adds steps that are in no file."""
    keys: list[str] = []
    here = data
    for place, part in enumerate(item["loc"]):
        is_last = place == len(item["loc"]) - 1
        if isinstance(here, dict) and part in here:
            here = here[part]
            keys.append(str(part))
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
            keys.append(str(part + 1))
        elif is_last and item["type"] in ("missing", "extra_forbidden"):
            keys.append(str(part))
    return tuple(keys)


def _said(path: tuple[str, ...], items: list[ErrorDetails], model: type[BaseModel]) -> str:
    given = items[0]["input"]
    shown = "" if isinstance(given, dict | list) else f" (given: {given!r})"
    if isinstance(given, bool):
        shown += "; YAML reads no, yes, on and off so: quote them"
    kinds = [item["type"] for item in items]
    if "extra_forbidden" in kinds:
        keys = _fields(model, path[:-1])
        return f"there is no such key{nearest(path[-1], keys)} (keys here: {', '.join(keys)})"
    if "missing" in kinds:
        return "is needed, and not given"
    if "literal_error" in kinds:
        words = re.findall("'([^']*)'", " ".join(str(item.get("ctx", {}).get("expected")) for item in items))
        return none_of(given, words)
    own = [item for item in items if item["type"] == "value_error"]
    if own:
        return own[0]["msg"].removeprefix("Value error, ") + shown
    if said := [_LIMITS[item["type"]].format(**item.get("ctx", {})) for item in items if item["type"] in _LIMITS]:
        return said[0] + shown
    types = dict.fromkeys(_WANTED[kind] for kind in kinds if kind in _WANTED)
    return f"must be {' or '.join(types)}{shown}" if types else f"is not valid{shown}"


_LIMITS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must be lower snake case, of two letters or more, such as my_orders",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "dict_type": "a mapping of keys to values", "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "list_type": "a list", "tuple_type": "a list",
}  # fmt: skip


def _fields(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """The keys that may be at a place."""
    here: list[type[BaseModel]] = [model]
    for key in path:
        there: list[type[BaseModel]] = []
        for candidate in here:
            field = next((f for name, f in candidate.model_fields.items() if key in (name, f.alias)), None)
            if field is not None:
                there += _models_in(field.annotation)
        # A key of the user's own, such as a column: what is said of it is one of the same models.
        here = there or here
    return [field.alias or name for name, field in here[0].model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]
