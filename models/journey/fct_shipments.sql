{{ maintained(
    unique_key=['order_id'],
    invalidated_by={'stg_shipments': 'order_id', 'fct_orders': 'order_id'},
    invalidated_by_as_of=['select order_id from ' ~ ref('stg_shipments') ~ ' where ' ~ passed('delivered_at')]
) }}
-- Parcels. Where no export has an order's parcels, the order that was shipped is one.
with shipments as (

    select
        shipment_id,
        order_id,
        carrier,
        shipped_at,
        promised_delivery_at,
        {{ known('delivered_at') }} as delivered_at,
        is_tracked
    from {{ ref('stg_shipments') }}
    where {{ is_invalidated('order_id') }}

),

parcels as (

    select * from shipments
    union all
    select
        concat('order:', order_id) as shipment_id,
        order_id,
        cast(null as {{ dbt.type_string() }}) as carrier,
        shipped_at,
        promised_delivery_at,
        delivered_at,
        cast(null as boolean) as is_tracked
    from {{ ref('fct_orders') }}
    where
        shipped_at is not null
        and order_id not in (select shipments.order_id from shipments)
        and {{ is_invalidated('order_id') }}

)

select
    parcels.shipment_id,
    parcels.order_id,
    coalesce(orders.customer_key, 'unknown') as customer_key,
    coalesce(parcels.carrier, 'unknown') as carrier,
    coalesce(orders.channel, 'unknown') as channel,
    coalesce(orders.marketplace, 'unknown') as marketplace,
    coalesce(orders.country, 'unknown') as country,
    coalesce(orders.segment, 'unknown') as segment,
    parcels.shipped_at,
    coalesce(parcels.promised_delivery_at, orders.promised_delivery_at) as promised_delivery_at,
    parcels.delivered_at,
    parcels.is_tracked,
    cast({{ seconds_between('parcels.shipped_at', in_order('parcels.delivered_at', 'parcels.shipped_at')) }} as bigint)
        as transit_seconds
from parcels
left join {{ ref('fct_orders') }} as orders on parcels.order_id = orders.order_id
