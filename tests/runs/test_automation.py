"""Dagster's automation condition of the published marts, evaluated: when it asks for a publication, and when it does not."""

from __future__ import annotations

import dagster as dg
import pytest
from homes import Home

from orchestration.assets.published import PUBLISHED
from orchestration.definitions import definitions_of
from orchestration.settings.loading import load_settings


@pytest.mark.ci
def test_marts_are_asked_for_when_something_below_was_built_alone(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(str(sample_home.exports), str(sample_home.path), str(sample_home.config))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    definitions = definitions_of(settings)
    below = sorted(definitions.get_repository_def().asset_graph.get(PUBLISHED).parent_keys, key=str)
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = None

        def asked_for_after(*built: dg.AssetKey) -> list[dg.AssetKey]:
            nonlocal cursor
            for key in built:
                instance.report_runless_asset_event(dg.AssetMaterialization(key))
            result = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
            cursor = result.cursor
            return [key for key in (PUBLISHED, *below) if result.get_num_requested(key)]

        assert asked_for_after() == []
        # Something is missing still: a part of a first run asks for nothing.
        assert asked_for_after(below[0]) == []
        assert asked_for_after(*below, PUBLISHED) == []
        assert asked_for_after(below[3]) == [PUBLISHED]
        # As the job does it: the marts after what they are made of.
        assert asked_for_after(PUBLISHED) == []
        assert asked_for_after(below[4], PUBLISHED) == []
