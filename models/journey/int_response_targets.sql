{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_tickets': 'ticket_id', 'int_ticket_clocks': 'ticket_id'}) }}
-- The time that a ticket's policy allows for the first response: that of the day on which it was created, the most
-- particular one first; without one, the target of its channel.
with tickets as (

    select
        tickets.ticket_id,
        coalesce(tickets.channel, 'unknown') as channel,
        coalesce(tickets.priority, 'unknown') as priority,
        {{ local_date('clocks.created_at') }} as created_on
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_clocks') }} as clocks on tickets.ticket_id = clocks.ticket_id
    where {{ is_invalidated('tickets.ticket_id') }}

),

policies as (

    select
        tickets.ticket_id,
        policies.target_seconds,
        coalesce(policies.clock, 'calendar') as clock,
        row_number() over (
            partition by tickets.ticket_id
            order by
                case when policies.priority is not null then 0 else 1 end asc,
                case when policies.channel is not null then 0 else 1 end asc,
                policies.valid_from desc nulls last,
                policies.target_seconds asc
        ) as particularity
    from tickets
    inner join {{ ref('sla_policies') }} as policies
        on
            coalesce(policies.channel, tickets.channel) = tickets.channel
            and coalesce(policies.priority, tickets.priority) = tickets.priority
            and coalesce(policies.valid_from, tickets.created_on) <= tickets.created_on
            and (policies.valid_to is null or tickets.created_on < policies.valid_to)

),

channel_targets as (

    select
        dimension,
        member,
        max(target) as target_seconds
    from {{ ref('kpi_targets') }}
    where
        kpi_id = 'first_response_time'
        and dimension in ('all', 'channel')
    group by
        dimension,
        member

)

select
    tickets.ticket_id,
    cast(
        coalesce(policies.target_seconds, of_channel.target_seconds, of_all.target_seconds) as bigint
    ) as target_seconds,
    coalesce(policies.clock, 'calendar') as clock
from tickets
left join policies
    on
        tickets.ticket_id = policies.ticket_id
        and policies.particularity = 1
left join channel_targets as of_channel
    on
        of_channel.dimension = 'channel'
        and tickets.channel = of_channel.member
left join channel_targets as of_all on of_all.dimension = 'all'
