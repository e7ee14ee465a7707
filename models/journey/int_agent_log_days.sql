-- The days on which the log of states tells anything of anybody, and until when: in the last one, until its last instant.
with told as (

    select
        started_at,
        case when ends_at <= {{ as_of() }} then ends_at else started_at end as until_at
    from {{ ref('int_agent_state_spans') }}

),

reach as (

    select max(until_at) as told_until
    from told

),

days as (

    select distinct {{ local_date('started_at') }} as date_day
    from told

)

select
    days.date_day,
    least(
        {{ utc_time('cast(' ~ add_days('days.date_day', 1) ~ ' as timestamp)', "'" ~ var('reporting_timezone') ~ "'") }},
        reach.told_until
    ) as told_until
from days
cross join reach
