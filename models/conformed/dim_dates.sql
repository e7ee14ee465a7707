-- From the first day of any record to the last day of the year of `as_of`.
{%- set dated = [
    'tickets', 'calls', 'reviews', 'orders', 'surveys', 'survey_invitations', 'web_sessions', 'signups', 'subscriptions',
    'product_usage', 'agent_states',
] %}
with firsts as (

    {% for kind in dated -%}
    select min({{ local_date(export_kinds()[kind].event_at) }}) as first_day
    from {{ ref('stg_' ~ kind) }}
    union all
    {% endfor -%}
    -- A ticket is created when its log says so.
    select min({{ local_date('event_at') }}) as first_day
    from {{ ref('stg_ticket_events') }}
    where event_type = 'created'

),

bounds as (

    select
        coalesce(min(first_day), {{ as_of_day() }}) as first_day,
        {{ add_days(dbt.date_trunc('year', as_of_day()), 365) }} as last_day
    from firsts

),

days as (

    select spine.date_day
    from bounds
    cross join lateral (
        {{ days_from_to('bounds.first_day', 'bounds.last_day') }}
    ) as spine

)

select
    date_day,
    {{ iso_weekday('date_day') }} as iso_weekday,
    {{ iso_weekday('date_day') }} >= 6 as is_weekend,
    case {{ iso_weekday('date_day') }}
        {% for name in ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] -%}
        when {{ loop.index }} then '{{ name }}'
        {% endfor -%}
    end as weekday_name,
    cast(extract(month from date_day) as integer) as month_number,
    case extract(month from date_day)
        {% for name in [
            'January', 'February', 'March', 'April', 'May', 'June',
            'July', 'August', 'September', 'October', 'November', 'December',
        ] -%}
        when {{ loop.index }} then '{{ name }}'
        {% endfor -%}
    end as month_name,
    cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_starts_on,
    cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_starts_on,
    cast({{ dbt.date_trunc('quarter', 'date_day') }} as date) as quarter_starts_on,
    cast({{ dbt.date_trunc('year', 'date_day') }} as date) as year_starts_on
from days
