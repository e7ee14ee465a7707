{%- set cost_currency = "upper(coalesce(costs.currency, '" ~ var('currency') ~ "'))" -%}
{{ maintained(
    unique_key=['movement', 'source_id'],
    invalidated_by={
        'fct_orders': [
            "select 'order_paid', order_id from {changes}",
            "select 'refund', order_id from {changes}",
        ],
        'stg_costs': "select 'cost', cost_id from {changes}",
        'int_currency_days':
            "select 'cost', costs.cost_id from " ~ ref('stg_costs') ~ ' as costs inner join {changes} as changes '
            ~ 'on upper(costs.currency) = changes.currency and costs.cost_date = changes.used_on',
        'int_cost_gaps': "select 'cost', gap_id from {changes} where team is null",
    },
    invalidated_by_as_of=["select 'cost', cost_id from " ~ ref('stg_costs') ~ ' where ' ~ day_passed('cost_date')]
) }}
-- Money in and out: orders paid, refunds, and what the service costs. Without a rate an amount in another currency is unknown,
-- and so is what the service costs in a month without any cost in the exports.
select
    'order_paid' as movement,
    order_id as source_id,
    {{ local_date('coalesce(paid_at, ordered_at)') }} as moved_on,
    channel,
    marketplace,
    'unknown' as team,
    'unknown' as cost_category,
    -- What was paid with a gift card came in when that was bought.
    order_value - coalesce(gift_card_amount, 0) * coalesce(exchange_rate, 1) as amount
from {{ ref('fct_orders') }}
where
    -- Of what was cancelled unpaid nothing came in.
    is_checkout_completed
    and {{ is_invalidated("'order_paid'", 'order_id') }}
union all
select
    'refund' as movement,
    order_id as source_id,
    {{ local_date('coalesce(refunded_at, paid_at, ordered_at)') }} as moved_on,
    channel,
    marketplace,
    'unknown' as team,
    'unknown' as cost_category,
    -refund_value as amount
from {{ ref('fct_orders') }}
where
    has_refund
    and is_checkout_completed
    and {{ is_invalidated("'refund'", 'order_id') }}
union all
select
    'cost' as movement,
    costs.cost_id as source_id,
    costs.cost_date as moved_on,
    'unknown' as channel,
    'unknown' as marketplace,
    coalesce(costs.team, 'unknown') as team,
    coalesce(costs.category, 'unknown') as cost_category,
    -{{ in_reporting_currency('cast(costs.amount as double)', cost_currency, 'rates.exchange_rate') }} as amount
from {{ ref('stg_costs') }} as costs
left join {{ ref('int_currency_days') }} as rates
    on
        upper(costs.currency) = rates.currency
        and costs.cost_date = rates.used_on
where
    costs.cost_date <= {{ as_of_day() }}
    and {{ is_invalidated("'cost'", 'costs.cost_id') }}
union all
select
    'cost' as movement,
    gap_id as source_id,
    month_starts_on as moved_on,
    'unknown' as channel,
    'unknown' as marketplace,
    'unknown' as team,
    'unknown' as cost_category,
    cast(null as double) as amount
from {{ ref('int_cost_gaps') }}
where
    team is null
    and {{ is_invalidated("'cost'", 'gap_id') }}
