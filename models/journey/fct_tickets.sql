{%- set fcr_known_at = dbt.dateadd('day', var('fcr_window_days'), 'created_at') -%}
{%- set response_due_at = dbt.dateadd('second', 'response_target_seconds', 'response_starts_at') -%}
{%- set durations = ['first_response', 'first_resolution', 'full_resolution'] -%}
{%- set waits = {
    'requester_wait': "('new', 'open', 'on_hold')",
    'agent_wait': "('pending')",
    'on_hold': "('on_hold')",
} -%}
{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'stg_tickets': 'ticket_id',
        'int_ticket_life': 'ticket_id',
        'int_ticket_clocks': 'ticket_id',
        'int_ticket_business_seconds': 'ticket_id',
        'int_response_targets': 'ticket_id',
        'fct_ticket_status_spans': 'ticket_id',
        'int_survey_confirmations': records_of('tickets'),
        'int_record_customers': records_of('tickets'),
        'int_contacts': records_of('tickets'),
        'dim_customers': rows_with_changed('ticket_id', 'customer_key'),
        'int_loads': records_of_loads('ticket_id', ref('stg_tickets'), 'tickets'),
    },
    invalidated_by_as_of=[
        'select ticket_id from {this} where ' ~ passed(fcr_known_at) ~ ' or ' ~ passed(response_due_at)
        ~ ' or ' ~ passed(dbt.dateadd('hour', 24, 'response_starts_at')) ~ ' or ' ~ passed(dbt.dateadd('hour', 48, 'response_starts_at')),
    ]
) }}
with loads as (

    {{ file_columns('tickets', ['solved_on_first_contact']) }}

),

tickets as (

    select
        tickets.*,
        coalesce(loads.file_has_solved_on_first_contact, false) as does_file_tell_claims,
        coalesce(tickets.channel, 'unknown') as channel_or_unknown,
        coalesce(records.customer_key, 'unknown') as customer_key
    from {{ ref('stg_tickets') }} as tickets
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'tickets'
            and tickets.ticket_id = records.record_id
    left join loads
        on
            {{ is_load_of('tickets') }}
    where {{ is_invalidated('tickets.ticket_id') }}

),

-- Until the last solving: a ticket that is still open has not waited for all of it.
waits as (

    select
        {% for wait, statuses in waits.items() -%}
        sum(case when status in {{ statuses }} then duration_seconds else 0 end) as {{ wait }}_seconds,
        sum(case when status in {{ statuses }} then duration_business_seconds else 0 end) as {{ wait }}_business_seconds,
        {% endfor -%}
        ticket_id
    from {{ ref('fct_ticket_status_spans') }}
    where
        ends_at is not null
        and {{ is_invalidated('ticket_id') }}
    group by ticket_id

),

complaint_topics as (

    select distinct {{ topic_key('topic') }} as topic
    from {{ ref('complaint_topics') }}

),

joined as (

    select
        tickets.ticket_id,
        tickets.customer_key,
        life.created_at,
        life.response_starts_at,
        clocks.opened_by_call_id,
        clocks.is_part_of_call,
        tickets.channel_or_unknown as channel,
        coalesce(tickets.agent_id, 'unknown') as agent_id,
        coalesce(tickets.team, 'unknown') as team,
        coalesce(tickets.brand, 'unknown') as brand,
        coalesce(tickets.marketplace, 'unknown') as marketplace,
        coalesce(tickets.country, customers.country, 'unknown') as country,
        coalesce(customers.segment, 'unknown') as segment,
        coalesce(tickets.priority, 'unknown') as priority,
        coalesce(tickets.type, 'unknown') as type,
        coalesce(tickets.topic, 'unknown') as topic,
        coalesce(
            tickets.complexity,
            case
                when life.agent_replies <= terciles.low_up_to then 'low'
                when life.agent_replies <= terciles.medium_up_to then 'medium'
                when life.agent_replies > terciles.medium_up_to then 'high'
            end,
            'unknown'
        ) as complexity,
        tickets.order_id,
        tickets.status,
        life.is_merged,
        coalesce(tickets.is_spam, false) as is_spam,
        coalesce(tickets.is_deleted, false) as is_deleted,
        not life.is_merged
        and not coalesce(tickets.is_spam, false)
        and not coalesce(tickets.is_deleted, false) as is_contact,
        life.first_response_at,
        life.first_solved_at,
        life.solved_at,
        life.once_solved_at,
        coalesce(life.is_solved, false) as is_solved,
        cast(life.reopens as bigint) as reopens,
        cast(life.agent_replies as bigint) as agent_replies,
        cast(life.assignee_stations as bigint) as assignee_stations,
        life.is_escalated,
        coalesce(by_type.topic, by_topic.topic) is not null as is_complaint,
        life.is_response_due,
        life.is_response_tracked,
        targets.target_seconds as response_target_seconds,
        targets.clock as response_target_clock,
        {% for duration in durations -%}
        cast(business.{{ duration }}_business_seconds as bigint) as {{ duration }}_in_calendar,
        {% endfor -%}
        business.unanswered_business_seconds,
        business.ticket_id is not null as has_calendar,
        {% for wait in waits -%}
        cast(case when life.solved_at is not null and life.is_history_told then waits.{{ wait }}_seconds end as bigint)
            as {{ wait }}_seconds,
        cast(case when life.solved_at is not null and life.is_history_told then waits.{{ wait }}_business_seconds end as bigint)
            as {{ wait }}_business_seconds,
        {% endfor -%}
        case
            when life.is_solved
                then
                    coalesce(
                        tickets.solved_on_first_contact,
                        case when contracts.does_tell_claims and tickets.does_file_tell_claims then false end
                    )
        end as is_fcr_claimed,
        confirmations.is_solved as is_confirmed,
        {{ is_fcr_observed(
            'contacts', 'life.created_at', 'coalesce(life.is_solved, false)',
            'case when life.agent_replies is not null and life.reopens is not null '
            ~ 'then life.agent_replies = 1 and life.reopens = 0 end'
        ) }} as is_fcr_observed,
        contacts.next_contact_at,
        cast(life.first_csat as double) as first_csat,
        cast(life.last_csat as double) as last_csat,
        cast(coalesce(life.csat_scale, tickets.csat_scale) as bigint) as csat_scale,
        case when life.last_csat is not null then coalesce(life.rated_at, life.solved_at, life.created_at) end as rated_at,
        tickets.extra
    from tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    inner join {{ ref('int_ticket_clocks') }} as clocks on tickets.ticket_id = clocks.ticket_id
    left join {{ ref('dim_customers') }} as customers on tickets.customer_key = customers.customer_key
    left join {{ ref('int_ticket_business_seconds') }} as business on tickets.ticket_id = business.ticket_id
    left join {{ ref('int_contacts') }} as contacts
        on
            contacts.record_kind = 'tickets'
            and tickets.ticket_id = contacts.record_id
    inner join {{ ref('int_response_targets') }} as targets on tickets.ticket_id = targets.ticket_id
    inner join {{ ref('int_ticket_contracts') }} as contracts on tickets._contract is not distinct from contracts.contract
    left join {{ ref('int_survey_confirmations') }} as confirmations
        on
            confirmations.record_kind = 'tickets'
            and tickets.ticket_id = confirmations.record_id
    left join waits on tickets.ticket_id = waits.ticket_id
    left join complaint_topics as by_type on {{ topic_key('tickets.type') }} = by_type.topic
    left join complaint_topics as by_topic on {{ topic_key('tickets.topic') }} = by_topic.topic
    cross join {{ ref('int_complexity_terciles') }} as terciles

),

measured as (

    select
        *,
        {{ seconds_between('response_starts_at', 'first_response_at') }} as first_response_seconds,
        {{ seconds_between('created_at', 'first_solved_at') }} as first_resolution_seconds,
        {{ seconds_between('created_at', 'solved_at') }} as full_resolution_seconds,
        {{ seconds_between('response_starts_at', as_of()) }} as age_seconds
    from joined

),

timed as (

    select
        measured.*,
        -- Without a calendar the desk never closes.
        {% for duration in durations -%}
        case when has_calendar then {{ duration }}_in_calendar else {{ duration }}_seconds end as {{ duration }}_business_seconds,
        {% endfor -%}
        case
            when response_target_clock = 'business' and has_calendar then first_response_in_calendar
            else first_response_seconds
        end as response_clock_seconds,
        case
            when response_target_clock = 'business' and has_calendar then unanswered_business_seconds
            else age_seconds
        end as unanswered_clock_seconds
    from measured

)

select
    ticket_id,
    customer_key,
    created_at,
    channel,
    agent_id,
    team,
    brand,
    marketplace,
    country,
    segment,
    priority,
    type,
    topic,
    complexity,
    order_id,
    status,
    is_merged,
    is_spam,
    is_deleted,
    is_contact,
    opened_by_call_id,
    is_part_of_call,
    is_complaint,
    is_escalated,
    response_starts_at,
    first_response_at,
    first_solved_at,
    solved_at,
    once_solved_at,
    next_contact_at,
    is_solved,
    reopens,
    agent_replies,
    assignee_stations,
    {% for duration in durations -%}
    {{ duration }}_seconds,
    {{ duration }}_business_seconds,
    {% endfor -%}
    {% for wait in waits -%}
    {{ wait }}_seconds,
    {{ wait }}_business_seconds,
    {% endfor -%}
    is_response_due,
    is_response_tracked,
    response_target_seconds,
    response_target_clock,
    -- An unanswered ticket counts once its time is up; before that it is pending.
    case
        when response_target_seconds is null or not is_response_tracked then null
        when response_clock_seconds is not null then response_clock_seconds <= response_target_seconds
        when unanswered_clock_seconds > response_target_seconds then false
    end as is_response_in_time,
    {% for hours in [24, 48] -%}
    -- What marketplaces ask for, weekends included.
    case
        when not is_response_tracked then null
        when first_response_seconds is not null then first_response_seconds <= {{ hours }} * 3600
        when age_seconds > {{ hours }} * 3600 then false
    end as is_answered_in_{{ hours }}_hours,
    {% endfor -%}
    is_fcr_claimed,
    is_fcr_observed,
    case when is_fcr_claimed then is_confirmed end as is_fcr_verified,
    first_csat,
    last_csat,
    csat_scale,
    rated_at,
    extra
from timed
