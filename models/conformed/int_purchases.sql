{{ maintained(unique_key=['customer_key'], invalidated_by={'int_orders': 'customer_key'}) }}
-- A cancelled or refunded order is no purchase: it makes no repeat customer.
select
    order_id,
    customer_key,
    cast(row_number() over (partition by customer_key order by ordered_at, order_id) as bigint) as purchase_number,
    ordered_at > min(ordered_at) over (partition by customer_key) as is_repeat
from {{ ref('int_orders') }}
where
    not is_cancelled
    and not is_refunded
    and customer_key <> 'unknown'
    and {{ is_invalidated('customer_key') }}
