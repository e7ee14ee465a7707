{#- KPIs side by side for each member of a dimension: those whose meta says `is_on_scorecards`, each with its cases and interval
    where it has one. A single number that ranks people misleads, so there is none. -#}
{% macro scorecard(dimension, member) -%}
{{ maintained(unique_key=['grain', 'period_start'], invalidated_by={'kpis': 'grain, period_start'}) }}
{%- set shown = kpi_list() | selectattr('is_on_scorecards') | list %}
select
    grain,
    period_start,
    member as {{ member }},
    {% for kpi in shown -%}
    max(case when kpi_id = '{{ kpi.kpi_id }}' then value end) as {{ kpi.kpi_id }},
    {% if kpi.interval -%}
    max(case when kpi_id = '{{ kpi.kpi_id }}' then n end) as {{ kpi.kpi_id }}_n,
    max(case when kpi_id = '{{ kpi.kpi_id }}' then ci_low end) as {{ kpi.kpi_id }}_ci_low,
    max(case when kpi_id = '{{ kpi.kpi_id }}' then ci_high end) as {{ kpi.kpi_id }}_ci_high,
    {% endif -%}
    {% endfor -%}
    max(computed_at) as computed_at
from {{ ref('kpis') }}
where
    dimension = '{{ dimension }}'
    and grain in ('month', 'quarter', 'all')
    and kpi_id in ('{{ shown | map(attribute='kpi_id') | join("', '") or 'none' }}')
    and {{ is_invalidated('grain', 'period_start') }}
group by
    grain,
    period_start,
    member
{%- endmacro %}
