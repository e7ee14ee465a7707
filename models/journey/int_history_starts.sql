-- The days from which on orders, and customers, are known at all: what came before the exports begin is unknown, not none.
select
    (
        select min({{ local_date('orders.ordered_at') }})
        from {{ ref('fct_orders') }} as orders
    ) as orders_from,
    (
        select min(spells.starts_on)
        from {{ ref('int_customer_spells') }} as spells
    ) as customers_from
