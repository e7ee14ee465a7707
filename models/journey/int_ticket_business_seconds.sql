{%- set instants = ['created_at', 'response_starts_at', 'first_response_at', 'first_solved_at', 'solved_at', 'unanswered_at'] -%}
{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={'stg_tickets': 'ticket_id', 'int_ticket_life': 'ticket_id', 'int_response_targets': 'ticket_id'},
    invalidated_by_as_of=['select ticket_id from {this} where unanswered_business_seconds is not null']
) }}
-- Open seconds of the ticket's calendar between its creation and each later instant.
with tickets as (

    select
        tickets.ticket_id,
        life.created_at,
        life.response_starts_at,
        coalesce(tickets.channel, 'unknown') as channel,
        coalesce(tickets.team, 'unknown') as team,
        life.first_response_at,
        life.first_solved_at,
        life.solved_at,
        -- Only a target in opening hours asks how long it has been unanswered in them: what does not ask need not age.
        case
            when targets.clock = 'business' and life.is_response_tracked and life.first_response_at is null then {{ as_of() }}
        end as unanswered_at
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    left join {{ ref('int_response_targets') }} as targets on tickets.ticket_id = targets.ticket_id
    where {{ is_invalidated('tickets.ticket_id') }}

),

assigned as (

    select
        tickets.*,
        assignments.calendar,
        row_number() over (
            partition by tickets.ticket_id
            order by {{ assignment_order('assignments') }}
        ) as particularity
    from tickets
    inner join {{ ref('calendar_assignments') }} as assignments
        on {{ is_assigned('assignments', 'tickets.channel', 'tickets.team') }}

),

open_until as (

    select
        {% for instant in instants -%}
        {{ open_seconds_until('assigned.' ~ instant, instant ~ '_segments') }} as {{ instant }},
        {% endfor -%}
        assigned.ticket_id,
        assigned.calendar
    from assigned
    {% for instant in instants -%}
    left join {{ ref('int_calendar_segments') }} as {{ instant }}_segments
        on {{ is_in_segment('assigned.calendar', 'assigned.' ~ instant, instant ~ '_segments') }}
    {% endfor -%}
    where assigned.particularity = 1

)

select
    ticket_id,
    calendar,
    first_response_at - response_starts_at as first_response_business_seconds,
    first_solved_at - created_at as first_resolution_business_seconds,
    solved_at - created_at as full_resolution_business_seconds,
    unanswered_at - response_starts_at as unanswered_business_seconds
from open_until
-- A calendar without hours is open around the clock.
where created_at is not null
