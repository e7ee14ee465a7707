-- Customers at the start and the end of each period, counted on the mornings that bound it:
-- at start + new - lost = at end.
{%- set grains = ['day', 'week', 'month', 'quarter'] -%}
{%- set dimensions = ['country', 'segment'] %}

with spells as (

    select
        customers.country,
        customers.segment,
        spells.starts_on,
        spells.lost_on
    from {{ ref('int_customer_spells') }} as spells
    inner join {{ ref('dim_customers') }} as customers on spells.customer_key = customers.customer_key

),

today as (

    -- The morning after the last day that is in the marts.
    select {{ add_days(as_of_day(), 1) }} as morning

),

combinations as (

    select
        country,
        segment,
        min(starts_on) as first_day
    from spells
    group by
        country,
        segment

),

{% for grain in grains %}
{{ grain }}_starts as (

    select
        country,
        segment,
        cast({{ dbt.date_trunc(grain, 'starts_on') }} as date) as period_start,
        count(*) as gained
    from spells
    group by
        country,
        segment,
        cast({{ dbt.date_trunc(grain, 'starts_on') }} as date)

),

-- A spell lost on the morning that begins a period was lost in the period before it.
{{ grain }}_losses as (

    select
        spells.country,
        spells.segment,
        cast({{ dbt.date_trunc(grain, add_days('spells.lost_on', -1)) }} as date) as period_start,
        count(*) as lost,
        sum(
            case
                when
                    {{ dbt.date_trunc(grain, add_days('spells.lost_on', -1)) }}
                    = {{ dbt.date_trunc(grain, 'spells.starts_on') }}
                    then 1
                else 0
            end
        ) as lost_at_once
    from spells
    cross join today
    where spells.lost_on <= today.morning
    group by
        spells.country,
        spells.segment,
        cast({{ dbt.date_trunc(grain, add_days('spells.lost_on', -1)) }} as date)

),

{{ grain }}_periods as (

    select distinct
        combinations.country,
        combinations.segment,
        cast({{ dbt.date_trunc(grain, 'dates.date_day') }} as date) as period_start
    from combinations
    inner join {{ ref('dim_dates') }} as dates
        on
            dates.date_day >= combinations.first_day
            and dates.date_day <= {{ as_of_day() }}

),

{{ grain }}_balance as (

    select
        '{{ grain }}' as grain,
        periods.period_start,
        periods.country,
        periods.segment,
        coalesce(starts.gained, 0) - coalesce(losses.lost_at_once, 0) as customers_new,
        coalesce(losses.lost, 0) - coalesce(losses.lost_at_once, 0) as customers_lost
    from {{ grain }}_periods as periods
    left join {{ grain }}_starts as starts
        on
            periods.country = starts.country
            and periods.segment = starts.segment
            and periods.period_start = starts.period_start
    left join {{ grain }}_losses as losses
        on
            periods.country = losses.country
            and periods.segment = losses.segment
            and periods.period_start = losses.period_start

),
{% endfor %}
balances as (

    {% for grain in grains -%}
    select * from {{ grain }}_balance
    {{ "union all" if not loop.last }}
    {% endfor %}
),

accumulated as (

    select
        *,
        sum(customers_new - customers_lost) over (
            partition by grain, country, segment
            order by period_start
            rows unbounded preceding
        ) as customers_at_end
    from balances

)

select
    grain,
    period_start,
    country,
    segment,
    cast(customers_at_end - customers_new + customers_lost as bigint) as customers_at_start,
    cast(customers_new as bigint) as customers_new,
    cast(customers_lost as bigint) as customers_lost,
    cast(customers_at_end as bigint) as customers_at_end,
    cast(customers_at_end - customers_new as bigint) as customers_retained
from accumulated
