-- Conversations on Facebook of the `messaging_window_days` that end with each day, as they were at its end. A day without
-- any has its row too.
{%- set window = var('messaging_window_days') %}

with conversations as (

    select
        brand,
        channel,
        {{ local_date('created_at') }} as received_on,
        {{ local_date('first_response_at') }} as answered_on,
        first_response_seconds
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and is_response_tracked
        and (channel like '%facebook%' or channel = 'messenger')

),

combinations as (

    select
        brand,
        channel,
        min(received_on) as first_day
    from conversations
    group by
        brand,
        channel

),

days as (

    select
        combinations.brand,
        combinations.channel,
        dates.date_day
    from combinations
    inner join {{ ref('dim_dates') }} as dates
        on
            combinations.first_day <= dates.date_day
            and dates.date_day <= {{ as_of_day() }}

)

select
    days.date_day,
    days.brand,
    days.channel,
    cast(count(conversations.received_on) as bigint) as conversations,
    cast(sum(case when conversations.answered_on <= days.date_day then 1 else 0 end) as bigint) as conversations_answered,
    cast(
        sum(case when conversations.answered_on <= days.date_day then conversations.first_response_seconds else 0 end) as bigint
    ) as response_seconds
from days
left join conversations
    on
        days.brand = conversations.brand
        and days.channel = conversations.channel
        and days.date_day >= conversations.received_on
        and days.date_day < {{ add_days('conversations.received_on', window) }}
group by
    days.date_day,
    days.brand,
    days.channel
