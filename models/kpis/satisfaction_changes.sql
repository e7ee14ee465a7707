-- CSAT beside that of the period before and of the same period a year ago, with a two-proportion z test: a change is one
-- only where chance would show as large a difference less than one time in twenty.
{%- set comparisons = {
    'previous period': {'week': ['day', -7], 'month': ['month', -1], 'quarter': ['month', -3]},
    'last year': {'week': ['day', -364], 'month': ['month', -12], 'quarter': ['month', -12]},
} %}

with periods as (

    select
        answered.grain,
        answered.period_start,
        answered.dimension,
        answered.member,
        coalesce(satisfied.total, 0) as satisfied,
        answered.total as answers
    from {{ ref('kpi_parts_csat_answers') }} as answered
    left join {{ ref('kpi_parts_csat_answers') }} as satisfied
        on
            satisfied.measure = 'csat_satisfied'
            and answered.grain = satisfied.grain
            and answered.period_start = satisfied.period_start
            and answered.dimension = satisfied.dimension
            and answered.member = satisfied.member
    where
        answered.measure = 'csat_answered'
        and answered.grain in ('week', 'month', 'quarter')
        and answered.total > 0

),

pairs as (

    {% for comparison, steps in comparisons.items() -%}
    {%- set outer_loop = loop -%}
    {%- for grain, (unit, count) in steps.items() -%}
    select
        '{{ comparison }}' as comparison,
        periods.*,
        earlier.satisfied as earlier_satisfied,
        earlier.answers as earlier_answers
    from periods
    inner join periods as earlier
        on
            earlier.period_start = cast({{ dbt.dateadd(unit, count, 'periods.period_start') }} as date)
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
        satisfied / answers as csat,
        earlier_satisfied / earlier_answers as earlier_csat,
        satisfied / answers - earlier_satisfied / earlier_answers as change,
        {{ two_proportion_z('satisfied', 'answers', 'earlier_satisfied', 'earlier_answers') }} as z
    from pairs

)

select
    comparison,
    grain,
    period_start,
    dimension,
    member,
    cast(answers as bigint) as answers,
    csat,
    cast(earlier_answers as bigint) as earlier_answers,
    earlier_csat,
    change,
    -- The difference's own variance, for its interval.
    csat * (1 - csat) / answers + earlier_csat * (1 - earlier_csat) / earlier_answers as variance,
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
