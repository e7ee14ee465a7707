-- Which states the log of each contract records: of one that it never names, nobody knows how long it lasted.
select
    _contract as contract,
    max(case when state = 'available' then 1 else 0 end) as tells_available,
    max(case when state = 'busy' then 1 else 0 end) as tells_busy,
    max(case when state = 'after_call' then 1 else 0 end) as tells_after_call,
    max(case when state = 'break' then 1 else 0 end) as tells_breaks,
    max(case when state = 'other_work' then 1 else 0 end) as tells_other_work,
    max(case when state = 'busy' and contact_id is not null then 1 else 0 end) as tells_contacts
from {{ ref('stg_agent_states') }}
group by _contract
