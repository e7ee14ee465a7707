{#- Customers as they were known on the morning of a day, for the risk to lose them. The features of past days, which a model is
    fitted to, and those of today are one query. -#}


{#- What happened before a day: an event counts from the day after it, and until the day on which it ceased to hold (a refunded
    purchase, a ticket that was solved). A table `days` of `on_date` comes before. -#}
{% macro churn_snapshots() -%}
{%- set within = {} -%}
{%- for days in [30, 60, 90, 180, 365] -%}
  {%- do within.update({days: 'events.on_date >= ' ~ add_days('states.on_date', -days)}) -%}
{%- endfor -%}
{%- set counts = {
    'purchases_90': ['purchase', 90],
    'purchases_365': ['purchase', 365],
    'contacts_90': ['contact', 90],
    'contacts_365': ['contact', 365],
    'complaints_365': ['complaint', 365],
    'reopens_365': ['reopen', 365],
    'abandoned_180': ['abandoned call', 180],
    'late_180': ['late parcel', 180],
    'refunds_365': ['refund', 365],
    'scores_365': ['score', 365],
    'bad_reviews_365': ['bad review', 365],
    'use_days_30': ['use', 30],
    'use_days_60': ['use', 60],
    'open_tickets': ['open ticket', 365],
} -%}
{%- set means = {
    'response_hours_180': ['response', 180],
    'call_wait_180': ['call', 180],
    'bad_share_365': ['score', 365],
    'nps_365': ['recommendation', 365],
    'sentiment_180': ['text', 180],
} -%}
happened as (

    select
        days.on_date,
        events.customer_key,
        events.event,
        events.on_date as happened_on,
        events.amount,
        events.until_on is null or events.until_on >= days.on_date as does_hold
    from {{ ref('int_churn_events') }} as events
    inner join days on events.on_date < days.on_date
    where
        events.event in ('purchase', 'subscription', 'trial')
        and {{ is_invalidated('events.customer_key') }}

),

standing as (

    select
        customer_key,
        on_date,
        min(case when event <> 'trial' then happened_on end) as first_seen_on,
        min(case when event = 'purchase' and does_hold then happened_on end) as first_purchase_on,
        max(case when event = 'purchase' and does_hold then happened_on end) as last_purchase_on,
        count(distinct case when event = 'purchase' and does_hold then happened_on end) as purchase_days,
        max(case when event = 'subscription' and does_hold then happened_on end) as subscribed_since,
        sum(case when event = 'subscription' and does_hold then amount end) as monthly_amount,
        max(case when event = 'trial' and does_hold then 1 else 0 end) as is_on_trial
    from happened
    group by
        customer_key,
        on_date

),

-- Those who are customers on that morning: the others cannot be lost.
states as (

    select *
    from standing
    where
        subscribed_since is not null
        or last_purchase_on >= {{ add_days('on_date', -var('activity_window_days')) }}

),

counted as (

    select
        {% for name, (event, days) in counts.items() -%}
        sum(case when events.event = '{{ event }}' and {{ within[days] }} then events.records else 0 end) as {{ name }},
        {% endfor -%}
        {% for name, (event, days) in means.items() -%}
        cast(sum(case when events.event = '{{ event }}' and {{ within[days] }} then events.amount end) as double)
        / nullif(
            sum(case when events.event = '{{ event }}' and {{ within[days] }} and events.amount is not null then events.records end), 0
        ) as {{ name }},
        {% endfor -%}
        cast(sum(case when events.event = 'purchase' then events.amount end) as double) as spent_365,
        max(case when events.event = 'use' then events.on_date end) as last_used_on,
        states.customer_key,
        states.on_date
    from states
    inner join {{ ref('int_churn_events') }} as events
        on
            states.customer_key = events.customer_key
            and events.on_date < states.on_date
            and {{ within[365] }}
            and (events.until_on is null or events.until_on >= states.on_date)
    group by
        states.customer_key,
        states.on_date

),

snapshots as (

    select
        states.customer_key,
        states.on_date,
        states.first_purchase_on,
        states.last_purchase_on,
        cast(states.purchase_days as bigint) as purchase_days,
        states.subscribed_since is not null as is_subscriber,
        cast({{ days_between('states.first_seen_on', 'states.on_date') }} as bigint) as tenure_days,
        cast({{ days_between('states.last_purchase_on', 'states.on_date') }} as bigint) as days_since_purchase,
        cast({{ days_between('states.subscribed_since', 'states.on_date') }} as bigint) as subscribed_days,
        cast(states.monthly_amount as double) as monthly_amount,
        cast(states.is_on_trial as bigint) as is_on_trial,
        {% for name in counts -%}
        cast(coalesce(counted.{{ name }}, 0) as bigint) as {{ name }},
        {% endfor -%}
        {% for name in means -%}
        counted.{{ name }},
        {% endfor -%}
        counted.spent_365,
        cast({{ days_between('counted.last_used_on', 'states.on_date') }} as bigint) as days_since_use
    from states
    left join counted
        on
            states.customer_key = counted.customer_key
            and states.on_date = counted.on_date

)
{%- endmacro %}


{#- What is known of the models of some targets (a list of quoted names). -#}
{% macro risk_models(targets) -%}
select
    target,
    model,
    version,
    is_used,
    cases,
    fitted_to,
    held_back,
    held_back_from,
    happened_share as observed_share,
    auc,
    auc_error,
    brier,
    guess_brier as baseline_brier,
    top_tenth_lift,
    calibration,
    problem
from {{ source('raw', 'risk_models') }}
where target in ({{ targets }})
{%- endmacro %}
