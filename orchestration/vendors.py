"""What the shipped contracts read of whose exports, and what these cannot tell, as Markdown (docs/vendors.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from orchestration.pull.contracts import Contract, Mapping, load_contracts
from orchestration.pull.kinds import all_kinds

HEADER = """# Vendors: exports that are read as they are

Generated from the shipped contracts (`make docs`). A file is read by the contract whose columns it has, whatever it is called,
unless a name is given here; `cxhouse sources` shows which one that is. What an export does not tell stays unknown: KPIs that need
it have no value from that export alone. **To be confirmed** says what the vendor's documentation left open.

Exports of other vendors: [contracts](contracts.md). Columns of each kind: [exports](exports.md). KPIs: [kpis](kpis.md).
"""


def vendors_reference(definitions: list[dict[str, Any]], contracts: Iterable[Contract] | None = None) -> str:
    """The shipped contracts by vendor.

    Args:
        definitions: rows of ``kpi_definitions``.
        contracts: those to write of; the shipped ones, unless others are given.
    """
    shipped = sorted(load_contracts(None) if contracts is None else contracts, key=lambda made: (made.vendor.lower(), made.name))
    lines = [HEADER, "| vendor | contract | kind | to be confirmed |", "|---|---|---|---|"]
    lines += [
        f"| {made.vendor} | [`{made.name}`](#{made.name}) | {made.kind.replace('_', ' ')} | {'yes' if made.provisional else ''} |"
        for made in shipped
    ]
    for vendor, group in groupby(shipped, key=lambda made: made.vendor):
        theirs = list(group)
        lines += ["", f"## {vendor}"]
        for made in theirs:
            lines += ["", *_section(made, [other for other in theirs if _same_files(made, other)], definitions)]
    return "\n".join(lines) + "\n"


def _same_files(one: Contract, other: Contract) -> bool:
    return one.files == other.files


def _section(made: Contract, beside: list[Contract], definitions: list[dict[str, Any]]) -> list[str]:
    kind = all_kinds()[made.kind]
    lacking = [name for name in kind.columns if name not in made.columns]
    empty, elsewhere = _empty_kpis(made, beside, definitions)
    facts = {
        "kind": f"[{kind.name}](exports.md#{kind.name})",
        "files": _files(made),
        "tells": _listed(made.columns),
        "cannot tell": _listed(lacking),
        "KPIs that stay empty": ", ".join(f"[`{kpi}`](kpis.md#{kpi})" for kpi in empty) or "none",
        "KPIs that need another export": "; ".join(f"[`{kpi}`](kpis.md#{kpi}): {need}" for kpi, need in elsewhere.items()),
        "to be given": "; ".join(
            f"`{name}`{f': {param.description}' if param.description else ''}{_default(param.has_value, param.default)}"
            for name, param in made.params.items()
        ),
        "to be confirmed": made.provisional,
    }
    rows = [f"| {name} | {_cell(text)} |" for name, text in facts.items() if text]
    return [f"### `{made.name}`", "", re.sub(r"\s+", " ", made.description).strip(), "", "| | |", "|---|---|", *rows]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(has_value: bool, value: Any) -> str:
    if not has_value:
        return " (required)"
    return f" (else {value})" if value not in (None, "", []) else " (optional)"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing more"


def _files(made: Contract) -> str:
    name = f"called `{made.files.name}`, " if made.files.name != "*" else ""
    along = "".join(f"; read along: `{other.name}`" for other in made.also_reads.values())
    return f"{name}with {_listed(made.files.columns)}{along}"


def _empty_kpis(made: Contract, beside: list[Contract], definitions: list[dict[str, Any]]) -> tuple[list[str], dict[str, str]]:
    """KPIs of the kind that the export leaves without a value, and those to which a column of another kind would give one.

    A need that any of several columns meets may be met by the ``beside`` contracts, which read the same files.
    """
    told = {other.kind: other for other in beside}
    empty: list[str] = []
    elsewhere: dict[str, str] = {}
    for kpi in definitions:
        if made.kind not in re.split(r", |\|", kpi["exports"]):
            continue
        unmet = [entry for entry in (kpi["needs"] or "").split(", ") if entry and not _is_met(entry, made.kind, told)]
        others = [[need for need in entry.split("|") if need.partition(".")[0] not in told] for entry in unmet]
        if not unmet:
            continue
        if all(others):
            elsewhere[kpi["kpi_id"]] = ", ".join(" or ".join(f"`{need.rstrip('?')}`" for need in needs) for needs in others)
        else:
            empty.append(kpi["kpi_id"])
    return empty, elsewhere


def _is_met(entry: str, kind: str, told: dict[str, Contract]) -> bool:
    """May the export meet a need ("a|b")? One that names no column of the kind is a matter of other exports."""
    needs = entry.split("|")
    if all(need.partition(".")[0] != kind for need in needs):
        return True
    return any(_tells(told[need.partition(".")[0]], need.partition(".")[2]) for need in needs if need.partition(".")[0] in told)


def _tells(made: Contract, told: str) -> bool:
    """May records of a contract tell a column, or a value of it ("column=value")? What none may tell ("!") depends on them."""
    if "!" in told:
        return True
    column, is_value, value = told.rstrip("?").partition("=")
    mapping = made.columns.get(column)
    if mapping is None:
        return False
    return not is_value or value in words_of(mapping, all_kinds()[made.kind].columns[column].values)


class _Any(tuple[str, ...]):
    """Words, whichever the export holds."""

    def __contains__(self, word: object) -> bool:
        return True


def words_of(mapping: Mapping, vocabulary: tuple[str, ...]) -> tuple[str, ...]:
    """The words that a mapping can give, as far as the contract says; any word is in it where the export's own are kept."""
    if mapping.value is not None:
        return (str(mapping.value),)
    if mapping.sql is not None:
        named = tuple(word for word in vocabulary if f"'{word}'" in mapping.sql)
        return named or _Any()
    return tuple(str(word) for word in mapping.map.values()) if "*" in mapping.map else _Any()
