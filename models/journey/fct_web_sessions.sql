{%- set sessions = ref('stg_web_sessions') -%}
{%- set help_known_at = dbt.dateadd('hour', var('self_service_window_hours'), 'started_at') -%}
{{ maintained(
    unique_key=['session_id'],
    invalidated_by={
        'stg_web_sessions': 'session_id',
        'int_visitors': 'select session_id from ' ~ sessions ~ ' where visitor_id in (select visitor_id from {changes})',
        'int_record_customers': 'select session_id from ' ~ sessions ~ ' where customer_id in ('
        ~ records_of('web_sessions') ~ ')',
        'int_contacts': rows_with_changed('session_id', 'customer_key'),
        'dim_customers': rows_with_changed('session_id', 'customer_key'),
        'int_loads': records_of_loads('session_id', sessions, 'web_sessions'),
        'int_history_starts': 'select session_id from {this} where is_help_sought and exists (select 1 from {changes})',
    },
    invalidated_by_as_of=[
        'select session_id from ' ~ sessions ~ ' where ' ~ passed('ended_at') ~ ' or ' ~ passed(help_known_at),
    ]
) }}
with sessions as (

    select
        sessions.*,
        coalesce(records.customer_key, visitors.customer_key, 'unknown') as customer_key,
        {{ dbt.dateadd('hour', var('self_service_window_hours'), 'sessions.started_at') }} as help_known_at,
        coalesce(sessions.help_page_views >= 1, false)
        and coalesce(records.customer_key, visitors.customer_key) is not null as is_help_sought
    from {{ ref('stg_web_sessions') }} as sessions
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'web_sessions'
            and sessions.customer_id = records.record_id
    left join {{ ref('int_visitors') }} as visitors on sessions.visitor_id = visitors.visitor_id
    where {{ is_invalidated('sessions.session_id') }}

),

loads as (

    {{ file_columns('web_sessions', ['pricing_page_viewed', 'pricing_page_clicked']) }}

),

-- Who looked for help, and then asked for it all the same.
asked as (

    select distinct sessions.session_id
    from sessions
    inner join {{ ref('int_contacts') }} as contacts
        on
            sessions.customer_key = contacts.customer_key
            and sessions.started_at < contacts.contact_at
            and sessions.help_known_at > contacts.contact_at
    where sessions.is_help_sought

)

select
    sessions.session_id,
    sessions.customer_key,
    {{ visitor_key('sessions.visitor_id') }} as visitor_key,
    sessions.started_at,
    {{ known('sessions.ended_at') }} as ended_at,
    coalesce(lower(sessions.source), 'unknown') as channel,
    coalesce(lower(sessions.medium), 'unknown') as medium,
    coalesce(sessions.campaign, 'unknown') as campaign,
    coalesce(lower(sessions.device), 'unknown') as device,
    coalesce(sessions.country, customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    cast(sessions.page_views as bigint) as page_views,
    cast(sessions.help_page_views as bigint) as help_page_views,
    -- Who clicked on has seen the page.
    case
        when sessions.pricing_page_clicked then true
        else sessions.pricing_page_viewed
    end as is_pricing_viewed,
    -- Whether anybody clicked on only a file with a word for it tells; and one of clicks alone tells of nobody who did not.
    case
        when loads.file_has_pricing_page_viewed and loads.file_has_pricing_page_clicked
            then coalesce(sessions.pricing_page_clicked, false)
    end as is_pricing_clicked,
    case
        when sessions.ended_at >= sessions.started_at and sessions.ended_at <= {{ as_of() }}
            then cast({{ seconds_between('sessions.started_at', 'sessions.ended_at') }} as bigint)
    end as duration_seconds,
    sessions.page_views <= 1 as is_bounce,
    sessions.is_help_sought,
    -- Not known before the window has closed, failed or not: failures alone would come early.
    -- Nor is it of before the exports of contacts begin.
    case
        when
            sessions.is_help_sought
            and sessions.help_known_at <= {{ as_of() }}
            and {{ local_date('sessions.started_at') }} >= starts.contacts_from
            then asked.session_id is not null
    end as is_self_service_failed,
    sessions.extra
from sessions
cross join {{ ref('int_history_starts') }} as starts
left join asked on sessions.session_id = asked.session_id
left join loads
    on
        {{ is_load_of('sessions') }}
left join {{ ref('dim_customers') }} as customers on sessions.customer_key = customers.customer_key
