{{ maintained(
    unique_key=['call_id'],
    invalidated_by={
        'fct_calls': 'call_id',
        'int_contacts': rows_with_changed('call_id', 'customer_key'),
    },
    invalidated_by_as_of=['select call_id from {this} where ' ~ passed('window_ends_at')]
) }}
-- Inbound calls that came into the menu: those that ended there, and those that went on to agents. Calls out of hours and spam
-- are neither.
with calls as (

    select
        call_id,
        customer_key,
        started_at,
        queue,
        country,
        segment,
        ivr_seconds,
        extra,
        case
            when disposition = 'ended_in_ivr' then true
            when disposition <> 'unknown' then false
        end as is_contained,
        {{ dbt.dateadd('day', var('fcr_window_days'), 'started_at') }} as window_ends_at
    from {{ ref('fct_calls') }}
    where
        direction = 'inbound'
        and channel = 'phone'
        and (disposition = 'ended_in_ivr' or (is_offered and ivr_seconds > 0))
        and {{ is_invalidated('call_id') }}

),

next_contacts as (

    select
        calls.call_id,
        min(contacts.contact_at) as contact_at
    from calls
    inner join {{ ref('int_contacts') }} as contacts
        on
            calls.customer_key = contacts.customer_key
            and calls.started_at < contacts.contact_at
    where
        calls.is_contained
        and calls.customer_key <> 'unknown'
    group by calls.call_id

)

select
    calls.call_id,
    calls.customer_key,
    calls.started_at,
    calls.queue,
    calls.country,
    calls.segment,
    calls.ivr_seconds,
    calls.is_contained,
    next_contacts.contact_at as next_contact_at,
    case when calls.is_contained then calls.window_ends_at end as window_ends_at,
    -- Who is unknown cannot be seen to come back; of others it is not known before the window is over: those who do come early.
    case
        when calls.is_contained and calls.customer_key <> 'unknown' and calls.window_ends_at <= {{ as_of() }}
            then coalesce(next_contacts.contact_at < calls.window_ends_at, false)
    end as is_falsely_contained,
    calls.extra
from calls
left join next_contacts on calls.call_id = next_contacts.call_id
