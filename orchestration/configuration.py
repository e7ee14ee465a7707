"""The user's configuration, checked whole before anything is built: quickly, so without the libraries of a run."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from orchestration.core.errors import ConfigurationError
from orchestration.core.grains import ANY_GRAIN
from orchestration.core.yaml_text import read_yaml
from orchestration.gates.suites import check_suites
from orchestration.messages.pdf import chromium
from orchestration.privacy.retention import check_retention
from orchestration.pull.contracts.dimensions import extra_dimensions, names_of
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.sources.locations import sources_of
from orchestration.runs.alerts import check_addresses
from orchestration.settings import PROJECT
from orchestration.settings.declared import kpi_dimensions, kpi_ids
from orchestration.settings.model import Settings
from orchestration.warehouse.seeds import check_seeds
from orchestration.warehouse.spark import check_engine

#: Variables whose values are a choice.
_CHOICES = {
    "ces_default_polarity": ("effort", "ease"),
    "segment_source": ("listed", "behaviour"),
}
#: Smallest and largest value of a number; of the others 0 and a million.
_BOUNDS: dict[str, tuple[float, float]] = {
    "margin_rate": (0, 1),
    "discount_rate": (0, 10),
    "staffing_shrinkage": (0, 0.99),
    "staffing_phone_share": (0.01, 1),
    "staffing_history_weeks": (1, 520),
    "staffing_backtest_weeks": (1, 104),
    "staffing_weeks_ahead": (1, 52),
    "interval_minutes": (5, 60),
    "activity_window_days": (1, 36500),
    "fcr_window_days": (1, 365),
    "min_sample": (1, 1_000_000),
    "baseline_deviations": (0.1, 100),
    "low_effort_max": (0, 100),
    "backlog_forecast_weeks": (3, 104),
}


def check_configuration(settings: Settings) -> None:
    """Look at all that a run will need of the user's configuration, before anything is started.

    Raises:
        ConfigurationError: an address, the engine, the exports' place, or anything in the configuration folder is not valid.
    """
    check_folder(settings)
    check_addresses(settings.notify)
    for owner in settings.alert_owners:
        check_addresses(owner.to, f"alert_owners, {owner.name}")
    for digest in settings.digests:
        check_addresses(digest.to, f"digests, {digest.name}")
        if digest.form == "pdf" and chromium() is None:
            raise ConfigurationError(
                f"digests, {digest.name}: form pdf needs Chromium on this machine (apt install chromium); or say html or csv"
            )
    check_engine(settings)
    sources_of(settings)


def check_folder(settings: Settings) -> None:
    """Look at what the configuration folder holds: variables, seeds, suites and contracts.

    Raises:
        ConfigurationError: something in it is not valid; the message names the file, the place, the value and the remedy.
    """
    carried = names_of(extra_dimensions(load_contracts(settings.config_dir, settings.contract_params)))
    _check_vars(settings.vars, carried)
    check_retention(settings)
    check_seeds(settings.config_dir, carried)
    check_suites(settings.config_dir)


#: What models read as variables, and runs set from the setting of the same name.
_OF_SETTINGS = ("reporting_timezone", "currency")


@cache
def known_vars() -> dict[str, Any]:
    """The variables of the KPI catalogue with their defaults."""
    project = read_yaml((PROJECT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    return {name: default for name, default in project["vars"].items() if name not in _OF_SETTINGS}


def _check_vars(values: dict[str, Any], carried: list[str]) -> None:
    known = known_vars()
    for name in _OF_SETTINGS:
        if name in values:
            raise ConfigurationError(
                f"vars: {name}: is a setting: write '{name}: {values[name]}' at the left margin, not below vars"
            )
    if unknown := [name for name in values if name not in known]:
        raise ConfigurationError(f"vars: {', '.join(unknown)}: no such variable; there are: {', '.join(known)}")
    for name, value in values.items():
        if wanted := _wanted(name, value, known[name], carried):
            raise ConfigurationError(f"vars: {name}: {value!r} is not {wanted}; its default is {known[name]!r}")


def _wanted(name: str, value: Any, default: Any, carried: list[str]) -> str | None:
    """What a variable should be, in words; None where it is."""
    if name == "kpi_grains":
        return _wanted_grains(value, carried)
    if name == "contact_costs":
        return _wanted_costs(value)
    if isinstance(default, int | float):
        return _wanted_number(name, value, whole=isinstance(default, int))
    if not isinstance(value, type(default)):
        return "a list" if isinstance(default, list) else "text"
    allowed = _allowed(name, carried)
    if allowed and (unknown := [item for item in (value if isinstance(value, list) else [value]) if item not in allowed]):
        return f"made of: {', '.join(sorted(allowed)[:40])} (unknown: {unknown[0]!r})"
    if name == "phone_country_code" and value and not re.fullmatch(r"\+\d{1,4}", value):
        return "a calling code such as '+49'"
    return None


def _wanted_costs(value: Any) -> str | None:
    """An amount for each channel, for `default` and for `agent_hour`."""
    if not isinstance(value, dict):
        return "amounts by channel, such as {agent_hour: 30, default: 5, chat: 3}"
    wrong = [name for name, cost in value.items() if isinstance(cost, bool) or not isinstance(cost, int | float) or cost < 0]
    return f"made of amounts of zero or more ({wrong[0]} has none)" if wrong else None


def _wanted_grains(value: Any, carried: list[str]) -> str | None:
    """A list of grains, or one for each cut."""
    if not isinstance(value, list | dict):
        return "a list of grains, or lists by dimension"
    cuts = ("all", "default", *kpi_dimensions(), *carried)
    if isinstance(value, dict) and (unknown := [name for name in value if name not in cuts]):
        return f"by: {', '.join(cuts)} (unknown: {unknown[0]!r})"
    for grains in value.values() if isinstance(value, dict) else [value]:
        if not isinstance(grains, list):
            return f"made of lists of grains ({grains!r} is none)"
        if unknown := [grain for grain in grains if grain not in ANY_GRAIN]:
            return f"made of: {', '.join(sorted(ANY_GRAIN))} (unknown: {unknown[0]!r})"
    return None


def _allowed(name: str, carried: list[str]) -> tuple[str, ...]:
    match name:
        case "kpi_ids" | "headline_kpis":
            return tuple(kpi_ids())
        case "kpi_dimensions":
            return (*kpi_dimensions(), *carried)
        case _:
            return _CHOICES.get(name, ())


def _wanted_number(name: str, value: Any, whole: bool) -> str | None:
    low, high = _BOUNDS.get(name, (0, 1_000_000))
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and low <= value <= high:
        return None
    return f"a {'whole ' if whole else ''}number from {low:g} to {high:,.10g}"
