{%- set horizon = var('churn_horizon_days') -%}
{%- set everybody = 'select distinct customer_key from ' ~ ref('int_churn_events') -%}
{%- set judged_on = add_days('month_starts_on', horizon) -%}
{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'int_churn_events': 'customer_key',
        'dim_dates': everybody ~ ' where exists (select 1 from {changes})',
    },
    invalidated_by_as_of=[
        everybody ~ ' where exists (select 1 from ' ~ ref('dim_dates') ~ ' as dates where ' ~ day_passed(judged_on) ~ ')',
    ]
) }}
-- Customers as known on the first morning of each month, and what had become of them `churn_horizon_days` later; the newest
-- `churn_history_months` months of which that is known.
with months as (

    select
        month_starts_on,
        row_number() over (order by month_starts_on desc) as months_ago
    from {{ ref('dim_dates') }}
    where {{ judged_on }} <= {{ local_date(as_of()) }}
    group by month_starts_on

),

days as (

    select month_starts_on as on_date
    from months
    where months_ago <= {{ var('churn_history_months') }}

),

{{ churn_snapshots() }},

ends as (

    select
        snapshots.customer_key,
        snapshots.on_date,
        max(case when events.event = 'subscription' then 1 else 0 end) as is_subscriber,
        min(case when events.event = 'purchase' then events.on_date end) as first_purchase_on,
        max(case when events.event = 'purchase' then events.on_date end) as last_purchase_on,
        count(distinct case when events.event = 'purchase' then events.on_date end) as purchase_days
    from snapshots
    inner join {{ ref('int_churn_events') }} as events
        on
            snapshots.customer_key = events.customer_key
            and events.on_date < {{ add_days('snapshots.on_date', horizon) }}
            and (events.until_on is null or events.until_on >= {{ add_days('snapshots.on_date', horizon) }})
    where events.event in ('purchase', 'subscription')
    group by
        snapshots.customer_key,
        snapshots.on_date

)

select
    snapshots.*,
    {{ add_days('snapshots.on_date', horizon) }} as judged_on,
    coalesce(ends.is_subscriber, 0) = 1 as is_subscriber_then,
    ends.first_purchase_on as first_purchase_then_on,
    ends.last_purchase_on as last_purchase_then_on,
    cast(coalesce(ends.purchase_days, 0) as bigint) as purchase_days_then
from snapshots
left join ends
    on
        snapshots.customer_key = ends.customer_key
        and snapshots.on_date = ends.on_date
