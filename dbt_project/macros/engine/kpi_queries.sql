{#- Any cut of a KPI for those who read what is published: its query over the facts, in DuckDB's SQL whatever engine builds the marts,
    compiled from the same measures, dimensions and macros as the mart. Marks stand for what is asked:

    {grain}, the grain; {period}, the first day of its period from `day`; {cuts}, the columns d_<dimension> that it is cut by, each
    after a comma; {named}, the same, named as the dimensions are; {dimension} and {member}, which own targets apply; {first} and
    {last}, the days that count; {where}, further conditions on d_<dimension>, beginning with "and". `tail` is that of all KPIs. -#}
{% macro kpi_query(definition, tail) %}
  {%- set passes = passes_of_kpi(definition) -%}
  {%- set with_cells -%}
bounds as (

    select
        {{ readers_day("as_of") }} as today,
        {{ readers_day("(as_of - interval '1 second')") }} as last_day,
        case when min_people > 1 then min_people else 0 end as least
    from publication

),

{% for pass in passes.values() -%}
{{ rows_for_readers(pass, loop.index, definition) }},

{% endfor -%}
definitions as (

    select
        '{{ definition.kpi_id }}' as kpi_id,
        '{{ definition.unit }}' as unit,
        '{{ definition.direction }}' as direction,
        {{ text_literal(definition.interval) }} as interval_kind,
        {{ definition.settles_after_days }} as settles_after_days,
        {{ definition.is_percentile | string | lower }} as is_percentile,
        {{ definition.counts_denominator | string | lower }} as counts_denominator,
        {{ text_literal(definition.numerator_needed) }} as numerator_needed,
        {{ text_literal(definition.denominator) }} as denominator_measure,
        {{ text_literal(definition.pending) }} as pending_measure

),

cells as (

    select
        '{{ definition.kpi_id }}' as kpi_id,
        '{grain}' as grain,
        period_start,
        {dimension} as dimension,
        {member} as member{cuts},
        max(numerator_total) as numerator_total,
        max(sum_of_squares) as sum_of_squares,
        max(numerator_n) as numerator_n,
        max(denominator_total) as denominator_total,
        max(denominator_n) as denominator_n,
        max(pending_total) as pending_total,
        coalesce(max(denominator_people), max(numerator_people), max(pending_people)) as people_bits
    from (
        {{ sides_for_readers(passes, definition) }}
    ) as sides
    group by all

),
  {%- endset -%}
  {{- return(on_one_line('with ' ~ with_cells) ~ ' ' ~ tail) -}}
{% endmacro %}


{#- What the queries of all KPIs end with: values, intervals, targets and status of `cells`. -#}
{% macro kpi_query_tail() %}
  {%- set with_values -%}
{{ valued_cells(
    't_quantiles',
    'targets',
    readers_final_on(),
    '(select today from bounds)',
    '{cuts}'
) }}
  {%- endset -%}
  {%- set hidden = 'coalesce(bit_count(people_bits) < bounds.least, false)' -%}
  {%- set shown -%}
select
    kpi_id,
    grain,
    period_start{named},
    {% for name in ['numerator', 'denominator', 'value', 'n', 'n_pending', 'ci_low', 'ci_high'] -%}
    case when not {{ hidden }} then {{ name }} end as {{ name }},
    {% endfor -%}
    target,
    case when {{ hidden }} then 'suppressed' else status end as status,
    is_final,
    people_bits
from available
cross join bounds
  {%- endset -%}
  {{- return(on_one_line(with_values ~ ' ' ~ shown)) -}}
{% endmacro %}


{#- SQL without comments and line breaks, and without what engines write differently. -#}
{% macro on_one_line(sql) %}
  {%- set neutral = modules.re.sub('--[^\n]*', '', sql) | replace('as ' ~ dbt.type_string() ~ ')', 'as varchar)') -%}
  {{- return(modules.re.sub('\\s+', ' ', neutral) | trim) -}}
{% endmacro %}


{#- The measures of a KPI by fact and clock: each pass reads a fact once. None where a fact is not published, or holds values instead
    of cases. -#}
{% macro passes_of_kpi(definition) %}
  {%- set passes = {} -%}
  {%- for side in ['numerator', 'denominator', 'pending'] if definition[side] -%}
    {%- set measure = measure_named(definition[side]) -%}
    {%- set semantic_model = semantic_model_over(definition[side]) -%}
    {%- set clock = measure.agg_time_dimension or semantic_model.defaults.agg_time_dimension -%}
    {%- set fact = fact_of(definition[side]) -%}
    {%- do passes.setdefault(fact ~ ' ' ~ clock, {
        'semantic_model': semantic_model, 'clock': clock, 'node': model_named(fact), 'sides': {},
    }).sides.update({side: measure}) -%}
  {%- endfor -%}
  {{- return(passes) -}}
{% endmacro %}


{#- Why a KPI cannot be cut at will; none where it can. -#}
{% macro why_no_query(definition) %}
  {%- for pass in passes_of_kpi(definition).values() -%}
    {%- if aggregation(pass.sides.values() | first) == 'max' -%}
      {{- return('it compares values that are computed for each period and member, not cases') -}}
    {%- elif pass.node.access | string | lower | replace('accesstype.', '') != 'public' -%}
      {{- return('the rows of ' ~ pass.node.name ~ ' are not published') -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- The dimensions that a KPI can be cut by at will: of those that apply, the ones of which a row has one member. -#}
{% macro readers_dimensions(definition) %}
  {%- set wanted = (definition.dimensions or '').split(', ') -%}
  {{- return(wanted_dimensions(semantic_model_over(definition.numerator)) | map(attribute='name') | select('in', wanted) | list) -}}
{% endmacro %}


{#- The grains that a KPI has a meaning by. -#}
{% macro readers_grains(definition) %}
  {%- set found = namespace(grains=grains(with_all=true)) -%}
  {%- if definition.grains -%}{%- set found.grains = definition.grains.split(', ') -%}{%- endif -%}
  {%- for pass in passes_of_kpi(definition).values() -%}
    {%- set meta = pass.semantic_model.config.meta or {} -%}
    {#- Rows that belong to a period already have none of the whole time. -#}
    {%- set limit = meta.get('grains') or (grains() if meta.get('grain_column') else found.grains) -%}
    {%- set found.grains = found.grains | select('in', limit) | list -%}
  {%- endfor -%}
  {{- return(found.grains) -}}
{% endmacro %}


{#- The rows of a pass with a day (or their period), dimensions and measures, and their sums by what is asked: CTEs. -#}
{% macro rows_for_readers(pass, place, definition) -%}
{%- set semantic_model, node = pass.semantic_model, pass.node -%}
{%- set own_grain = (semantic_model.config.meta or {}).get('grain_column') -%}
{%- set instant = dimension_of(semantic_model, pass.clock) -%}
{%- set column = instant.expr or pass.clock -%}
{%- set is_instant = pass.clock.endswith('_at') and not own_grain -%}
{%- set measures = pass.sides.values() | unique(attribute='name') | list -%}
{%- set stocks = measures | selectattr('non_additive_dimension') | map(attribute='name') | list -%}
{%- set are_known = are_persons_known(semantic_model) -%}
{%- set fact = node.name -%}
{%- set dimensions = [] -%}
{%- set wanted = readers_dimensions(definition) -%}
{%- for dimension in wanted_dimensions(semantic_model) if dimension.name in wanted -%}
  {%- do dimensions.append([dimension.name, published_names(dimension.readers_expr or dimension.expr or dimension.name, node)]) -%}
{%- endfor -%}
{%- if is_instant -%}
{#- Days of a zone begin at a quarter of an hour: the zone is asked once for each of these, not for each row. (Materialized, since
the condition on the day would otherwise be asked of each row, below the distinct.) -#}
days_{{ place }} as materialized (

    select
        quarter_of_hour,
        {{ readers_day('make_timestamp(quarter_of_hour * 900000000)') }} as day
    from (select distinct epoch_us({{ column }}) // 900000000 as quarter_of_hour from {{ fact }} where {{ column }} is not null)

),

{% endif -%}
rows_{{ place }} as (

    select
        {{ 'days.day' if is_instant else 'cast(' ~ column ~ ' as date)' }} as day,
        {% for name, expression in dimensions -%}
        coalesce(cast({{ expression }} as varchar), 'unknown') as d_{{ name }},
        {% endfor -%}
        {% for measure in measures -%}
        {{ published_names(measure_value(measure), node) }} as m_{{ measure.name }},
        {% endfor -%}
        {{ 'cast(1 as bigint) << cast(hash(' ~ published_names(people_of(semantic_model), node) ~ ') % 60 as bigint)' if are_known else 'cast(null as bigint)' }} as person_bit
    from {{ fact }} as fact
    {% if is_instant -%}
    inner join days_{{ place }} as days on epoch_us({{ column }}) // 900000000 = days.quarter_of_hour
    {% endif -%}
    where {{ column }} is not null{{ " and " ~ own_grain ~ " = '{grain}'" if own_grain }}

),

dated_{{ place }} as (

    select
        *,
        {{ 'day' if own_grain else '{period}' }} as period_start{{ ',' if stocks }}
        {% if stocks -%}
        day = max(day) over (partition by {{ 'day' if own_grain else '{period}' }}) as is_last_day
        {% endif %}
    from rows_{{ place }}
    where
        day between {first} and {last}
        {% if not own_grain -%}
        and day <= (select last_day from bounds)
        {% endif %}

),

sums_{{ place }} as (

    select
        period_start{cuts},
        {% for measure in measures -%}
        {{ readers_total(measure) }} as total_{{ measure.name }},
        {{ measure_squares(measure) }} as squares_{{ measure.name }},
        {{ measure_count(measure) }} as n_{{ measure.name }},
        bit_or(case when m_{{ measure.name }} is not null then person_bit end) as people_{{ measure.name }}{{ "," if not loop.last }}
        {% endfor %}
    from (
        select * {{ 'replace (' if stocks }}
            {%- for name in stocks %} case when is_last_day then m_{{ name }} end as m_{{ name }}{{ ',' if not loop.last else ')' }}{% endfor %}
        from dated_{{ place }}
    ) as counted
    where true {where}
    group by period_start{cuts}

)
{%- endmacro %}


{#- The sums of all passes, each under the name of its side. -#}
{% macro sides_for_readers(passes, definition) -%}
{%- for pass in passes.values() -%}
{%- set place = loop.index -%}
        select
            period_start{cuts}
            {%- for side, measure in pass.sides.items() -%}
            {%- set has = 'case when n_' ~ measure.name ~ ' > 0 then ' -%}
            , {{ has }} cast(total_{{ measure.name }} as double) end as {{ side }}_total
            {%- if side == 'numerator' -%}
            , {{ has }} cast(squares_{{ measure.name }} as double) end as sum_of_squares
            {%- endif -%}
            {%- if side != 'pending' -%}
            , case when n_{{ measure.name }} > 0 then n_{{ measure.name }} end as {{ side }}_n
            {%- endif -%}
            , {{ has }} {{ readers_people(measure.name, people_of(pass.semantic_model)) }} end as {{ side }}_people
            {%- endfor %}
        from sums_{{ place }}
        where {% for measure in pass.sides.values() %}n_{{ measure.name }} > 0{{ ' or ' if not loop.last }}{% endfor %}
        union all by name
{% endfor -%}
        select
            cast(null as double) as numerator_total, cast(null as double) as sum_of_squares, cast(null as bigint) as numerator_n,
            cast(null as double) as denominator_total, cast(null as bigint) as denominator_n, cast(null as double) as pending_total,
            cast(null as bigint) as numerator_people, cast(null as bigint) as denominator_people,
            cast(null as bigint) as pending_people
        where false
{%- endmacro %}


{#- As `people_bits` and `measure_total`, in DuckDB's SQL. -#}
{% macro readers_people(measure, people) -%}
  {%- set count = {'counted': 'total_' ~ measure, 'rows': 'n_' ~ measure}.get(people) -%}
  {%- if people == 'nobody' -%}
  cast(null as bigint)
  {%- elif count -%}
  ((cast(1 as bigint) << cast(least(greatest(floor({{ count }}), 0), 60) as bigint)) - 1)
  {%- else -%}
  people_{{ measure }}
  {%- endif -%}
{%- endmacro %}


{% macro readers_total(measure) -%}
  {%- if aggregation(measure) in ('median', 'percentile') -%}
  {{ default__percentile_of('cast(m_' ~ measure.name ~ ' as double)', [percentile_share(measure)], 0) }}
  {%- else -%}
  {{ measure_total(measure, [measure]) }}
  {%- endif -%}
{%- endmacro %}


{% macro readers_final_on() -%}
  cast(case grain when 'day' then period_start + interval '1 day' when 'week' then period_start + interval '7 days'
      when 'month' then period_start + interval '1 month' when 'quarter' then period_start + interval '3 months' end as date)
  + cast(settles_after_days as integer)
{%- endmacro %}

