{{ maintained(unique_key=['customer_key'], invalidated_by={'fct_orders': 'customer_key', 'fct_subscriptions': 'customer_key'}) }}
-- The unbroken spells in which a person is a customer: while a subscription runs, and from a purchase until
-- `activity_window_days` after it. Once with the time on trial, once without.
with active as (

    select
        customer_key,
        {{ local_date('ordered_at') }} as starts_on,
        -- The first morning on which the purchase is too long ago.
        {{ add_days(local_date('ordered_at'), var('activity_window_days') + 1) }} as lost_on
    from {{ ref('fct_orders') }}
    where
        is_purchase
        and customer_key <> 'unknown'
        and {{ is_invalidated('customer_key') }}

),

subscriptions as (

    select *
    from {{ ref('fct_subscriptions') }}
    where
        customer_key <> 'unknown'
        and {{ is_invalidated('customer_key') }}

),

running as (

    select distinct
        true as counts_trials,
        customer_key,
        started_at as runs_from,
        ended_at
    from subscriptions
    union all
    select distinct
        false as counts_trials,
        customer_key,
        pays_from as runs_from,
        ended_at
    from subscriptions
    where pays_from is not null

),

subscribed as (

    select
        running.counts_trials,
        running.customer_key,
        {{ local_date('running.runs_from') }} as starts_on,
        case
            when running.ended_at is null then cast('9999-12-31' as date)
            -- The next one goes on from the same instant: nothing ended.
            when following.customer_key is not null then {{ add_days(local_date('running.ended_at'), 1) }}
            -- What ends at midnight does not run on that morning any more.
            else {{ add_days(last_local_date('running.ended_at'), 1) }}
        end as lost_on
    from running
    left join running as following
        on
            running.counts_trials = following.counts_trials
            and running.customer_key = following.customer_key
            and running.ended_at = following.runs_from
            and coalesce(following.runs_from < following.ended_at, true)

),

-- Each once (`union`): the two windows below need not order equals alike.
intervals as (

    select
        true as counts_trials,
        active.*
    from active
    union
    select
        false as counts_trials,
        active.*
    from active
    union
    select
        counts_trials,
        customer_key,
        starts_on,
        lost_on
    from subscribed

),

compared as (

    select
        *,
        max(lost_on) over (
            partition by customer_key, counts_trials
            order by starts_on, lost_on
            rows between unbounded preceding and 1 preceding
        ) as lost_before_on
    from intervals
    where starts_on < lost_on

),

numbered as (

    select
        *,
        sum(case when starts_on < lost_before_on then 0 else 1 end) over (
            partition by customer_key, counts_trials
            order by starts_on, lost_on
            rows unbounded preceding
        ) as spell_number
    from compared

)

select
    customer_key,
    counts_trials,
    cast(spell_number as integer) as spell_number,
    min(starts_on) as starts_on,
    max(lost_on) as lost_on
from numbered
group by
    customer_key,
    counts_trials,
    spell_number
