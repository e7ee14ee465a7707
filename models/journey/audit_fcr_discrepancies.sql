{{ maintained(
    unique_key=['contact_type', 'contact_id'],
    invalidated_by={'fct_contacts': 'contact_type, contact_id'}
) }}
-- Contacts that the agent claims to have solved at once, and the customer's answer or return says otherwise.
select
    contact_type,
    contact_id,
    customer_key,
    contact_at,
    channel,
    agent_id,
    team,
    topic,
    not coalesce(is_fcr_verified, true) as is_contradicted_by_survey,
    coalesce(is_repeated, false) as is_contradicted_by_repeat_contact,
    next_contact_at
from {{ ref('fct_contacts') }}
where
    is_fcr_claimed
    and (not is_fcr_verified or is_repeated)
    and {{ is_invalidated('contact_type', 'contact_id') }}
