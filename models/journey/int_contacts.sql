{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'stg_tickets': customers_of('tickets', 'ticket_id'),
        'int_ticket_life': customers_of('tickets', 'ticket_id'),
        'int_ticket_clocks': customers_of('tickets', 'ticket_id'),
        'int_calls': customers_of('calls', 'call_id'),
        'int_call_topics': customers_of('calls', 'call_id'),
        'int_record_customers': 'customer_key',
    }
) }}
-- Every contact of a customer over any channel, and when the same customer next came back: about the same topic, and at all.
-- Merged, spam and deleted tickets and excluded calls are not contacts; a ticket that a call opened is one contact with it.
with contacts as (

    select
        'tickets' as record_kind,
        tickets.ticket_id as record_id,
        clocks.created_at as contact_at,
        coalesce(tickets.topic, 'unknown') as topic
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    inner join {{ ref('int_ticket_clocks') }} as clocks on tickets.ticket_id = clocks.ticket_id
    where
        not life.is_merged
        and not coalesce(tickets.is_spam, false)
        and not coalesce(tickets.is_deleted, false)
        and not clocks.is_part_of_call
    union all
    select
        'calls' as record_kind,
        calls.call_id as record_id,
        calls.started_at as contact_at,
        coalesce(calls.topic, topics.topic, 'unknown') as topic
    from {{ ref('int_calls') }} as calls
    left join {{ ref('int_call_topics') }} as topics on calls.call_id = topics.call_id
    where
        {{ has_come_to_agents('calls') }}

),

known as (

    select
        contacts.record_kind,
        contacts.record_id,
        contacts.contact_at,
        contacts.topic,
        records.customer_key
    from contacts
    inner join {{ ref('int_record_customers') }} as records
        on
            contacts.record_kind = records.record_kind
            and contacts.record_id = records.record_id
    where {{ is_invalidated('records.customer_key') }}

)

select
    record_kind,
    record_id,
    customer_key,
    contact_at,
    lead(contact_at) over (
        partition by customer_key, {{ topic_key('topic') }}
        order by contact_at, record_kind, record_id
    ) as next_contact_at,
    lead(contact_at) over (
        partition by customer_key
        order by contact_at, record_kind, record_id
    ) as next_contact_of_any_topic_at
from known
