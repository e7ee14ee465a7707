{%- set orders = ref('stg_orders') -%}
{{ maintained(
    unique_key=['order_id'],
    invalidated_by={
        'stg_orders': 'order_id',
        'stg_order_items': 'order_id',
        'stg_shipments': 'order_id',
        'stg_returns': 'order_id',
        'int_record_customers': records_of('orders'),
        'int_currency_days':
            'select orders.order_id from {this} as orders inner join {changes} as changes '
            ~ 'on orders.currency_or_default = changes.currency and ' ~ local_date('orders.ordered_at') ~ ' = changes.used_on',
    },
    invalidated_by_as_of=[
        'select order_id from ' ~ orders ~ ' where ' ~ passed('cancelled_at') ~ ' or ' ~ passed('refunded_at'),
        'select order_id from ' ~ ref('stg_returns') ~ ' where ' ~ passed('received_at') ~ ' or ' ~ passed('requested_at'),
    ]
) }}
{#- A return that was paid back: with an amount, and nothing that says otherwise; or so it says, once it is here. -#}
{%- set is_repaid -%}
case
            when refund_amount > 0
                then coalesce(outcome, 'refund') = 'refund' and coalesce(received_at, requested_at) <= {{ as_of() }}
            else refund_amount is null and outcome = 'refund' and coalesce(received_at <= {{ as_of() }}, false)
        end
{%- endset %}
-- Each order's customer, its way, and whether it still is an order at `as_of`.
with parcels as (

    select
        order_id,
        min(shipped_at) as shipped_at,
        max(shipped_at) as last_shipped_at,
        max(promised_delivery_at) as promised_delivery_at,
        -- Delivered with the last parcel.
        case when count(delivered_at) = count(*) then max(delivered_at) end as delivered_at
    from {{ ref('stg_shipments') }}
    where {{ is_invalidated('order_id') }}
    group by order_id

),

lines as (

    select
        order_id,
        sum(cast(quantity as decimal(18, 4)) * unit_price) as amount
    from {{ ref('stg_order_items') }}
    where {{ is_invalidated('order_id') }}
    group by order_id

),

-- All that came back was exchanged or refused: nothing was paid back for it.
kept as (

    select order_id
    from {{ ref('stg_returns') }}
    where {{ is_invalidated('order_id') }}
    group by order_id
    having count(case when outcome in ('exchange', 'rejected') then 1 end) = count(*)

),

-- What the returns of an order say of its refund. Of one without an amount the whole is unknown.
repaid as (

    select
        order_id,
        {{ sum_of_known('refund_amount') }} as refund_amount,
        max(received_at) as refunded_at
    from {{ ref('stg_returns') }}
    where
        {{ is_repaid }}
        and {{ is_invalidated('order_id') }}
    group by order_id

),

-- The order's own word goes before that of its returns; an amount of nothing is none.
refunds as (

    select
        orders.order_id,
        coalesce(orders.refund_amount, 0) = 0 and repaid.order_id is not null as is_refund_of_returns,
        case when orders.refund_amount > 0 then orders.refund_amount else repaid.refund_amount end as amount,
        case when coalesce(orders.refund_amount, 0) = 0 then repaid.refund_amount end as amount_of_returns,
        case when coalesce(orders.refund_amount, 0) = 0 then repaid.refunded_at end as repaid_at
    from {{ ref('stg_orders') }} as orders
    left join repaid on orders.order_id = repaid.order_id
    where {{ is_invalidated('orders.order_id') }}

)

select
    orders.*,
    coalesce(records.customer_key, 'unknown') as customer_key,
    case
        when orders.cancelled_at is not null then orders.cancelled_at <= {{ as_of() }}
        else orders.status = 'cancelled'
    end as is_cancelled,
    -- Refunded in part, an order stays a purchase. What was paid back tells it too, whatever the state.
    case
        when orders.refunded_at is not null then orders.refunded_at <= {{ as_of() }}
        when orders.status = 'refunded' or (orders.status = 'returned' and kept.order_id is null) then true
        else coalesce(refunds.amount > 0 and coalesce(orders.total_amount, lines.amount) is not null, false)
    end
    and coalesce(refunds.amount >= coalesce(orders.total_amount, lines.amount), true) as is_refunded,
    refunds.is_refund_of_returns,
    refunds.amount_of_returns,
    refunds.repaid_at,
    cast(coalesce(orders.total_amount, lines.amount) as double) as order_amount,
    -- Where the order does not say it, its parcels do.
    coalesce(orders.shipped_at, parcels.shipped_at) as order_shipped_at,
    coalesce(orders.shipped_at, parcels.last_shipped_at) as order_shipped_whole_at,
    coalesce(orders.delivered_at, parcels.delivered_at) as order_delivered_at,
    coalesce(orders.promised_delivery_at, parcels.promised_delivery_at) as order_promised_delivery_at,
    upper(coalesce(orders.currency, '{{ var("currency") }}')) as currency_or_default,
    -- To the reporting currency, where the order is in another.
    rates.exchange_rate
from {{ ref('stg_orders') }} as orders
left join {{ ref('int_record_customers') }} as records
    on
        records.record_kind = 'orders'
        and orders.order_id = records.record_id
left join {{ ref('int_currency_days') }} as rates
    on
        upper(orders.currency) = rates.currency
        and {{ local_date('orders.ordered_at') }} = rates.used_on
left join parcels on orders.order_id = parcels.order_id
left join lines on orders.order_id = lines.order_id
left join kept on orders.order_id = kept.order_id
inner join refunds on orders.order_id = refunds.order_id
where {{ is_invalidated('orders.order_id') }}
