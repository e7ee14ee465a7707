"""What the shipped contracts read of whose exports, and what these cannot tell, as Markdown (docs/vendors.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.kinds import all_kinds
from orchestration.pull.rows.availability import may_say

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
    kpis = _kpis(made, beside, definitions)
    facts = {
        "kind": f"[{kind.name}](exports.md#{kind.name})",
        "files": _files(made),
        "tells": _listed(made.columns),
        "cannot tell": _listed(lacking),
        "KPIs that stay empty": ", ".join(map(_link, kpis.empty)) or "none",
        "KPIs that need another export": "; ".join(f"{_link(kpi)}: {need}" for kpi, need in kpis.elsewhere.items()),
        "KPIs with a value as long as no record says": "; ".join(f"{_link(kpi)}: {what}" for kpi, what in kpis.until.items()),
        "to be given": "; ".join(
            f"`{name}`{f': {param.description}' if param.description else ''}{_default(param.has_value, param.default)}"
            for name, param in made.params.items()
        ),
        "to be confirmed": made.provisional.strip(),
    }
    rows = [f"| {name} | {_cell(text)} |" for name, text in facts.items() if text]
    return [f"### `{made.name}`", "", re.sub(r"\s+", " ", made.description).strip(), "", "| | |", "|---|---|", *rows]


def _link(kpi: str) -> str:
    return f"[`{kpi}`](kpis.md#{kpi})"


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


@dataclass(frozen=True)
class _Kpis:
    """What becomes of the KPIs of an export, by their ids."""

    empty: list[str] = field(default_factory=list)
    #: -> what another export would have to tell.
    elsewhere: dict[str, str] = field(default_factory=dict)
    #: -> what a record may not tell, for it would be a case that the export does not tell enough of.
    until: dict[str, str] = field(default_factory=dict)


def _kpis(made: Contract, beside: list[Contract], definitions: list[dict[str, Any]]) -> _Kpis:
    """KPIs of the contract's kind. A need that any of several columns meets may be met by the contracts ``beside`` it."""
    contracts = {other.kind: other for other in beside}
    found = _Kpis()
    for kpi in definitions:
        if made.kind not in re.split(r", |\|", kpi["exports"]):
            continue
        entries = [_Entry(entry.split("|"), contracts) for entry in (kpi["needs"] or "").split(", ") if entry]
        # An entry that names no column of the kind is a matter of other exports.
        unmet = [entry for entry in entries if made.kind in entry.kinds and not entry.is_met]
        if not unmet:
            continue
        if all(entry.forbidden for entry in unmet):
            found.until[kpi["kpi_id"]] = ", ".join(dict.fromkeys(name for entry in unmet for name in entry.forbidden))
        elif all(entry.others for entry in unmet):
            found.elsewhere[kpi["kpi_id"]] = ", ".join(entry.others for entry in unmet)
        else:
            found.empty.append(kpi["kpi_id"])
    return found


class _Entry:
    """One need of a KPI ("a|b"), as an export meets it."""

    def __init__(self, needs: list[str], contracts: dict[str, Contract]) -> None:
        parts = [(kind, column) for kind, _, column in (need.partition(".") for need in needs)]
        own = [(contracts[kind], column) for kind, column in parts if kind in contracts]
        self.kinds = {kind for kind, _ in parts}
        self.is_met = any(_may_tell(made, column) for made, column in own if "!" not in column)
        #: Columns and values that no record may tell, where that alone is left: of a value that none can tell, it says nothing.
        self.forbidden = [
            _in_words(column)
            for made, column in own
            if "!" in column and ("!=" not in column or _may_tell(made, column.replace("!", "")))
        ]
        self.others = " or ".join(f"`{kind}.{column.rstrip('?')}`" for kind, column in parts if kind not in contracts)


def _in_words(forbidden: str) -> str:
    column, is_value, value = forbidden.partition("!=")
    return f"{column} {value}" if is_value else column.rstrip("!")


def _may_tell(made: Contract, need: str) -> bool:
    """May a record of a contract tell a column, or a value of it ("column=value")?"""
    column, is_value, value = need.rstrip("?").partition("=")
    mapping = made.columns.get(column)
    return mapping is not None and (not is_value or may_say(mapping, value))
