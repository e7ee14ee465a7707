{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'fct_tickets': 'ticket_id',
        'int_ticket_scores': 'ticket_id',
        'fct_sentiment': "select ticket_id from {changes} where record_kind = 'ticket'",
        'int_churn_events': rows_with_changed('ticket_id', 'customer_key'),
        'int_ticket_recent': 'select ticket_id from {this} where opened_on in (select on_date from {changes})',
        'int_ticket_business_seconds': 'ticket_id',
    }
) }}
-- Each ticket as it was known when it was opened, and what became of it.
with tickets as (

    select
        *,
        {{ local_date('created_at') }} as opened_on,
        {{ local_time('created_at') }} as opened_local
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and {{ is_invalidated('ticket_id') }}

),

-- What was known of the customer before that day.
customers as (

    select
        tickets.ticket_id,
        sum(
            case
                when events.event = 'contact' and events.on_date >= {{ add_days('tickets.opened_on', -90) }} then events.records
            end
        ) as contacts_90,
        sum(case when events.event = 'score' then events.records end) as scores_365,
        cast(sum(case when events.event = 'score' then events.amount end) as double) as bad_scores_365
    from tickets
    inner join {{ ref('int_churn_events') }} as events
        on
            tickets.customer_key = events.customer_key
            and tickets.opened_on > events.on_date
            and {{ add_days('tickets.opened_on', -365) }} <= events.on_date
    where events.event in ('contact', 'score')
    group by tickets.ticket_id

),

said as (

    select
        ticket_id,
        avg(polarity) as sentiment
    from {{ ref('fct_sentiment') }}
    where
        record_kind = 'ticket'
        and polarity is not null
        and {{ is_invalidated('ticket_id') }}
    group by ticket_id

)

select
    tickets.ticket_id,
    tickets.customer_key,
    tickets.opened_on,
    tickets.created_at,
    tickets.response_starts_at,
    tickets.first_response_at,
    tickets.first_solved_at,
    tickets.is_solved,
    tickets.is_response_tracked,
    tickets.response_target_seconds,
    tickets.is_response_in_time,
    -- Seconds on the clock of the target.
    case
        when tickets.response_target_clock = 'business' then tickets.first_response_business_seconds
        else tickets.first_response_seconds
    end as response_seconds,
    business.unanswered_business_seconds as unanswered_open_seconds,
    coalesce(tickets.response_target_clock = 'business', false) as is_target_in_opening_hours,
    answers.rated_at,
    not answers.is_satisfied as is_score_bad,
    cast(extract(hour from tickets.opened_local) as bigint) as opening_hour,
    cast({{ iso_weekday('tickets.opened_on') }} as bigint) as opening_weekday,
    cast(tickets.is_complaint as integer) as is_complaint,
    cast(case when tickets.customer_key <> 'unknown' then coalesce(customers.contacts_90, 0) end as bigint) as contacts_90,
    customers.bad_scores_365 / nullif(customers.scores_365, 0) as bad_share_365,
    said.sentiment,
    {% for dimension in ['all', 'channel', 'priority', 'team'] -%}
    {%- set recent = dimension ~ '_recent' -%}
    cast({{ recent }}.missed_28 as double) / nullif({{ recent }}.responses_28, 0) as missed_of_{{ dimension }},
    cast({{ recent }}.bad_90 as double) / nullif({{ recent }}.scores_90, 0) as bad_of_{{ dimension }},
    {% endfor -%}
    4 * cast(all_recent.opened_7 as double) / nullif(all_recent.opened_28, 0) as busy
from tickets
left join customers on tickets.ticket_id = customers.ticket_id
left join said on tickets.ticket_id = said.ticket_id
left join {{ ref('int_ticket_scores') }} as answers on tickets.ticket_id = answers.ticket_id
left join {{ ref('int_ticket_business_seconds') }} as business on tickets.ticket_id = business.ticket_id
{% for dimension in ['all', 'channel', 'priority', 'team'] -%}
left join {{ ref('int_ticket_recent') }} as {{ dimension }}_recent
    on
        {{ dimension }}_recent.dimension = '{{ dimension }}'
        and {{ dimension }}_recent.member = {{ "'all'" if dimension == 'all' else 'tickets.' ~ dimension }}
        and tickets.opened_on = {{ dimension }}_recent.on_date
{% endfor %}
