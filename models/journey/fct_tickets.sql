{%- set fcr_known_at = dbt.dateadd('day', var('fcr_window_days'), 'created_at') -%}
{%- set response_due_at = dbt.dateadd('second', 'response_target_seconds', 'created_at') -%}
{{ maintained(
    unit=['ticket_id'],
    touched_by={
        'stg_tickets': 'ticket_id',
        'int_ticket_life': 'ticket_id',
        'int_ticket_business_seconds': 'ticket_id',
        'int_record_customers': records_of('tickets'),
        'int_contacts': records_of('tickets'),
        'dim_customers': rows_with_changed('ticket_id', 'customer_key'),
    },
    on_clock=['select ticket_id from {this} where ' ~ passed(fcr_known_at) ~ ' or ' ~ passed(response_due_at)]
) }}
with tickets as (

    select
        tickets.*,
        coalesce(tickets.channel, 'unknown') as channel_or_unknown,
        coalesce(records.customer_key, 'unknown') as customer_key
    from {{ ref('stg_tickets') }} as tickets
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'tickets'
            and tickets.ticket_id = records.record_id
    where {{ is_touched('tickets.ticket_id') }}

),

-- The time a channel allows for the first response: its own target, else the one for all.
targets as (

    select
        member as channel,
        target
    from {{ ref('kpi_targets') }}
    where
        kpi_id = 'first_response_time'
        and dimension = 'channel'

),

default_target as (

    select max(target) as target
    from {{ ref('kpi_targets') }}
    where
        kpi_id = 'first_response_time'
        and dimension = 'all'

),

joined as (

    select
        tickets.ticket_id,
        tickets.customer_key,
        tickets.created_at,
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
                when life.agent_replies is not null then 'high'
            end,
            'unknown'
        ) as complexity,
        tickets.order_id,
        tickets.status,
        life.is_merged,
        coalesce(tickets.is_spam, false) as is_spam,
        not life.is_merged and not coalesce(tickets.is_spam, false) as is_contact,
        life.first_response_at,
        life.first_solved_at,
        life.solved_at,
        coalesce(life.is_solved, false) as is_solved,
        cast(life.reopens as bigint) as reopens,
        cast(life.agent_replies as bigint) as agent_replies,
        life.is_escalated,
        life.is_response_tracked,
        coalesce(targets.target, default_target.target) as response_target_seconds,
        cast(business.first_response_business_seconds as bigint) as first_response_business_seconds,
        cast(business.first_resolution_business_seconds as bigint) as first_resolution_business_seconds,
        cast(business.full_resolution_business_seconds as bigint) as full_resolution_business_seconds,
        business.ticket_id is not null as has_calendar,
        {{ is_fcr_observed(
            'contacts', 'tickets.created_at', 'coalesce(life.is_solved, false)',
            'case when life.agent_replies is not null and life.reopens is not null '
            ~ 'then life.agent_replies = 1 and life.reopens = 0 end'
        ) }} as is_fcr_observed,
        tickets.csat_score,
        tickets.csat_scale,
        case when tickets.csat_score is not null then coalesce(life.rated_at, life.solved_at, tickets.created_at) end
            as rated_at
    from tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    left join {{ ref('dim_customers') }} as customers on tickets.customer_key = customers.customer_key
    left join {{ ref('int_ticket_business_seconds') }} as business on tickets.ticket_id = business.ticket_id
    left join {{ ref('int_contacts') }} as contacts
        on
            contacts.record_kind = 'tickets'
            and tickets.ticket_id = contacts.record_id
    left join targets on tickets.channel_or_unknown = targets.channel
    cross join default_target
    cross join {{ ref('int_complexity_terciles') }} as terciles

),

measured as (

    select
        *,
        {{ seconds_between('created_at', 'first_response_at') }} as first_response_seconds,
        {{ seconds_between('created_at', 'first_solved_at') }} as first_resolution_seconds,
        {{ seconds_between('created_at', 'solved_at') }} as full_resolution_seconds,
        {{ seconds_between('created_at', as_of()) }} as age_seconds
    from joined

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
    is_contact,
    first_response_at,
    first_solved_at,
    solved_at,
    is_solved,
    reopens,
    agent_replies,
    is_escalated,
    is_response_tracked,
    first_response_seconds,
    -- Without a calendar the desk never closes.
    case when has_calendar then first_response_business_seconds else first_response_seconds end
        as first_response_business_seconds,
    first_resolution_seconds,
    case when has_calendar then first_resolution_business_seconds else first_resolution_seconds end
        as first_resolution_business_seconds,
    full_resolution_seconds,
    case when has_calendar then full_resolution_business_seconds else full_resolution_seconds end
        as full_resolution_business_seconds,
    cast(response_target_seconds as bigint) as response_target_seconds,
    -- An unanswered ticket counts once its time is up; before that it is pending.
    case
        when response_target_seconds is null or not is_response_tracked then null
        when first_response_seconds is not null then first_response_seconds <= response_target_seconds
        when age_seconds > response_target_seconds then false
    end as is_response_in_time,
    is_fcr_observed,
    csat_score,
    csat_scale,
    rated_at
from measured
