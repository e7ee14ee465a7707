{%- set days = 7 * var('staffing_history_weeks') | int -%}
-- What part of its shifts a team was neither on a contact nor ready for one, as the log of states shows for the weeks before a
-- day.
--
-- Breaks, other work, lateness and absence that nobody entered; who has an absence on the roster has no shift.
with shifts as (

    select
        team,
        date_day,
        scheduled_seconds,
        -- Nobody who is not logged in is ready; of one who is, the log has to say.
        case
            when logged_in_seconds = 0 then 0
            when available_seconds + handling_seconds > scheduled_seconds then scheduled_seconds
            else available_seconds + handling_seconds
        end as ready_seconds
    from {{ ref('fct_agent_half_hours') }}
    where scheduled_seconds > 0

),

daily as (

    select
        team,
        date_day,
        count(*) as half_hours,
        sum(scheduled_seconds) as scheduled_seconds,
        sum(ready_seconds) as ready_seconds
    from shifts
    where ready_seconds is not null
    group by
        team,
        date_day

),

before_day as (

    select
        days.team,
        days.date_day,
        sum(daily.half_hours) over history as half_hours,
        sum(daily.scheduled_seconds) over history as scheduled_seconds,
        sum(daily.ready_seconds) over history as ready_seconds
    from {{ ref('int_call_days') }} as days
    left join daily
        on
            days.team = daily.team
            and days.date_day = daily.date_day
    window history as (
        partition by days.team
        order by days.date_day
        rows between {{ days }} preceding and 1 preceding
    )

)

select
    team,
    date_day,
    half_hours,
    1 - cast(ready_seconds as double) / scheduled_seconds as shrinkage
from before_day
-- Of fewer half hours of an agent it says little; of a team that is never ready nothing could be planned.
where
    half_hours >= {{ var('min_sample') }}
    and ready_seconds > 0
