{{ maintained(
    unique_key=['return_id'],
    invalidated_by={
        'stg_returns': 'return_id',
        'fct_orders': rows_with_changed('return_id', 'order_id'),
        'dim_products': rows_with_changed('return_id', 'product_id'),
    },
    invalidated_by_as_of=['select return_id from ' ~ ref('stg_returns') ~ ' where ' ~ passed('received_at')]
) }}
-- What customers sent back, or asked to. A return whose order never arrived stays, under an unknown customer.
select
    returns.return_id,
    returns.order_id,
    coalesce(orders.customer_key, 'unknown') as customer_key,
    coalesce(orders.channel, 'unknown') as channel,
    coalesce(orders.marketplace, 'unknown') as marketplace,
    coalesce(orders.country, 'unknown') as country,
    returns.product_id,
    coalesce(products.category, 'unknown') as category,
    returns.requested_at,
    {{ known('returns.received_at') }} as received_at,
    cast(returns.quantity as double) as quantity,
    coalesce(returns.reason, 'unknown') as reason,
    returns.outcome,
    orders.currency,
    cast(returns.refund_amount as double) as refund_amount,
    cast(returns.restocking_fee_amount as double) as restocking_fee_amount,
    cast(returns.return_shipping_amount as double) as return_shipping_amount,
    cast(returns.return_shipping_amount as double) * orders.exchange_rate as return_shipping_value
from {{ ref('stg_returns') }} as returns
left join {{ ref('fct_orders') }} as orders on returns.order_id = orders.order_id
left join {{ ref('dim_products') }} as products on returns.product_id = products.product_id
where {{ is_invalidated('returns.return_id') }}
