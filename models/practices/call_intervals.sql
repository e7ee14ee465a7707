{%- set minutes = var('interval_minutes') | int -%}
{%- set timezone = "'" ~ var('reporting_timezone') ~ "'" %}
-- Calls offered by team, queue and interval, as call centres report them: a call with all that came of it is in the interval in
-- which it was queued.
--
-- An interval is real: so many minutes from the day's local midnight on. A day on which clocks change has more or fewer of them.
with calls as (

    select
        *,
        {{ local_date('queued_at') }} as date_day,
        is_abandoned and not is_short_abandon as is_long_abandon,
        -- Nobody knows of an abandoned call without a wait whether it waited longer than the limit.
        case
            when is_abandoned then wait_seconds <= {{ var('service_level_seconds') }}
            else false
        end as is_early_abandon
    from {{ ref('fct_calls') }}
    where is_offered

),

days as (

    select distinct date_day
    from calls

),

midnights as (

    select
        date_day,
        {{ utc_time('cast(date_day as timestamp)', timezone) }} as begins_at
    from days

),

placed as (

    select
        calls.*,
        midnights.begins_at,
        cast(
            floor({{ seconds_between('midnights.begins_at', 'calls.queued_at') }} / {{ 60.0 * minutes }}) as integer
        ) as number
    from calls
    inner join midnights on calls.date_day = midnights.date_day

),

counted as (

    select
        team,
        queue,
        date_day,
        {{ dbt.dateadd('minute', minutes ~ ' * number', 'begins_at') }} as starts_at,
        count(*) as calls_offered,
        sum(case when is_answered then 1 else 0 end) as calls_answered,
        sum(case when is_within_service_level then 1 else 0 end) as calls_answered_in_time,
        sum(case when is_answered and wait_seconds is null then 1 else 0 end) as calls_answered_wait_unknown,
        sum(case when is_short_abandon then 1 else 0 end) as calls_abandoned_short,
        sum(case when is_long_abandon then 1 else 0 end) as calls_abandoned_long,
        sum(case when is_abandoned and wait_seconds is null then 1 else 0 end) as calls_abandoned_wait_unknown,
        sum(case when disposition = 'voicemail' then 1 else 0 end) as calls_voicemail,
        sum(case when disposition = 'callback' then 1 else 0 end) as calls_callback,
        sum(case when is_abandoned is null then 1 else 0 end) as calls_of_unknown_end,
        sum(case when is_answered then wait_seconds end) as answered_wait_seconds,
        max(wait_seconds) as longest_wait_seconds,
        sum(case when is_answered then handle_seconds end) as handle_seconds,
        count(case when is_answered then handle_seconds end) as calls_handled,
        -- Denominators: of these it is known whether they met the service level.
        count(is_within_service_level) as calls_measured,
        sum(case when is_answered and is_within_service_level is not null then 1 else 0 end) as answered_measured,
        sum(
            case when is_within_service_level is not null and is_early_abandon is not null then 1 else 0 end
        ) as early_abandons_measured,
        sum(case when is_early_abandon then 1 else 0 end) as early_abandons
    from placed
    group by
        team,
        queue,
        date_day,
        number,
        begins_at

)

select
    team,
    queue,
    starts_at,
    date_day,
    cast({{ minutes }} as bigint) as interval_minutes,
    cast(calls_offered as bigint) as calls_offered,
    cast(calls_answered as bigint) as calls_answered,
    cast(calls_answered_in_time as bigint) as calls_answered_in_time,
    cast(calls_answered_wait_unknown as bigint) as calls_answered_wait_unknown,
    cast(calls_abandoned_short as bigint) as calls_abandoned_short,
    cast(calls_abandoned_long as bigint) as calls_abandoned_long,
    cast(calls_abandoned_wait_unknown as bigint) as calls_abandoned_wait_unknown,
    cast(calls_voicemail as bigint) as calls_voicemail,
    cast(calls_callback as bigint) as calls_callback,
    cast(calls_of_unknown_end as bigint) as calls_of_unknown_end,
    cast(answered_wait_seconds as bigint) as answered_wait_seconds,
    cast(longest_wait_seconds as bigint) as longest_wait_seconds,
    cast(handle_seconds as bigint) as handle_seconds,
    cast(calls_handled as bigint) as calls_handled,
    cast(answered_wait_seconds as double)
    / nullif(calls_answered - calls_answered_wait_unknown, 0) as answer_seconds_mean,
    cast(handle_seconds as double) / nullif(calls_handled, 0) as handle_seconds_mean,
    cast(calls_answered_in_time as double) / nullif(calls_measured - calls_abandoned_short, 0) as service_level_rate,
    cast(calls_answered_in_time as double) / nullif(calls_measured, 0) as service_level_of_offered_rate,
    cast(calls_answered_in_time as double) / nullif(answered_measured, 0) as service_level_of_answered_rate,
    cast(calls_answered_in_time + early_abandons as double)
    / nullif(early_abandons_measured, 0) as service_level_with_early_abandons_rate,
    cast(calls_abandoned_long as double)
    / nullif(calls_offered - calls_of_unknown_end - calls_abandoned_short, 0) as abandonment_rate
from counted
