"""Contracts: how a vendor's export becomes a canonical kind. One YAML file each; the reference is docs/contracts.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping as Values
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.core.yaml_text import LOADER
from orchestration.pull.contracts.contract import SHIPPED_AS_IS, Contract, faults_between
from orchestration.pull.contracts.dimensions import split_in_some
from orchestration.pull.contracts.faults import Fault, faults_of
from orchestration.pull.contracts.params import declared, filled, given_to, merged

SHIPPED = Path(__file__).parents[2] / "contracts"


class _OnceLoader(LOADER):  # type: ignore[misc]
    """Of two equal keys YAML keeps the last, without a word: here they are a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := [key for place, key in enumerate(keys) if key in keys[:place]]:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r} appears twice", node.start_mark)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


@dataclass(frozen=True)
class _Raw:
    """A contract as it is written."""

    path: Path
    data: dict[str, Any]


def _read(path: Path) -> _Raw | Fault:
    try:
        # A subclass of the safe loader: it makes nothing but plain values.
        data = yaml.load(path.read_text(encoding="utf-8"), _OnceLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return Fault((), f"is not readable YAML: {error}")
    if not isinstance(data, dict):
        return Fault((), "a contract is a mapping with name, kind, files and columns")
    return _Raw(path, {str(key): value for key, value in data.items()})


def _extended(data: dict[str, Any], raw: dict[str, _Raw], names: list[str], faults: list[Fault]) -> dict[str, Any]:
    """The data with what it extends below it; ``names`` grows by those of the contracts that it starts from."""
    base_name = data.get("extends")
    if base_name is None:
        return data
    if base_name in names or base_name not in raw:
        problem = "extends itself" if base_name in names else f"extends {base_name!r}, which does not exist"
        faults.append(Fault(("extends",), f"{problem}{nearest(base_name, raw)} (contracts: {', '.join(sorted(raw))})"))
        return data
    names.append(base_name)
    base = _extended(raw[base_name].data, raw, names, faults)
    params = merged(base.get("params"), data.get("params"))
    made = {**base, **data, **_mapped(base, data)}
    if params:
        made["params"] = params
    if isinstance(kinds := base.get("kinds"), dict) and isinstance(own := data.get("kinds", {}), dict):
        made["kinds"] = {part: _part_over(kinds.get(part), own.get(part, {})) for part in {**kinds, **own}}
    return made


def _part_over(base: Any, own: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    return {**base, **own, **_mapped(base, own)}


def _mapped(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What maps columns, over what it extends."""
    keys = ("columns", "extra") if "extra" in base or "extra" in own else ("columns",)
    return {key: _over(base.get(key), own.get(key)) for key in keys}


def _parts(data: dict[str, Any], faults: list[Fault]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each kind that a contract makes of its file: the keys above what is its own, and the contract that it is."""
    kinds = data.get("kinds")
    if kinds is None:
        yield (), data
        return
    if not isinstance(kinds, dict) or not all(isinstance(part, dict) for part in kinds.values()):
        faults.append(Fault(("kinds",), "must be a mapping: kind -> the keys that are its own"))
        return
    rest = {key: value for key, value in data.items() if key != "kinds"}
    for name, part in kinds.items():
        if "kinds" in part:
            faults.append(Fault(("kinds", str(name), "kinds"), "cannot be within itself"))
        whole = {
            "kind": name,
            **rest,
            **part,
            **_mapped(rest, part),
            "name": f"{data.get('name')}_{name}",
            "family": data.get("name"),
        }
        yield ("kinds", str(name)), whole


def _over(base: Any, own: Any) -> Any:
    """The columns of a contract over those that it extends: what it sets to null is dropped."""
    if not isinstance(base, dict | None) or not isinstance(own, dict | None):
        return own
    return _without_none({**(base or {}), **(own or {})})


def _without_none(columns: Any) -> Any:
    """The columns that are mapped: of a parameter that is null, a column is none."""
    if not isinstance(columns, dict):
        return columns
    return {
        name: mapping
        for name, mapping in columns.items()
        if mapping is not None and not (isinstance(mapping, dict) and mapping.get("from", "") is None)
    }


def load_contracts(config_dir: Path | None, params: Values[str, Values[str, Any]] | None = None) -> list[Contract]:
    """Every contract in the order in which they get to claim a file: the user's, then the shipped ones.

    Args:
        config_dir: the configuration folder.
        params: the setting `contract_params`: name of a contract, or pattern of names -> parameter -> value.

    Raises:
        ConfigurationError: contracts are not valid; the message names the file, the place and the remedy of each fault.
    """
    folders = [config_dir / "contracts"] if config_dir else []
    paths = [path for folder in [*folders, SHIPPED] for path in sorted(folder.glob("*.y*ml"))]
    stamps = tuple((path, path.exists() and path.stat().st_mtime_ns) for path in paths)
    return list(_contracts_of(stamps, json.dumps(params or {}, sort_keys=True, default=str)))


@lru_cache(maxsize=16)
def _contracts_of(files: tuple[tuple[Path, int], ...], params: str) -> tuple[Contract, ...]:
    """A run asks three times; to check what is written in them takes half a second."""
    given: dict[str, dict[str, Any]] = json.loads(params)
    faults: dict[Path | None, list[Fault]] = {}
    raw: dict[str, _Raw] = {}
    for path, _ in files:
        found = _read(path)
        if isinstance(found, Fault):
            faults.setdefault(path, []).append(found)
            continue
        name = str(found.data.get("name"))
        if name in raw and raw[name].path.parent == path.parent:
            faults.setdefault(path, []).append(Fault(("name",), f"{name!r} is taken by {raw[name].path}; rename one"))
        raw.setdefault(name, found)
    contracts = []
    known_params: dict[str, set[str]] = {}
    for name, written in raw.items():
        own: list[Fault] = []
        names = [name]
        data = _extended(written.data, raw, names, own)
        known_params[name] = set(declared(data.get("params")))
        for above, part in _parts(data, own) if not own else ():
            values = given_to([str(part.get("name")), *names], given)
            contract, wrong = _contract(part, values, not values and written.path.parent == SHIPPED)
            contracts += [contract] if contract else []
            is_own = data.get("kinds", {}).get(above[-1], {}) if above else {}
            own += [replace(f, path=(*above, *f.path)) if f.path and f.path[0] in is_own else f for f in wrong]
        if own:
            faults.setdefault(written.path, []).extend(own)
    for contract, name in split_in_some(contracts):
        message = "holds one value here and several (`split`) elsewhere: give it the same form, or another name"
        faults.setdefault(raw[contract.family or contract.name].path, []).append(Fault(("extra", name), message))
    if wrong := list(_wrong_params(given, known_params)):
        faults[None] = wrong
    if faults:
        raise ConfigurationError(_in_words(faults))
    return tuple(contracts)


def _contract(data: dict[str, Any], values: dict[str, Any], is_as_shipped: bool) -> tuple[Contract | None, list[Fault]]:
    """The contract of what is written, with its parameters filled in, or what is wrong with it."""
    written, wrong = filled(data, values)
    keys = ("columns", "extra") if "extra" in written else ("columns",)
    written = {**written, **{key: _without_none(written.get(key)) for key in keys}}
    try:
        contract = Contract.model_validate(written, context=SHIPPED_AS_IS if is_as_shipped else None)
    except ValidationError as error:
        return None, [*wrong, *faults_of(error, written, Contract), *faults_between(written)]
    return (None if wrong else contract), wrong


def _wrong_params(given: Values[str, Values[str, Any]], known: dict[str, set[str]]) -> Iterator[Fault]:
    """Settings that no contract asks for."""
    for pattern, values in given.items():
        names = [name for name in known if name == pattern or fnmatch(name, pattern)]
        if not names:
            yield Fault(("contract_params", pattern), f"there is no such contract{nearest(pattern, known)}")
            continue
        params = sorted(set.union(*(known[name] for name in names)))
        for param in values:
            if param not in params:
                there = f"its parameters: {', '.join(params)}" if params else "it has none"
                yield Fault(("contract_params", pattern, param), f"there is no such parameter{nearest(param, params)} ({there})")


def _in_words(faults: dict[Path | None, list[Fault]]) -> str:
    """All faults, file by file."""
    lines = []
    for path, found in faults.items():
        lines.append(f"{path} is not a valid contract:" if path else "settings:")
        lines += [f"  {fault}" for fault in dict.fromkeys(found)]
    return "\n".join(lines)
