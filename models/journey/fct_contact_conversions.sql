-- Contacts, whether an order of the customer followed each within the window, and how often one follows any moment of that
-- customer's time with us: the rate to compare with. Whether an unknown customer ordered nobody knows, nor who did before the
-- exports of orders begin.
{%- set window_seconds = var('conversion_window_days') * 86400 -%}
{%- set closed_at = dbt.dateadd('day', -var('conversion_window_days'), as_of()) %}

with contacts as (

    select *
    from {{ ref('fct_contacts') }}

),

orders as (

    select
        customer_key,
        ordered_at
    from {{ ref('fct_orders') }}
    where
        not is_cancelled
        and customer_key <> 'unknown'

),

events as (

    select
        customer_key,
        contact_at as happened_at
    from contacts
    where
        customer_key <> 'unknown'
        and are_orders_known
    union all
    select
        customer_key,
        ordered_at as happened_at
    from orders

),

lives as (

    select
        customer_key,
        min(happened_at) as starts_at,
        {{ seconds_between('min(happened_at)', closed_at) }} as life_seconds
    from events
    group by customer_key

),

chained as (

    select
        customer_key,
        ordered_at,
        lag(ordered_at) over (partition by customer_key order by ordered_at) as previous_at
    from orders

),

-- The moments that an order follows within the window: those before it, back to the order before or the window's length.
covered as (

    select
        chained.customer_key,
        sum(
            greatest(
                {{ seconds_between(
                    'greatest(' ~ dbt.dateadd('second', -window_seconds, 'chained.ordered_at')
                    ~ ', lives.starts_at, coalesce(chained.previous_at, lives.starts_at))',
                    'least(chained.ordered_at, ' ~ closed_at ~ ')'
                ) }},
                0
            )
        ) as covered_seconds
    from chained
    inner join lives on chained.customer_key = lives.customer_key
    group by chained.customer_key

),

followed as (

    select
        contacts.contact_type,
        contacts.contact_id,
        min(orders.ordered_at) as ordered_at
    from contacts
    inner join orders
        on
            contacts.customer_key = orders.customer_key
            and contacts.contact_at < orders.ordered_at
            and orders.ordered_at < {{ dbt.dateadd('day', var('conversion_window_days'), 'contacts.contact_at') }}
    group by
        contacts.contact_type,
        contacts.contact_id

)

select
    contacts.contact_type,
    contacts.contact_id,
    contacts.customer_key,
    contacts.contact_at,
    contacts.channel,
    contacts.team,
    contacts.country,
    contacts.segment,
    contacts.topic,
    followed.ordered_at,
    -- Not known before the window has closed.
    case
        when contacts.contact_at <= {{ closed_at }} and contacts.are_orders_known and lives.customer_key is not null
            then followed.contact_id is not null
    end as is_converted,
    case
        when contacts.contact_at <= {{ closed_at }} and contacts.are_orders_known and lives.life_seconds > 0
            then round(cast(coalesce(covered.covered_seconds, 0) as double) / lives.life_seconds, 9)
    end as base_share
from contacts
left join lives on contacts.customer_key = lives.customer_key
left join covered on contacts.customer_key = covered.customer_key
left join followed
    on
        contacts.contact_type = followed.contact_type
        and contacts.contact_id = followed.contact_id
