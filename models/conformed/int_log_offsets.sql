-- Lists of tickets whose clock lies a constant whole number of quarter hours from that of their log, up to the 26 hours that
-- two time zones can be apart. A list in local time has two such offsets, one hour from each other, where clocks are changed.
with candidates as (

    select
        differences.ticket_contract,
        differences.event_contract,
        differences.ahead_seconds,
        differences.tickets,
        differences.tickets_of_pair,
        coalesce(max(others.tickets), 0) as tickets_of_other_half_year
    from {{ ref('int_log_differences') }} as differences
    left join {{ ref('int_log_differences') }} as others
        on
            differences.ticket_contract is not distinct from others.ticket_contract
            and differences.event_contract is not distinct from others.event_contract
            and others.ahead_seconds <> 0
            and abs(differences.ahead_seconds - others.ahead_seconds) = 3600
    where abs(differences.ahead_seconds) between 900 and 93600
    group by
        differences.ticket_contract,
        differences.event_contract,
        differences.ahead_seconds,
        differences.tickets,
        differences.tickets_of_pair

),

recognised as (

    select
        *,
        row_number() over (
            partition by ticket_contract
            order by tickets desc, event_contract asc, ahead_seconds asc
        ) as place
    from candidates
    where
        tickets + tickets_of_other_half_year >= {{ var('log_offset_min_tickets') }}
        and tickets + tickets_of_other_half_year >= {{ var('log_offset_min_share') }} * tickets_of_pair

)

select
    ticket_contract,
    event_contract,
    ahead_seconds
from recognised
where place = 1
