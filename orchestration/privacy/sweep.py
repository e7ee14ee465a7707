"""Forgetting, carried out in every place of a home. Killed at any point, the next run or request goes on with it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestration.core import durable
from orchestration.privacy.at_pull import of_customers
from orchestration.privacy.roll import Roll, instant
from orchestration.privacy.rows import RECORDS, anonymise_loaded, anonymise_rejected, names_in_loaded, names_in_rejected
from orchestration.privacy.screening import Screening
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.tables import put_file, write_ledger
from orchestration.pull.jobs import Job, jobs
from orchestration.pull.kinds import all_kinds
from orchestration.pull.reading import Places, Untrusted
from orchestration.settings.model import Settings
from orchestration.warehouse.spark import stop_session

#: The proof: who was forgotten when, without a word on whom.
PROOF = "forgotten.jsonl"
#: What is made of the raw files again, and may hold a person in blocks that a database has freed.
_MADE_AGAIN = (
    *("warehouse.duckdb", "warehouse.duckdb.wal", "spark", "tmp", "spill", "docs", "docs.new", "bare"),
    *("lifetime.json", "risks"),
)
#: Gone through in ways of their own; what is published names nobody, and is replaced by the next run.
_BY_THEMSELVES = ("landing", "raw", "quarantine", "published", "forgotten", "ledger.sqlite", "identity_salt", PROOF)
_LARGEST_TEXT = 2**28


def screen_landed(
    settings: Settings, ledger: Ledger, roll: Roll, contracts: list[Contract], wanted: list[Job], everything: bool = False
) -> list[str]:
    """Look at the files that landed since the last time; says what was done with their originals."""
    if not roll:
        return []
    if roll.grew:
        # Records of forgotten persons: their texts may be in rows that were loaded before.
        _sweep_raw(settings, roll, wanted, only_records=True)
        roll.grew = False
    landed = ledger.landed()
    since = 0 if everything else int(roll.state().get("screened", 0))
    screening = Screening(settings, roll, contracts, wanted, ledger.fatal())
    # A file of which nothing was loaded comes again, for a while, without arriving again.
    watched = set(roll.state().get("watched", []))
    dropped = [file for file in landed if (file.batch > since or file.sha256 in watched) and screening.screen(file)]
    standing = {job.file.batch for job in wanted if _is_loaded(settings, job)}
    watched |= {file.sha256 for file in dropped if file.batch not in standing}
    roll.set_state(screened=max((file.batch for file in landed), default=0), watched=sorted(watched))
    gone = len(dropped)
    return [f"{gone:,} file(s) name somebody who was forgotten: their originals are not kept"] if gone else []


def _is_loaded(settings: Settings, job: Job) -> bool:
    return any((settings.raw / job.contract.kind).glob(f"{job.stem}.*parquet"))


def finish_requests(settings: Settings) -> Iterator[str]:
    """Go on with requests that were cut short; says what was done."""
    if settings.forgotten.exists() and (pending := Roll(settings).state().get("pending")):
        carry_out(settings)
        yield f"{len(pending)} request(s) that were cut short are carried out"


def found_in(settings: Settings, roll: Roll) -> list[tuple[str, str, int]]:
    """Kind, file and number of the rows that name somebody on a roll; rejected ones as the kind ``rejected``."""
    by_stem = {job.stem: job for job in what_is_read(settings, Ledger(settings.ledger))[1]}
    found: Counter[tuple[str, str]] = Counter()
    for kind in all_kinds().values():
        for path in sorted((settings.raw / kind.name).glob("*.*.parquet")):
            for file, rows in names_in_loaded(path, kind, roll).items():
                found[kind.name, file] += rows
    for path in sorted(settings.quarantine.glob("*/*.parquet")):
        job = by_stem.get(path.name.partition(".")[0])
        for file, rows in names_in_rejected(path, roll, of_customers(job.contract) if job else frozenset()).items():
            found["rejected", file] += rows
    return [(kind, file, rows) for (kind, file), rows in found.items() if rows]


def what_is_read(settings: Settings, ledger: Ledger) -> tuple[list[Contract], list[Job]]:
    """The contracts of a home, and which of its landed files each of them reads."""
    contracts = load_contracts(settings.config_dir, settings.contract_params)
    header_of = Untrusted(Places(settings.landing, settings.scratch), ledger).landed_header
    zone, source = settings.exports_timezone, settings.exports_source
    return contracts, jobs(ledger.landed(), contracts, settings.landing, zone, source, header_of)


def begin(settings: Settings, roll: Roll, request: dict[str, Any]) -> None:
    """Write a request down, before anything is changed for its sake."""
    # A run may not take the home for settled before all is done.
    (settings.home / "settled.json").unlink(missing_ok=True)
    roll.save()
    roll.set_state(pending=[*roll.state().get("pending", []), request], screened=0)


def carry_out(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Go through the home for everybody on its roll, and write the proof of the requests that wait; returns counts by place."""
    roll, ledger = Roll(settings), Ledger(settings.ledger)
    settings.scratch.mkdir(parents=True, exist_ok=True)
    contracts, wanted = what_is_read(settings, ledger)
    counts: Counter[str] = Counter()
    progress("raw rows")
    counts.update(_sweep_raw(settings, roll, wanted))
    while roll.grew:
        roll.grew = False
        counts |= Counter(_sweep_raw(settings, roll, wanted, only_records=True))
    progress("rejected rows")
    counts["rejected rows"] = _sweep_quarantine(settings, roll, wanted)
    progress("originals")
    before = _originals(settings)
    screen_landed(settings, ledger, roll, contracts, wanted, everything=True)
    counts["originals"] = before - _originals(settings)
    progress("ledger, records and logs")
    counts["ledger"] = _sweep_ledger(settings, roll)
    counts["other files"] = _sweep_texts(settings, roll)
    # Spark's catalogue is open as long as its session is, which showed who is meant.
    stop_session(settings)
    for name in _MADE_AGAIN:
        _remove(settings.home / name)
    # What was fitted to persons is fitted again.
    step_files = ("lifetime_*/*.parquet", "risk_*/*.parquet", "topic_examples/*.parquet")
    fitted = [path for pattern in step_files for path in settings.raw.glob(pattern)]
    for path in (*fitted, *(settings.home / "texts").glob("*.npz")):
        path.unlink()
    counts["published versions"] = _remove_versions(settings)
    settings.scratch.mkdir(parents=True, exist_ok=True)
    write_ledger(ledger, settings.raw, settings.scratch)
    _prove(settings, roll, counts)
    return dict(counts)


def _prove(settings: Settings, roll: Roll, counts: Counter[str]) -> None:
    """One line for each request: the last thing, so that what is proved is done."""
    state = roll.state()
    requests = state.get("pending", [])
    for request in requests:
        _append(settings, {**request, "carried_out_at": instant(), "changed": {k: v for k, v in counts.items() if v}})
    waiting = [*state.get("published", []), *(request["request"] for request in requests)]
    roll.set_state(pending=None, published=waiting)


def _append(settings: Settings, line: dict[str, Any]) -> None:
    path = settings.home / PROOF
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    path.chmod(0o600)


def publication_done(settings: Settings) -> None:
    """A run has published without those who were forgotten: versions of before go, and the proof says so."""
    if not settings.forgotten.exists():
        return
    roll = Roll(settings)
    if waiting := roll.state().get("published"):
        _remove_versions(settings)
        for request in waiting:
            _append(settings, {"request": request, "published_without_at": instant()})
        has_targets = any(target is not None for _, target in settings.targets)
        roll.set_state(published=None, served=[*roll.state().get("served", []), *waiting] if has_targets else None)


def targets_done(settings: Settings) -> None:
    """Every target holds a version that was published without those who were forgotten, and none of before."""
    if not settings.forgotten.exists():
        return
    roll = Roll(settings)
    if waiting := roll.state().get("served"):
        for request in waiting:
            _append(settings, {"request": request, "targets_without_at": instant()})
        roll.set_state(served=None)


def _remove_versions(settings: Settings) -> int:
    """Earlier versions know the person by a key; readers keep the current one until the next run."""
    from orchestration.warehouse.versions import CURRENT, VERSIONS

    link, folder = settings.published / CURRENT, settings.published / VERSIONS
    now = os.readlink(link).rpartition("/")[2] if link.is_symlink() else None
    old = [path for path in folder.iterdir() if path.name != now] if folder.is_dir() else []
    for path in old:
        shutil.rmtree(path)
    _remove(settings.published / ".next")
    return len(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _originals(settings: Settings) -> int:
    return sum(1 for path in settings.landing.rglob("*") if path.is_file() and not path.name.endswith(".rows"))


def _sweep_raw(settings: Settings, roll: Roll, wanted: list[Job], only_records: bool = False) -> dict[str, int]:
    """Anonymise loaded rows; ``only_records``: those that name nobody, for the records that they are about."""
    settings.scratch.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    moved: list[Path] = []
    for kind in all_kinds().values():
        if only_records and not (set(RECORDS) & set(kind.columns)):
            continue
        for path in sorted((settings.raw / kind.name).glob("*.*.parquet")):
            draft = settings.scratch / f"forget_{kind.name}_{path.name}"
            marks = anonymise_loaded(path, kind, roll, draft, only_records)
            if roll.add(marks.records):
                # Before the rows that mention them are replaced.
                roll.save()
            counts[kind.name] += marks.rows
            if draft.exists():
                moved.append(put_file(draft, path.parent, path.name.partition(".")[0]))
    durable.sync_moved(moved)
    return counts


def _sweep_quarantine(settings: Settings, roll: Roll, wanted: list[Job]) -> int:
    contracts, found = {job.stem: job.contract for job in wanted}, 0
    for path in sorted(settings.quarantine.glob("*/*.parquet")):
        stem = path.name.partition(".")[0]
        draft = settings.scratch / f"forget_{path.parent.name}_{path.name}"
        found += anonymise_rejected(path, roll, of_customers(contracts[stem]) if stem in contracts else frozenset(), draft)
        if draft.exists():
            durable.sync_moved([put_file(draft, path.parent, stem)])
    return found


def _sweep_ledger(settings: Settings, roll: Roll) -> int:
    """Headers that were rows, reasons and alerts. What SQLite frees is overwritten.

    Names of files stay: contracts claim files by them, and the exports folder has them.
    """
    found = 0
    with closing(sqlite3.connect(settings.ledger, timeout=30)) as con:
        con.execute("pragma secure_delete = on")
        texts = {"landed": ("header",), "loads": ("reason",), "alerts": ("subject", "message")}
        with con:
            for table, columns in texts.items():
                for column in columns:
                    for rowid, text in con.execute(f"select rowid, {column} from {table} where {column} is not null").fetchall():
                        if (clean := roll.scrubbed(text)) is not None:
                            con.execute(f"update or replace {table} set {column} = ? where rowid = ?", [clean, rowid])
                            found += 1
        con.execute("vacuum")
    return found


def _sweep_texts(settings: Settings, roll: Roll) -> int:
    """Records, pages and logs: texts are rewritten, databases of Dagster that name somebody are removed."""
    found = 0
    for path in sorted(path for path in settings.home.rglob("*") if path.is_file() and not path.is_symlink()):
        if path.relative_to(settings.home).parts[0] in (*_BY_THEMSELVES, *_MADE_AGAIN, "writer.lock"):
            continue
        content = path.read_bytes() if path.stat().st_size <= _LARGEST_TEXT else b""
        try:
            clean = roll.scrubbed(content.decode("utf-8"), numbers=True)
        except UnicodeDecodeError:
            if roll.scrubbed(content.decode("latin-1"), numbers=True) is not None:
                path.unlink()
                found += 1
            continue
        if clean is not None:
            path.write_text(clean, encoding="utf-8")
            found += 1
    return found
