-- Logs of tickets that end before their list does, each said in one sentence. One that another log takes over from has not ended.
with logs as (

    select
        *,
        max(case when ended_at is null and does_tell_replies then 1 else 0 end) over (partition by ticket_contract) = 1
            as do_replies_go_on,
        max(case when ended_at is null and does_tell_changes then 1 else 0 end) over (partition by ticket_contract) = 1
            as do_changes_go_on
    from {{ ref('int_log_coverage') }}

)

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
from logs
where
    ended_at is not null
    and ((does_tell_replies and not do_replies_go_on) or (does_tell_changes and not do_changes_go_on))
