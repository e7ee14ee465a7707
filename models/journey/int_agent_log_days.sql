-- The days on which the log of states records anything of anybody, and until when: in the last one, until its last instant.
with state_times as (

    select
        {{ local_date('started_at') }} as date_day,
        started_at,
        {{ known(stated_end_of_state()) }} as ended_at
    from {{ ref('stg_agent_states') }}

),

log_ends as (

    select greatest(max(started_at), max(ended_at)) as told_until
    from state_times

),

days as (

    select distinct date_day
    from state_times

)

select
    days.date_day,
    least(
        {{ utc_time('cast(' ~ add_days('days.date_day', 1) ~ ' as timestamp)', "'" ~ var('reporting_timezone') ~ "'") }},
        log_ends.told_until
    ) as told_until
from days
cross join log_ends
