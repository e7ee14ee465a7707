{%- set instants = ['cancelled_at', 'refunded_at', 'shipped_at', 'delivered_at', 'promised_delivery_at'] -%}
{%- set passing = [] -%}
{%- for instant in instants -%}{%- do passing.append(passed(instant)) -%}{%- endfor -%}
{%- set orders = ref('int_orders') -%}
{{ maintained(
    unit=['order_id'],
    touched_by={
        'int_orders': 'order_id',
        'int_purchases': 'order_id',
        'stg_order_items': 'order_id',
        'dim_customers': rows_with_changed('order_id', 'customer_key'),
    },
    on_clock=['select order_id from ' ~ orders ~ ' where ' ~ passing | join(' or ')]
) }}
with orders as (

    select *
    from {{ ref('int_orders') }}
    where {{ is_touched('order_id') }}

),

lines as (

    select
        order_id,
        category,
        cast(quantity as decimal(18, 4)) as quantity,
        cast(quantity as decimal(18, 4)) * unit_price as amount,
        row_number() over (
            partition by order_id
            order by quantity * unit_price desc, line_id asc
        ) as size_rank
    from {{ ref('stg_order_items') }}
    where {{ is_touched('order_id') }}

),

-- An order belongs to the category of its largest line.
items as (

    select
        order_id,
        sum(quantity) as items,
        sum(amount) as items_amount,
        max(case when size_rank = 1 then category end) as category
    from lines
    group by order_id

)

select
    orders.order_id,
    orders.customer_key,
    orders.ordered_at,
    coalesce(orders.sales_channel, 'unknown') as channel,
    coalesce(orders.marketplace, 'unknown') as marketplace,
    coalesce(orders.brand, 'unknown') as brand,
    coalesce(orders.country, customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    coalesce(items.category, 'unknown') as category,
    orders.status,
    orders.currency_or_default as currency,
    -- Amounts in other currencies are not added to the reporting currency's.
    case
        when orders.currency_or_default = '{{ var("currency") }}'
            then cast(coalesce(orders.total_amount, items.items_amount) as double)
    end as order_value,
    cast(items.items as double) as items,
    orders.promised_ship_at,
    {{ known('orders.shipped_at') }} as shipped_at,
    orders.promised_delivery_at,
    {{ known('orders.delivered_at') }} as delivered_at,
    orders.is_cancelled,
    -- Null where the export does not say who cancelled.
    orders.is_cancelled and orders.cancelled_by = 'seller'
    and ({{ known('orders.shipped_at') }} is null or coalesce(orders.shipped_at >= orders.cancelled_at, false))
        as is_cancelled_by_seller,
    orders.is_refunded,
    not orders.is_cancelled and not orders.is_refunded as is_purchase,
    -- Due once the promise has passed; an order that was cancelled is not due.
    not orders.is_cancelled and coalesce(orders.promised_delivery_at <= {{ as_of() }}, false) as is_delivery_due,
    not orders.is_cancelled
    and coalesce(orders.promised_delivery_at <= {{ as_of() }}, false)
    and coalesce({{ known('orders.delivered_at') }} <= orders.promised_delivery_at, false) as is_delivered_on_time,
    purchases.purchase_number,
    coalesce(purchases.is_repeat, false) as is_repeat,
    orders.claim_type
from orders
left join items on orders.order_id = items.order_id
left join {{ ref('int_purchases') }} as purchases on orders.order_id = purchases.order_id
left join {{ ref('dim_customers') }} as customers on orders.customer_key = customers.customer_key
