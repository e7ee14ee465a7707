-- Since which days orders, customers and contacts are known at all: what came before the exports begin is unknown, not none.
select
    (
        select min({{ local_date('orders.ordered_at') }})
        from {{ ref('fct_orders') }} as orders
    ) as orders_from,
    (
        select min(spells.starts_on)
        from {{ ref('int_customer_spells') }} as spells
    ) as customers_from,
    (
        select min(firsts.first_day)
        from (
            select min({{ local_date('created_at') }}) as first_day from {{ ref('stg_tickets') }}
            union all
            select min({{ local_date('started_at') }}) as first_day from {{ ref('stg_calls') }}
        ) as firsts
    ) as contacts_from
