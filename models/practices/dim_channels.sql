-- The channels that facts name, so that a tool of questions joins them all to one table.
{%- set facts = {
    'tickets': 'fct_tickets',
    'calls': 'fct_calls',
    'orders': 'fct_orders',
    'reviews': 'fct_reviews',
    'sessions': 'fct_web_sessions',
    'surveys': 'fct_survey_responses',
    'invitations': 'fct_survey_invitations',
    'contacts': 'fct_contacts',
    'journeys': 'fct_stage_entries',
} %}
with named as (

    {{ named_by_facts('channel', facts) }}

)

select
    channel,
    replace(channel, '_', ' ') as channel_label,
    max(case when named_by = 'tickets' then 1 else 0 end) = 1 as has_tickets,
    max(case when named_by = 'calls' then 1 else 0 end) = 1 as has_calls,
    max(case when named_by = 'orders' then 1 else 0 end) = 1 as has_orders,
    max(case when named_by = 'reviews' then 1 else 0 end) = 1 as has_reviews
from named
where channel is not null
group by channel
