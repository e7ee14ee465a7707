{{ maintained(
    unique_key=['call_id'],
    invalidated_by={
        'fct_calls': 'call_id',
        'int_call_legs': 'call_id',
        'stg_calls': 'select legs.call_id from {changes} as changes inner join ' ~ ref('int_call_legs')
        ~ ' as legs on changes.call_id = legs.leg_id',
        'int_queue_teams': 'select legs.call_id from {changes} as changes inner join ' ~ ref('stg_calls')
        ~ ' as staged on changes.queue = staged.queue and changes.contract is not distinct from staged._contract inner join '
        ~ ref('int_call_legs') ~ ' as legs on staged.call_id = legs.leg_id',
    }
) }}
-- The queues that a call was in, one after the other: a transfer or an overflow makes the caller wait again.
--
-- A later leg that says neither when it was queued nor how long it waited was put through to an agent: it is no visit to a queue.
-- Nor is the menu, a call between agents, or the line that a call back waits in: nobody holds the line for that.
with with_customer as (

    select
        calls.call_id,
        calls.customer_key,
        calls.country,
        calls.segment,
        calls.is_answered as is_call_answered,
        calls.disposition as call_disposition,
        calls.wait_seconds as call_wait_seconds,
        calls.extra,
        numbered.leg,
        staged.leg_type,
        staged.direction,
        staged.queue,
        coalesce(staged.team, case when not coalesce({{ has_leg_met_agent('staged') }}, false) then queues.team end) as team,
        -- The queue comes after the menu.
        coalesce(
            staged.queued_at, {{ dbt.dateadd('second', 'coalesce(staged.ivr_seconds, 0)', 'staged.started_at') }}
        ) as queued_at,
        staged.queued_at is not null or staged.wait_seconds is not null as was_queued,
        staged.answered_at,
        staged.ended_at,
        staged.wait_seconds,
        staged.disposition,
        {{ has_leg_met_agent('staged') }} as has_agent,
        row_number() over (
            partition by calls.call_id
            order by numbered.leg
        ) as place
    from {{ ref('fct_calls') }} as calls
    inner join {{ ref('int_call_legs') }} as numbered on calls.call_id = numbered.call_id
    inner join {{ ref('stg_calls') }} as staged on numbered.leg_id = staged.call_id
    left join {{ ref('int_queue_teams') }} as queues
        on
            staged.queue = queues.queue
            and staged._contract is not distinct from queues.contract
    where
        calls.is_offered
        and {{ is_leg_with_customer('staged') }}
        and {{ is_invalidated('calls.call_id') }}

),

legs as (

    select
        *,
        row_number() over in_turn as visit_number,
        count(*) over (partition by call_id) as visits
    from with_customer
    where
        coalesce(direction, 'inbound') = 'inbound'
        and (place = 1 or (leg_type is null and was_queued))
    window in_turn as (
        partition by call_id
        order by leg
    )

),

-- Of a call with one visit the call itself says how it ended, and how long it waited.
waited as (

    select
        *,
        case when visits = 1 then is_call_answered else coalesce(has_agent, false) end as is_answered,
        case
            when visits = 1 then call_wait_seconds
            else
                coalesce(
                    wait_seconds,
                    {{ seconds_between('queued_at', in_order('answered_at', 'queued_at')) }},
                    case
                        when disposition in ('abandoned', 'excluded')
                            then {{ seconds_between('queued_at', in_order('ended_at', 'queued_at')) }}
                    end
                )
        end as waited_seconds
    from legs

),

summed as (

    select
        *,
        sum(waited_seconds) over (partition by call_id) as waits_total,
        count(waited_seconds) over (partition by call_id) as waits_known
    from waited

)

select
    call_id,
    cast(visit_number as bigint) as visit_number,
    customer_key,
    queued_at,
    coalesce(queue, 'unknown') as queue,
    coalesce(team, 'unknown') as team,
    country,
    segment,
    case
        when is_answered then 'answered'
        when visit_number < visits then 'moved_on'
        when visits = 1 then call_disposition
        else coalesce(disposition, 'unknown')
    end as outcome,
    is_answered,
    cast(waited_seconds as bigint) as wait_seconds,
    is_call_answered,
    cast(case when visit_number = 1 and waits_known = visits then waits_total end as bigint) as call_wait_seconds,
    extra
from summed
