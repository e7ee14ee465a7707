{{ maintained(
    unique_key=['interaction', '_contract'],
    invalidated_by={
        'stg_calls': 'select coalesce(interaction_id, call_id), _contract from {changes}',
        'int_call_legs': 'interaction, _contract',
        'int_loads': records_of_loads('coalesce(interaction_id, call_id), _contract', ref('stg_calls'), 'calls'),
    }
) }}
-- Calls as the customer knows them: the legs of one interaction (transfers, callbacks) are one call, under the id of its first
-- leg.
{%- set sums = ['talk_seconds', 'hold_seconds', 'wrap_up_seconds'] -%}
{#- What the first agent, or else the first leg, says; what the first leg with a word says; what the last one says. -#}
{%- set of_answering_leg = ['answered_at', 'agent_id', 'team', 'queue'] -%}
{%- set of_queueing_leg = ['queued_at', 'wait_seconds'] -%}
{%- set of_first_leg = ['call_id', 'started_at', 'direction', 'channel', 'language'] -%}
{%- set from_first_leg = ['topic', 'order_id', 'ticket_id', 'extra'] -%}
{%- set from_last_leg = ['resolved', 'solved_on_first_contact', 'csat_score', 'csat_scale', 'transcript'] %}
with loads as (

    {{ file_columns('calls', ['escalated', 'answered_at', 'talk_seconds', 'solved_on_first_contact']) }}

),

numbered as (

    select
        calls.*,
        loads.file_has_escalated,
        loads.file_has_solved_on_first_contact,
        loads.file_has_answered_at or loads.file_has_talk_seconds as file_has_answers,
        legs.interaction,
        legs.leg,
        calls.disposition = 'answered'
        or (calls.disposition is null and (calls.answered_at is not null or coalesce(calls.talk_seconds > 0, false))) as has_agent
    from {{ ref('stg_calls') }} as calls
    inner join {{ ref('int_call_legs') }} as legs on calls.call_id = legs.leg_id
    left join loads
        on
            {{ is_load_of('calls') }}
    where {{ is_invalidated('legs.interaction', 'legs._contract') }}

),

marked as (

    select
        interaction,
        _contract,
        count(*) as legs,
        min(case when has_agent then leg end) as answering_leg,
        min(case when queued_at is not null or wait_seconds is not null then leg end) as queueing_leg,
        {% for column in from_first_leg -%}
        min(case when {{ column }} is not null then leg end) as {{ column }}_leg,
        {% endfor -%}
        {% for column in from_last_leg -%}
        max(case when {{ column }} is not null then leg end) as {{ column }}_leg,
        {% endfor -%}
        sum(case when has_agent then 1 else 0 end) as answered_legs
    from numbered
    group by
        interaction,
        _contract

),

placed as (

    select
        *,
        -- A queue of after the first agent is no wait for one.
        case
            when queueing_leg > answering_leg then answering_leg
            else coalesce(queueing_leg, 1)
        end as waiting_leg
    from marked

)

select
    marked.interaction,
    marked._contract,
    {% for column in of_first_leg -%}
    max(case when legs.leg = 1 then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    {% for column in of_answering_leg -%}
    max(case when legs.leg = coalesce(marked.answering_leg, 1) then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    {% for column in of_queueing_leg -%}
    max(case when legs.leg = marked.waiting_leg then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    {% for column in from_first_leg + from_last_leg -%}
    max(case when legs.leg = marked.{{ column }}_leg then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    max(legs.ended_at) as ended_at,
    -- Who asked to be called back was neither answered nor lost, whatever came of it.
    case
        when max(case when legs.leg = 1 then legs.disposition end) = 'callback' then 'callback'
        when max(marked.legs) > 1 and max(marked.answered_legs) > 0 then 'answered'
        else max(case when legs.leg = 1 then legs.disposition end)
    end as disposition,
    {% for column in sums -%}
    cast(sum(legs.{{ column }}) as bigint) as {{ column }},
    {% endfor -%}
    case
        when max(marked.answered_legs) > 1 then true
        else max(case when legs.transferred then 1 when not legs.transferred then 0 end) = 1
    end as transferred,
    case
        when max(case when legs.escalated then 1 else 0 end) = 1 then true
        when max(case when legs.file_has_escalated then 1 else 0 end) = 1 then false
    end as escalated,
    max(case when legs.file_has_answers then 1 else 0 end) = 1 as does_file_tell_answers,
    max(case when legs.file_has_solved_on_first_contact then 1 else 0 end) = 1 as does_file_tell_claims,
    max(marked.legs) as legs
from numbered as legs
inner join placed as marked
    on
        legs.interaction = marked.interaction
        and legs._contract is not distinct from marked._contract
group by
    marked.interaction,
    marked._contract
