{{ maintained(
    unique_key=['call_id'],
    invalidated_by={
        'fct_calls': ['call_id', rows_with_changed('call_id', 'customer_key')],
        'int_calls': 'call_id',
    },
    invalidated_by_as_of=['select call_id from {this} where ' ~ passed('window_ends_at')]
) }}
-- Callers who asked to be called back or left a voicemail, and when an agent spoke to them: in a later leg of the call, or in the
-- next call out to the same customer that was answered.
with requests as (

    select
        calls.call_id,
        calls.customer_key,
        calls.queued_at,
        case when calls.disposition = 'voicemail' then 'voicemail' else 'callback' end as request,
        calls.queue,
        calls.team,
        calls.country,
        calls.segment,
        calls.extra,
        {{ in_order('whole.met_agent_later_at', 'calls.queued_at') }} as met_agent_later_at,
        contracts.does_tell_returns,
        {{ dbt.dateadd('hour', var('call_return_hours'), 'calls.queued_at') }} as window_ends_at
    from {{ ref('fct_calls') }} as calls
    inner join {{ ref('int_calls') }} as whole on calls.call_id = whole.call_id
    inner join {{ ref('int_call_contracts') }} as contracts on whole._contract is not distinct from contracts.contract
    where
        calls.is_offered
        and (calls.disposition in ('callback', 'voicemail') or whole.has_callback_leg)
        and {{ is_invalidated('calls.call_id') }}

),

later_calls as (

    select
        requests.call_id,
        min(
            case
                when calls.direction = 'outbound' and calls.disposition = 'answered' then calls.started_at
            end
        ) as called_back_at,
        min(case when calls.is_offered then calls.started_at end) as called_again_at
    from requests
    inner join {{ ref('fct_calls') }} as calls
        on
            requests.customer_key = calls.customer_key
            and requests.queued_at < calls.started_at
    where
        requests.customer_key <> 'unknown'
        and calls.channel = 'phone'
    group by requests.call_id

),

returned as (

    select
        requests.*,
        later_calls.called_again_at,
        least(requests.met_agent_later_at, later_calls.called_back_at) as returned_at
    from requests
    left join later_calls on requests.call_id = later_calls.call_id

)

select
    call_id,
    customer_key,
    queued_at,
    request,
    queue,
    team,
    country,
    segment,
    returned_at,
    {{ seconds_between('queued_at', 'returned_at') }} as return_seconds,
    window_ends_at,
    -- Null while there is time, and where nobody could see a call back: no calls out, or nobody knows who called.
    case
        when returned_at <= window_ends_at then true
        when window_ends_at > {{ as_of() }} then null
        when returned_at is not null then false
        when does_tell_returns and customer_key <> 'unknown' then false
    end as is_returned_in_time,
    coalesce(called_again_at < least(window_ends_at, returned_at), false) as has_called_again,
    extra
from returned
