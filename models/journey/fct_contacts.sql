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
    is_fcr_observed
from {{ ref('fct_tickets') }}
where is_contact
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
    is_fcr_observed
from {{ ref('fct_calls') }}
where is_offered
