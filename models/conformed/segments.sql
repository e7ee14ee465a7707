-- What customers do: recency, frequency and money of their purchases, each in fifths of all who bought, and what follows. Money
-- is unknown where that of one purchase is.
{%- set year_ago = add_days(as_of_day(), -365) %}
{#- What is paid back later is not paid back yet; how much returns brought, they may not say. -#}
{%- set repaid -%}
case
            when orders.is_refund_of_returns then orders.amount_of_returns
            when coalesce(orders.refunded_at, orders.ordered_at) <= {{ as_of() }} then coalesce(orders.refund_amount, 0)
            else 0
        end
{%- endset %}

with purchases as (

    select
        purchases.customer_key,
        {{ local_date('orders.ordered_at') }} as ordered_on,
        cast({{ in_reporting_currency(
            '(orders.order_amount - cast(' ~ repaid ~ ' as double))',
            'orders.currency_or_default',
            'orders.exchange_rate'
        ) }} as decimal(18, 4)) as amount
    from {{ ref('int_orders') }} as orders
    inner join {{ ref('int_purchases') }} as purchases on orders.order_id = purchases.order_id

),

bought as (

    select
        customer_key,
        min(ordered_on) as first_purchase_on,
        max(ordered_on) as last_purchase_on,
        count(*) as purchases,
        {{ sum_of_known('amount') }} as spent
    from purchases
    group by customer_key

),

ranked as (

    select
        *,
        -- Those who are alike share the middle of their places.
        {% for place, column in {'recency': 'last_purchase_on', 'frequency': 'purchases', 'money': 'spent'}.items() -%}
        rank() over (partition by {{ column }} is null order by {{ column }}) - 1
        + (count(*) over (partition by {{ column }}) - 1) / 2.0 as {{ place }}_rank,
        {% endfor -%}
        count(*) over () as customers,
        count(spent) over () as customers_of_known_money
    from bought

),

scored as (

    select
        *,
        1 + cast(floor(5.0 * recency_rank / customers) as bigint) as recency_score,
        1 + cast(floor(5.0 * frequency_rank / customers) as bigint) as frequency_score,
        case
            when spent is not null then 1 + cast(floor(5.0 * money_rank / customers_of_known_money) as bigint)
        end as money_score
    from ranked

),

complaint_topics as (

    select distinct {{ topic_key('topic') }} as topic
    from {{ ref('complaint_topics') }}

),

-- Merged by an event of the log; a list says it in its own columns.
merged as (

    select distinct ticket_id
    from {{ ref('stg_ticket_events') }}
    where event_type = 'merged'

),

-- A call and the tickets opened in it are one contact, and so are the legs of a call; see int_contacts.
contacts as (

    select
        case when opened.is_call_contact then 'calls' else 'tickets' end as record_kind,
        case when opened.is_call_contact then opened.call_id else tickets.ticket_id end as record_id,
        coalesce(calls.started_at, creations.created_at) as contact_at,
        tickets.type,
        tickets.topic
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_creations') }} as creations on tickets.ticket_id = creations.ticket_id
    left join {{ ref('int_call_tickets') }} as opened on tickets.ticket_id = opened.ticket_id
    left join {{ ref('int_calls') }} as calls
        on
            opened.call_id = calls.call_id
            and opened.is_call_contact
    left join merged on tickets.ticket_id = merged.ticket_id
    left join {{ ref('int_merge_circles') }} as circles on tickets.ticket_id = circles.ticket_id
    where
        not coalesce(tickets.is_spam, false)
        and not coalesce(tickets.is_deleted, false)
        and (
            circles.ticket_id is not null
            or (not coalesce(tickets.is_merged, false) and tickets.merged_into is null and merged.ticket_id is null)
        )
    union all
    select
        'calls' as record_kind,
        calls.call_id as record_id,
        calls.started_at as contact_at,
        cast(null as {{ dbt.type_string() }}) as type,
        calls.topic
    from {{ ref('int_calls') }} as calls
    where
        {{ has_come_to_agents('calls') }}

),

classified as (

    select
        contacts.record_kind,
        contacts.record_id,
        max(case when coalesce(by_type.topic, by_topic.topic) is not null then 1 else 0 end) as is_complaint
    from contacts
    left join complaint_topics as by_type on {{ topic_key('contacts.type') }} = by_type.topic
    left join complaint_topics as by_topic on {{ topic_key('contacts.topic') }} = by_topic.topic
    where {{ local_date('contacts.contact_at') }} > {{ year_ago }}
    group by
        contacts.record_kind,
        contacts.record_id

),

asked as (

    select
        records.customer_key,
        count(*) as contacts,
        sum(classified.is_complaint) as complaints
    from classified
    inner join {{ ref('int_record_customers') }} as records
        on
            classified.record_kind = records.record_kind
            and classified.record_id = records.record_id
    group by records.customer_key

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
    cast(case when scored.customer_key is null then 0 else scored.spent end as double) as spent,
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
