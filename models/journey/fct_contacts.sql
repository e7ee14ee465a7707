{{ maintained(
    unique_key=['contact_type', 'contact_id'],
    invalidated_by={
        'fct_tickets': [
            "select 'ticket', ticket_id from {changes}",
            "select 'call', opened_by_call_id from {changes}",
        ],
        'fct_calls': "select 'call', call_id from {changes}",
        'int_history_starts': 'select contact_type, contact_id from {this} where exists (select 1 from {changes})',
    },
    invalidated_by_as_of=[
        'select contact_type, contact_id from {this} where '
        ~ passed(dbt.dateadd('day', var('fcr_window_days'), 'contact_at'))
    ]
) }}
-- Tickets and calls as what they are to the customer: contacts. Merged, spam and deleted tickets and excluded calls are none;
-- a call and the tickets opened in it are one.
with tickets_of_calls as (

    select
        opened_by_call_id as call_id,
        min(case when is_solved then 1 else 0 end) = 1 as are_solved,
        max(case when reopens > 0 or agent_replies > 1 then 1 else 0 end) = 1 as is_taken_up_again,
        max(case when is_complaint then 1 else 0 end) = 1 as is_complaint,
        max(case when is_escalated then 1 when not is_escalated then 0 end) = 1 as is_escalated,
        min(case when is_fcr_claimed then 1 when not is_fcr_claimed then 0 end) = 1 as is_fcr_claimed,
        min(case when is_fcr_verified then 1 when not is_fcr_verified then 0 end) = 1 as is_fcr_verified
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and is_part_of_call
        and {{ is_invalidated("'call'", 'opened_by_call_id') }}
    group by opened_by_call_id

)

select
    'ticket' as contact_type,
    ticket_id as contact_id,
    customer_key,
    created_at as contact_at,
    channel,
    agent_id,
    team,
    country,
    segment,
    topic,
    is_solved,
    is_fcr_observed,
    is_fcr_claimed,
    is_fcr_verified,
    next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), 'created_at') }} as is_repeated,
    next_contact_at,
    is_complaint,
    is_escalated,
    {{ local_date('created_at') }} >= starts.orders_from as are_orders_known,
    {{ local_date('created_at') }} >= starts.customers_from as are_customers_known,
    extra
from {{ ref('fct_tickets') }}
cross join {{ ref('int_history_starts') }} as starts
where
    is_contact
    and not is_part_of_call
    and {{ is_invalidated("'ticket'", 'ticket_id') }}
union all
select
    'call' as contact_type,
    calls.call_id as contact_id,
    calls.customer_key,
    calls.started_at as contact_at,
    calls.channel,
    calls.agent_id,
    calls.team,
    calls.country,
    calls.segment,
    calls.topic,
    -- The ticket has the later word on what became of the matter.
    coalesce(tickets.are_solved, calls.is_resolved, false) as is_solved,
    case
        when tickets.call_id is null then calls.is_fcr_observed
        when not tickets.are_solved or calls.customer_key = 'unknown' then null
        when {{ dbt.dateadd('day', var('fcr_window_days'), 'calls.started_at') }} > {{ as_of() }} then null
        when calls.next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), 'calls.started_at') }} then false
        else calls.is_answered and not calls.is_transferred and not tickets.is_taken_up_again
    end as is_fcr_observed,
    case when coalesce(tickets.are_solved, true) then coalesce(calls.is_fcr_claimed, tickets.is_fcr_claimed) end
        as is_fcr_claimed,
    case
        when coalesce(tickets.are_solved, true) and coalesce(calls.is_fcr_claimed, tickets.is_fcr_claimed)
            then coalesce(calls.is_fcr_verified, tickets.is_fcr_verified)
    end as is_fcr_verified,
    calls.next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), 'calls.started_at') }} as is_repeated,
    calls.next_contact_at,
    calls.is_complaint or coalesce(tickets.is_complaint, false) as is_complaint,
    -- One of the two has to tell it.
    coalesce(calls.is_escalated or tickets.is_escalated, calls.is_escalated, tickets.is_escalated) as is_escalated,
    {{ local_date('calls.started_at') }} >= starts.orders_from as are_orders_known,
    {{ local_date('calls.started_at') }} >= starts.customers_from as are_customers_known,
    calls.extra
from {{ ref('fct_calls') }} as calls
cross join {{ ref('int_history_starts') }} as starts
left join tickets_of_calls as tickets on calls.call_id = tickets.call_id
where
    calls.is_contact
    and {{ is_invalidated("'call'", 'calls.call_id') }}
