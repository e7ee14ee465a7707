{{ maintained(
    unique_key=['record_kind', 'record_id'],
    invalidated_by={
        'stg_surveys': [
            "select 'tickets', ticket_id from {changes}",
            "select 'calls', call_id from " ~ ref('int_call_names') ~ ' where named_id in (select call_id from {changes})',
        ],
        'int_call_names': "select 'calls', call_id from {changes}",
    }
) }}
-- What the customer last answered to "was it solved?", for the ticket or call that was asked about.
with answers as (

    select
        'tickets' as record_kind,
        ticket_id as record_id,
        issue_solved,
        responded_at,
        response_id
    from {{ ref('stg_surveys') }}
    where
        ticket_id is not null
        and issue_solved is not null
        and {{ is_invalidated("'tickets'", 'ticket_id') }}
    union all
    -- About whichever leg of a call it was asked, or about the whole of it.
    select
        'calls' as record_kind,
        names.call_id as record_id,
        surveys.issue_solved,
        surveys.responded_at,
        surveys.response_id
    from {{ ref('stg_surveys') }} as surveys
    inner join {{ ref('int_call_names') }} as names on surveys.call_id = names.named_id
    where
        surveys.issue_solved is not null
        and {{ is_invalidated("'calls'", 'names.call_id') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by record_kind, record_id
            order by responded_at desc, response_id desc
        ) as answers_since
    from answers

)

select
    record_kind,
    record_id,
    issue_solved as is_solved
from ranked
where answers_since = 1
