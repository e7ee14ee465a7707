-- Rows of the last day that is over, beside what the same weekday brought in the eight weeks before. An export that ends on the
-- last reporting day may have been drawn in the middle of it: there the day before is looked at.
with touchpoints as (

    select
        touchpoint,
        {{ local_date('occurred_at') }} as occurred_on
    from {{ ref('fct_touchpoints') }}
    where {{ local_date('occurred_at') }} >= {{ add_days(last_whole_day(), -57) }}

),

kinds as (

    select
        touchpoint,
        case
            when max(occurred_on) = {{ last_whole_day() }} then {{ add_days(last_whole_day(), -1) }}
            else {{ last_whole_day() }}
        end as date_day
    from touchpoints
    group by touchpoint

),

weeks as (

    {% for week in range(9) -%}
    select {{ week }} as weeks_ago
    {{ "union all" if not loop.last }}
    {% endfor %}
),

counted as (

    select
        kinds.touchpoint,
        kinds.date_day,
        weeks.weeks_ago,
        count(touchpoints.occurred_on) as rows_found
    from kinds
    cross join weeks
    left join touchpoints
        on
            kinds.touchpoint = touchpoints.touchpoint
            and touchpoints.occurred_on = {{ add_days('kinds.date_day', '-7 * weeks.weeks_ago') }}
    group by
        kinds.touchpoint,
        kinds.date_day,
        weeks.weeks_ago

),

compared as (

    select
        touchpoint,
        max(date_day) as date_day,
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
