-- How many of those who were active in a period used each feature.

with used as (

    select distinct
        user_key,
        feature,
        {{ local_date('used_at') }} as used_on
    from {{ ref('fct_product_usage') }}

),

periods as (

    {% for grain in grains() -%}
    select distinct
        '{{ grain }}' as grain,
        cast({{ dbt.date_trunc(grain, 'used_on') }} as date) as period_start,
        user_key,
        feature
    from used
    {{ "union all" if not loop.last }}
    {% endfor %}
),

active as (

    select
        grain,
        period_start,
        count(distinct user_key) as active_users
    from periods
    group by
        grain,
        period_start

),

-- A feature counts from the first period on in which anybody used it.
known as (

    select
        grain,
        feature,
        min(period_start) as first_period
    from periods
    where feature <> 'unknown'
    group by
        grain,
        feature

),

counted as (

    select
        grain,
        period_start,
        feature,
        count(*) as users
    from periods
    group by
        grain,
        period_start,
        feature

)

select
    active.grain,
    active.period_start,
    known.feature,
    cast(coalesce(counted.users, 0) as bigint) as users,
    cast(active.active_users as bigint) as active_users
from active
inner join known
    on
        active.grain = known.grain
        and active.period_start >= known.first_period
left join counted
    on
        active.grain = counted.grain
        and active.period_start = counted.period_start
        and known.feature = counted.feature
