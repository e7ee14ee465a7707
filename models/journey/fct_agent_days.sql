-- What each agent did on each day, beside what the roster says of it.
with planned as (

    select
        agent_id,
        work_date,
        team,
        absence,
        worked_minutes,
        -- A shift that states no minutes is as long as it is.
        coalesce(
            scheduled_minutes,
            case
                when {{ is_shift() }} then round({{ seconds_between('shift_starts_at', 'shift_ends_at') }} / 60.0)
            end
        ) as scheduled_minutes
    from {{ ref('stg_agents') }}
    where work_date <= {{ as_of_day() }}

),

roster as (

    select
        agent_id,
        work_date,
        team,
        absence,
        scheduled_minutes,
        -- A roster of plans only: who was not absent worked as planned. Without a plan nobody knows for how long.
        coalesce(worked_minutes, case when absence is null then scheduled_minutes else 0 end) as worked_minutes,
        coalesce(
            worked_minutes > 0,
            absence is null and coalesce(scheduled_minutes, 1) > 0
        ) as is_worked
    from planned

),

-- What an agent did before the roster begins, or after it ends, has no days to be held against.
rostered as (

    select
        agent_id,
        min(work_date) as first_day,
        max(work_date) as last_day
    from {{ ref('stg_agents') }}
    group by agent_id

),

-- A call and the tickets opened in it are one contact, and weigh once: as the ticket that was solved last, once all are.
tickets_of_calls as (

    select
        ticket_id,
        opened_by_call_id as call_id,
        min(case when is_solved then 1 else 0 end) over of_call = 1
        and row_number() over (
            partition by opened_by_call_id
            order by solved_at desc nulls last, ticket_id desc
        ) = 1 as does_weigh
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and is_part_of_call
    window of_call as (partition by opened_by_call_id)

),

weighed_calls as (

    select
        calls.*,
        case when calls.is_resolved and opening.call_id is null then {{ var('complexity_weight_low') }} else 0 end as weight
    from {{ ref('fct_calls') }} as calls
    left join (select distinct call_id from tickets_of_calls) as opening on calls.call_id = opening.call_id

),

contacts as (

    select
        tickets.agent_id,
        {{ local_date('tickets.solved_at') }} as work_date,
        1 as tickets_solved,
        0 as calls_handled,
        0 as calls_resolved,
        0 as calls_of_unknown_time,
        0 as handle_seconds,
        case
            when not tickets_of_calls.does_weigh then 0
            when tickets.complexity = 'high' then {{ var('complexity_weight_high') }}
            when tickets.complexity = 'medium' then {{ var('complexity_weight_medium') }}
            else {{ var('complexity_weight_low') }}
        end as contact_weight
    from {{ ref('fct_tickets') }} as tickets
    left join tickets_of_calls on tickets.ticket_id = tickets_of_calls.ticket_id
    where
        tickets.is_contact
        and tickets.is_solved
        and tickets.solved_at is not null
    union all
    -- Chats and mails of a contact centre are contacts, and no calls: solved, they weigh.
    select
        agent_id,
        {{ local_date('coalesce(answered_at, queued_at)') }} as work_date,
        0 as tickets_solved,
        case when is_answered then 1 else 0 end as calls_handled,
        case when is_answered and is_resolved then 1 else 0 end as calls_resolved,
        case when is_answered and handle_seconds is null then 1 else 0 end as calls_of_unknown_time,
        coalesce(handle_seconds, 0) as handle_seconds,
        weight as contact_weight
    from weighed_calls
    where
        (is_answered or (is_contact and disposition = 'answered'))
        and call_id not in (
            select several.call_id
            from {{ ref('int_calls') }} as several
            where several.legs > 1
        )
    union all
    -- Of a call that was handed on, each agent handled a leg; who had the last one resolved it. Who was only asked handled none.
    select
        legs.agent_id,
        {{ local_date(
            'coalesce(legs.answered_at, '
            ~ dbt.dateadd('second', 'coalesce(legs.wait_seconds, 0)', 'coalesce(legs.queued_at, legs.started_at)') ~ ')'
        ) }} as work_date,
        0 as tickets_solved,
        case when calls.channel = 'phone' then 1 else 0 end as calls_handled,
        case when calls.channel = 'phone' and calls.is_resolved and legs.agent_leg = 1 then 1 else 0 end as calls_resolved,
        case when calls.channel = 'phone' and legs.talk_seconds is null then 1 else 0 end as calls_of_unknown_time,
        case
            when calls.channel = 'phone'
                then
                    coalesce(
                        legs.talk_seconds + coalesce(legs.hold_seconds, 0) + coalesce(legs.wrap_up_seconds, 0), 0
                    )
            else 0
        end as handle_seconds,
        case when legs.agent_leg = 1 then calls.weight else 0 end as contact_weight
    from (
        select
            staged.*,
            numbered.call_id as of_call_id,
            row_number() over (
                partition by numbered.call_id
                order by numbered.leg desc
            ) as agent_leg
        from {{ ref('stg_calls') }} as staged
        inner join {{ ref('int_call_legs') }} as numbered on staged.call_id = numbered.leg_id
        where
            staged.agent_id is not null
            and {{ is_leg_with_customer('staged') }}
            and ({{ has_leg_met_agent('staged') }})
    ) as legs
    inner join {{ ref('int_calls') }} as interactions
        on
            legs.of_call_id = interactions.call_id
            and interactions.legs > 1
    inner join weighed_calls as calls on interactions.call_id = calls.call_id
    where calls.is_contact

),

activity as (

    select
        agent_id,
        work_date,
        sum(tickets_solved) as tickets_solved,
        sum(calls_handled) as calls_handled,
        sum(calls_resolved) as calls_resolved,
        sum(calls_of_unknown_time) as calls_of_unknown_time,
        sum(handle_seconds) as handle_seconds,
        sum(contact_weight) as weighted_contacts
    from contacts
    group by
        agent_id,
        work_date

),

joined as (

    select
        coalesce(roster.agent_id, activity.agent_id) as agent_id,
        coalesce(roster.work_date, activity.work_date) as work_date,
        roster.team,
        roster.absence,
        roster.scheduled_minutes,
        case when roster.agent_id is null then 0 else roster.worked_minutes end as worked_minutes,
        coalesce(roster.is_worked, false) as is_worked,
        coalesce(activity.tickets_solved, 0) as tickets_solved,
        coalesce(activity.calls_handled, 0) as calls_handled,
        coalesce(activity.calls_resolved, 0) as calls_resolved,
        coalesce(activity.calls_of_unknown_time, 0) as calls_of_unknown_time,
        coalesce(activity.handle_seconds, 0) as handle_seconds,
        cast(coalesce(activity.weighted_contacts, 0) as decimal(18, 3)) as weighted_contacts
    from roster
    full outer join activity
        on
            roster.agent_id = activity.agent_id
            and roster.work_date = activity.work_date

),

of_teams as (

    select
        joined.*,
        rostered.agent_id is not null as is_on_roster,
        coalesce(joined.team, agents.team, 'unknown') as team_or_unknown
    from joined
    left join rostered
        on
            joined.agent_id = rostered.agent_id
            and joined.work_date between rostered.first_day and rostered.last_day
    left join {{ ref('dim_agents') }} as agents on joined.agent_id = agents.agent_id

),

-- The team's own pace in the calendar month is what its members are held against.
paced as (

    select
        *,
        sum(case when is_on_roster and worked_minutes is not null then weighted_contacts end) over team_month
            as team_weighted_contacts,
        sum(worked_minutes) over team_month as team_worked_minutes
    from of_teams
    window team_month as (
        partition by team_or_unknown, {{ dbt.date_trunc('month', 'work_date') }}
    )

)

select
    agent_id,
    work_date,
    team_or_unknown as team,
    is_on_roster,
    absence,
    cast(scheduled_minutes as bigint) as scheduled_minutes,
    cast(worked_minutes as bigint) as worked_minutes,
    is_worked,
    cast(tickets_solved as bigint) as tickets_solved,
    cast(calls_handled as bigint) as calls_handled,
    cast(calls_resolved as bigint) as calls_resolved,
    cast(calls_of_unknown_time as bigint) as calls_of_unknown_time,
    cast(handle_seconds as bigint) as handle_seconds,
    cast(weighted_contacts as double) as weighted_contacts,
    case
        when is_on_roster
            then cast(team_weighted_contacts as double) * worked_minutes / nullif(cast(team_worked_minutes as double), 0)
    end as expected_weighted_contacts
from paced
