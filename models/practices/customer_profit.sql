{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'fct_orders': 'customer_key',
        'fct_contacts': 'customer_key',
        'fct_calls': 'customer_key',
        'fct_returns': 'customer_key',
        'int_loads': "select customer_key from {this} where exists (select 1 from {changes} where kind = 'returns')",
    }
) }}
-- What is left of each customer's orders when goods, contacts and returns are paid. A part that is not known for all of them
-- leaves the whole unknown, and is named.
with ordered as (

    select
        customer_key,
        count(case when not is_cancelled then 1 end) as orders,
        case
            when count(case when not is_cancelled then 1 end) = count(case when not is_cancelled then net_value end)
                then coalesce(sum(case when not is_cancelled then cast(net_value as decimal(18, 4)) end), 0)
        end as net_revenue,
        -- What was refunded in full is taken to be back.
        case
            when count(case when is_purchase then 1 end) = count(case when is_purchase then goods_cost_value end)
                then coalesce(sum(case when is_purchase then cast(goods_cost_value as decimal(18, 4)) end), 0)
        end as goods_cost
    from {{ ref('fct_orders') }}
    where {{ is_invalidated('customer_key') }}
    group by customer_key

),

costs_of_contacts as (

    select
        contacts.customer_key,
        {{ contact_cost('contacts.channel', 'calls.handle_seconds') }} as cost
    from {{ ref('fct_contacts') }} as contacts
    left join {{ ref('fct_calls') }} as calls
        on
            contacts.contact_type = 'call'
            and contacts.contact_id = calls.call_id
    where {{ is_invalidated('contacts.customer_key') }}

),

contacted as (

    select
        customer_key,
        count(*) as contacts,
        case when count(cost) = count(*) then sum(cast(cost as decimal(18, 4))) end as contact_cost
    from costs_of_contacts
    group by customer_key

),

returned as (

    select
        customer_key,
        count(*) as returns,
        case
            when count(return_shipping_value) = count(*) then sum(cast(return_shipping_value as decimal(18, 4)))
        end as return_shipping
    from {{ ref('fct_returns') }}
    where {{ is_invalidated('customer_key') }}
    group by customer_key

),

arrived as (

    select count(*) as loads
    from {{ ref('int_loads') }}
    where kind = 'returns'

),

everybody as (

    select customer_key
    from ordered
    union
    select customer_key
    from contacted

),

parts as (

    select
        everybody.customer_key,
        coalesce(ordered.orders, 0) as orders,
        coalesce(contacted.contacts, 0) as contacts,
        coalesce(returned.returns, 0) as returns,
        case when ordered.customer_key is null then 0 else ordered.net_revenue end as net_revenue,
        case when ordered.customer_key is null then 0 else ordered.goods_cost end as goods_cost,
        case when contacted.customer_key is null then 0 else contacted.contact_cost end as contact_cost,
        case
            when returned.customer_key is not null then returned.return_shipping
            -- Nothing came back where returns are exported, or where nothing was bought.
            when arrived.loads > 0 or coalesce(ordered.orders, 0) = 0 then 0
        end as return_shipping
    from everybody
    cross join arrived
    left join ordered on everybody.customer_key = ordered.customer_key
    left join contacted on everybody.customer_key = contacted.customer_key
    left join returned on everybody.customer_key = returned.customer_key
    where everybody.customer_key <> 'unknown'

)

select
    customer_key,
    cast(orders as bigint) as orders,
    cast(contacts as bigint) as contacts,
    cast(returns as bigint) as returns,
    cast(net_revenue as double) as net_revenue,
    cast(goods_cost as double) as goods_cost,
    cast(contact_cost as double) as contact_cost,
    cast(return_shipping as double) as return_shipping,
    cast(net_revenue - goods_cost - contact_cost - return_shipping as double) as contribution,
    nullif(
        concat(
            case when net_revenue is null then 'net revenue; ' else '' end,
            case when goods_cost is null then 'cost of goods; ' else '' end,
            case when contact_cost is null then 'cost of contacts; ' else '' end,
            case when return_shipping is null then 'return shipping; ' else '' end
        ),
        ''
    ) as missing
from parts
