-- Not every export says which calls were answered, or which the agent claims to have solved at once: no word means no only
-- where the export has one. Where calls carry dispositions, a call without one is unknown; where they never do, and some show
-- that they were answered, the others were not. Whether somebody called back shows only where calls to customers are exported.
select
    _contract as contract,
    max(case when disposition is not null then 1 else 0 end) = 0
    and max(case when answered_at is not null or talk_seconds is not null then 1 else 0 end) = 1 as does_tell_answers,
    max(case when solved_on_first_contact is not null then 1 else 0 end) = 1 as does_tell_claims,
    max(case when direction = 'outbound' or leg_type = 'callback' then 1 else 0 end) = 1 as does_tell_returns
from {{ ref('stg_calls') }}
group by _contract
