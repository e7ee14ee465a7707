-- What the orders of each contract, with what belongs to them, say by some record: when they were shipped and delivered, that
-- one was paid, that one was refunded, how they were reviewed. A column that no record fills says none of it, and no word means
-- no only where the export has one. Where no order was cancelled, there is nobody to be named.
with parcels as (

    select
        order_id,
        max(case when {{ known('shipped_at') }} is not null then 1 else 0 end) as is_shipping_known,
        max(case when {{ known('delivered_at') }} is not null then 1 else 0 end) as is_delivery_known
    from {{ ref('stg_shipments') }}
    group by order_id

)

select
    orders._contract as contract,
    max(case when {{ known('orders.shipped_at') }} is not null then 1 else 0 end) = 1 as does_tell_shippings,
    max(case when {{ known('orders.delivered_at') }} is not null then 1 else 0 end) = 1 as does_tell_deliveries,
    coalesce(max(parcels.is_shipping_known), 0) = 1 as do_parcels_tell_shippings,
    coalesce(max(parcels.is_delivery_known), 0) = 1 as do_parcels_tell_deliveries,
    -- Without a day: delivered orders, and those that are not yet.
    max(case when orders.status = 'delivered' then 1 else 0 end) = 1 as do_states_tell_deliveries,
    max(case when orders.status = 'paid' or {{ known('orders.paid_at') }} is not null then 1 else 0 end) = 1
        as does_tell_payments,
    max(case when orders.status = 'cancelled' or orders.cancelled_at is not null then 1 else 0 end) = 0 as is_none_cancelled,
    max(case when orders.status = 'refunded' then 1 else 0 end) = 1 as does_tell_refunds,
    max(case when orders.is_refund_of_returns then 1 else 0 end) = 1 as do_returns_tell_refunds,
    count(reviews.order_id) > 0 as does_tell_reviews,
    max(case when reviews.has_feedback then 1 else 0 end) = 1 as does_tell_feedback
from {{ ref('int_orders') }} as orders
left join parcels on orders.order_id = parcels.order_id
left join {{ ref('int_order_reviews') }} as reviews on orders.order_id = reviews.order_id
group by orders._contract
