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
    invalidated_by_as_of=['select order_id from ' ~ orders ~ ' where ' ~ passed('cancelled_at') ~ ' or ' ~ passed('refunded_at')]
) }}
-- Each order's customer, its way, and whether it still is an order at `as_of`.
with parcels as (

    select
        order_id,
        min(shipped_at) as shipped_at,
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
        else coalesce(orders.refund_amount > 0 and coalesce(orders.total_amount, lines.amount) is not null, false)
    end
    and coalesce(nullif(orders.refund_amount, 0) >= coalesce(orders.total_amount, lines.amount), true) as is_refunded,
    cast(coalesce(orders.total_amount, lines.amount) as double) as order_amount,
    -- Where the order does not say it, its parcels do.
    coalesce(orders.shipped_at, parcels.shipped_at) as order_shipped_at,
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
where {{ is_invalidated('orders.order_id') }}
