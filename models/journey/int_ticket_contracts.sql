-- Not every list has responses, or which tickets the agent claims to have solved at once. One that never does leaves its
-- tickets' responses (where no log has them) and claims unknown, not missing.
select
    _contract as contract,
    max(case when {{ known('first_response_at') }} is not null then 1 else 0 end) = 1 as does_tell_responses,
    max(case when solved_on_first_contact is not null then 1 else 0 end) = 1 as does_tell_claims
from {{ ref('stg_tickets') }}
group by _contract
