"""Taking back what a file brought. Its landed original stays."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.core.errors import ConfigurationError
from orchestration.pull.home.ledger import Landed, Ledger
from orchestration.pull.personal import file_shown


@dataclass(frozen=True)
class Change:
    """One landed file, and what withdrawing (or restoring) it does."""

    file: Landed
    loaded: str

    def __str__(self) -> str:
        return f"{file_shown(self.file.file)} (batch {self.file.batch}, arrived {self.file.landed_at}): {self.loaded}"


def choose(ledger: Ledger, name: str | None, batch: int | None, undo: bool) -> list[Change]:
    """The landed files that a withdrawal (or its undoing) means: every version of a name, or one batch.

    Raises:
        ConfigurationError: no such file landed, or there is nothing to do with it.
    """
    landed = ledger.landed()
    if name is None and batch is None:
        raise ConfigurationError("name a file as 'cxhouse status' shows it, or give its --batch (table load_ledger)")
    found = [file for file in landed if (name is None or file.file == name) and (batch is None or file.batch == batch)]
    if not found and name and batch is None:
        # As messages write it, or without its folders, it will do when it is clear whose it is.
        found = [file for file in landed if name in (file_shown(file.file), file.file.rpartition("/")[2])]
        if len({file.file for file in found}) > 1:
            candidates = ", ".join(sorted(f"{file_shown(file.file)} (batch {file.batch})" for file in found))
            raise ConfigurationError(f"{file_shown(name)!r} is one of: {candidates}; name it with its folder, or by --batch")
    if not found:
        asked = file_shown(name) if name else f"of batch {batch}"
        raise ConfigurationError(f"no landed file {asked}; 'cxhouse status' lists them")
    chosen = [file for file in found if bool(file.withdrawn_at) == undo]
    if not chosen:
        raise ConfigurationError(f"{file_shown(found[0].file)} is {'not withdrawn' if undo else 'withdrawn already'}")
    loads = ledger.loads()
    return [
        Change(
            file,
            ", ".join(f"{load.rows_loaded:,} rows of {load.kind} ({load.status})" for load in loads if load.batch == file.batch)
            or "nothing was loaded of it",
        )
        for file in chosen
    ]


def withdraw_blamed(ledger: Ledger, offered: set[str]) -> list[str]:
    """Withdraw the files that a failed gate of the models named and that were since removed or replaced; says which.

    Only what no publication has had is withdrawn this way: files may well leave the exports folder once they are read.
    """
    blamed = ledger.blamed()
    gone = [file for file in ledger.landed() if file.batch in blamed and file.sha256 not in offered and not file.withdrawn_at]
    ledger.withdraw([file.batch for file in gone])
    return [
        f"{file_shown(file.file)} failed a gate and was removed or replaced since: what it brought is withdrawn "
        f"('cxhouse withdraw --undo --batch {file.batch}' takes it back)"
        for file in gone
    ]
