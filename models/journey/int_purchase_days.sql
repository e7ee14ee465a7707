-- The days on which each customer bought, with what they spent: several purchases of a day are one.
select
    customer_key,
    {{ local_date('ordered_at') }} as purchased_on,
    cast({{ sum_of_known('order_value') }} as double) as revenue,
    cast({{ sum_of_known('margin') }} as double) as margin
from {{ ref('fct_orders') }}
where
    is_purchase
    and customer_key <> 'unknown'
group by
    customer_key,
    {{ local_date('ordered_at') }}
