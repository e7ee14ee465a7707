"""Suites: one YAML file of expectations for a gate, shipped or the user's own."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.core.yaml_text import read_yaml
from orchestration.pull.kinds import all_kinds
from orchestration.settings import PROJECT

SHIPPED = PROJECT / "expectations"
SEVERITIES = ("critical", "warning")
RAW = "raw"
#: Layers of models, in the order in which they are built and gated: layer -> the folders of its models.
LAYERS = {
    "conformed": ("staging", "conformed"),
    "journey": ("journey",),
    "kpis": ("kpis",),
    "practices": ("practices",),
}
#: The layers whose models read what the lifetime models say, and what texts do.
FITTED_BEFORE = "kpis"
TEXTS_BEFORE = "journey"


def suite_path(gate: str, config_dir: Path | None = None) -> Path | None:
    """The suite of a gate ("raw/tickets", "kpis/kpis"): the user's own, else the shipped one."""
    return next((path for folder in _folders(config_dir) if (path := folder / f"{gate}.yml").exists()), None)


def _folders(config_dir: Path | None) -> list[Path]:
    return [*([config_dir / "expectations"] if config_dir else []), SHIPPED]


def gated_tables(layer: str, config_dir: Path | None = None) -> list[str]:
    """Tables of a layer that have a suite."""
    return sorted({path.stem for folder in _folders(config_dir) for path in (folder / layer).glob("*.yml")})


def read_suite(path: Path) -> list[dict[str, Any]]:
    """Expectations of a suite file: ``type``, ``kwargs``, ``severity`` (critical, warning), ``description`` and ``remedy``.

    Raises:
        ConfigurationError: the file is not a list of expectations.
    """
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable YAML: {error}") from error
    expectations = data.get("expectations") if isinstance(data, dict) else None
    if not isinstance(expectations, list):
        raise ConfigurationError(f"{path}: a suite is a mapping with a list `expectations`")
    for number, item in enumerate(expectations, start=1):
        if not isinstance(item, dict) or "type" not in item:
            raise ConfigurationError(f"{path}: expectation {number} has no `type`")
        if (kind := str(item["type"])) not in expectation_types():
            near = nearest(kind, expectation_types())
            raise ConfigurationError(f"{path}: expectation {number}: Great Expectations has no {kind}{near}")
        if item.setdefault("severity", "critical") not in SEVERITIES:
            raise ConfigurationError(f"{path}: expectation {number}: severity is one of {', '.join(SEVERITIES)}")
    return expectations


@cache
def expectation_types() -> frozenset[str]:
    """Every type of expectation, by the names of the library's files: importing it takes longer than a run of a small home."""
    library = find_spec("great_expectations")
    roots = [Path(place) for place in (library.submodule_search_locations or [])] if library else []
    names = frozenset(path.stem for root in roots for path in (root / "expectations" / "core").glob("*expect*.py"))
    return names | {"unexpected_rows_expectation"}


def check_suites(config_dir: Path | None) -> None:
    """Read every suite of a configuration folder before a run starts.

    Raises:
        ConfigurationError: a suite is not valid, or no gate would ever look for it where it is.
    """
    folder = config_dir / "expectations" if config_dir else None
    for path in sorted(folder.rglob("*.y*ml")) if folder else []:
        gate = path.relative_to(folder or path).with_suffix("").as_posix()
        layer, _, table = gate.partition("/")
        if layer not in (RAW, *LAYERS) or (layer == RAW and table not in all_kinds()) or path.suffix != ".yml":
            raise ConfigurationError(
                f"{path}: no gate has this name; suites are raw/<kind>.yml and <layer>/<table>.yml "
                f"(kinds: {', '.join(all_kinds())}; layers: {', '.join(LAYERS)})"
            )
        read_suite(path)


def check_tables(config_dir: Path | None, tables: dict[str, str]) -> None:
    """Hold the suites against the models there are (``tables``: name -> schema).

    Raises:
        ConfigurationError: a suite speaks of a table that its layer does not have.
    """
    for layer, schemas in LAYERS.items():
        for table in gated_tables(layer, config_dir):
            if tables.get(table) not in schemas:
                known = ", ".join(sorted(name for name, schema in tables.items() if schema in schemas))
                raise ConfigurationError(
                    f"{suite_path(f'{layer}/{table}', config_dir)}: the layer {layer} has no table {table}; it has: {known}"
                )


def in_words(expectation: dict[str, Any]) -> str:
    """An expectation without a description: its kind and its options."""
    arguments = ", ".join(f"{key} {value}" for key, value in expectation.get("kwargs", {}).items())
    return f"{expectation['type'].removeprefix('expect_').replace('_', ' ')} ({arguments})"
