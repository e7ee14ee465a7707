"""All vendors' fixtures in one home: each file is loaded as its case says, and KPIs by vendor are those of ``vendor_kpis.yml``,
agents' time by system that of ``vendor_agent_time.yml``.

Each vendor's files are in a folder of its own, whose name is the source of its ids, and a contract over the shipped one carries
the vendor's name along, by which KPIs are cut.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from homes import Cxhouse, Home
from vendor_cases import CASES, CONTRACTS, VENDORS

from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.extras import CARRYING
from orchestration.pull.personal import file_shown

KPIS: dict[str, dict[str, tuple[float, int]]] = yaml.safe_load(Path(__file__).with_name("vendor_kpis.yml").read_text())
AGENT_TIME: dict[str, dict[str, int | None]] = yaml.safe_load(Path(__file__).with_name("vendor_agent_time.yml").read_text())
#: What a contract's name says of the export, behind the vendor's.
_PART = re.compile(
    r"_(calls|tickets|reviews|order_items|orders|return_requests|seller_feedback|conversation_parts|conversations|parts|messages"
    r"|threads|articles|comments|audits|field_history|case_history|cases|email_messages|responses|satisfaction_survey_invitations"
    r"|satisfaction_surveys|sessions|visits|interactions|issues|returns|exchange_rates|user_details|agent_events|agent_states|user_status)$"
)


def vendor_of(contract: Contract) -> str:
    return _PART.sub("", contract.name)


def over(contracts: list[Contract]) -> dict[str, Any]:
    """A contract over a shipped one, or over the kinds of one file, that carries the vendor's name along."""
    name = contracts[0].family or contracts[0].name
    carried: dict[str, Any] = {"extra": {"vendor": {"value": vendor_of(contracts[0])}}}
    own = {one.kind: carried if one.kind in CARRYING else {} for one in contracts}
    rest = {"kinds": own} if contracts[0].family else own[contracts[0].kind]
    return {"name": f"our_{name}", "extends": name, "source": "folder", **rest}


def write(folder: Path) -> None:
    (folder / "config" / "contracts").mkdir(parents=True)
    params: dict[str, Any] = {}
    families: dict[str, list[Contract]] = {}
    for case in CASES:
        contract = CONTRACTS[case.contract]
        families.setdefault(contract.family or contract.name, []).append(contract)
        if case.params:
            params[contract.family or contract.name] = case.params
        place = folder / "exports" / vendor_of(contract)
        place.mkdir(parents=True, exist_ok=True)
        for file in [case.file, *case.companions.values()]:
            shutil.copy(VENDORS / case.contract / file, place)
    for name, contracts in families.items():
        (folder / "config" / "contracts" / f"our_{name}.yml").write_text(yaml.safe_dump(over(contracts)))
    settings = {
        "min_people": 1,
        "contract_params": params,
        "vars": {"min_sample": 1, "kpi_dimensions": ["vendor"], "kpi_grains": {"default": ["all"]}},
    }
    (folder / "config" / "cxhouse.yml").write_text(yaml.safe_dump(settings))


@pytest.mark.ci
def test_every_fixture_is_loaded_and_its_kpis_are_right(tmp_path: Path, cxhouse: Cxhouse) -> None:
    write(tmp_path)
    home = Home(tmp_path / "home", tmp_path / "exports", tmp_path / "config")
    cxhouse("run", "--exports", home.exports, *home.options, "--as-of", "2026-08-01")
    # -- rows
    expected: Counter[tuple[str, str]] = Counter()
    for case in CASES:
        expected[f"our_{case.contract}", file_shown(case.path.name)] += len(case.rows)
    ledger = home.query("select contract, file, sum(rows_loaded) from load_ledger group by contract, file")
    loaded: Counter[tuple[str, str]] = Counter()
    for contract, file, rows in ledger:
        loaded[contract, Path(file).name] += int(rows)
    assert {key: loaded.get(key) for key in expected} == dict(expected)
    # -- KPIs
    rows = home.query(
        "select member, kpi_id, value, n from kpis where grain = 'all' and dimension = 'vendor' and value is not null"
    )
    found = {(member, kpi): (value, n) for member, kpi, value, n in rows}
    wanted = {(vendor, kpi): tuple(figures) for vendor, kpis in KPIS.items() for kpi, figures in kpis.items()}
    wrong = {
        key: (figures, found.get(key))
        for key, figures in wanted.items()
        if key not in found or found[key][1] != figures[1] or found[key][0] != pytest.approx(figures[0], abs=1e-5)
    }
    assert wrong == {}
    # -- agents' time: their ids begin with their system's
    columns = list(next(iter(AGENT_TIME.values())))
    sums = ", ".join(f"cast(sum({column}) as bigint)" for column in columns)
    spent = home.query(f"select split_part(agent_id, ':', 1), {sums} from fct_agent_half_hours group by all")
    assert {system: dict(zip(columns, seconds, strict=True)) for system, *seconds in spent} == AGENT_TIME


def test_each_kind_of_the_fixtures_has_kpis_by_hand() -> None:
    by_kind: dict[str, set[str]] = {}
    for case in CASES:
        contract = CONTRACTS[case.contract]
        by_kind.setdefault(contract.kind, set()).update(KPIS.get(vendor_of(contract), ()))
    several = {kind for kind, kpis in by_kind.items() if len(kpis) >= 2}
    assert several >= {"tickets", "calls", "reviews", "orders", "surveys", "web_sessions"}
    assert {vendor for vendor in KPIS if vendor not in {vendor_of(CONTRACTS[case.contract]) for case in CASES}} == set()
