-- Rates of what people feel beside those of the period before and of the same period a year ago, with a two-proportion z test:
-- a change is one only where chance would show as large a difference less than one time in twenty.
{%- set rates = {
    'csat': ['kpi_parts_csat_answers', 'csat_satisfied', 'csat_answered'],
    'brand_attributes': ['kpi_parts_brand_answers', 'attributes_picked', 'attributes_asked'],
} -%}
{%- set comparisons = {
    'previous period': {'week': ['day', -7], 'month': ['month', -1], 'quarter': ['month', -3]},
    'last year': {'week': ['day', -364], 'month': ['month', -12], 'quarter': ['month', -12]},
} %}

with periods as (

    {% for kpi_id, (parts, hits, cases) in rates.items() -%}
    select
        '{{ kpi_id }}' as kpi_id,
        asked.grain,
        asked.period_start,
        asked.dimension,
        asked.member,
        coalesce(hit.total, 0) as hits,
        asked.total as answers
    from {{ ref(parts) }} as asked
    left join {{ ref(parts) }} as hit
        on
            hit.measure = '{{ hits }}'
            and asked.grain = hit.grain
            and asked.period_start = hit.period_start
            and asked.dimension = hit.dimension
            and asked.member = hit.member
    where
        asked.measure = '{{ cases }}'
        and asked.grain in ('week', 'month', 'quarter')
        and asked.total > 0
    {{ "union all" if not loop.last }}
    {% endfor %}

),

pairs as (

    {% for comparison, steps in comparisons.items() -%}
    {%- set outer_loop = loop -%}
    {%- for grain, (unit, count) in steps.items() -%}
    select
        '{{ comparison }}' as comparison,
        periods.*,
        earlier.hits as earlier_hits,
        earlier.answers as earlier_answers
    from periods
    inner join periods as earlier
        on
            earlier.period_start = cast({{ dbt.dateadd(unit, count, 'periods.period_start') }} as date)
            and periods.kpi_id = earlier.kpi_id
            and periods.grain = earlier.grain
            and periods.dimension = earlier.dimension
            and periods.member = earlier.member
    where periods.grain = '{{ grain }}'
    {{ "union all" if not (outer_loop.last and loop.last) }}
    {% endfor -%}
    {%- endfor %}
),

differences as (

    select
        *,
        hits / answers as value,
        earlier_hits / earlier_answers as earlier_value,
        hits / answers - earlier_hits / earlier_answers as change,
        {{ two_proportion_z('hits', 'answers', 'earlier_hits', 'earlier_answers') }} as z
    from pairs

)

select
    kpi_id,
    comparison,
    grain,
    period_start,
    dimension,
    member,
    cast(answers as bigint) as answers,
    value,
    cast(earlier_answers as bigint) as earlier_answers,
    earlier_value,
    change,
    -- The difference's own variance, for its interval.
    value * (1 - value) / answers + earlier_value * (1 - earlier_value) / earlier_answers as variance,
    cast(least(answers, earlier_answers) as bigint) as n,
    z,
    {{ two_sided_p('z') }} as p_value,
    case
        when least(answers, earlier_answers) < {{ var('min_sample') }} then 'insufficient_data'
        when {{ two_sided_p('z') }} >= 0.05 or z is null then 'steady'
        when change > 0 then 'improving'
        else 'declining'
    end as trend
from differences
