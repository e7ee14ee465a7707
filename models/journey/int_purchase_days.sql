-- The days on which each customer bought, with what they spent: several purchases of a day are one.
select
    customer_key,
    {{ local_date('ordered_at') }} as purchased_on,
    cast(sum(cast(order_value as decimal(18, 4))) as double) as revenue,
    cast(sum(cast(margin as decimal(18, 4))) as double) as margin
from {{ ref('fct_orders') }}
where
    is_purchase
    and customer_key <> 'unknown'
group by
    customer_key,
    {{ local_date('ordered_at') }}
