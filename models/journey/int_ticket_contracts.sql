-- Not every export tells replies, or which tickets the agent claims to have solved at once. One that never does leaves its
-- tickets' responses and claims unknown, not missing.
select
    tickets._contract as contract,
    max(
        case when coalesce(replies.first_response_at, {{ known('tickets.first_response_at') }}) is not null then 1 else 0 end
    ) = 1 as does_tell_responses,
    max(case when tickets.solved_on_first_contact is not null then 1 else 0 end) = 1 as does_tell_claims
from {{ ref('stg_tickets') }} as tickets
left join {{ ref('int_ticket_replies') }} as replies on tickets.ticket_id = replies.ticket_id
group by tickets._contract
