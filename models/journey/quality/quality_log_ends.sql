-- Logs of tickets that end before their list does, each said in one sentence.
select
    concat(
        'the log (contract ',
        event_contract,
        ') ends on ',
        cast({{ local_date('ended_at') }} as {{ dbt.type_string() }}),
        ', its list of tickets (contract ',
        ticket_contract,
        ') goes on to ',
        cast({{ local_date('list_ends_at') }} as {{ dbt.type_string() }}),
        ': what became of tickets that were open by then is unknown'
    ) as finding,
    ticket_contract,
    event_contract,
    cast({{ seconds_between('ended_at', 'list_ends_at') }} as bigint) as seconds_missing
from {{ ref('int_log_reach') }}
where
    ended_at is not null
    and (does_tell_replies or does_tell_changes)
