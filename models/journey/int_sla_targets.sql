{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'fct_tickets': 'ticket_id',
        'stg_tickets': 'ticket_id',
        'int_ticket_priorities': 'ticket_id',
        'int_ticket_teams': 'ticket_id',
    }
) }}
-- The SLA targets of each ticket: of the policies whose conditions it meets and that were valid when it was created the first by
-- position, and of that policy the target of each metric for its priority, or else for any. A ticket whose log records
-- changes of its priority or team has the policy and target of each.
with tickets as (

    select
        tickets.ticket_id,
        tickets.created_at,
        tickets.channel,
        coalesce(teams.team, tickets.team) as team,
        tickets.segment,
        listed.tags,
        coalesce(priorities.priority, tickets.priority) as priority,
        greatest(priorities.starts_at, teams.starts_at) as holds_from,
        least(priorities.ends_at, teams.ends_at) as holds_until
    from {{ ref('fct_tickets') }} as tickets
    inner join {{ ref('stg_tickets') }} as listed on tickets.ticket_id = listed.ticket_id
    left join {{ ref('int_ticket_priorities') }} as priorities on tickets.ticket_id = priorities.ticket_id
    left join {{ ref('int_ticket_teams') }} as teams
        on
            tickets.ticket_id = teams.ticket_id
            and coalesce(priorities.starts_at < teams.ends_at, true)
            and coalesce(priorities.ends_at > teams.starts_at, true)
    where
        {{ is_invalidated('tickets.ticket_id') }}
        and tickets.is_contact

),

matching as (

    select
        tickets.ticket_id,
        tickets.priority as ticket_priority,
        tickets.team as ticket_team,
        tickets.holds_from,
        tickets.holds_until,
        targets.policy,
        targets.position,
        targets.metric,
        targets.priority,
        targets.target_seconds,
        coalesce(targets.clock, 'calendar') as clock,
        targets.paused_in,
        first_value(targets.policy) over (
            partition by tickets.ticket_id, tickets.holds_from
            order by targets.position, targets.policy
        ) as first_policy
    from tickets
    inner join {{ ref('sla_targets') }} as targets
        on
            coalesce(targets.channel, tickets.channel) = tickets.channel
            and coalesce(targets.team, tickets.team) = tickets.team
            and coalesce(targets.segment, tickets.segment) = tickets.segment
            and (targets.tag is null or {{ has_tag('tickets.tags', 'targets.tag') }})
            and coalesce(targets.valid_from, {{ local_date('tickets.created_at') }}) <= {{ local_date('tickets.created_at') }}
            and (targets.valid_to is null or {{ local_date('tickets.created_at') }} < targets.valid_to)

),

chosen as (

    select
        *,
        row_number() over (
            partition by ticket_id, metric, holds_from
            order by
                case when priority is not null then 0 else 1 end asc,
                position asc,
                target_seconds asc
        ) as particularity
    from matching
    where
        policy = first_policy
        and coalesce(priority, ticket_priority) = ticket_priority

)

select
    ticket_id,
    metric,
    policy,
    ticket_priority as priority,
    ticket_team as team,
    target_seconds,
    clock,
    paused_in,
    holds_from,
    holds_until
from chosen
where particularity = 1
