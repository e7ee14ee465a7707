-- Not every export tells when orders were shipped and delivered, or who cancelled them: no word means no only where the export
-- has one. Where no order was cancelled, there is nobody to be named, unless the export cannot say that one was.
with delivered_parcels as (

    select distinct order_id
    from {{ ref('stg_shipments') }}
    where {{ known('delivered_at') }} is not null

),

naming_cancellers as (

    {{ contracts_telling('orders', 'cancelled_by') }}

),

naming_no_cancelled as (

    {{ contracts_telling('orders', 'status!cancelled') }}

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
    max(case when orders.cancelled_by is not null or naming_cancellers.contract is not null then 1 else 0 end) = 1
    or max(
        case
            when orders.status = 'cancelled' or orders.cancelled_at is not null or naming_no_cancelled.contract is not null then 1
            else 0
        end
    ) = 0
        as does_tell_cancellers
from {{ ref('int_orders') }} as orders
left join delivered_parcels on orders.order_id = delivered_parcels.order_id
left join naming_cancellers on orders._contract = naming_cancellers.contract
left join naming_no_cancelled on orders._contract = naming_no_cancelled.contract
group by orders._contract
