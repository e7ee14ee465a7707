"""All steps of a run in their order."""

from __future__ import annotations

from orchestration.core.errors import GateFailedError
from orchestration.gates.suites import FITTED_BEFORE, LAYERS, RAW, TEXTS_BEFORE
from orchestration.runs.record import RunRecord
from orchestration.steps.layers import build_layer, check_layer
from orchestration.steps.lifetime import fit_lifetime
from orchestration.steps.pull import pull_exports
from orchestration.steps.risk import fit_risks
from orchestration.steps.run import Project, Run
from orchestration.steps.texts import read_texts


def verify(run: Run, project: Project) -> None:
    """Go through the steps up to the last gate; those that this run has been through already are not repeated.

    Raises:
        GateFailedError: a gate held the run back.
        CxhouseError: a step could not be done.
    """
    record = run.current
    if RAW not in run.completed:
        pull_exports(run)
        stop_at_gate(record)
    for layer in LAYERS:
        if f"{layer} models" not in run.completed:
            if layer == TEXTS_BEFORE:
                read_texts(run)
            if layer == FITTED_BEFORE:
                fit_lifetime(run)
                fit_risks(run)
            built = build_layer(run, project, layer)
            stop_at_gate(record)
            built.check(layer)
        if f"{layer} gates" not in run.completed:
            check_layer(run, project, layer)
            stop_at_gate(record)


def stop_at_gate(record: RunRecord) -> None:
    """Raise where a gate has held the run back."""
    if record.blocked:
        raise GateFailedError("a gate did not pass; what is published stays as it was")
