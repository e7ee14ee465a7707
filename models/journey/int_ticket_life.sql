{%- set stated_instants = ['created_at', 'first_response_at', 'first_solved_at', 'solved_at', 'closed_at', 'updated_at'] -%}
{%- set stated_on_clock = 'select tickets.ticket_id from ' ~ ref('stg_tickets') ~ ' as tickets inner join '
    ~ ref('int_ticket_clocks') ~ ' as clocks on tickets.ticket_id = clocks.ticket_id' -%}
{#- Instants of the list stand on the clock of the log; the help desk's durations begin at the creation. -#}
{%- set passing = [passed('clocks.created_at')] -%}
{%- for instant in stated_instants -%}
  {%- do passing.append(passed(
      dbt.dateadd('second', '-cast(clocks.list_ahead_seconds as integer)', 'tickets.' ~ instant)
  )) -%}
{%- endfor -%}
{%- for duration in ['first_response', 'first_resolution', 'full_resolution'] -%}
  {%- do passing.append(passed(
      dbt.dateadd('second', 'cast(tickets.vendor_' ~ duration ~ '_seconds as integer)', 'clocks.created_at')
  )) -%}
{%- endfor -%}
{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'stg_tickets': 'ticket_id',
        'int_ticket_clocks': 'ticket_id',
        'int_merge_circles': 'ticket_id',
        'int_ticket_marks': 'ticket_id',
        'int_ticket_replies': 'ticket_id',
        'int_ticket_status_changes': 'ticket_id',
        'int_loads': records_of_loads('ticket_id', ref('stg_tickets'), 'tickets'),
    },
    invalidated_by_as_of=[stated_on_clock ~ ' where ' ~ passing | join(' or ')]
) }}
-- When each ticket was answered, solved and reopened: from its events where it has them, else from its own columns.
with statuses as (

    select
        ticket_id,
        min(case when is_off_desk and not was_off_desk then event_at end) as first_solved_at,
        max(case when is_off_desk and not was_off_desk then event_at end) as last_solved_at,
        min(event_at) as first_changed_at,
        max(event_at) as last_changed_at,
        sum(case when was_off_desk and not is_off_desk then 1 else 0 end) as reopens,
        max_by(is_off_desk, change_number) as is_solved
    from {{ ref('int_ticket_status_changes') }}
    where {{ is_invalidated('ticket_id') }}
    group by ticket_id

),

loads as (

    {{ file_columns('tickets', ['escalated', 'first_response_at']) }}

),

-- The list's own instants, by the clock of the log.
stated as (

    select
        {% for instant in stated_instants if instant != 'created_at' -%}
        {{ dbt.dateadd('second', '-cast(clocks.list_ahead_seconds as integer)', 'tickets.' ~ instant) }} as stated_{{ instant }},
        {% endfor -%}
        tickets.*,
        clocks.created_at as clock_created_at,
        clocks.response_starts_at,
        clocks.are_replies_logged,
        clocks.are_changes_logged,
        clocks.is_first_reply_logged,
        clocks.is_every_reply_logged,
        coalesce(loads.file_has_first_response_at, false) as does_file_tell_responses,
        coalesce(loads.file_has_escalated, false) or clocks.are_escalations_logged as is_escalation_known
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_clocks') }} as clocks on tickets.ticket_id = clocks.ticket_id
    left join loads
        on
            {{ is_load_of('tickets') }}
    where {{ is_invalidated('tickets.ticket_id') }}

),

filled as (

    select
        -- The help desk's own duration says what neither an instant of the list nor the log does.
        {% for instant, duration in [
            ('first_response_at', 'first_response'), ('first_solved_at', 'first_resolution'), ('solved_at', 'full_resolution')
        ] -%}
        {{ known(
            'coalesce(stated_' ~ instant ~ ', ' ~ dbt.dateadd(
                'second', 'cast(vendor_' ~ duration ~ '_seconds as integer)', 'clock_created_at'
            ) ~ ')'
        ) }} as known_{{ instant }},
        {% endfor -%}
        stated.*
    from stated

),

tickets as (

    select
        ticket_id,
        clock_created_at as created_at,
        response_starts_at,
        are_replies_logged,
        are_changes_logged,
        is_first_reply_logged,
        is_every_reply_logged,
        known_first_response_at as first_response_at,
        known_first_solved_at as first_solved_at,
        case
            -- Closed for good before it was solved: neither can be right.
            when
                status = 'closed'
                and coalesce(reopens, 0) = 0
                and {{ is_out_of_order('stated_closed_at', 'known_solved_at') }}
                then null
            else
                coalesce(known_solved_at, {{ known('stated_closed_at') }})
        end as solved_at,
        -- Solved without a date of it: by its last change, and nobody knows how long before.
        case when stated_solved_at is null and stated_closed_at is null then {{ known('stated_updated_at') }} end as solved_by,
        {{ known('stated_closed_at') }} as closed_at,
        {{ is_off_desk('status') }}
        and coalesce(stated_solved_at, stated_closed_at, clock_created_at) <= {{ as_of() }} as is_solved,
        reopens,
        agent_replies,
        escalated,
        is_escalation_known,
        does_file_tell_responses,
        merged_into is not null or coalesce(is_merged, false) as is_merged,
        agent_id,
        csat_score,
        _contract as contract
    from filled

),

joined as (

    select
        tickets.ticket_id,
        tickets.created_at,
        tickets.response_starts_at,
        tickets.are_replies_logged,
        tickets.are_changes_logged,
        {{ is_out_of_order('statuses.first_changed_at', 'tickets.created_at') }} as is_log_contradictory,
        -- Of a log that begins later than the ticket, or ends before it, the replies are some of them.
        coalesce(case when tickets.is_first_reply_logged then replies.first_response_at end, tickets.first_response_at)
            as first_response_at,
        coalesce(case when tickets.is_every_reply_logged then replies.agent_replies end, tickets.agent_replies) as agent_replies,
        replies.ticket_id is not null as has_logged_reply,
        contracts.does_tell_responses and tickets.does_file_tell_responses as does_tell_responses,
        statuses.first_solved_at is not null as is_solve_logged,
        -- A close by rule is often not logged: the ticket's own later word completes the log.
        coalesce(tickets.is_solved, false)
        and (
            statuses.first_solved_at is null
            or (
                not statuses.is_solved
                and greatest(tickets.solved_at, tickets.closed_at, tickets.solved_by) > statuses.last_changed_at
            )
        ) as is_stated_to_be_solved,
        coalesce(statuses.first_solved_at is not null and statuses.is_solved, false) as is_logged_to_be_solved,
        statuses.first_solved_at as logged_first_solved_at,
        tickets.first_solved_at as stated_first_solved_at,
        statuses.last_solved_at as logged_solved_at,
        -- Reopened after its solving, and closed by a rule since: resolved at the closing.
        case
            when tickets.solved_at <= statuses.last_changed_at and tickets.closed_at > statuses.last_changed_at
                then tickets.closed_at
            else tickets.solved_at
        end as stated_solved_at,
        -- A log that does not reach back to the creation shows that it was reopened, but not that it never was.
        coalesce(
            case
                when statuses.first_solved_at is not null and (tickets.are_changes_logged or statuses.reopens > 0)
                    then statuses.reopens
            end,
            tickets.reopens
        ) as reopens,
        case
            when tickets.escalated or marks.is_escalated = 1 then true
            when tickets.is_escalation_known then false
        end as is_escalated,
        (tickets.is_merged or coalesce(marks.is_merged, 0) = 1) and circles.ticket_id is null as is_merged,
        coalesce(marks.is_answered_by_bot, 0) = 1 as is_answered_by_bot,
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
    left join {{ ref('int_merge_circles') }} as circles on tickets.ticket_id = circles.ticket_id
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
        end as last_solved_at,
        -- Open again: it was solved before.
        case
            when not is_logged_to_be_solved and not is_stated_to_be_solved and reopens > 0
                then coalesce(logged_solved_at, stated_solved_at)
        end as solved_before_at
    from joined

),

-- Of a reopened ticket the first solving is what a whole log or the list says of it, and not the last one.
first_solved as (

    select
        *,
        coalesce(
            case when are_changes_logged and not is_log_contradictory then logged_first_solved_at end,
            stated_first_solved_at,
            case
                when reopens > 1 then null
                when reopens = 1 and not is_solved then stated_solved_at
                when reopens = 1 then null
                when not is_solve_logged or reopens = 0 then last_solved_at
            end
        ) as first_solved_at
    from decided

),

-- Nothing happens to a ticket before it is there, beyond the seconds by which clocks differ.
in_order as (

    select
        *,
        {{ in_order('first_response_at', 'coalesce(response_starts_at, created_at)') }} as ordered_first_response_at,
        {{ in_order('first_solved_at', 'created_at') }} as ordered_first_solved_at,
        {{ in_order('last_solved_at', 'created_at') }} as ordered_solved_at,
        {{ in_order('solved_before_at', 'created_at') }} as ordered_solved_before_at,
        {{ is_out_of_order('last_solved_at', 'first_solved_at') }} as is_solving_contradictory,
        -- Solved by a bot's answer, it waits for no person; reopened it does, from the creation on.
        response_starts_at is not null
        and not (is_answered_by_bot and is_solved and first_response_at is null) as is_response_due
    from first_solved

)

select
    ticket_id,
    created_at,
    response_starts_at,
    ordered_first_response_at as first_response_at,
    case when not is_solving_contradictory then ordered_first_solved_at end as first_solved_at,
    case when not is_solving_contradictory then {{ in_order('ordered_solved_at', 'ordered_first_solved_at') }} end as solved_at,
    case
        when not is_solving_contradictory then coalesce(ordered_first_solved_at, ordered_solved_at, ordered_solved_before_at)
    end as once_solved_at,
    is_solved,
    is_solve_logged,
    -- Waits and spans of time need a log that reaches back to the creation, and does not contradict it.
    are_changes_logged and not is_log_contradictory as is_history_told,
    reopens,
    -- A desk that would record a reply recorded none.
    coalesce(
        agent_replies,
        case
            when first_response_at is null and not has_logged_reply and (does_tell_responses or are_replies_logged) then 0
        end
    ) as agent_replies,
    is_response_due,
    -- Is a response due, and would it be known? Replies without the time of the first one, or with one of before the
    -- creation, say nothing of it.
    is_response_due
    and case
        when first_response_at is not null then ordered_first_response_at is not null
        else (does_tell_responses or are_replies_logged) and not has_logged_reply and coalesce(agent_replies, 0) = 0
    end as is_response_tracked,
    is_escalated,
    is_merged,
    assignee_stations,
    first_csat,
    last_csat,
    csat_scale,
    {{ in_order('rated_at', 'created_at') }} as rated_at
from in_order
