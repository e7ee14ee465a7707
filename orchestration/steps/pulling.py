"""One pull: land what is new, load it kind by kind through the gate, write the ledger down for the models."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

from orchestration.core.errors import ConfigurationError
from orchestration.core.limits import use as use_limits
from orchestration.core.resources import use
from orchestration.lifetime.tables import ensure_lifetime_tables
from orchestration.privacy.at_pull import Persons
from orchestration.privacy.retention import apply_retention
from orchestration.privacy.sweep import screen_landed
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.home.landing import Arrivals, land
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.soundness import close_home, open_home
from orchestration.pull.home.tables import write_ledger
from orchestration.pull.home.withdrawal import withdraw_blamed
from orchestration.pull.jobs import jobs, unclaimed
from orchestration.pull.kinds import all_kinds
from orchestration.pull.loading import Gate, KindReport, Loader
from orchestration.pull.personal import file_shown
from orchestration.pull.reading import Places, Untrusted
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.pull.sources.locations import sources_of
from orchestration.risk.tables import ensure_risk_tables
from orchestration.settings.model import Settings
from orchestration.texts.tables import ensure_text_tables


class Pull:
    """The pull of one run."""

    def __init__(self, settings: Settings, progress: Callable[[str], None]) -> None:
        use(settings.resources)
        use_limits(settings.limits)
        self._settings, self._progress = settings, progress
        self.ledger = Ledger(settings.ledger)
        #: Landed files that no contract reads.
        self.unclaimed: list[str] = []
        #: Sources that could not be listed, and why.
        self.unreadable_sources: dict[str, str] = {}

    def kinds(self, gate: Gate) -> Iterator[KindReport]:
        """Land new files, then load kind by kind; afterwards the ledger is where the models read it.

        Raises:
            ConfigurationError: no contract claims any file.
        """
        settings = self._settings
        shutil.rmtree(settings.scratch, ignore_errors=True)
        settings.scratch.mkdir(parents=True)
        reads_all = settings.replay or settings.full_refresh
        places = Places(settings.landing, settings.scratch)
        untrusted = Untrusted(places, self.ledger, again=reads_all)
        for line in open_home(settings, self.ledger):
            self._progress(f"pull: {line}")
        arrivals = self._land(untrusted)
        self._progress(f"pull: {arrivals.new} new file(s) landed from {settings.exports_place}")
        for line in arrivals.unreadable:
            self._progress(f"pull: {line}")
        for line in withdraw_blamed(self.ledger, arrivals.offered):
            self._progress(f"pull: {line}")
        landed = self.ledger.landed()
        contracts = load_contracts(settings.config_dir, settings.contract_params)
        wanted = jobs(
            landed, contracts, settings.landing, settings.exports_timezone, settings.exports_source, untrusted.landed_header
        )
        self.unclaimed = unclaimed(landed, wanted)
        for file in landed:
            if file.file in self.unclaimed and (reason := untrusted.fatal.get(file.sha256)):
                self._progress(f"pull: {file_shown(file.file)}: refused: it {reason}")
        if not wanted:
            raise ConfigurationError(
                f"no file in {settings.exports_place} is claimed by a contract; 'cxhouse sources' shows why, and "
                "docs/contracts.md how to write one"
            )
        persons = Persons(settings)
        loader = Loader(places, settings.raw, settings.quarantine, self.ledger, untrusted, reads_all, persons)
        for kind in all_kinds().values():
            report = loader.load_kind(kind, wanted, gate, arrivals.offered)
            for message in report.messages:
                self._progress(f"pull: {kind.name}: {message}")
            yield report
        for line in screen_landed(settings, self.ledger, persons.roll, contracts, wanted):
            self._progress(f"pull: {line}")
        for line in apply_retention(settings, self.ledger, wanted):
            self._progress(f"pull: {line}")
        write_ledger(self.ledger, settings.raw, settings.scratch)
        ensure_lifetime_tables(settings)
        ensure_text_tables(settings)
        ensure_risk_tables(settings)
        close_home(self.ledger)

    def _land(self, untrusted: Untrusted) -> Arrivals:
        """Land what is new of every source; one that cannot be read does not keep the others from landing.

        Raises:
            CxhouseError: no source can be read.
        """
        settings, arrivals = self._settings, Arrivals()
        sources = sources_of(settings, self._progress)
        for source in sources:
            try:
                arrivals.add(land(source, settings.landing, settings.scratch, self.ledger, untrusted.header))
            except UnreadableSourceError as error:
                self.unreadable_sources[source.name] = str(error)
                self.ledger.miss_source(source.name, str(error))
                # It may offer them still.
                arrivals.offered |= {sha256 for _, sha256 in self.ledger.last_seen(source.name).values()}
                self._progress(f"pull: source {source.name} cannot be read: {error}")
        if len(self.unreadable_sources) == len(sources):
            problems = "; ".join(f"{name}: {why}" for name, why in self.unreadable_sources.items())
            raise UnreadableSourceError(f"no source of exports can be read ({problems})")
        return arrivals
