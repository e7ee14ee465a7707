"""Names and literals as SQL."""

from __future__ import annotations

from collections.abc import Iterable

#: A value that a contract or a setting gives.
Scalar = str | int | float | bool


def literal(value: Scalar | None) -> str:
    """A value as an SQL text literal."""
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"


def literals(values: Iterable[Scalar]) -> str:
    """Values as SQL literals, a comma between them."""
    return ", ".join(literal(value) for value in values)


def identifier(name: str) -> str:
    """A column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def among(text: str, values: Iterable[Scalar]) -> str:
    """SQL: is a text one of these? (An `in` of more than a few becomes a join, over all rows and whatever is around it.)"""
    return f"list_contains([{literals(values)}], {text})"
