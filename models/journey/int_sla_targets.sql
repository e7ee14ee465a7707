-- What each ticket is promised: of the policies whose conditions it meets and that were valid when it was created the first by
-- position, and of that policy the target of each metric for its priority, or else for any.
with matching as (

    select
        tickets.ticket_id,
        tickets.priority as ticket_priority,
        targets.policy,
        targets.position,
        targets.metric,
        targets.priority,
        targets.target_seconds,
        coalesce(targets.clock, 'calendar') as clock,
        first_value(targets.policy) over (
            partition by tickets.ticket_id
            order by targets.position, targets.policy
        ) as first_policy
    from {{ ref('fct_tickets') }} as tickets
    inner join {{ ref('sla_targets') }} as targets
        on
            coalesce(targets.channel, tickets.channel) = tickets.channel
            and coalesce(targets.team, tickets.team) = tickets.team
            and coalesce(targets.segment, tickets.segment) = tickets.segment
            and coalesce(targets.valid_from, {{ local_date('tickets.created_at') }}) <= {{ local_date('tickets.created_at') }}
            and (targets.valid_to is null or {{ local_date('tickets.created_at') }} < targets.valid_to)
    where tickets.is_contact

),

chosen as (

    select
        *,
        row_number() over (
            partition by ticket_id, metric
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
    target_seconds,
    clock
from chosen
where particularity = 1
