"""Is there anything for a run to do? Told from names, sizes and times of files, without reading one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from sysconfig import get_path

from orchestration.keeping import project_version
from orchestration.publish import CURRENT, MARTS_FILE, PARQUET_FOLDER, REPORT_FILE
from orchestration.pull.ledger import Ledger
from orchestration.pull.sources import open_source
from orchestration.run_record import SETTLED, RunRecord
from orchestration.settings import PROJECT, Settings

FILE_NAME = "settled.json"


def _hash(parts: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()


def inputs_version(settings: Settings) -> str:
    """Changes with all that a run reads: the offered files, settings, configuration, code, libraries, the date."""
    code = [PROJECT / "orchestration", PROJECT / "expectations", *([settings.config_dir] if settings.config_dir else [])]
    files = [path for folder in code for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".yml", ".yaml", ".csv")]
    return _hash(
        [
            settings.model_dump_json(exclude={"home"}),
            project_version(settings),
            sorted(path.name for path in Path(get_path("purelib")).glob("*.dist-info")),
            [(path.name, path.read_bytes()) for path in files],
            [(file.name, file.version) for file in open_source(settings.exports).files()],
        ]
    )


def _state_version(settings: Settings) -> str:
    """Changes with all that a run leaves in its home, whoever changes it."""
    files = [settings.published / MARTS_FILE, settings.published / REPORT_FILE]
    return _hash(
        [
            [(path.name, path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else None for path in files],
            # DuckDB writes to the private warehouse until the process ends: its time says nothing.
            settings.warehouse.exists(),
            sorted(path.name for path in (settings.published / PARQUET_FOLDER / CURRENT).iterdir()),
            sorted(path.relative_to(settings.raw).as_posix() for path in settings.raw.rglob("*.parquet")),
            [(file.batch, file.file, file.withdrawn_at) for file in Ledger(settings.ledger).landed()],
        ]
    )


def settle(settings: Settings, inputs: str) -> None:
    """Remember after a publication what it was made of; ``inputs`` is their version from before anything was read."""
    text = json.dumps({"inputs": inputs, "state": _state_version(settings)})
    (settings.home / FILE_NAME).write_text(text, encoding="utf-8")


def settled_run(settings: Settings) -> RunRecord | None:
    """The last run, where another one would publish the same; none where that is not certain."""
    path = settings.home / FILE_NAME
    if not path.exists() or settings.full_refresh or settings.replay or settings.days:
        return None
    record = RunRecord.load(settings.home)
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        is_same = known == {"inputs": inputs_version(settings), "state": _state_version(settings)}
    except (OSError, ValueError):
        return None
    if not is_same or record is None or record.status != "published":
        return None
    record.status = SETTLED
    return record
