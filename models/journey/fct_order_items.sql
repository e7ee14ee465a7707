{{ maintained(
    unique_key=['order_id'],
    invalidated_by={
        'stg_order_items': 'order_id',
        'fct_orders': 'order_id',
        'dim_products': rows_with_changed('order_id', 'product_id'),
    }
) }}
-- A line whose order never arrived (or is in quarantine) stays, under an unknown customer.
select
    items.order_id,
    items.line_id,
    items.product_id,
    coalesce(products.category, 'unknown') as category,
    coalesce(orders.customer_key, 'unknown') as customer_key,
    orders.ordered_at,
    orders.currency,
    cast(items.quantity as double) as quantity,
    cast(items.unit_price as double) as unit_price,
    cast(items.unit_cost as double) as unit_cost,
    cast(items.quantity * items.unit_price as double) as line_amount,
    coalesce(orders.is_purchase, false) as is_purchase,
    coalesce(items.extra, orders.extra) as extra
from {{ ref('stg_order_items') }} as items
left join {{ ref('fct_orders') }} as orders on items.order_id = orders.order_id
left join {{ ref('dim_products') }} as products on items.product_id = products.product_id
where {{ is_invalidated('items.order_id') }}
