"""The models that follow from the semantic models: of each fact the parts of its KPIs, and the list that `kpis` unites.

dbt has to know what a model reads when it parses, before it has read the semantic models: so these are files. ``make docs``
writes them, and a test says when they are behind.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.settings import PROJECT
from orchestration.settings.declared import MODELS, kpi_facts

PARTS = MODELS / "kpis" / "parts"
_MACRO = PROJECT / "dbt_project" / "macros" / "kpi_facts.sql"

_PARTS = """\
{{#- Generated from the semantic model {name}: make docs -#}}
{{{{ kpi_parts(ref('{model}')) }}}}
"""
_DESCRIPTIONS = """\
version: 2

# The additive parts of the KPIs of one fact each. Generated from the semantic models: make docs
models:
"""
_DESCRIPTION = """\
  - name: kpi_parts_{name}
    description: One row for each measure of {model}, grain, period, dimension and member.
    data_tests:
      - unique_together:
          arguments: {{columns: [measure, grain, period_start, dimension, member]}}
"""
_LIST = """\
{{#- The facts that KPIs are measured on, as their semantic models are called. Generated from these: make docs -#}}
{{% macro kpi_facts() %}}
  {{{{- return([
{names}
  ]) -}}}}
{{% endmacro %}}
"""


def fact_models() -> dict[Path, str]:
    """Every generated file, and its text."""
    facts = kpi_facts()
    parts = {PARTS / f"kpi_parts_{name}.sql": _PARTS.format(name=name, model=model) for name, model in facts.items()}
    described = "".join(_DESCRIPTION.format(name=name, model=model) for name, model in facts.items())
    names = "\n".join(f"      '{name}'," for name in facts)
    return {**parts, PARTS / "parts.yml": _DESCRIPTIONS + described, _MACRO: _LIST.format(names=names)}


def write_fact_models() -> None:
    """Write them, and remove those of facts that are gone."""
    files = fact_models()
    for path in set(PARTS.iterdir()) - files.keys():
        path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
