{{ maintained(
    unique_key=['interaction', '_contract'],
    invalidated_by={
        'stg_calls': 'select coalesce(interaction_id, call_id), _contract from {changes}',
        'int_call_legs': 'interaction, _contract',
        'int_loads': records_of_loads('coalesce(interaction_id, call_id), _contract', ref('stg_calls'), 'calls'),
    }
) }}
-- Calls as the customer knows them: the legs of one interaction (transfers, callbacks) are one call, under the id of its first
-- leg. The menu before it and a call between agents about it meet no agent; they are time of the call.
{%- set sums = ['talk_seconds', 'hold_seconds', 'wrap_up_seconds'] -%}
{#- What the first agent, or else the leg where it ended, says; what the first leg with a word says; what the last one says. -#}
{%- set of_answering_leg = ['answered_at', 'agent_id', 'team', 'queue'] -%}
{%- set of_first_leg = ['call_id', 'started_at', 'direction', 'channel', 'language'] -%}
{%- set from_first_leg = ['topic', 'order_id', 'ticket_id', 'extra'] -%}
{%- set from_last_leg = ['resolved', 'solved_on_first_contact', 'csat_score', 'csat_scale', 'transcript'] %}
with loads as (

    {{ file_columns(
        'calls', ['escalated', 'answered_at', 'talk_seconds', 'solved_on_first_contact', 'consult_seconds', 'leg_type']
    ) }}

),

numbered as (

    select
        calls.*,
        loads.file_has_escalated,
        loads.file_has_solved_on_first_contact,
        loads.file_has_answered_at or loads.file_has_talk_seconds as file_has_answers,
        loads.file_has_consult_seconds or loads.file_has_leg_type as file_has_consults,
        legs.interaction,
        legs.leg,
        coalesce(calls.leg_type = 'ivr', false) as is_ivr,
        coalesce(calls.leg_type = 'consult', false) as is_consult,
        {{ is_leg_with_customer('calls') }} as is_with_customer,
        -- A leg that went on to another queue is excluded: the call did not end there.
        calls.leg_type is null and {{ has_come_to_agents('calls') }} as is_for_agents,
        {{ is_leg_with_customer('calls') }}
        and ({{ has_leg_met_agent('calls') }}) as has_agent,
        case
            when calls.leg_type = 'ivr'
                then coalesce(
                    calls.ivr_seconds, {{ seconds_between('calls.started_at', in_order('calls.ended_at', 'calls.started_at')) }}
                )
            else calls.ivr_seconds
        end as menu_seconds,
        case
            when calls.leg_type = 'consult'
                then coalesce(
                    calls.consult_seconds,
                    calls.talk_seconds,
                    {{ seconds_between('calls.started_at', in_order('calls.ended_at', 'calls.started_at')) }}
                )
            else calls.consult_seconds
        end as consulted_seconds
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
        -- The first with the customer: a menu alone is the call.
        coalesce(min(case when is_with_customer then leg end), 1) as first_leg,
        min(case when has_agent then leg end) as answering_leg,
        min(case when is_with_customer and disposition = 'callback' then leg end) as callback_leg,
        max(case when is_for_agents and disposition is not null then leg end) as stated_end_leg,
        max(case when is_for_agents then leg end) as end_leg,
        min(case when is_with_customer and (queued_at is not null or wait_seconds is not null) then leg end) as queueing_leg,
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
        coalesce(stated_end_leg, end_leg, first_leg) as last_leg,
        -- Who asked to be called back was neither answered nor lost, whatever came of it.
        coalesce(callback_leg < coalesce(answering_leg, callback_leg + 1), false) as is_callback,
        -- A queue of after the first agent is no wait for one.
        case
            when queueing_leg > answering_leg then answering_leg
            else coalesce(queueing_leg, first_leg)
        end as waiting_leg
    from marked

),

ended as (

    select
        *,
        case when is_callback then callback_leg else coalesce(answering_leg, last_leg) end as wait_ending_leg
    from placed

)

select
    marked.interaction,
    marked._contract,
    {% for column in of_first_leg -%}
    max(case when legs.leg = 1 then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    {% for column in of_answering_leg -%}
    max(case when legs.leg = coalesce(marked.answering_leg, marked.last_leg) then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    -- What a leg says of its wait is the caller's where the wait ended in the leg in which it began.
    max(case when legs.leg = marked.waiting_leg and marked.wait_ending_leg <= marked.waiting_leg then legs.wait_seconds end)
        as wait_seconds,
    max(
        case
            when legs.leg = marked.wait_ending_leg and marked.wait_ending_leg > marked.waiting_leg
                then coalesce(
                    case when legs.has_agent then legs.answered_at end,
                    {{ dbt.dateadd(
                        'second',
                        'legs.wait_seconds',
                        'coalesce(legs.queued_at, ' ~ dbt.dateadd('second', 'coalesce(legs.ivr_seconds, 0)', 'legs.started_at') ~ ')'
                    ) }},
                    case when legs.disposition = 'abandoned' then legs.ended_at end
                )
        end
    ) as wait_ends_at,
    -- The queue comes after the menu, where no leg says when.
    coalesce(
        max(case when legs.leg = marked.waiting_leg then legs.queued_at end),
        max(case when marked.first_leg > 1 and legs.leg = marked.first_leg then legs.started_at end),
        max(
            case
                when legs.leg = marked.first_leg and marked.waiting_leg = marked.first_leg and legs.ivr_seconds > 0
                    then {{ dbt.dateadd('second', 'legs.ivr_seconds', 'legs.started_at') }}
            end
        )
    ) as queued_at,
    {% for column in from_first_leg + from_last_leg -%}
    max(case when legs.leg = marked.{{ column }}_leg then legs.{{ column }} end) as {{ column }},
    {% endfor -%}
    max(legs.ended_at) as ended_at,
    case
        when max(case when marked.is_callback then 1 else 0 end) = 1 then 'callback'
        when max(marked.legs) > 1 and max(marked.answered_legs) > 0 then 'answered'
        else
            coalesce(
                max(case when legs.leg = marked.last_leg then legs.disposition end),
                max(case when legs.leg = marked.first_leg and legs.is_ivr then 'ended_in_ivr' end)
            )
    end as disposition,
    -- When an agent came back to whoever asked for it, or left a message.
    min(
        case
            when legs.has_agent and (legs.leg > marked.first_leg or legs.leg_type = 'callback')
                then coalesce(legs.answered_at, legs.started_at)
        end
    ) as met_agent_later_at,
    max(case when legs.leg_type = 'callback' then 1 else 0 end) = 1 as has_callback_leg,
    {% for column in sums -%}
    cast(sum(case when not legs.is_consult then legs.{{ column }} end) as bigint) as {{ column }},
    {% endfor -%}
    cast(sum(legs.menu_seconds) as bigint) as ivr_seconds,
    cast(sum(legs.consulted_seconds) as bigint) as consult_seconds,
    max(case when legs.is_consult or legs.consult_seconds > 0 then 1 else 0 end) = 1 as has_consult,
    max(case when legs.file_has_consults then 1 else 0 end) = 1 as does_file_tell_consults,
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
inner join ended as marked
    on
        legs.interaction = marked.interaction
        and legs._contract is not distinct from marked._contract
group by
    marked.interaction,
    marked._contract
