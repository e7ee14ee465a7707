-- The weeks in which the log of states names an agent: in others nobody knows whether they work elsewhere.
select distinct
    agent_id,
    cast({{ dbt.date_trunc('week', local_date('started_at')) }} as date) as week_start
from {{ ref('int_agent_state_spans') }}
