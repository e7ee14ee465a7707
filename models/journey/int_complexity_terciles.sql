-- Replies per solved ticket cut into thirds stand in for a complexity that no export gives.
select
    percentile_cont(0.3333333333) within group (order by agent_replies) as low_up_to,
    percentile_cont(0.6666666667) within group (order by agent_replies) as medium_up_to
from {{ ref('int_ticket_life') }}
where is_solved
