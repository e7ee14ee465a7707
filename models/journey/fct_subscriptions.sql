{%- set subscriptions = ref('stg_subscriptions') -%}
{{ maintained(
    unique_key=['subscription_id'],
    invalidated_by={
        'stg_subscriptions': 'subscription_id',
        'int_record_customers': records_of('subscriptions'),
        'dim_customers': rows_with_changed('subscription_id', 'customer_key'),
    },
    invalidated_by_as_of=['select subscription_id from ' ~ subscriptions ~ ' where ' ~ passed('ended_at') ~ ' or ' ~ passed('trial_ends_at')]
) }}
with subscriptions as (

    select
        subscriptions.*,
        coalesce(records.customer_key, 'unknown') as customer_key,
        -- A subscription is on trial until its trial ends; without an end of it, for good.
        case
            when not coalesce(subscriptions.is_trial, subscriptions.trial_ends_at is not null) then subscriptions.started_at
            when subscriptions.ended_at <= subscriptions.trial_ends_at then null
            else subscriptions.trial_ends_at
        end as pays_from
    from {{ ref('stg_subscriptions') }} as subscriptions
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'subscriptions'
            and subscriptions.subscription_id = records.record_id
    where {{ is_invalidated('subscriptions.subscription_id') }}

)

select
    subscriptions.subscription_id,
    subscriptions.customer_key,
    subscriptions.started_at,
    coalesce(subscriptions.is_trial, subscriptions.trial_ends_at is not null) as is_trial,
    subscriptions.trial_ends_at,
    {{ known('subscriptions.pays_from') }} as pays_from,
    {{ known('subscriptions.ended_at') }} as ended_at,
    subscriptions.end_reason,
    coalesce(subscriptions.plan, 'unknown') as plan,
    cast(subscriptions.monthly_amount as double) as monthly_amount,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    subscriptions.extra
from subscriptions
left join {{ ref('dim_customers') }} as customers on subscriptions.customer_key = customers.customer_key
