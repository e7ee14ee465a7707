{%- set stated_instants = ['created_at', 'first_response_at', 'first_solved_at', 'solved_at', 'closed_at', 'updated_at'] -%}
{%- set tickets = ref('stg_tickets') -%}
{%- set passing = [] -%}
{%- for instant in stated_instants -%}{%- do passing.append(passed(instant)) -%}{%- endfor -%}
{{ maintained(
    unit=['ticket_id'],
    touched_by={
        'stg_tickets': 'ticket_id',
        'int_ticket_marks': 'ticket_id',
        'int_ticket_replies': 'ticket_id',
        'int_ticket_status_changes': 'ticket_id',
    },
    on_clock=['select ticket_id from ' ~ tickets ~ ' where ' ~ passing | join(' or ')]
) }}
-- When each ticket was answered, solved and reopened: from its events where it has them, else from its own columns.
with statuses as (

    select
        ticket_id,
        min(case when is_off_desk and not was_off_desk then event_at end) as first_solved_at,
        max(case when is_off_desk and not was_off_desk then event_at end) as last_solved_at,
        max(event_at) as last_changed_at,
        sum(case when was_off_desk and not is_off_desk then 1 else 0 end) as reopens,
        max_by(is_off_desk, change_number) as is_solved
    from {{ ref('int_ticket_status_changes') }}
    where {{ is_touched('ticket_id') }}
    group by ticket_id

),

tickets as (

    select
        tickets.ticket_id,
        tickets.created_at,
        {{ known('tickets.first_response_at') }} as first_response_at,
        {{ known('tickets.first_solved_at') }} as first_solved_at,
        -- Solved without a date of it: the last change will have been it.
        coalesce(
            {{ known('tickets.solved_at') }},
            {{ known('tickets.closed_at') }},
            case
                when
                    tickets.status in ('solved', 'closed')
                    and tickets.solved_at is null
                    and tickets.closed_at is null
                    then {{ known('tickets.updated_at') }}
            end
        ) as solved_at,
        {{ known('tickets.closed_at') }} as closed_at,
        tickets.status in ('solved', 'closed')
        and coalesce(tickets.solved_at, tickets.closed_at, tickets.created_at) <= {{ as_of() }} as is_solved,
        tickets.reopens,
        tickets.agent_replies,
        coalesce(tickets.escalated, false) as is_escalated,
        tickets.merged_into is not null as is_merged,
        tickets.agent_id,
        tickets.csat_score,
        tickets._contract as contract
    from {{ ref('stg_tickets') }} as tickets
    where {{ is_touched('tickets.ticket_id') }}

),

joined as (

    select
        tickets.ticket_id,
        tickets.created_at,
        coalesce(replies.first_response_at, tickets.first_response_at) as first_response_at,
        coalesce(replies.agent_replies, tickets.agent_replies) as agent_replies,
        contracts.does_tell_responses,
        statuses.first_solved_at is not null as is_solve_logged,
        -- A close by rule is often not logged: the ticket's own later word completes the log.
        coalesce(tickets.is_solved, false)
        and (
            statuses.first_solved_at is null
            or (not statuses.is_solved and greatest(tickets.solved_at, tickets.closed_at) > statuses.last_changed_at)
        ) as is_stated_to_be_solved,
        coalesce(statuses.first_solved_at is not null and statuses.is_solved, false) as is_logged_to_be_solved,
        coalesce(statuses.first_solved_at, tickets.first_solved_at) as first_solved_at,
        statuses.last_solved_at as logged_solved_at,
        -- Reopened after its solving, and closed by a rule since: resolved at the closing.
        case
            when tickets.solved_at <= statuses.last_changed_at and tickets.closed_at > statuses.last_changed_at
                then tickets.closed_at
            else tickets.solved_at
        end as stated_solved_at,
        coalesce(case when statuses.first_solved_at is not null then statuses.reopens end, tickets.reopens) as reopens,
        tickets.is_escalated or coalesce(marks.is_escalated, 0) = 1 as is_escalated,
        tickets.is_merged or coalesce(marks.is_merged, 0) = 1 as is_merged,
        -- Who has an agent had at least one.
        coalesce(
            case when marks.assignee_stations > 0 then marks.assignee_stations end,
            case when tickets.agent_id is not null then 1 end
        ) as assignee_stations,
        coalesce(marks.first_csat, tickets.csat_score) as first_csat,
        coalesce(marks.last_csat, tickets.csat_score) as last_csat,
        marks.csat_scale,
        marks.rated_at
    from tickets
    inner join {{ ref('int_ticket_contracts') }} as contracts on tickets.contract is not distinct from contracts.contract
    left join {{ ref('int_ticket_replies') }} as replies on tickets.ticket_id = replies.ticket_id
    left join {{ ref('int_ticket_marks') }} as marks on tickets.ticket_id = marks.ticket_id
    left join statuses on tickets.ticket_id = statuses.ticket_id

),

decided as (

    select
        *,
        is_logged_to_be_solved or is_stated_to_be_solved as is_solved,
        case
            when is_stated_to_be_solved then stated_solved_at
            when is_logged_to_be_solved then logged_solved_at
        end as last_solved_at
    from joined

)

select
    ticket_id,
    -- Clocks of two systems can disagree by seconds: nothing happens to a ticket before it is there.
    {{ not_before('first_response_at', 'created_at') }} as first_response_at,
    {{ not_before(
        'coalesce(first_solved_at, last_solved_at, case when reopens > 0 then stated_solved_at end)', 'created_at'
    ) }} as first_solved_at,
    {{ not_before('last_solved_at', 'created_at') }} as solved_at,
    is_solved,
    is_solve_logged,
    reopens,
    coalesce(agent_replies, case when does_tell_responses then 0 end) as agent_replies,
    -- Replies without the time of the first one tell nothing of the response.
    does_tell_responses
    and not (coalesce(agent_replies, 0) > 0 and first_response_at is null) as is_response_tracked,
    is_escalated,
    is_merged,
    assignee_stations,
    first_csat,
    last_csat,
    csat_scale,
    rated_at
from decided
