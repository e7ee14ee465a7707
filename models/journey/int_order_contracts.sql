-- Not every export tells when orders were shipped and delivered, or who cancelled them: no word means no only where the export
-- has one.
with delivered_parcels as (

    select distinct order_id
    from {{ ref('stg_shipments') }}
    where {{ known('delivered_at') }} is not null

)

select
    orders._contract as contract,
    max(case when {{ known('orders.order_shipped_at') }} is not null then 1 else 0 end) = 1 as does_tell_shippings,
    max(
        case
            when {{ known('orders.order_delivered_at') }} is not null or delivered_parcels.order_id is not null then 1
            else 0
        end
    ) = 1 as does_tell_deliveries,
    max(case when orders.cancelled_by is not null then 1 else 0 end) = 1 as does_tell_cancellers
from {{ ref('int_orders') }} as orders
left join delivered_parcels on orders.order_id = delivered_parcels.order_id
group by orders._contract
