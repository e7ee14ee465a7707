"""Files read as a run reads them, with its own loader, in a folder that is thrown away."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.check.arrivals import Arrivals
from orchestration.check.gates import Judged, expectations_of, judge
from orchestration.core.errors import ConfigurationError
from orchestration.gates.check_results import CheckResult, batch_checks
from orchestration.pull.home.ledger import Ledger, Load
from orchestration.pull.jobs import Job
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Batch, Loader
from orchestration.pull.reading import Places, Untrusted
from orchestration.settings.model import Settings


@dataclass
class Tried:
    """What became of a file under a contract."""

    job: Job
    load: Load | None = None
    #: What the contract does wrong, at which a run stops.
    fault: str | None = None
    batch_checks: list[CheckResult] = field(default_factory=list)
    #: What its suite says, as soon as that is known; nothing of a file without a row.
    suite: Future[Judged] | None = None
    #: Its canonical rows and its rejected ones, as Parquet.
    loaded: Path | None = None
    rejected: Path | None = None
    #: What the reading of further files had to say.
    messages: list[str] = field(default_factory=list)

    @property
    def check_results(self) -> list[CheckResult]:
        """What its suite says, and what a run says of a whole file."""
        return [*(self.suite.result()[0] if self.suite else []), *self.batch_checks]

    @property
    def not_judged(self) -> list[str]:
        """Expectations that only a run judges."""
        return self.suite.result()[1] if self.suite else []

    @property
    def is_held_back(self) -> bool:
        return any(check.blocks for check in self.check_results)


class Trial:
    """Loads of jobs into a folder of their own.

    A file is judged by its suite here while the process that read it looks at its rows.
    """

    def __init__(self, folder: Path, arrivals: Arrivals, settings: Settings) -> None:
        self._folder, self._arrivals, self._settings = folder, arrivals, settings
        self._suites = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._suites.shutdown(cancel_futures=True)

    def load(self, jobs: list[Job]) -> list[Tried]:
        """Read files, kind after kind as a run does."""
        tried = []
        for kind in all_kinds():
            if wanted := [job for job in jobs if job.contract.kind == kind]:
                tried += self._load_kind(kind, wanted, kind)
        return sorted(tried, key=lambda one: one.job.file.batch)

    def _load_kind(self, kind: str, jobs: list[Job], place: str) -> list[Tried]:
        try:
            return self._into(self._folder / place, kind, jobs)
        except ConfigurationError as error:
            if len(jobs) == 1:
                return [Tried(jobs[0], fault=str(error))]
        # One contract stops them all: which one shows when each is read by itself.
        return [one for job in jobs for one in self._load_kind(kind, [job], f"{kind}_{job.stem}")]

    def _into(self, folder: Path, kind: str, jobs: list[Job]) -> list[Tried]:
        raw, quarantine, scratch = folder / "raw", folder / "quarantine", folder / "tmp"
        scratch.mkdir(parents=True)
        found = {(job.file.batch, job.contract.name): Tried(job) for job in jobs}

        expectations = expectations_of(kind, self._settings.config_dir)

        def gate(_: str, batches: list[Batch]) -> list[bool]:
            for batch in batches:
                tried = next(one for one in found.values() if f"_{one.job.stem}." in batch.path.name)
                tried.batch_checks = batch_checks(kind, batch, self._settings)
            return [True] * len(batches)

        places = Places(self._arrivals.landing, scratch)
        loader = Loader(
            places, raw, quarantine, Ledger(folder / "ledger.sqlite"), Untrusted(places, fatal=self._arrivals.untrusted.fatal)
        )
        report = loader.load_kind(all_kinds()[kind], jobs, gate, {job.file.sha256 for job in jobs})
        for load in report.loads:
            tried = found[load.batch, load.contract]
            tried.load = load
            if load.status == "loaded":
                tried.loaded, tried.rejected = (_one(root / kind, tried.job.stem) for root in (raw, quarantine))
            if load.rows_loaded and tried.loaded is not None:
                tried.suite = self._suites.submit(judge, kind, tried.loaded, expectations)
        for tried in found.values():
            tried.messages = list(_of_companions(report.messages, tried.job))
        return list(found.values())


def _one(folder: Path, stem: str) -> Path | None:
    return next(iter(folder.glob(f"{stem}.*parquet")), None)


def _of_companions(messages: Iterable[str], job: Job) -> Iterable[str]:
    start = f"{job.file.file}: "
    return (text.removeprefix(start) for text in messages if text.startswith(start) and "read along" in text)
