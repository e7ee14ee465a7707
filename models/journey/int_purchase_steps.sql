{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'int_orders': 'customer_key',
        'int_purchases': 'customer_key',
        'stg_order_items': 'select customer_key from ' ~ ref('int_purchases')
        ~ ' where order_id in (select order_id from {changes})',
    }
) }}
-- What a purchase added to what its customer had bought before: another category, or a dearer product of the same one.
with purchases as (

    select
        purchases.customer_key,
        purchases.order_id,
        purchases.is_repeat,
        orders.ordered_at,
        orders.currency_or_default as currency
    from {{ ref('int_purchases') }} as purchases
    inner join {{ ref('int_orders') }} as orders on purchases.order_id = orders.order_id
    where {{ is_invalidated('purchases.customer_key') }}

),

-- A line without a category says nothing of categories.
lines as (

    select
        purchases.customer_key,
        purchases.order_id,
        purchases.ordered_at,
        purchases.currency,
        items.category,
        items.product_id,
        items.unit_price,
        min(purchases.ordered_at) over (partition by purchases.customer_key, items.category) as category_bought_at,
        min(purchases.ordered_at) over (partition by purchases.customer_key, items.product_id) as product_bought_at
    from purchases
    inner join {{ ref('stg_order_items') }} as items on purchases.order_id = items.order_id
    where items.category is not null

),

dearest as (

    select
        customer_key,
        category,
        currency,
        ordered_at,
        max(unit_price) as dearest_price
    from lines
    group by
        customer_key,
        category,
        currency,
        ordered_at

),

dearest_before as (

    select
        customer_key,
        category,
        currency,
        ordered_at,
        max(dearest_price) over (
            partition by customer_key, category, currency
            order by ordered_at
            rows between unbounded preceding and 1 preceding
        ) as dearest_before
    from dearest

),

added as (

    select
        lines.customer_key,
        lines.order_id,
        max(case when lines.category_bought_at = lines.ordered_at then 1 else 0 end) as is_new_category,
        max(
            case
                when lines.product_bought_at = lines.ordered_at and lines.unit_price > dearest_before.dearest_before then 1
                else 0
            end
        ) as is_dearer
    from lines
    left join dearest_before
        on
            lines.customer_key = dearest_before.customer_key
            and lines.category = dearest_before.category
            and lines.currency = dearest_before.currency
            and lines.ordered_at = dearest_before.ordered_at
    group by
        lines.customer_key,
        lines.order_id

),

-- Where the lines of one purchase are not known, what came after it cannot be called new.
with_history as (

    select
        purchases.*,
        added.is_new_category,
        added.is_dearer,
        min(case when added.order_id is not null then 1 else 0 end) over (
            partition by purchases.customer_key
            order by purchases.ordered_at, purchases.order_id
            rows unbounded preceding
        ) = 1 as is_history_known
    from purchases
    left join added on purchases.order_id = added.order_id

)

select
    customer_key,
    order_id,
    case when is_history_known then is_repeat and is_new_category = 1 end as is_cross_sell,
    case when is_history_known then is_repeat and is_dearer = 1 end as is_up_sell
from with_history
