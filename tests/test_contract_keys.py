"""Keys of contracts: parameters, shapes of files, which rows are records; and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestration.errors import ConfigurationError, RefusedFileError
from orchestration.pull.contracts import Contract, load_contracts
from orchestration.pull.params import require_params


def written(folder: Path, params: dict[str, dict[str, Any]] | None = None, **contracts: str) -> dict[str, Contract]:
    """The contracts of a configuration folder that holds these files."""
    (folder / "contracts").mkdir(exist_ok=True)
    for name, text in contracts.items():
        (folder / "contracts" / f"{name}.yml").write_text(text)
    return {contract.name: contract for contract in load_contracts(folder, params)}


def faults(folder: Path, params: dict[str, dict[str, Any]] | None = None, **contracts: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        written(folder, params, **contracts)
    return str(error.value)


PHONES = """
name: phones
kind: calls
files: {columns: [Id]}
params:
  zone: UTC
  own: {description: your own numbers}
  field: {default: null}
  words: {default: [x, y]}
timezone: ${zone}
missing: ["-", "${words}"]
description: Of ${zone}.
columns:
  call_id: Id
  started_at: At
  direction: {sql: "case when \\"From\\" in (${own}) then 'outbound' else \\"${zone}\\" end"}
  topic: ${field}
  queue: {from: "${field}", map: {a: b}}
"""


def test_params_take_their_places(tmp_path: Path) -> None:
    given = {"pho*": {"zone": "Europe/Rome", "own": ["+1", "it's"]}, "phones": {"zone": "Europe/Paris", "field": "Reason"}}
    contract = written(tmp_path, given, phones=PHONES)["phones"]
    assert (contract.timezone, contract.missing, contract.description) == ("Europe/Paris", ["-", "x", "y"], "Of Europe/Paris.")
    sql = contract.columns["direction"].sql
    assert sql == "case when \"From\" in ('+1', 'it''s') then 'outbound' else \"Europe/Paris\" end"
    assert (contract.columns["topic"].source, contract.columns["queue"].source) == ("Reason", "Reason")
    require_params(contract)


def test_a_param_that_nobody_gave_is_asked_for_by_name(tmp_path: Path) -> None:
    contract = written(tmp_path, phones=PHONES)["phones"]
    assert (contract.timezone, contract.lacking_params) == ("UTC", ["own"])
    assert "topic" not in contract.columns
    assert "queue" not in contract.columns
    with pytest.raises(RefusedFileError, match=r"own \(your own numbers\); give them in cxhouse.yml, as .* {phones:"):
        require_params(contract)
    # To give it makes another contract of it, so that the file is read again.
    assert written(tmp_path, {"phones": {"own": None}})["phones"].fingerprint != contract.fingerprint


def test_a_contract_that_extends_gives_params_and_takes_those_of_its_base(tmp_path: Path) -> None:
    mine = "name: mine\nextends: phones\nparams: {own: '+49'}\n"
    contracts = written(tmp_path, {"phones": {"zone": "Europe/Rome"}}, phones=PHONES, mine=mine)
    assert (contracts["mine"].lacking_params, contracts["phones"].lacking_params) == ([], ["own"])
    assert contracts["mine"].timezone == "Europe/Rome"
    assert "in ('+49')" in (contracts["mine"].columns["direction"].sql or "")
    assert contracts["mine"].params["own"].description == "your own numbers"


def test_wrong_params_are_reported_with_the_nearest_right_word(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        {"phone": {"own": 1}, "phones": {"zon": "UTC"}},
        phones=PHONES.replace("timezone: ${zone}", "timezone: ${zones}"),
    )
    for said in (
        "phones.yml is not a valid contract:\n  timezone: no parameter 'zones' in its `params`; did you mean 'zone'?",
        "settings:\n  contract_params > phone: there is no such contract; did you mean 'phones'?",
        "  contract_params > phones > zon: there is no such parameter; did you mean 'zone'? (its parameters: field, own, ",
    ):
        assert said in text


def test_all_faults_of_all_contracts_at_once(tmp_path: Path) -> None:
    first = """
name: first
kind: tickets
files: {nam: x, columns: [a]}
timezone: Berlin
skip_rows: many
decimal: ";"
missing: "-"
colums: {}
continuation: {rows: a is null, of: []}
columns:
  ticket_id: {from: a, unit: second, formt: x}
  created_at: {from: a, sql: b}
  topic: {sql: "upper(Tags"}
  priorty: a
  csat_score: {from: a, map: {good: [1]}}
"""
    second = "name: second\nkind: ticket\nfiles: {name: x}\nname: third\n"
    text = faults(tmp_path, first=first, second=second, fourth="name: fourth\nextends: zendesk_ticket\n")
    for said in (
        "first.yml is not a valid contract:\n",
        "  files > nam: there is no such key; did you mean 'name'? (keys here: name, columns)",
        "  timezone: is not an IANA time zone; such as Europe/Berlin; did you mean 'Europe/Berlin'? (given: 'Berlin')",
        "  skip_rows: must be a whole number (given: 'many')",
        "  decimal: ';' is none of: ., ,",
        "  missing: must be a list (given: '-')",
        "  colums: there is no such key; did you mean 'columns'?",
        "  continuation > of: must not be empty",
        "  columns > ticket_id > unit: 'second' is none of: ",
        "; did you mean 'seconds'?",
        "  columns > ticket_id > formt: there is no such key; did you mean 'format'?",
        "  columns > created_at: give exactly one of 'from', 'value'",
        "  columns > topic > sql: is not SQL that DuckDB can read",
        "  columns > priorty: is not a column of tickets; did you mean 'priority'?",
        "  columns > csat_score > map > good: must be a text or a whole number or a number or true or false",
        "  columns: required column(s) of tickets not mapped: status",
        "second.yml is not a valid contract:\n  contract: is not readable YAML: the key 'name' stands twice",
        "extends: extends 'zendesk_ticket', which does not exist; did you mean 'zendesk_tickets'?",
    ):
        assert said in text, said
    for internal in ("pydantic", "Input should", "Extra inputs", "value_error", "Value error"):
        assert internal not in text
