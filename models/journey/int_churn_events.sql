{%- set tickets = ref('fct_tickets') -%}
{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'int_orders': 'customer_key',
        'fct_orders': 'customer_key',
        'fct_subscriptions': 'customer_key',
        'fct_contacts': 'customer_key',
        'fct_tickets': 'customer_key',
        'fct_calls': 'customer_key',
        'int_ticket_status_changes': 'select customer_key from ' ~ tickets ~ ' where ticket_id in (select ticket_id from {changes})',
        'fct_csat_answers': 'customer_key',
        'fct_survey_responses': 'customer_key',
        'fct_reviews': 'customer_key',
        'fct_sentiment': 'customer_key',
        'fct_product_usage': 'customer_key',
    }
) }}
-- What may show that a customer will leave, each with the day from which it is known and, where it can cease to hold, the first
-- day on which that is not known yet: no fact of today is taken for one of then. A ticket that was reopened counts as open until
-- it was solved first.
with subscriptions as (

    select *
    from {{ ref('fct_subscriptions') }}
    where
        customer_key <> 'unknown'
        and {{ is_invalidated('customer_key') }}

),

-- A subscription that another of the same customer goes on from at the very instant of its end has not ended.
renewed as (

    select distinct ended.subscription_id
    from subscriptions as ended
    inner join subscriptions as following
        on
            ended.customer_key = following.customer_key
            and ended.ended_at = following.started_at
            and coalesce(following.started_at < following.ended_at, true)

),

happenings as (

    select
        'purchase' as event,
        customer_key,
        ordered_at as happened_at,
        least(
            case when is_cancelled then coalesce(cancelled_at, ordered_at) end,
            case when is_refunded then coalesce(refunded_at, ordered_at) end
        ) as until_at,
        {{ in_reporting_currency('order_amount', 'currency_or_default', 'exchange_rate') }} as amount
    from {{ ref('int_orders') }}
    where {{ is_invalidated('customer_key') }}
    union all
    select
        'late parcel' as event,
        customer_key,
        promised_delivery_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_orders') }}
    where
        is_delivery_due
        and not is_delivered_on_time
        and {{ is_invalidated('customer_key') }}
    union all
    -- Late already when it was cancelled.
    select
        'late parcel' as event,
        customer_key,
        order_promised_delivery_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('int_orders') }}
    where
        is_cancelled
        and cancelled_at > order_promised_delivery_at
        and coalesce(order_delivered_at > order_promised_delivery_at, true)
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'refund' as event,
        customer_key,
        refunded_at as happened_at,
        cast(null as timestamp) as until_at,
        refund_value as amount
    from {{ ref('fct_orders') }}
    where
        has_refund
        and {{ is_invalidated('customer_key') }}
    union all
    select
        case when renewed.subscription_id is null then 'subscription' else 'renewed subscription' end as event,
        subscriptions.customer_key,
        subscriptions.started_at as happened_at,
        subscriptions.ended_at as until_at,
        subscriptions.monthly_amount as amount
    from subscriptions
    left join renewed on subscriptions.subscription_id = renewed.subscription_id
    union all
    select
        'trial' as event,
        customer_key,
        started_at as happened_at,
        least(ended_at, trial_ends_at) as until_at,
        cast(null as double) as amount
    from subscriptions
    where is_trial
    union all
    select
        'contact' as event,
        customer_key,
        contact_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_contacts') }}
    where {{ is_invalidated('customer_key') }}
    union all
    -- A ticket that was merged later was a contact then.
    select
        'contact' as event,
        customer_key,
        created_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_tickets') }}
    where
        is_merged
        and not is_spam
        and not is_deleted
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'complaint' as event,
        customer_key,
        contact_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_contacts') }}
    where
        is_complaint
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'complaint' as event,
        customer_key,
        created_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_tickets') }}
    where
        is_merged
        and not is_spam
        and not is_deleted
        and is_complaint
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'open ticket' as event,
        customer_key,
        created_at as happened_at,
        first_solved_at as until_at,
        cast(null as double) as amount
    from {{ ref('fct_tickets') }}
    where
        not is_spam
        and not is_deleted
        and (first_solved_at is not null or not is_solved)
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'response' as event,
        customer_key,
        first_response_at as happened_at,
        cast(null as timestamp) as until_at,
        first_response_seconds / 3600.0 as amount
    from {{ ref('fct_tickets') }}
    where
        not is_spam
        and not is_deleted
        and first_response_seconds is not null
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'reopen' as event,
        tickets.customer_key,
        changes.event_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('int_ticket_status_changes') }} as changes
    inner join {{ ref('fct_tickets') }} as tickets on changes.ticket_id = tickets.ticket_id
    where
        not tickets.is_spam
        and not tickets.is_deleted
        and changes.was_off_desk
        and not changes.is_off_desk
        and {{ is_invalidated('tickets.customer_key') }}
    union all
    select
        case when is_abandoned then 'abandoned call' else 'call' end as event,
        customer_key,
        started_at as happened_at,
        cast(null as timestamp) as until_at,
        wait_seconds as amount
    from {{ ref('fct_calls') }}
    where
        is_contact
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'score' as event,
        customer_key,
        rated_at as happened_at,
        cast(null as timestamp) as until_at,
        case when is_satisfied then 0 else 1 end as amount
    from {{ ref('fct_csat_answers') }}
    where
        is_satisfied is not null
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'recommendation' as event,
        customer_key,
        responded_at as happened_at,
        cast(null as timestamp) as until_at,
        score as amount
    from {{ ref('fct_survey_responses') }}
    where
        kind = 'nps'
        and recommendation is not null
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'bad review' as event,
        customer_key,
        created_at as happened_at,
        cast(null as timestamp) as until_at,
        cast(null as double) as amount
    from {{ ref('fct_reviews') }}
    where
        is_negative
        and {{ is_invalidated('customer_key') }}
    union all
    select
        'text' as event,
        customer_key,
        said_at as happened_at,
        cast(null as timestamp) as until_at,
        polarity as amount
    from {{ ref('fct_sentiment') }}
    where
        polarity is not null
        and {{ is_invalidated('customer_key') }}

),

dated as (

    select
        case when event = 'renewed subscription' then 'subscription' else event end as event,
        customer_key,
        {{ local_date('happened_at') }} as on_date,
        -- A subscription that ends at midnight does not run on that morning any more, unless it was renewed: the next one is
        -- known from the morning after.
        case
            when event in ('subscription', 'trial') then {{ last_local_date('until_at') }}
            else {{ local_date('until_at') }}
        end as until_on,
        cast(amount as decimal(18, 6)) as amount
    from happenings
    where
        customer_key <> 'unknown'
        and happened_at is not null

)

select
    event,
    customer_key,
    on_date,
    until_on,
    cast(count(*) as bigint) as records,
    sum(amount) as amount
from dated
group by
    event,
    customer_key,
    on_date,
    until_on
union all
-- Days of use, not uses.
select
    'use' as event,
    customer_key,
    {{ local_date('used_at') }} as on_date,
    cast(null as date) as until_on,
    cast(1 as bigint) as records,
    cast(null as decimal(38, 6)) as amount
from {{ ref('fct_product_usage') }}
where
    customer_key <> 'unknown'
    and {{ is_invalidated('customer_key') }}
group by
    customer_key,
    {{ local_date('used_at') }}
