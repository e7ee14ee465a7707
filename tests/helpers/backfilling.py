"""A backfill, as Dagster's daemon would run it."""

from __future__ import annotations

import dagster as dg

from orchestration.definitions import BACKFILL, definitions_of
from orchestration.execution import prepare_home
from orchestration.settings.loading import load_settings


def backfill_days(exports: str, home: str, config: str, first: str, last: str) -> None:
    settings = load_settings(exports, home, config)
    prepare_home(settings)
    repository = definitions_of(settings).get_repository_def()
    assets = [repository.assets_defs_by_key[BACKFILL]]
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    assert dg.materialize(assets, tags=tags, instance=dg.DagsterInstance.ephemeral()).success
