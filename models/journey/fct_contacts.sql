{{ maintained(
    unit=['contact_type', 'contact_id'],
    touched_by={
        'fct_tickets': "select 'ticket', ticket_id from {changes}",
        'fct_calls': "select 'call', call_id from {changes}",
    }
) }}
-- Tickets and calls as what they are to the customer: contacts. Merged and spam tickets and excluded calls are none.
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
    is_escalated
from {{ ref('fct_tickets') }}
where
    is_contact
    and {{ is_touched("'ticket'", 'ticket_id') }}
union all
select
    'call' as contact_type,
    call_id as contact_id,
    customer_key,
    started_at as contact_at,
    channel,
    agent_id,
    team,
    country,
    segment,
    topic,
    coalesce(is_resolved, false) as is_solved,
    is_fcr_observed,
    is_fcr_claimed,
    is_fcr_verified,
    next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), 'started_at') }} as is_repeated,
    next_contact_at,
    is_complaint,
    is_escalated
from {{ ref('fct_calls') }}
where
    is_contact
    and {{ is_touched("'call'", 'call_id') }}
