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
{{ maintained(
    unit=['grain', 'period_start'],
    touched_by={fact.identifier: touched_periods(semantic_model, passes, own_grain, '{changes}')},
    on_clock=[] if own_grain else touched_periods(semantic_model, passes, own_grain, fact | string, only_passed=true)
) }}
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
    where
        grain in ('{{ var("kpi_grains") | join("', '") }}')
        and {{ is_touched('grain', 'period_start') }}
{% else %}
    {% for grain in grains_of(semantic_model) -%}
    select
        '{{ grain }}' as grain,
        {{ period_start(grain, 'day') }} as period_start,
        *
    from {{ clock }}_dated
    where
        day <= {{ as_of_day() }}
        and {{ is_touched("'" ~ grain ~ "'", period_start(grain, 'day')) }}
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
{{ measures_as_rows(clock ~ '_aggregated', measures | map(attribute='name') | list) }}
{{ "union all" if not loop.last }}
{% endfor -%}
{%- endif -%}
{%- endmacro %}


{#- The first day of the period of a grain that a day lies in; null for the whole time. -#}
{% macro period_start(grain, day) -%}
  {%- if grain == 'all' -%}
  cast(null as date)
  {%- else -%}
  cast({{ dbt.date_trunc(grain, day) }} as date)
  {%- endif -%}
{%- endmacro %}


{#- The grains of a fact's KPIs: those that its meta names, else all. -#}
{% macro grains_of(semantic_model) %}
  {%- set own = (semantic_model.config.meta or {}).get('grains') -%}
  {{- return(var('kpi_grains') | select('in', own) | list if own else var('kpi_grains')) -}}
{% endmacro %}


{#- The parts of a fact whose rows are values of one cell (grain, period, dimension, member) each, with their cases `n` and
    the value's `variance`. -#}
{% macro kpi_parts_of_cells(fact) -%}
{%- if not execute -%}
  select * from {{ fact }}
{%- else -%}
{%- for measure in wanted_measures(semantic_model_of(fact)) %}
select
    '{{ measure.name }}' as measure,
    grain,
    period_start,
    dimension,
    member,
    cast({{ measure.expr }} as double) as total,
    cast(variance as double) as sum_of_squares,
    cast(n as bigint) as n
from {{ fact }}
where ({{ measure.expr }}) is not null
{{ "union all" if not loop.last }}
{%- else %}
select
    'none' as measure,
    grain,
    period_start,
    dimension,
    member,
    cast(null as double) as total,
    cast(null as double) as sum_of_squares,
    cast(null as bigint) as n
from {{ fact }}
where 1 = 0
{%- endfor %}
{%- endif -%}
{%- endmacro %}


{#- For `maintained`: the periods in which rows of a fact count. -#}
{% macro touched_periods(semantic_model, clocks, own_grain, rows, only_passed=false) %}
  {%- set queries = [] -%}
  {%- for clock in clocks -%}
    {%- set instant = dimension_of(semantic_model, clock) -%}
    {%- if own_grain -%}
      {%- do queries.append('select ' ~ own_grain ~ ', ' ~ (instant.expr or clock) ~ ' from ' ~ rows) -%}
    {%- else -%}
      {%- set day = reporting_day(instant, clock) -%}
      {%- for grain in grains_of(semantic_model) -%}
        {%- do queries.append("select '" ~ grain ~ "', " ~ period_start(grain, day) ~ ' from ' ~ rows ~ ' where '
            ~ (day_passed(day) if only_passed else day ~ ' is not null')) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(queries) -}}
{% endmacro %}
