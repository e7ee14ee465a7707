"""SQL of what a contract carries along (``extra``): the texts of a row's cells, what of them may be published, their object."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestration.core.literals import literal
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.mappings import Mapping
from orchestration.pull.personal import may_be_member_sql
from orchestration.pull.rows.values import text_of

#: Names of what was left out of a typed row.
KEPT_BACK = "_kept_back"


def texts(extra: dict[str, Mapping], contract: Contract) -> dict[str, str]:
    """SQL of each text (``t_x_``) from the trimmed cell (``r_x_``); of several values their list, each once and in order."""
    return {f"t_x_{name}": _text(f"r_x_{name}", mapping, contract) for name, mapping in extra.items()}


def _text(cell: str, mapping: Mapping, contract: Contract) -> str:
    if not mapping.split:
        return text_of(cell, mapping, contract)
    mark = "|".join(r"\s+" if not mark.strip() else re.escape(mark.strip()) for mark in mapping.split)
    parts = (
        f"case when prefix({cell}, '[') and json_valid({cell}) then json_extract_string({cell}, '$[*]') "
        f"else string_split_regex({cell}, {literal(mark)}) end"
    )
    trimmed = f"list_transform({parts}, lambda x: nullif(trim(x), ''))"
    values = f"list_transform({trimmed}, lambda x: lower({text_of('x', mapping, contract)}))"
    return f"nullif(list_sort(list_distinct(list_filter({values}, lambda x: x is not null))), [])"


def members(extra: dict[str, Mapping]) -> dict[str, str]:
    """SQL of each value (``c_x_``) from its text (``t_x_``): null where it looks like a person's."""
    found = {}
    for name, mapping in extra.items():
        kept = f"case when {may_be_member_sql(f't_x_{name}')} then t_x_{name} end"
        several = f"nullif(list_filter(t_x_{name}, lambda x: {may_be_member_sql('x')}), [])"
        found[f"c_x_{name}"] = several if mapping.split else kept
    return found


def as_json(names: Iterable[str]) -> str:
    """SQL: the values of a row as an object in the order of their names, without those that are null; null without any."""
    names = sorted(names)
    if not names:
        return "cast(null as varchar)"
    # A key is snake case, and needs no escape.
    pairs = [f"""'"{name}":' || cast(to_json(c_x_{name}) as varchar)""" for name in names]
    # Lists and texts have no type in common.
    is_any = " or ".join(f"c_x_{name} is not null" for name in names)
    return f"case when {is_any} then '{{' || concat_ws(',', {', '.join(pairs)}) || '}}' end"


def kept_back(extra: dict[str, Mapping]) -> str:
    """SQL: the names of those of which a value was left out, with commas; empty where none was."""
    names = []
    for name, mapping in sorted(extra.items()):
        fewer = f"len(c_x_{name}) < len(t_x_{name})" if mapping.split else "false"
        names.append(f"case when (t_x_{name} is not null and c_x_{name} is null) or {fewer} then {literal(name)} end")
    return f"concat_ws(',', {', '.join(names)})"
