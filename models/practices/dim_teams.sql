-- The teams that facts name, so that a tool of questions joins them all to one table.
{%- set facts = {
    'tickets': 'fct_tickets',
    'calls': 'fct_calls',
    'agents': 'fct_agent_days',
    'roster': 'dim_agents',
    'contacts': 'fct_contacts',
    'surveys': 'fct_survey_responses',
    'staffing': 'fct_staffing_half_hours',
    'costs': 'fct_cash_movements',
} %}
with named as (

    {{ named_by_facts('team', facts) }}

)

select
    team,
    max(case when named_by = 'tickets' then 1 else 0 end) = 1 as has_tickets,
    max(case when named_by = 'calls' then 1 else 0 end) = 1 as has_calls,
    max(case when named_by = 'agents' then 1 else 0 end) = 1 as has_working_days
from named
where team is not null
group by team
