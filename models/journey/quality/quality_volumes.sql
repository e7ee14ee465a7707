-- Rows of the last whole reporting day, beside what the same weekday brought in the eight weeks before.
with touchpoints as (

    select
        touchpoint,
        {{ local_date('occurred_at') }} as occurred_on
    from {{ ref('fct_touchpoints') }}
    where {{ local_date('occurred_at') }} between {{ add_days(last_whole_day(), -56) }} and {{ last_whole_day() }}

),

kinds as (

    select distinct touchpoint
    from touchpoints

),

weeks as (

    {% for week in range(9) -%}
    select
        {{ week }} as weeks_ago,
        {{ add_days(last_whole_day(), -7 * week) }} as date_day
    {{ "union all" if not loop.last }}
    {% endfor %}
),

counted as (

    select
        kinds.touchpoint,
        weeks.weeks_ago,
        weeks.date_day,
        count(touchpoints.occurred_on) as rows_found
    from kinds
    cross join weeks
    left join touchpoints
        on
            kinds.touchpoint = touchpoints.touchpoint
            and weeks.date_day = touchpoints.occurred_on
    group by
        kinds.touchpoint,
        weeks.weeks_ago,
        weeks.date_day

),

compared as (

    select
        touchpoint,
        max(case when weeks_ago = 0 then date_day end) as date_day,
        max(case when weeks_ago = 0 then rows_found end) as rows_found,
        percentile_cont(0.5) within group (order by case when weeks_ago > 0 then cast(rows_found as double) end) as usual_rows
    from counted
    group by touchpoint

)

select
    touchpoint,
    date_day,
    cast(rows_found as bigint) as rows_found,
    usual_rows,
    -- A day that usually brings a handful says nothing.
    case when usual_rows >= {{ var('min_sample') }} then rows_found / usual_rows end as share_of_usual
from compared
