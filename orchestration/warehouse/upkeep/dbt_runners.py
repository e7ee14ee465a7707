"""While dbt builds: its queries are remembered, and nodes stay that can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestration.warehouse.keeping import Kept, as_computed_at


@contextmanager
def keeping(kept: Kept) -> Iterator[None]:
    """While dbt builds in this process: let nodes stay that can."""
    from dbt import tracking
    from dbt.artifacts.resources.types import NodeType
    from dbt.artifacts.schemas.results import NodeStatus
    from dbt.contracts.graph.manifest import Manifest
    from dbt.task.base import ExecutionContext
    from dbt.task.build import BuildTask
    from dbt.task.run import ModelRunner
    from dbt.task.seed import SeedRunner
    from dbt.task.test import TestRunner

    def computed_at() -> str:
        return as_computed_at(tracking.active_user.run_started_at)  # type: ignore[union-attr]

    def remember(node: Any) -> None:
        kept.compiled(node.unique_id, getattr(node, "compiled_code", None), computed_at())

    def kept_result(runner: Any, status: NodeStatus) -> Any:
        return runner._build_run_result(runner.node, time.time(), status, [], "unchanged", failures=0)

    class KeepingModels(ModelRunner):
        def compile_and_execute(self, manifest: Manifest, ctx: ExecutionContext) -> Any:
            if kept.is_current(self.node):
                return kept_result(self, NodeStatus.Success)
            result = super().compile_and_execute(manifest, ctx)
            kept.built(self.node)
            remember(self.node)
            return result

    class KeepingSeeds(SeedRunner):
        def compile_and_execute(self, manifest: Manifest, ctx: ExecutionContext) -> Any:
            if kept.has_passed(self.node):
                return kept_result(self, NodeStatus.Success)
            result = super().compile_and_execute(manifest, ctx)
            kept.passed(self.node)
            return result

    class KeepingTests(TestRunner):
        def compile_and_execute(self, manifest: Manifest, ctx: ExecutionContext) -> Any:
            if kept.has_passed(self.node):
                return kept_result(self, NodeStatus.Pass)
            result = super().compile_and_execute(manifest, ctx)
            remember(self.node)
            if result.status == NodeStatus.Pass:
                kept.passed(result.node)
            return result

    ours = {NodeType.Model: KeepingModels, NodeType.Seed: KeepingSeeds, NodeType.Test: KeepingTests}
    theirs = {kind: BuildTask.RUNNER_MAP[kind] for kind in ours}
    BuildTask.RUNNER_MAP.update(ours)
    try:
        yield
    finally:
        BuildTask.RUNNER_MAP.update(theirs)
