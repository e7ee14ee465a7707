{{ maintained(unit=['customer_key'], touched_by={'fct_orders': 'customer_key'}) }}
-- The unbroken spells in which a person is a customer: from a purchase until `activity_window_days` after the last one
-- that came in time.
with purchases as (

    select distinct
        customer_key,
        {{ local_date('ordered_at') }} as ordered_on
    from {{ ref('fct_orders') }}
    where
        is_purchase
        and customer_key <> 'unknown'
        and {{ is_touched('customer_key') }}

),

compared as (

    select
        customer_key,
        ordered_on,
        lag(ordered_on) over (partition by customer_key order by ordered_on) as previous_on
    from purchases

),

numbered as (

    select
        customer_key,
        ordered_on,
        sum(
            case
                when ordered_on <= {{ add_days('previous_on', var('activity_window_days')) }} then 0
                else 1
            end
        ) over (partition by customer_key order by ordered_on rows unbounded preceding) as spell_number
    from compared

)

select
    customer_key,
    cast(spell_number as integer) as spell_number,
    min(ordered_on) as starts_on,
    -- The first morning on which the last purchase is too long ago.
    {{ add_days('max(ordered_on)', var('activity_window_days') + 1) }} as lost_on
from numbered
group by
    customer_key,
    spell_number
