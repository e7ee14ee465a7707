-- Who used the product in each period, and who had a licence on its last day.

with used as (

    select distinct
        customer_key,
        user_key,
        country,
        segment,
        {{ local_date('used_at') }} as used_on
    from {{ ref('fct_product_usage') }}

),

-- A licence is a subscription that runs; several of one customer are one.
licences as (

    select
        subscriptions.customer_key,
        subscriptions.country,
        subscriptions.segment,
        {{ local_date('subscriptions.started_at') }} as starts_on,
        coalesce({{ last_local_date('subscriptions.ended_at') }}, cast('9999-12-31' as date)) as ends_on
    from {{ ref('fct_subscriptions') }} as subscriptions
    where subscriptions.customer_key <> 'unknown'

),

bounds as (

    select
        min(used_on) as first_day,
        -- What came after the last use of the export nobody knows: it was not none.
        least(max(used_on), {{ as_of_day() }}) as last_day
    from used

),

days as (

    select dates.date_day
    from {{ ref('dim_dates') }} as dates
    cross join bounds
    where
        bounds.first_day <= dates.date_day
        and dates.date_day <= bounds.last_day

),

{% for grain in grains() %}
{{ grain }}_periods as (

    select
        cast({{ dbt.date_trunc(grain, 'date_day') }} as date) as period_start,
        max(date_day) as last_day
    from days
    group by cast({{ dbt.date_trunc(grain, 'date_day') }} as date)

),

{{ grain }}_licensed as (

    select distinct
        periods.period_start,
        licences.customer_key,
        licences.country,
        licences.segment
    from {{ grain }}_periods as periods
    inner join licences
        on
            periods.last_day >= licences.starts_on
            and periods.last_day <= licences.ends_on

),

{{ grain }}_used as (

    select
        cast({{ dbt.date_trunc(grain, 'used_on') }} as date) as period_start,
        country,
        segment,
        customer_key,
        count(distinct user_key) as active_users,
        count(*) as user_days
    from used
    group by
        cast({{ dbt.date_trunc(grain, 'used_on') }} as date),
        country,
        segment,
        customer_key

),

{{ grain }}_rows as (

    select
        '{{ grain }}' as grain,
        coalesce(uses.period_start, licensed.period_start) as period_start,
        coalesce(uses.country, licensed.country) as country,
        coalesce(uses.segment, licensed.segment) as segment,
        sum(coalesce(uses.active_users, 0)) as active_users,
        sum(coalesce(uses.user_days, 0)) as user_days,
        count(licensed.customer_key) as licensed_customers,
        sum(case when licensed.customer_key is not null and uses.customer_key is not null then 1 else 0 end)
            as licensed_customers_active
    from {{ grain }}_used as uses
    full outer join {{ grain }}_licensed as licensed
        on
            uses.period_start = licensed.period_start
            and uses.customer_key = licensed.customer_key
    group by
        coalesce(uses.period_start, licensed.period_start),
        coalesce(uses.country, licensed.country),
        coalesce(uses.segment, licensed.segment)

),
{% endfor %}
periods as (

    {% for grain in grains() -%}
    select * from {{ grain }}_rows
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    grain,
    period_start,
    country,
    segment,
    cast(active_users as bigint) as active_users,
    cast(user_days as bigint) as user_days,
    cast(licensed_customers as bigint) as licensed_customers,
    cast(licensed_customers_active as bigint) as licensed_customers_active
from periods
