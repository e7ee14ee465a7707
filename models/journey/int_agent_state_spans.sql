{%- set stated_end = stated_end_of_state() -%}
{{ maintained(
    unique_key=['agent_id'],
    invalidated_by={
        'stg_agent_states': ['agent_id', 'select agent_id from {this} where is_running'],
    },
    invalidated_by_as_of=[
        'select agent_id from ' ~ ref('stg_agent_states') ~ ' where ' ~ passed(stated_end),
        'select agent_id from {this} where is_running',
    ]
) }}
-- When each state of an agent began and ended, as far as it is known at `as_of`.
--
-- Without an end a state lasts until the agent's next one begins; the last one, and one whose end lies after `as_of`, lasts as
-- long as the log goes on. How long an impossible one lasted, or a log-out that was forgotten, nobody knows.
with log_ends as (

    select
        _contract,
        greatest(
            max(started_at),
            max(case when {{ stated_end }} <= {{ as_of() }} then {{ stated_end }} end)
        ) as logged_until
    from {{ ref('stg_agent_states') }}
    group by _contract

),

states as (

    select
        agent_id,
        state,
        contact_id,
        channel,
        queue,
        started_at,
        {{ stated_end }} as stated_ends_at,
        _contract
    from {{ ref('stg_agent_states') }}
    where {{ is_invalidated('agent_id') }}

),

begun as (

    select distinct
        agent_id,
        _contract,
        started_at
    from states

),

followed as (

    select
        *,
        lead(started_at) over (
            partition by agent_id, _contract
            order by started_at
        ) as next_starts_at
    from begun

),

ended as (

    select
        states.agent_id,
        states.state,
        states.contact_id,
        states.channel,
        states.queue,
        states.started_at,
        states._contract,
        case
            when states.stated_ends_at <= {{ as_of() }} then {{ in_order('states.stated_ends_at', 'states.started_at') }}
            when states.stated_ends_at is null and followed.next_starts_at is not null then followed.next_starts_at
            else log_ends.logged_until
        end as ends_at,
        case
            when states.stated_ends_at is null then followed.next_starts_at is null
            else states.stated_ends_at > {{ as_of() }}
        end as is_running
    from states
    inner join followed
        on
            states.agent_id = followed.agent_id
            and states._contract is not distinct from followed._contract
            and states.started_at = followed.started_at
    inner join log_ends on states._contract is not distinct from log_ends._contract

),

known as (

    select
        agent_id,
        state,
        contact_id,
        channel,
        queue,
        started_at,
        _contract as contract,
        is_running,
        case
            when state = 'offline' or {{ seconds_between('started_at', 'ends_at') }} <= 3600 * {{ var('agent_state_max_hours') }}
                then ends_at
        end as ends_at
    from ended

)

select
    *,
    -- What an earlier row of the same state, and the same contact, has recorded already.
    greatest(
        started_at,
        max(ends_at) over (
            partition by agent_id, state, contact_id
            order by started_at
            rows between unbounded preceding and 1 preceding
        )
    ) as counted_from
from known
