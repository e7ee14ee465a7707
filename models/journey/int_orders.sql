{%- set orders = ref('stg_orders') -%}
{{ maintained(
    unit=['order_id'],
    touched_by={'stg_orders': 'order_id', 'int_record_customers': records_of('orders')},
    on_clock=['select order_id from ' ~ orders ~ ' where ' ~ passed('cancelled_at') ~ ' or ' ~ passed('refunded_at')]
) }}
-- Each order's customer, and whether it still is one at `as_of`.
select
    orders.*,
    coalesce(records.customer_key, 'unknown') as customer_key,
    case
        when orders.cancelled_at is not null then orders.cancelled_at <= {{ as_of() }}
        else orders.status = 'cancelled'
    end as is_cancelled,
    -- Refunded in part, an order stays a purchase.
    case
        when orders.refunded_at is not null then orders.refunded_at <= {{ as_of() }}
        else orders.status in ('refunded', 'returned')
    end
    and coalesce(orders.refund_amount >= orders.total_amount, true) as is_refunded,
    upper(coalesce(orders.currency, '{{ var("currency") }}')) as currency_or_default
from {{ ref('stg_orders') }} as orders
left join {{ ref('int_record_customers') }} as records
    on
        records.record_kind = 'orders'
        and orders.order_id = records.record_id
where {{ is_touched('orders.order_id') }}
