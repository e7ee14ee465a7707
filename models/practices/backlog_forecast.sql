-- When the desk will be empty if it goes on as in the last weeks, for those members that have been there so long.
--
-- Each week takes so many off the desk: solved less arrived. With B open tickets, their mean d and standard deviation s over n
-- whole weeks, it is expected to be empty after B/d weeks. How far that may be off is the prediction interval of the mean of T
-- further weeks, d ± t·s·√(1/n + 1/T), solved for the T with which it takes B off: with x = 1/T and k = t²s²,
-- B²x² - (2Bd + k)x + d² - k/n = 0.
{%- set weeks = var('backlog_forecast_weeks') -%}
{%- set farthest_days = 3650 -%}
{%- set dimensions = ['channel', 'team', 'priority'] %}

with export_ends as (

    {{ last_day_of_tickets() }}

),

-- Days that the export does not reach are no days without tickets: it is forecast from its last one.
bounds as (

    select least(last_day, {{ last_whole_day() }}) as last_day
    from export_ends

),

days as (

    select
        {% for dimension in dimensions -%}
        backlog.{{ dimension }},
        {% endfor -%}
        backlog.date_day,
        backlog.created + backlog.reopened as arrived,
        backlog.solved,
        backlog.closing,
        bounds.last_day,
        {{ days_between('backlog.date_day', 'bounds.last_day') }} as days_ago
    from {{ ref('fct_backlog_days') }} as backlog
    inner join bounds on backlog.date_day <= bounds.last_day

),

members as (

    {% for dimension in ['all'] + dimensions -%}
    select
        '{{ dimension }}' as dimension,
        {{ "'all'" if dimension == 'all' else dimension }} as member,
        last_day,
        days_ago,
        arrived,
        solved,
        closing
    from days
    {{ "union all" if not loop.last }}
    {% endfor %}
),

present as (

    select
        dimension,
        member,
        max(last_day) as last_day,
        max(days_ago) as first_days_ago,
        sum(case when days_ago = 0 then closing else 0 end) as open_tickets
    from members
    group by
        dimension,
        member

),

weekly as (

    select
        dimension,
        member,
        floor(days_ago / 7.0) as weeks_ago,
        sum(arrived) as arrived,
        sum(solved) as solved,
        sum(solved) - sum(arrived) as taken_off
    from members
    where days_ago < 7 * {{ weeks }}
    group by
        dimension,
        member,
        floor(days_ago / 7.0)

),

-- A week in which nothing happened has no row, and counts as one in which nothing was taken off.
rates as (

    select
        dimension,
        member,
        cast(sum(arrived) as double) / {{ weeks }} as arrivals_per_week,
        cast(sum(solved) as double) / {{ weeks }} as resolutions_per_week,
        cast(sum(taken_off) as double) / {{ weeks }} as mean_taken_off,
        (
            cast(sum(taken_off * taken_off) as double)
            - cast(sum(taken_off) as double) * cast(sum(taken_off) as double) / {{ weeks }}
        ) / ({{ weeks }} - 1) as variance_taken_off
    from weekly
    group by
        dimension,
        member

),

measured as (

    select
        present.dimension,
        present.member,
        present.last_day,
        present.open_tickets,
        present.first_days_ago >= 7 * {{ weeks }} - 1 as has_history,
        coalesce(rates.arrivals_per_week, 0) as arrivals_per_week,
        coalesce(rates.resolutions_per_week, 0) as resolutions_per_week,
        coalesce(rates.mean_taken_off, 0) as mean_taken_off,
        {{ t_quantile(weeks, 'student.t_975') }} * {{ t_quantile(weeks, 'student.t_975') }}
        * greatest(coalesce(rates.variance_taken_off, 0), 0) as spread
    from present
    left join rates
        on
            present.dimension = rates.dimension
            and present.member = rates.member
    left join {{ ref('student_t') }} as student on student.degrees_of_freedom = {{ weeks }} - 1

),

-- Where more arrives than is solved there is no root to speak of, and the reason says so.
rooted as (

    select
        *,
        sqrt(
            greatest(
                spread * (4 * open_tickets * mean_taken_off + spread)
                + 4 * cast(open_tickets as double) * open_tickets * spread / {{ weeks }},
                0
            )
        ) as root
    from measured

),

forecast as (

    select
        *,
        case
            when open_tickets = 0 then 'empty'
            when not has_history then 'less than {{ weeks }} weeks of history'
            when mean_taken_off <= 0 then 'no more is solved than arrives'
            when 7 * open_tickets / mean_taken_off > {{ farthest_days }} then 'more than {{ farthest_days }} days away'
        end as reason,
        7 * open_tickets / nullif(mean_taken_off, 0) as expected_days,
        -- The larger root is the earliest end, the smaller one the latest; at zero or below there is none.
        7 * 2 * cast(open_tickets as double) * open_tickets
        / nullif(2 * open_tickets * mean_taken_off + spread + root, 0) as earliest_days,
        7 * 2 * cast(open_tickets as double) * open_tickets
        / case
            when mean_taken_off * mean_taken_off > spread / {{ weeks }}
                then nullif(2 * open_tickets * mean_taken_off + spread - root, 0)
        end as latest_days
    from rooted

)

select
    dimension,
    member,
    last_day as as_of_on,
    cast(open_tickets as bigint) as open_tickets,
    arrivals_per_week,
    resolutions_per_week,
    {% for day, days in [('', 'expected_days'), ('earliest_', 'earliest_days'), ('latest_', 'latest_days')] -%}
    case
        when reason is null and {{ days }} <= {{ farthest_days }} then {{ add_days('last_day', 'ceil(' ~ days ~ ')') }}
    end as {{ day }}empty_on,
    {% endfor -%}
    reason
from forecast
