"""Files of the models that follow from others: of each fact the parts of its KPIs, the lists of facts and of kinds.

dbt has to know what a model reads when it parses, before it has read the semantic models, and never reads ``kinds.yml``: so these
are files. ``make docs`` writes them, and a test says when they are behind.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.pull.kinds import Kind, all_kinds
from orchestration.settings import PROJECT
from orchestration.settings.declared import MODELS, kpi_facts

PARTS = MODELS / "kpis" / "parts"
_MACROS = PROJECT / "dbt_project" / "macros"

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
_KINDS = """\
{{#- The kinds of exports: what identifies a record, when it happened, of what it is a part, whether it can be updated or deleted.
    Generated from orchestration/pull/kinds.yml: make docs -#}}
{{% macro export_kinds() %}}
  {{{{- return({{
{kinds}
  }}) -}}}}
{{% endmacro %}}
"""
_KIND = """\
      '{name}': {{
          'key': {key},
          'event_at': {event_at}, 'group': {group}, 'has_updates': {has_updates}, 'has_deletions': {has_deletions},
      }},"""


def _kind(kind: Kind) -> str:
    return _KIND.format(
        name=kind.name,
        key=list(kind.key),
        event_at=f"'{kind.event_at}'" if kind.event_at else "none",
        group=f"'{kind.group}'" if kind.group else "none",
        has_updates=str("updated_at" in kind.columns).lower(),
        has_deletions=str("is_deleted" in kind.columns).lower(),
    )


def fact_models() -> dict[Path, str]:
    """Every generated file, and its text."""
    facts = kpi_facts()
    parts = {PARTS / f"kpi_parts_{name}.sql": _PARTS.format(name=name, model=model) for name, model in facts.items()}
    described = "".join(_DESCRIPTION.format(name=name, model=model) for name, model in facts.items())
    names = "\n".join(f"      '{name}'," for name in facts)
    kinds = "\n".join(map(_kind, all_kinds().values()))
    macros = {_MACROS / "kpi_facts.sql": _LIST.format(names=names), _MACROS / "export_kinds.sql": _KINDS.format(kinds=kinds)}
    return {**parts, PARTS / "parts.yml": _DESCRIPTIONS + described, **macros}


def write_fact_models() -> None:
    """Write them, and remove those of facts that are gone."""
    files = fact_models()
    for path in set(PARTS.iterdir()) - files.keys():
        path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
