{#- The additive parts of every KPI of one fact: each measure of its semantic model, by period and by member of each
    dimension. Compiled from the semantic model, so that a measure is written down once.

    What adds up is summed once by day; longer periods are rolled up from the days, and the whole time from the quarters, where
    the mart is put together (`all_of_quarters`): a day changes the parts of its periods only. A median, a percentile and a count
    of distinct values are no sums: their `total` is the exact value for that very period and member, taken from the fact. -#}
{% macro kpi_parts(fact) -%}
{%- if not execute -%}
  select * from {{ fact }}
{%- else -%}
{%- set semantic_model = semantic_model_of(fact) -%}
{%- if 'member' in semantic_model.dimensions | map(attribute='name') -%}
  {{- return(kpi_parts_of_cells(fact, semantic_model)) -}}
{%- endif -%}
{%- set own_grain = (semantic_model.config.meta or {}).get('grain_column') -%}
{%- set cuts = cuts_of(semantic_model) -%}
{%- set passes = {} -%}
{%- for measure in wanted_measures(semantic_model) -%}
  {%- set clock = measure.agg_time_dimension or semantic_model.defaults.agg_time_dimension -%}
  {%- do passes.setdefault(clock, []).append(measure) -%}
{%- endfor -%}
{%- set queries = [] -%}
{%- for clock, measures in passes.items() -%}
  {%- set summed, held = [], [] -%}
  {%- for measure in measures -%}
    {%- do (summed if adds_up(measure) and not own_grain else held).append(measure) -%}
  {%- endfor -%}
  {%- set stored = stored_cuts(semantic_model, cuts) -%}
  {%- if summed and stored -%}{%- do queries.append(parts_from_days(fact, semantic_model, clock, summed, stored)) -%}{%- endif -%}
  {%- for grains, names in (statements_of(cuts, own_grain) if held else []) -%}
    {%- do queries.append(parts_from_rows(fact, semantic_model, clock, held, grains, names, own_grain)) -%}
  {%- endfor -%}
  {%- for name in wanted_lists(semantic_model) if grains_of_list(name) -%}
    {%- do queries.append(parts_from_rows(fact, semantic_model, clock, measures, grains_of_list(name), [name], none, list=name)) -%}
  {%- endfor -%}
{%- endfor -%}
{{ maintained(
    unique_key=['grain', 'period_start'],
    invalidated_by={fact.identifier: invalidated_periods(semantic_model, passes, own_grain, '{changes}')},
    invalidated_by_as_of=[] if own_grain else invalidated_periods(semantic_model, passes, own_grain, fact | string, only_passed=true)
) }}
{{ queries | join('\n' ~ by_itself() ~ '\n') or no_parts() }}
{%- endif -%}
{%- endmacro %}


{#- Of a fact none of whose KPIs is wanted. -#}
{% macro no_parts() -%}
select
    'none' as measure,
    cast(null as {{ dbt.type_string() }}) as grain,
    cast(null as date) as period_start,
    'all' as dimension,
    'all' as member,
    cast(null as double) as total,
    cast(null as double) as sum_of_squares,
    cast(null as bigint) as n,
    cast(null as bigint) as people_bits
where 1 = 0
{%- endmacro %}


{#- The parts of measures that add up: summed by day, and the days by period. -#}
{% macro parts_from_days(fact, semantic_model, clock, measures, cuts) -%}
{%- set dimensions = wanted_dimensions(semantic_model) -%}
{%- set are_stocks = measures | selectattr('non_additive_dimension') | list | length > 0 -%}
select parts.*
from (
    with dated as (

        {{ dated_rows(fact, semantic_model, clock, measures) }}

    ),

    by_day as (

        select
            day,
            {{ cut_columns(dimensions) }},
            {{ measure_columns(measures, are_persons_known(semantic_model)) }}
        from dated
        where
            day <= {{ as_of_day() }}
            and (
                {% for grain in cuts -%}
                {{ "or " if not loop.first }}{{ is_invalidated("'" ~ grain ~ "'", period_start(grain, 'day')) }}
                {% endfor %}
            )
        group by grouping sets (
            {% for dimension in dimensions -%}
            (day, d_{{ dimension.name }}),
            {% endfor -%}
            (day)
        )

    ),

    by_period as (
        {% for grain, names in cuts.items() %}
        select
            '{{ grain }}' as grain,
            {{ period_start(grain, 'day') }} as period_start,
            by_day.*
        from by_day
        where
            dimension in ('{{ names | join("', '") }}')
            and {{ is_invalidated("'" ~ grain ~ "'", period_start(grain, 'day')) }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ),
    {%- if are_stocks %}

    flagged as (

        select
            *,
            day = max(day) over (partition by grain, period_start) as is_last_day
        from by_period

    ),
    {%- endif %}

    summed as (

        select
            grain,
            period_start,
            dimension,
            member,
            {% for measure in measures -%}
            {% set outer_loop = loop -%}
            {% for part in ['total', 'squares', 'n'] -%}
            {% set column = part ~ '_' ~ measure.name -%}
            {#- What does not add up over time (a stock) counts on the last day of the period only. -#}
            {% set counts_once = measure.non_additive_dimension and not (part == 'n' and aggregation(measure) == 'sum_boolean') -%}
            sum({{ 'case when is_last_day then ' ~ column ~ ' end' if counts_once else column }}) as {{ column }}{{ "," if not (loop.last and outer_loop.last) or are_persons_known(semantic_model) }}
            {% endfor -%}
            {% if are_persons_known(semantic_model) -%}
            bit_or(people_{{ measure.name }}) as people_{{ measure.name }}{{ "," if not loop.last }}
            {% endif -%}
            {% endfor %}
        from {{ 'flagged' if are_stocks else 'by_period' }}
        group by
            grain,
            period_start,
            dimension,
            member

    )

    {{ measures_as_rows('summed', measures | map(attribute='name') | list, people_of(semantic_model)) }}
) as parts
{%- endmacro %}


{#- The parts of measures that do not add up, or of rows that belong to a period already, or of a `list`, of which a row has
    several members (what they say together is more than the whole): taken from the rows of each. -#}
{% macro parts_from_rows(fact, semantic_model, clock, measures, grains, names, own_grain, list=none) -%}
{%- set dimensions = [{'name': list}] if list else wanted_dimensions(semantic_model) | selectattr('name', 'in', names) | list -%}
select parts.*
from (
    with dated as (

        {{ dated_rows(fact, semantic_model, clock, measures, own_grain, list) }}

    ),

    by_period as (
        {% if own_grain %}
        select *
        from dated
        where
            grain in ('{{ grains | join("', '") }}')
            and {{ is_invalidated('grain', 'period_start') }}
        {% else %}
        {% for grain in grains -%}
        select
            '{{ grain }}' as grain,
            {{ period_start(grain, 'day') }} as period_start,
            dated.*
        from dated
        where
            day <= {{ as_of_day() }}
            and {{ is_invalidated("'" ~ grain ~ "'", period_start(grain, 'day')) }}
        {{ "union all" if not loop.last }}
        {% endfor %}
        {% endif %}
    ),

    aggregated as (

        select
            grain,
            period_start,
            {{ cut_columns(dimensions) }},
            {{ measure_columns(measures, are_persons_known(semantic_model)) }}
        from by_period
        group by grouping sets (
            {% for name in names -%}
            (grain, period_start{{ ", d_" ~ name if name != 'all' }}){{ "," if not loop.last }}
            {% endfor %}
        )

    )

    {{ measures_as_rows('aggregated', measures | map(attribute='name') | list, people_of(semantic_model)) }}
) as parts
{%- endmacro %}


{#- The rows of a fact that have an instant, with the columns that its measures and dimensions are taken from. -#}
{% macro dated_rows(fact, semantic_model, clock, measures, own_grain=none, list=none) -%}
{%- set dimensions = [{'name': list, 'expr': 'list_member'}] if list else wanted_dimensions(semantic_model) -%}
{%- set instant = dimension_of(semantic_model, clock) -%}
        select
            {% if own_grain -%}
            {{ own_grain }} as grain,
            {{ instant.expr or clock }} as period_start,
            {% else -%}
            {{ reporting_day(instant, clock) }} as day,
            {% endif -%}
            {% for dimension in dimensions -%}
            coalesce(cast({{ dimension.expr or dimension.name }} as {{ dbt.type_string() }}), 'unknown') as d_{{ dimension.name }},
            {% endfor -%}
            {% for measure in measures -%}
            {{ measure_value(measure) }} as m_{{ measure.name }}{{ "," if not loop.last }}
            {% endfor %}
            {%- if are_persons_known(semantic_model) %},
            {{ person_bit(people_of(semantic_model)) }} as person_bit
            {%- endif %}
        from {{ rows_by_member(fact, 'extra', list) if list else fact }}
        where {{ instant.expr or clock }} is not null
{%- endmacro %}


{#- Which dimension and member a row of grouping sets is about. -#}
{% macro cut_columns(dimensions) -%}
  {%- if dimensions -%}
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
            end as member
  {%- else -%}
            'all' as dimension,
            'all' as member
  {%- endif -%}
{%- endmacro %}


{% macro measure_columns(measures, with_people) -%}
            {% for measure in measures -%}
            {{ measure_total(measure, measures) }} as total_{{ measure.name }},
            {{ measure_squares(measure) }} as squares_{{ measure.name }},
            {{ measure_count(measure) }} as n_{{ measure.name }}{{ "," if with_people or not loop.last }}
            {% if with_people -%}
            bit_or(case when m_{{ measure.name }} is not null then person_bit end) as people_{{ measure.name }}{{ "," if not loop.last }}
            {% endif -%}
            {% endfor %}
{%- endmacro %}


{#- The first day of the period of a grain that a day is in; null for the whole time. -#}
{% macro period_start(grain, day) -%}
  {%- if grain == 'all' -%}
  cast(null as date)
  {%- else -%}
  cast({{ dbt.date_trunc(grain, day) }} as date)
  {%- endif -%}
{%- endmacro %}


{#- The parts of a fact whose rows are values of one cell (grain, period, dimension, member) each, with their cases `n` and
    the value's `variance`. -#}
{% macro kpi_parts_of_cells(fact, semantic_model) -%}
{%- for measure in wanted_measures(semantic_model) %}
select
    '{{ measure.name }}' as measure,
    grain,
    period_start,
    dimension,
    member,
    cast({{ measure.expr }} as double) as total,
    cast(variance as double) as sum_of_squares,
    cast(n as bigint) as n,
    {{ bits_of_count('n') }} as people_bits
from {{ fact }}
where ({{ measure.expr }}) is not null
{{ "union all" if not loop.last }}
{%- else %}
{{ no_parts() }}
{%- endfor %}
{%- endmacro %}


{#- For `maintained`: the periods in which rows of a fact count. -#}
{% macro invalidated_periods(semantic_model, clocks, own_grain, rows, only_passed=false) %}
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
