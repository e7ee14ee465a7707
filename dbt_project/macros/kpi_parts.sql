{#- The additive parts of every KPI of one fact: each measure of its semantic model, by period and by member of each
    dimension. Compiled from the semantic model, so that a measure is written down once.

    A median or percentile is no sum: its `total` is the exact value for that very period and member. -#}
{% macro kpi_parts(fact) -%}
{%- if not execute -%}
  select * from {{ fact }}
{%- else -%}
{%- set semantic_model = semantic_model_of(fact) -%}
{%- set dimensions = wanted_dimensions(semantic_model) -%}
{%- set own_grain = (semantic_model.config.meta or {}).get('grain_column') -%}
{%- set passes = {} -%}
{%- for measure in wanted_measures(semantic_model) -%}
  {%- set clock = measure.agg_time_dimension or semantic_model.defaults.agg_time_dimension -%}
  {%- do passes.setdefault(clock, []).append(measure) -%}
{%- endfor -%}
with
{% for clock, measures in passes.items() -%}
{%- set instant = dimension_of(semantic_model, clock) -%}
{{ clock }}_dated as (

    select
        {% if own_grain -%}
        {{ own_grain }} as grain,
        {{ instant.expr or clock }} as period_start,
        {{ instant.expr or clock }} as day,
        {% else -%}
        {{ reporting_day(instant, clock) }} as day,
        {% endif -%}
        {% for dimension in dimensions -%}
        coalesce(cast({{ dimension.expr or dimension.name }} as {{ dbt.type_string() }}), 'unknown') as d_{{ dimension.name }},
        {% endfor -%}
        {% for measure in measures -%}
        {{ measure_value(measure) }} as m_{{ measure.name }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ fact }}
    where {{ instant.expr or clock }} is not null

),

{{ clock }}_by_period as (
{% if own_grain %}
    select *
    from {{ clock }}_dated
    where grain in ('{{ var("kpi_grains") | join("', '") }}')
{% else %}
    {% for grain in var('kpi_grains') -%}
    select
        '{{ grain }}' as grain,
        {% if grain == 'all' -%}
        cast(null as date) as period_start,
        {% else -%}
        cast({{ dbt.date_trunc(grain, 'day') }} as date) as period_start,
        {% endif -%}
        *
    from {{ clock }}_dated
    where day <= {{ as_of_day() }}
    {{ "union all" if not loop.last }}
    {% endfor %}
{% endif %}
),

{{ clock }}_flagged as (

    select
        *,
        day = max(day) over (partition by grain, period_start) as is_last_day
    from {{ clock }}_by_period

),

{{ clock }}_aggregated as (

    select
        grain,
        period_start,
        {% if dimensions -%}
        case
            {% for dimension in dimensions -%}
            when grouping(d_{{ dimension.name }}) = 0 then '{{ dimension.name }}'
            {% endfor -%}
            else 'all'
        end as dimension,
        case
            {% for dimension in dimensions -%}
            when grouping(d_{{ dimension.name }}) = 0 then d_{{ dimension.name }}
            {% endfor -%}
            else 'all'
        end as member,
        {% else -%}
        'all' as dimension,
        'all' as member,
        {% endif -%}
        {% for measure in measures -%}
        {{ measure_total(measure) }} as total_{{ measure.name }},
        {{ measure_squares(measure) }} as squares_{{ measure.name }},
        {{ measure_count(measure) }} as n_{{ measure.name }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ clock }}_flagged
    group by grouping sets (
        {% for dimension in dimensions -%}
        (grain, period_start, d_{{ dimension.name }}),
        {% endfor -%}
        (grain, period_start)
    )

){{ "," if not loop.last }}

{% endfor -%}
{%- for clock, measures in passes.items() -%}
{%- set last_pass = loop.last -%}
{% for measure in measures %}
select
    '{{ measure.name }}' as measure,
    grain,
    period_start,
    dimension,
    member,
    cast(total_{{ measure.name }} as double) as total,
    cast(squares_{{ measure.name }} as double) as sum_of_squares,
    cast(n_{{ measure.name }} as bigint) as n
from {{ clock }}_aggregated
where n_{{ measure.name }} > 0
{{ "union all" if not (loop.last and last_pass) }}
{%- endfor -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}


{% macro semantic_model_of(fact) %}
  {%- for semantic_model in graph.semantic_models.values() if semantic_model.node_relation.alias == fact.identifier or ("__" ~ fact.identifier).endswith("__" ~ semantic_model.node_relation.alias) -%}
    {{- return(semantic_model) -}}
  {%- endfor -%}
  {{- exceptions.raise_compiler_error("No semantic model over " ~ fact ~ ": write one beside the model") -}}
{% endmacro %}


{% macro dimension_of(semantic_model, name) %}
  {%- for dimension in semantic_model.dimensions if dimension.name == name -%}
    {{- return(dimension) -}}
  {%- endfor -%}
  {{- exceptions.raise_compiler_error(semantic_model.name ~ " has no dimension " ~ name) -}}
{% endmacro %}


{#- The categorical dimensions of a semantic model; all of them, unless `kpi_dimensions` names some. -#}
{% macro wanted_dimensions(semantic_model) %}
  {%- set wanted = var('kpi_dimensions') -%}
  {%- set found = [] -%}
  {%- for dimension in semantic_model.dimensions if dimension.type | string | lower | replace('dimensiontype.', '') == 'categorical' -%}
    {%- if (wanted is none or wanted | length == 0 or dimension.name in wanted) and dimension.name != 'grain' -%}
      {%- do found.append(dimension) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- The measures of a semantic model that a KPI uses; those of all KPIs, unless `kpi_ids` names some. -#}
{% macro wanted_measures(semantic_model) %}
  {%- set used = [] -%}
  {%- for definition in kpi_list() -%}
    {%- do used.extend([definition.numerator, definition.denominator, definition.pending]) -%}
  {%- endfor -%}
  {{- return(semantic_model.measures | selectattr('name', 'in', used) | list) -}}
{% endmacro %}


{#- The reporting day of a semantic model's clock: an instant's local date, a date itself. -#}
{% macro reporting_day(dimension, name) -%}
  {%- set column = dimension.expr or name -%}
  {%- if name.endswith('_at') -%}{{ local_date(column) }}{%- else -%}cast({{ column }} as date){%- endif -%}
{%- endmacro %}


{% macro aggregation(measure) -%}
  {{- measure.agg | string | lower | replace('aggregationtype.', '') -}}
{%- endmacro %}


{% macro measure_value(measure) -%}
  {%- set expression = measure.expr or measure.name -%}
  {%- if aggregation(measure) == 'sum_boolean' -%}
  case when {{ expression }} then 1 end
  {%- else -%}
  ({{ expression }})
  {%- endif -%}
{%- endmacro %}


{#- A measure that does not add up over time (a stock) counts the last day of the period only. -#}
{% macro counted_value(measure) -%}
  {%- if measure.non_additive_dimension -%}
  case when is_last_day then m_{{ measure.name }} end
  {%- else -%}
  m_{{ measure.name }}
  {%- endif -%}
{%- endmacro %}


{% macro measure_total(measure) -%}
  {%- set agg = aggregation(measure) -%}
  {#- Decimals add up to the same in any order, doubles do not: the same inputs must give the same marts. -#}
  {%- if agg == 'sum' -%}
  sum(cast({{ counted_value(measure) }} as decimal(38, 9)))
  {%- elif agg == 'sum_boolean' -%}
  sum({{ counted_value(measure) }})
  {%- elif agg == 'count' -%}
  count(m_{{ measure.name }})
  {%- elif agg == 'count_distinct' -%}
  count(distinct m_{{ measure.name }})
  {%- elif agg == 'median' -%}
  percentile_cont(0.5) within group (order by cast(m_{{ measure.name }} as double))
  {%- elif agg == 'percentile' -%}
  percentile_cont({{ measure.agg_params.percentile }}) within group (order by cast(m_{{ measure.name }} as double))
  {%- else -%}
  {{- exceptions.raise_compiler_error("measure " ~ measure.name ~ ": the KPI mart knows no aggregation " ~ agg) -}}
  {%- endif -%}
{%- endmacro %}


{% macro measure_squares(measure) -%}
  {%- if aggregation(measure) == 'sum' and not measure.non_additive_dimension -%}
  sum(cast(cast(m_{{ measure.name }} as double) * cast(m_{{ measure.name }} as double) as decimal(38, 6)))
  {%- else -%}
  null
  {%- endif -%}
{%- endmacro %}


{% macro measure_count(measure) -%}
  {%- if aggregation(measure) == 'sum_boolean' -%}
  count(*)
  {%- else -%}
  count({{ counted_value(measure) }})
  {%- endif -%}
{%- endmacro %}
