-- Costs of the service of which nobody knows how much they are, by period and team: in a currency without a rate, or of a month
-- with contacts and no cost. What is known, over all contacts of the period, would look cheap.
with unknown_costs as (

    select
        source_id,
        cast({{ dbt.date_trunc('month', 'moved_on') }} as date) as month_starts_on,
        team
    from {{ ref('fct_cash_movements') }}
    where
        movement = 'cost'
        and amount is null

),

gaps as (

    select
        'all' as dimension,
        'all' as member,
        month_starts_on,
        source_id
    from unknown_costs
    union
    select
        'team' as dimension,
        team as member,
        month_starts_on,
        source_id
    from unknown_costs
    where source_id not in (select months.gap_id from {{ ref('int_cost_gaps') }} as months)
    union
    select
        'team' as dimension,
        team as member,
        month_starts_on,
        gap_id as source_id
    from {{ ref('int_cost_gaps') }}
    where team is not null

),

counted as (

    {% for grain in ['month', 'quarter', 'all'] -%}
    select
        '{{ grain }}' as grain,
        {{ period_start(grain, 'month_starts_on') }} as period_start,
        dimension,
        member,
        count(*) as costs_unknown
    from gaps
    group by
        {{ period_start(grain, 'month_starts_on') }},
        dimension,
        member
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    grain,
    period_start,
    dimension,
    member,
    cast(costs_unknown as bigint) as n,
    cast(null as double) as variance,
    cast(costs_unknown as bigint) as costs_unknown
from counted
