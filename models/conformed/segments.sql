-- What customers do: recency, frequency and money of their purchases, each in fifths of all who bought, and what follows.
{%- set year_ago = add_days(as_of_day(), -365) %}

with purchases as (

    select
        purchases.customer_key,
        {{ local_date('orders.ordered_at') }} as ordered_on,
        case
            when orders.currency_or_default = '{{ var("currency") }}'
                then cast(orders.order_amount - coalesce(cast(orders.refund_amount as double), 0) as decimal(18, 4))
        end as amount
    from {{ ref('int_orders') }} as orders
    inner join {{ ref('int_purchases') }} as purchases on orders.order_id = purchases.order_id

),

bought as (

    select
        customer_key,
        min(ordered_on) as first_purchase_on,
        max(ordered_on) as last_purchase_on,
        count(*) as purchases,
        coalesce(sum(amount), 0) as spent
    from purchases
    group by customer_key

),

ranked as (

    select
        *,
        -- Those who are alike share the middle of their places.
        {% for place, column in {'recency': 'last_purchase_on', 'frequency': 'purchases', 'money': 'spent'}.items() -%}
        rank() over (order by {{ column }}) - 1 + (count(*) over (partition by {{ column }}) - 1) / 2.0 as {{ place }}_rank,
        {% endfor -%}
        count(*) over () as customers
    from bought

),

scored as (

    select
        *,
        1 + cast(floor(5.0 * recency_rank / customers) as bigint) as recency_score,
        1 + cast(floor(5.0 * frequency_rank / customers) as bigint) as frequency_score,
        1 + cast(floor(5.0 * money_rank / customers) as bigint) as money_score
    from ranked

),

complaint_topics as (

    select distinct lower(topic) as topic
    from {{ ref('complaint_topics') }}

),

contacts as (

    select
        records.customer_key,
        tickets.type,
        tickets.topic
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'tickets'
            and tickets.ticket_id = records.record_id
    where
        not coalesce(tickets.is_spam, false)
        and not coalesce(tickets.is_deleted, false)
        and not coalesce(tickets.is_merged, false)
        and tickets.merged_into is null
        and {{ local_date('tickets.created_at') }} > {{ year_ago }}
    union all
    select
        records.customer_key,
        cast(null as {{ dbt.type_string() }}) as type,
        calls.topic
    from {{ ref('stg_calls') }} as calls
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'calls'
            and calls.call_id = records.record_id
    where
        coalesce(calls.disposition, 'answered') not in ('excluded', 'failed')
        and coalesce(calls.direction, 'inbound') = 'inbound'
        and {{ local_date('calls.started_at') }} > {{ year_ago }}

),

asked as (

    select
        contacts.customer_key,
        count(*) as contacts,
        sum(case when coalesce(by_type.topic, by_topic.topic) is not null then 1 else 0 end) as complaints
    from contacts
    left join complaint_topics as by_type on lower(contacts.type) = by_type.topic
    left join complaint_topics as by_topic on lower(contacts.topic) = by_topic.topic
    group by contacts.customer_key

),

persons as (

    select customer_key
    from {{ ref('int_customer_keys') }}
    group by customer_key

)

select
    persons.customer_key,
    scored.first_purchase_on,
    scored.last_purchase_on,
    cast({{ days_between('scored.last_purchase_on', as_of_day()) }} as bigint) as recency_days,
    cast(coalesce(scored.purchases, 0) as bigint) as purchases,
    cast(coalesce(scored.spent, 0) as double) as spent,
    scored.recency_score,
    scored.frequency_score,
    scored.money_score,
    cast(coalesce(asked.contacts, 0) as bigint) as contacts_of_year,
    cast(coalesce(asked.complaints, 0) as bigint) as complaints_of_year,
    -- The first that holds.
    case
        when asked.complaints >= {{ var('many_complaints') }} or asked.contacts >= {{ var('many_contacts') }} then 'most problems'
        when scored.customer_key is null then 'no purchase'
        when scored.first_purchase_on > {{ add_days(as_of_day(), -var('new_customer_days')) }} then 'new'
        when scored.recency_score >= 4 and scored.frequency_score >= 4 then 'most loyal'
        when scored.recency_score > 2 or scored.last_purchase_on > {{ add_days(as_of_day(), -var('lapsed_customer_days')) }}
            then 'occasional'
        when scored.frequency_score >= 3 then 'at risk'
        else 'lost'
    end as behaviour
from persons
left join scored on persons.customer_key = scored.customer_key
left join asked on persons.customer_key = asked.customer_key
