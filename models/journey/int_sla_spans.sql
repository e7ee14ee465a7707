{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'int_sla_targets': 'ticket_id',
        'int_ticket_life': 'ticket_id',
        'int_ticket_clocks': 'ticket_id',
        'stg_ticket_events': 'ticket_id',
        'int_ticket_open_spans': 'ticket_id',
        'fct_ticket_status_spans': 'ticket_id',
    }
) }}
-- The spans of time that count towards each target of a ticket; the last one has no end while the clock runs. Those of a wait for
-- a reply say from when until when it was owed. `why_unknown` says why a target has no spans that could be trusted.
{%- set counted_states = {'agent_work': "('new', 'open')", 'requester_wait': "('new', 'open', 'on_hold')"} %}
with targeted as (

    select distinct
        ticket_id,
        metric,
        paused_in
    from {{ ref('int_sla_targets') }}
    where {{ is_invalidated('ticket_id') }}

),

targets as (

    select distinct
        targeted.ticket_id,
        targeted.metric,
        life.response_starts_at,
        life.first_response_at,
        life.solved_at,
        life.is_response_tracked,
        life.is_history_told,
        life.is_solved and life.solved_at is null as is_end_unknown,
        -- Without a log of states, one that was never reopened was on the desk until its solving.
        life.is_history_told or coalesce(life.reopens = 0, false) as is_desk_time_told,
        -- How long it was solved in between nobody knows: that time does not count.
        not life.is_history_told and coalesce(life.reopens > 0, false) as is_reopening_undated,
        clocks.is_every_reply_logged
    from targeted
    inner join {{ ref('int_ticket_life') }} as life on targeted.ticket_id = life.ticket_id
    inner join {{ ref('int_ticket_clocks') }} as clocks on targeted.ticket_id = clocks.ticket_id

),

-- Messages and replies in their order; at one instant the message comes first.
turns as (

    select
        events.ticket_id,
        events.event_at,
        events.event_type = 'public_reply' as is_reply,
        targets.solved_at,
        targets.is_end_unknown,
        coalesce(sum(case when events.event_type = 'public_reply' then 1 else 0 end) over (
            partition by events.ticket_id
            order by events.event_at, case when events.event_type = 'public_reply' then 1 else 0 end, events._batch, events._row
            rows between unbounded preceding and 1 preceding
        ), 0) as replies_before
    from {{ ref('stg_ticket_events') }} as events
    inner join targets on events.ticket_id = targets.ticket_id
    where
        targets.metric = 'next_reply'
        and targets.is_every_reply_logged
        -- Replies by which the first response is not counted open no second wait.
        and events.event_at >= targets.first_response_at
        and (
            events.event_type = 'customer_message'
            or (events.event_type = 'public_reply' and coalesce(events.actor_type, 'agent') = 'agent')
        )

),

waits as (

    select
        ticket_id,
        replies_before,
        min(case when not is_reply then event_at end) as starts_at,
        min(case when is_reply then event_at end) as replied_at,
        max(solved_at) as solved_at,
        max(case when is_end_unknown then 1 else 0 end) = 1 as is_end_unknown
    from turns
    where replies_before > 0
    group by
        ticket_id,
        replies_before

),

-- Replies while the ticket is on the desk: each owes the customer the next one.
updates as (

    select distinct
        events.ticket_id,
        events.event_at,
        desk.solved_at
    from {{ ref('stg_ticket_events') }} as events
    inner join targets on events.ticket_id = targets.ticket_id
    inner join {{ ref('int_ticket_open_spans') }} as desk
        on
            events.ticket_id = desk.ticket_id
            and events.event_at >= desk.opened_at
            and (desk.solved_at is null or events.event_at < desk.solved_at)
    where
        targets.metric = 'periodic_update'
        and targets.is_every_reply_logged
        and targets.is_desk_time_told
        and events.event_type = 'public_reply'
        and coalesce(events.actor_type, 'agent') = 'agent'

),

spans as (

    select
        ticket_id,
        metric,
        1 as occurrence,
        response_starts_at as starts_at,
        -- Solving ends the wait for a reply.
        least(first_response_at, case when solved_at >= response_starts_at then solved_at end) as ends_at,
        case
            when not is_response_tracked then 'the export does not tell of replies'
            when is_end_unknown and first_response_at is null then 'solved at an unknown time'
        end as why_unknown
    from targets
    where
        metric = 'first_reply'
        and response_starts_at is not null
        -- What a customer writes after the last solving, and nobody takes up, is owed no reply.
        and (first_response_at is not null or solved_at is null or response_starts_at <= solved_at)
    union all
    select
        ticket_id,
        'next_reply' as metric,
        row_number() over (
            partition by ticket_id
            order by starts_at
        ) as occurrence,
        starts_at,
        least(replied_at, case when solved_at >= starts_at then solved_at end) as ends_at,
        case when replied_at is null and is_end_unknown then 'solved at an unknown time' end as why_unknown
    from waits
    where
        starts_at is not null
        -- As of the first reply.
        and (replied_at is not null or solved_at is null or starts_at <= solved_at)
    union all
    select
        ticket_id,
        'periodic_update' as metric,
        row_number() over (
            partition by ticket_id
            order by event_at
        ) as occurrence,
        event_at as starts_at,
        least(
            lead(event_at) over (
                partition by ticket_id
                order by event_at
            ),
            solved_at
        ) as ends_at,
        cast(null as {{ dbt.type_string() }}) as why_unknown
    from updates
    union all
    select
        ticket_id,
        metric,
        1 as occurrence,
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as ends_at,
        case
            when not is_every_reply_logged then 'the log does not tell of every reply'
            when is_end_unknown then 'solved at an unknown time'
            else 'the log does not tell of every state'
        end as why_unknown
    from targets
    where
        (metric in ('next_reply', 'periodic_update') and not is_every_reply_logged)
        or (metric = 'periodic_update' and (is_end_unknown or not is_desk_time_told))
    union all
    -- Time on the desk: what lies between a solving and a reopening does not count.
    select
        targets.ticket_id,
        targets.metric,
        1 as occurrence,
        spans.opened_at as starts_at,
        spans.solved_at as ends_at,
        case
            when spans.ticket_id is null then 'solved at an unknown time'
            when targets.is_reopening_undated then 'the log does not tell of every state'
        end as why_unknown
    from targets
    left join {{ ref('int_ticket_open_spans') }} as spans on targets.ticket_id = spans.ticket_id
    where targets.metric = 'resolution'
    {% for metric, states in counted_states.items() -%}
    union all
    select
        targets.ticket_id,
        targets.metric,
        1 as occurrence,
        spans.starts_at,
        spans.ends_at,
        case
            when not targets.is_history_told then 'the log does not tell of every state'
            when targets.is_end_unknown then 'solved at an unknown time'
        end as why_unknown
    from targets
    left join {{ ref('fct_ticket_status_spans') }} as spans
        on
            targets.ticket_id = spans.ticket_id
            and targets.is_history_told
            and spans.status in {{ states }}
    where targets.metric = '{{ metric }}'
    {% endfor %}
),

-- The clock stands in the states that the policy names.
counted as (

    select
        spans.ticket_id,
        spans.metric,
        targeted.paused_in,
        spans.occurrence,
        spans.starts_at as owed_from,
        spans.ends_at as owed_until,
        spans.starts_at,
        spans.ends_at,
        spans.why_unknown
    from spans
    inner join targeted
        on
            spans.ticket_id = targeted.ticket_id
            and spans.metric = targeted.metric
    where targeted.paused_in is null
    union all
    select
        spans.ticket_id,
        spans.metric,
        targeted.paused_in,
        spans.occurrence,
        spans.starts_at as owed_from,
        spans.ends_at as owed_until,
        case when states.ticket_id is not null then greatest(spans.starts_at, states.starts_at) end as starts_at,
        case when states.ticket_id is not null then least(spans.ends_at, states.ends_at) end as ends_at,
        coalesce(
            spans.why_unknown,
            case when not targets.is_history_told then 'the log does not tell of every state' end
        ) as why_unknown
    from spans
    inner join targeted
        on
            spans.ticket_id = targeted.ticket_id
            and spans.metric = targeted.metric
    inner join targets
        on
            spans.ticket_id = targets.ticket_id
            and spans.metric = targets.metric
    left join {{ ref('fct_ticket_status_spans') }} as states
        on
            spans.ticket_id = states.ticket_id
            and targets.is_history_told
            and instr(' ' || targeted.paused_in || ' ', ' ' || states.status || ' ') = 0
            and (spans.ends_at is null or spans.ends_at > states.starts_at)
            and (states.ends_at is null or spans.starts_at < states.ends_at)
    where targeted.paused_in is not null

)

select
    ticket_id,
    metric,
    paused_in,
    cast(occurrence as bigint) as occurrence,
    cast(row_number() over (
        partition by ticket_id, metric, paused_in, occurrence
        -- A ticket that is solved at the instant of its creation has two spans of one beginning.
        order by starts_at, case when ends_at is null then 1 else 0 end, ends_at, owed_from
    ) as bigint) as span_number,
    case when metric in {{ sla_waits() }} then owed_from end as owed_from,
    case when metric in {{ sla_waits() }} then owed_until end as owed_until,
    starts_at,
    ends_at,
    why_unknown
from counted
