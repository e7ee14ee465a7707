{{ maintained(
    unit=['movement', 'source_id'],
    touched_by={
        'fct_orders': [
            "select 'order_paid', order_id from {changes}",
            "select 'refund', order_id from {changes}",
        ],
        'stg_costs': "select 'cost', cost_id from {changes}",
    },
    on_clock=["select 'cost', cost_id from " ~ ref('stg_costs') ~ ' where ' ~ day_passed('cost_date')]
) }}
-- Money in and out: orders paid, refunds, and what the service costs.
select
    'order_paid' as movement,
    order_id as source_id,
    {{ local_date('coalesce(paid_at, ordered_at)') }} as moved_on,
    channel,
    marketplace,
    'unknown' as team,
    'unknown' as cost_category,
    order_value as amount
from {{ ref('fct_orders') }}
where
    order_value is not null
    -- Of what was cancelled unpaid nothing came in.
    and is_checkout_completed
    and {{ is_touched("'order_paid'", 'order_id') }}
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
    refund_value is not null
    and is_checkout_completed
    and {{ is_touched("'refund'", 'order_id') }}
union all
select
    'cost' as movement,
    cost_id as source_id,
    cost_date as moved_on,
    'unknown' as channel,
    'unknown' as marketplace,
    coalesce(team, 'unknown') as team,
    coalesce(category, 'unknown') as cost_category,
    -cast(amount as double) as amount
from {{ ref('stg_costs') }}
where
    upper(coalesce(currency, '{{ var("currency") }}')) = '{{ var("currency") }}'
    and cost_date <= {{ as_of_day() }}
    and {{ is_touched("'cost'", 'cost_id') }}
