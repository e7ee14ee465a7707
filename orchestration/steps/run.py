"""What the steps of one run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.core.lock import take_writer_lock
from orchestration.gates.suite_runner import SuiteRunner
from orchestration.gates.suites import check_tables
from orchestration.privacy.sweep import finish_requests
from orchestration.publish.publications import declared_keys
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.sources.locations import sources_of
from orchestration.runs.record import PARTIAL, RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.moments import odd_moments
from orchestration.warehouse.settled import inputs_version
from orchestration.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Model:
    """A model as the gates see it."""

    name: str
    schema: str
    #: The columns that identify a row, as its test says.
    key: list[str]
    #: Published, or said to hold no personal data (`meta: {is_impersonal: true}`): its rows may be shown.
    is_impersonal: bool


class Project:
    """The parsed dbt project."""

    def __init__(self, manifest_path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = manifest_path, manifest

    @cached_property
    def models(self) -> dict[str, Model]:
        nodes = self.manifest["nodes"].values()
        keys = declared_keys(self.manifest)
        return {
            node["name"]: Model(
                name=node["name"],
                schema=node["schema"],
                key=keys.get(node["unique_id"], []),
                is_impersonal=node["access"] == "public" or bool(node["config"]["meta"].get("is_impersonal")),
            )
            for node in nodes
            if node["resource_type"] == "model"
        }

    def tested_model(self, test: Mapping[str, Any]) -> Model | None:
        """The model that a data test is of; none for a test of a seed."""
        attached = self.manifest["nodes"].get(test.get("attached_node")) or {}
        reference = (test["config"].get("meta") or {}).get("dagster", {}).get("ref", {})
        return self.models.get(attached.get("name") or reference.get("name"))


class Run:
    """What the steps of one run share: settings, gates, dbt, the record, and where progress goes."""

    def __init__(
        self,
        settings: Settings,
        warehouse: Warehouse,
        progress: Callable[[str], None],
        suites: SuiteRunner | None = None,
    ) -> None:
        self.settings, self.warehouse, self.progress = settings, warehouse, progress
        self.record: RunRecord | None = None
        #: Steps that this run has been through in whole; only a run that has been through all may publish.
        self.completed: set[str] = set()
        #: The version of what this run reads, from before it read any.
        self.inputs = ""
        self._suites = suites

    @property
    def suites(self) -> SuiteRunner:
        """The gates' worker; it imports its library from the first call on."""
        self._suites = self._suites or SuiteRunner(self.settings.config_dir)
        return self._suites

    @property
    def current(self) -> RunRecord:
        """The record of the run that is at work."""
        if self.record is None:
            raise RuntimeError("no run has begun")
        return self.record

    def parse(self, will_build: bool = False) -> Project:
        """The dbt project, held against the suites; with ``will_build`` it is compiled beside the steps up to the first model.

        Raises:
            ConfigurationError: a suite speaks of a table that there is not.
        """
        project = Project(self.warehouse.parsed(will_build), self.warehouse.manifest())
        check_tables(self.settings.config_dir, {model.name: model.schema for model in project.models.values()})
        return project

    def new_record(self, run_id: str, status: str = "running") -> RunRecord:
        """The record of a run that starts now."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        return RunRecord(run_id, started, self.settings.as_of_instant().isoformat(sep=" "), status)

    def begin(self, run_id: str, is_whole: bool = True) -> RunRecord:
        """Become the writer, and open the record of this run (or go on with it, in a later step).

        One that is not whole is of some steps only, and need not end by publishing.
        """
        take_writer_lock(self.settings.home)
        for line in finish_requests(self.settings):
            self.progress(f"forget: {line}")
        if self.record is None or self.record.run_id != run_id:
            before = RunRecord.load(self.settings.home)
            self.record = self.new_record(run_id, "running" if is_whole else PARTIAL)
            self.completed = set()
            for line in odd_moments(self.settings, before, Ledger(self.settings.ledger)):
                self.progress(f"date: {line}")
                self.record.messages.append(line)
            sources_of(self.settings, self.progress)  # APIs are asked now, which may take long
            self.inputs = inputs_version(self.settings)
            if self.warehouse.discard_if_damaged():
                self.progress("warehouse: it could not be read; it is rebuilt")
        return self.record
