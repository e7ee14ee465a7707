{%- set window_days = var('fcr_window_days') -%}
{%- set bot_cost = var('bot_cost_per_conversation') or 'null' -%}
{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'fct_tickets': 'ticket_id',
        'stg_ticket_events': 'ticket_id',
        'int_ticket_clocks': 'ticket_id',
        'int_contacts': records_of('tickets'),
        'int_survey_confirmations': records_of('tickets'),
        'int_ticket_scores': 'ticket_id',
        'stg_tickets': 'ticket_id',
        'int_loads': records_of_loads('ticket_id', ref('stg_tickets'), 'tickets'),
    },
    invalidated_by_as_of=[
        'select ticket_id from {this} where ' ~ passed('window_ends_at') ~ ' or '
        ~ passed(dbt.dateadd('day', window_days, 'created_at')),
    ]
) }}
-- Each ticket whose log has its messages, as the conversation that it was: who wrote, from whom to whom it went, and what a bot
-- made of it.
with loads as (

    {{ file_columns('tickets', ['follow_up_of']) }}

),

tickets as (

    select
        tickets.*,
        case
            when listed.follow_up_of is not null or loads.file_has_follow_up_of then listed.follow_up_of is not null
        end as is_follow_up,
        clocks.are_assignments_logged,
        clocks.are_bots_logged
    from {{ ref('fct_tickets') }} as tickets
    inner join {{ ref('int_ticket_clocks') }} as clocks on tickets.ticket_id = clocks.ticket_id
    inner join {{ ref('stg_tickets') }} as listed on tickets.ticket_id = listed.ticket_id
    left join loads
        on
            {{ is_load_of('listed') }}
    where
        clocks.are_replies_logged
        and tickets.is_contact
        and {{ is_invalidated('tickets.ticket_id') }}

),

events as (

    select
        events.ticket_id,
        events.event_at,
        events.event_type,
        events.actor_id,
        events.actor_type,
        events.team,
        events.to_value,
        events._batch,
        events._row,
        events.event_type = 'public_reply' and coalesce(events.actor_type, 'agent') = 'agent' as is_human_reply,
        events.event_type in ('public_reply', 'auto_reply') and coalesce(events.actor_type = 'bot', false) as is_bot_reply
    from {{ ref('stg_ticket_events') }} as events
    inner join tickets on events.ticket_id = tickets.ticket_id
    where {{ is_invalidated('events.ticket_id') }}

),

messages as (

    select
        ticket_id,
        sum(case when is_human_reply then 1 else 0 end) as human_replies,
        sum(case when is_bot_reply then 1 else 0 end) as bot_replies,
        sum(case when event_type = 'customer_message' then 1 else 0 end) as customer_messages,
        sum(case when event_type = 'internal_note' then 1 else 0 end) as internal_notes,
        min(case when is_bot_reply then event_at end) as first_bot_reply_at,
        max(case when is_bot_reply then event_at end) as last_bot_reply_at,
        max(case when event_type = 'customer_message' then event_at end) as last_customer_message_at
    from events
    group by ticket_id

),

bots as (

    select distinct
        ticket_id,
        actor_id
    from events
    where
        actor_type = 'bot'
        and actor_id is not null

),

-- After the bot's first answer: a person writes, or it goes to a person or another group before it is solved.
hand_overs as (

    select
        events.ticket_id,
        min(events.event_at) as handed_over_at,
        min(case when events.is_human_reply then events.event_at end) as answered_at
    from events
    inner join messages on events.ticket_id = messages.ticket_id
    inner join tickets on events.ticket_id = tickets.ticket_id
    left join bots
        on
            events.ticket_id = bots.ticket_id
            and events.to_value = bots.actor_id
    where
        events.event_at >= messages.first_bot_reply_at
        and (
            events.is_human_reply
            or (
                (tickets.solved_at is null or events.event_at < tickets.solved_at)
                and (
                    events.event_type = 'escalated'
                    or (events.event_type = 'assigned' and events.to_value is not null and bots.actor_id is null)
                )
            )
        )
    group by events.ticket_id

),

team_events as (

    select
        ticket_id,
        event_at,
        team,
        _batch,
        _row,
        lag(team) over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as previous_team
    from events
    where team is not null

),

stations as (

    select
        ticket_id,
        event_at,
        team,
        row_number() over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as place,
        row_number() over (
            partition by ticket_id, team
            order by event_at, _batch, _row
        ) as visit
    from team_events
    where team is distinct from previous_team

),

teams as (

    select
        ticket_id,
        max(case when place = 1 then team end) as first_team,
        count(*) - 1 as team_changes,
        max(visit) > 1 as has_returned_to_team,
        min(case when place = 2 then event_at end) as left_first_team_at
    from stations
    group by ticket_id

),

joined as (

    select
        tickets.*,
        coalesce(messages.human_replies, 0) as human_replies,
        coalesce(messages.bot_replies, 0) as bot_replies,
        coalesce(messages.customer_messages, 0) as customer_messages,
        coalesce(messages.internal_notes, 0) as internal_notes,
        {{ in_order('messages.first_bot_reply_at', 'tickets.response_starts_at') }} as first_bot_reply_at,
        messages.last_bot_reply_at,
        messages.last_customer_message_at,
        hand_overs.handed_over_at,
        hand_overs.answered_at as hand_over_answered_at,
        teams.first_team,
        teams.team_changes,
        teams.has_returned_to_team,
        {{ in_order('coalesce(teams.left_first_team_at, tickets.solved_at)', 'tickets.created_at') }} as left_first_team_at,
        case when tickets.are_bots_logged then coalesce(messages.bot_replies, 0) > 0 end as is_bot_involved,
        contacts.next_contact_at as next_contact_of_topic_at,
        contacts.next_contact_of_any_topic_at,
        contacts.record_id is not null as is_customer_known,
        confirmations.is_solved as is_confirmed,
        scores.is_satisfied
    from tickets
    left join messages on tickets.ticket_id = messages.ticket_id
    left join hand_overs on tickets.ticket_id = hand_overs.ticket_id
    left join teams on tickets.ticket_id = teams.ticket_id
    left join {{ ref('int_contacts') }} as contacts
        on
            contacts.record_kind = 'tickets'
            and tickets.ticket_id = contacts.record_id
    left join {{ ref('int_survey_confirmations') }} as confirmations
        on
            confirmations.record_kind = 'tickets'
            and tickets.ticket_id = confirmations.record_id
    left join {{ ref('int_ticket_scores') }} as scores on tickets.ticket_id = scores.ticket_id

),

-- Of what no person took part in: until when the customer can come back, and show that the bot did not help.
ended as (

    select
        *,
        case
            when is_bot_involved and human_replies = 0 and handed_over_at is null
                then
                    {{ dbt.dateadd(
                        'day', window_days,
                        "case when is_solved and solved_at is not null then solved_at "
                        ~ "else greatest(last_bot_reply_at, coalesce(last_customer_message_at, last_bot_reply_at)) end"
                    ) }}
        end as window_ends_at
    from joined

),

-- Nobody writes any more: an open conversation is over when the window is.
judged as (

    select
        *,
        is_customer_known
        and coalesce(window_ends_at, {{ dbt.dateadd('day', window_days, 'created_at') }}) <= {{ as_of() }} as can_be_judged,
        case
            when not is_bot_involved or is_bot_involved is null then null
            when window_ends_at is null then false
            when is_solved or window_ends_at <= {{ as_of() }} then true
        end as is_contained,
        not is_solved and coalesce(last_customer_message_at > last_bot_reply_at, false) as is_left_unanswered,
        coalesce(reopens, 0) > 0 or coalesce(next_contact_of_topic_at < window_ends_at, false) as has_come_back_about_topic,
        coalesce(reopens, 0) > 0 or coalesce(next_contact_of_any_topic_at < window_ends_at, false)
            as has_come_back_about_any_topic
    from ended

)

select
    ticket_id,
    customer_key,
    created_at,
    channel,
    team,
    country,
    segment,
    priority,
    topic,
    is_solved,
    solved_at,
    is_follow_up,
    case when are_bots_logged then least(first_response_at, first_bot_reply_at) end as first_reply_at,
    case
        when are_bots_logged then {{ seconds_between('response_starts_at', 'least(first_response_at, first_bot_reply_at)') }}
    end as first_reply_seconds,
    are_bots_logged
    and response_starts_at is not null
    and first_response_at is null
    and first_bot_reply_at is null as is_reply_pending,
    agent_replies,
    cast(bot_replies as bigint) as bot_replies,
    cast(customer_messages as bigint) as customer_messages,
    cast(internal_notes as bigint) as internal_notes,
    cast(case when are_assignments_logged then greatest(coalesce(assignee_stations, 0) - 1, 0) end as bigint)
        as agent_reassignments,
    first_team,
    cast(team_changes as bigint) as team_changes,
    has_returned_to_team,
    case when first_team is not null then {{ seconds_between('created_at', 'left_first_team_at') }} end as first_team_seconds,
    is_bot_involved,
    first_bot_reply_at,
    handed_over_at,
    {{ seconds_between('first_bot_reply_at', 'handed_over_at') }} as hand_over_seconds,
    {{ seconds_between('handed_over_at', 'hand_over_answered_at') }} as hand_over_wait_seconds,
    is_contained,
    window_ends_at,
    -- Who confirms it need not be waited for. Else it is not known before the window is over, whatever came of it: those who come
    -- back come early; and of an unknown customer never, since who is content cannot be told.
    case
        when is_contained is null then null
        when is_contained and is_confirmed is not null then is_confirmed
        when not can_be_judged then null
        else is_contained and not is_left_unanswered and not has_come_back_about_topic
    end as is_resolved_by_bot,
    case
        when is_contained is null or not can_be_judged then null
        else
            is_contained and coalesce(is_confirmed, true) and not is_left_unanswered and not has_come_back_about_any_topic
    end as is_durably_resolved_by_bot,
    case
        when not is_contained or is_contained is null or not can_be_judged then null
        else not coalesce(is_confirmed, true) or is_left_unanswered or has_come_back_about_topic
    end as is_falsely_contained,
    human_replies > 0 as has_human_reply,
    is_satisfied,
    cast(case when is_bot_involved then {{ bot_cost }} end as double) as bot_cost,
    extra
from judged
