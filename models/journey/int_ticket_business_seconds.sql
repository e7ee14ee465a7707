{{ maintained(unit=['ticket_id'], touched_by={'stg_tickets': 'ticket_id', 'int_ticket_life': 'ticket_id'}) }}
-- Open seconds of the ticket's calendar between its creation and each later instant.
with tickets as (

    select
        tickets.ticket_id,
        tickets.created_at,
        coalesce(tickets.channel, 'unknown') as channel,
        coalesce(tickets.team, 'unknown') as team,
        life.first_response_at,
        life.first_solved_at,
        life.solved_at
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    where {{ is_touched('tickets.ticket_id') }}

),

assigned as (

    select
        tickets.*,
        assignments.calendar,
        row_number() over (
            partition by tickets.ticket_id
            order by
                case when assignments.team is not null then 0 else 1 end,
                case when assignments.channel is not null then 0 else 1 end,
                assignments.calendar
        ) as particularity
    from tickets
    inner join {{ ref('calendar_assignments') }} as assignments
        on
            coalesce(assignments.channel, tickets.channel) = tickets.channel
            and coalesce(assignments.team, tickets.team) = tickets.team

),

instants as (

    {% for instant in ['created_at', 'first_response_at', 'first_solved_at', 'solved_at'] -%}
    select
        ticket_id,
        calendar,
        '{{ instant }}' as instant_name,
        {{ instant }} as instant
    from assigned
    where
        particularity = 1
        and {{ instant }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

open_until as (

    select
        instants.ticket_id,
        instants.instant_name,
        segments.open_seconds_before
        + case
            when segments.is_open then {{ seconds_between('segments.starts_at', 'instants.instant') }}
            else 0
        end as open_seconds
    from instants
    inner join {{ ref('int_calendar_segments') }} as segments
        on
            instants.calendar = segments.calendar
            and cast(instants.instant as date) = segments.utc_day
            and instants.instant >= segments.starts_at
            and instants.instant < segments.ends_at

),

pivoted as (

    select
        ticket_id,
        max(case when instant_name = 'created_at' then open_seconds end) as created,
        max(case when instant_name = 'first_response_at' then open_seconds end) as first_response,
        max(case when instant_name = 'first_solved_at' then open_seconds end) as first_solved,
        max(case when instant_name = 'solved_at' then open_seconds end) as solved
    from open_until
    group by ticket_id

)

select
    ticket_id,
    first_response - created as first_response_business_seconds,
    first_solved - created as first_resolution_business_seconds,
    solved - created as full_resolution_business_seconds
from pivoted
