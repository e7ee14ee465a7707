-- A product is called what its newest order line calls it.
with lines as (

    select
        items.product_id,
        items.product_name,
        items.category,
        orders.ordered_at,
        row_number() over (
            partition by items.product_id
            order by orders.ordered_at desc nulls last, items.order_id desc, items.line_id desc
        ) as newest
    from {{ ref('stg_order_items') }} as items
    left join {{ ref('stg_orders') }} as orders on items.order_id = orders.order_id

),

products as (

    select
        product_id,
        max(case when newest = 1 then product_name end) as product_name,
        max(case when newest = 1 then category end) as category,
        min(ordered_at) as first_ordered_at
    from lines
    group by product_id

)

select
    product_id,
    coalesce(product_name, product_id) as product_name,
    coalesce(category, 'unknown') as category,
    first_ordered_at
from products
-- An export may call one so itself.
where product_id <> 'unknown'
union all
select
    'unknown' as product_id,
    'unknown' as product_name,
    'unknown' as category,
    cast(null as timestamp) as first_ordered_at
