"""What would make rejected cells readable, tried on all cells of their column."""

from __future__ import annotations

from orchestration.check.beside import Beside
from orchestration.core.literals import literal
from orchestration.pull.kinds import TIMES

#: Forms of dates that are tried; where two read all cells, both are reported.
FORMATS = tuple(
    f"{day}{clock}"
    for day in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y",
                "%b %d, %Y", "%d/%b/%y", "%d-%b-%Y", "%a, %d %b %Y", "%d %B %Y", "%B %d, %Y")
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", ", %H:%M", " %H:%M:%S %z")
)  # fmt: skip
#: Texts of seconds, and of thousandths of them, from 2001 on.
_EPOCHS = {"epoch_seconds": r"1\d{9}(\.\d+)?", "epoch_milliseconds": r"1\d{12}"}
_MOST = 2


def hint(beside: Beside, column: str, reason: str) -> str | None:
    """A key of a contract with which all cells of a column could be read; none where no such is known."""
    mapping = beside.contract.columns.get(column)
    text = beside.text(mapping) if mapping is not None and mapping.sql is None else None
    spec = beside.kind.columns[column]
    if text is None or not reason.startswith("is not a valid "):
        return None
    cells = f"with cells as (select {text} as t from mapped) "
    if spec.type in TIMES:
        for unit, form in _EPOCHS.items():
            if _all(beside, cells, f"regexp_full_match(t, '{form}')"):
                return f"`unit: {unit}` reads all of them"
        counted = ", ".join(f"bool_and(coalesce(try_strptime(t, {literal(form)}) is not null, true))" for form in FORMATS)
        ((*reads,),) = beside.all(f"{cells} select {counted} from cells where t is not null")
        found = [form for form, does in zip(FORMATS, reads, strict=True) if does][:_MOST]
        named = " and ".join(f'`format: "{form}"`' for form in found)
        return f"{named} can read all of them" if found else None
    if (
        spec.type != "seconds"
        and beside.contract.decimal == "."
        and _all(beside, cells, r"regexp_full_match(t, '-?[\d.\s]*(,\d+)?')")
    ):
        return '`decimal: ","` reads all of them'
    return None


def _all(beside: Beside, cells: str, holds: str) -> bool:
    ((does,),) = beside.all(f"{cells} select bool_and({holds}) from cells where t is not null")
    return bool(does)
