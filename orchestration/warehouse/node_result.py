"""What became of a node of the dbt project, whoever ran it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    seconds: float
    failures: int
    message: str
    compiled_code: str

    @property
    def failed(self) -> bool:
        return self.status in ("error", "fail", "runtime error")
