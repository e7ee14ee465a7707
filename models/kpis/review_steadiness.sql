-- How steadily reviews come: the coefficient of variation of the weekly counts, over the whole weeks that begin in a
-- quarter, and over all. A week without any counts too, from the first review on; what came after the last one that the export
-- has nobody knows.
with weeks as (

    select
        dimension,
        member,
        period_start,
        total as reviews
    from {{ ref('kpi_parts_reviews') }}
    where
        measure = 'reviews_written'
        and grain = 'week'

),

members as (

    select
        dimension,
        member,
        min(period_start) as first_week
    from weeks
    group by
        dimension,
        member

),

export_ends as (

    select max(period_start) as last_week
    from weeks

),

calendar as (

    select distinct dates.week_starts_on
    from {{ ref('dim_dates') }} as dates
    inner join export_ends on dates.week_starts_on <= export_ends.last_week
    where {{ add_days('dates.week_starts_on', 7) }} <= {{ local_date(as_of()) }}

),

dense as (

    select
        members.dimension,
        members.member,
        calendar.week_starts_on,
        coalesce(weeks.reviews, 0) as reviews
    from members
    inner join calendar on members.first_week <= calendar.week_starts_on
    left join weeks
        on
            members.dimension = weeks.dimension
            and members.member = weeks.member
            and calendar.week_starts_on = weeks.period_start

),

summed as (

    {% for grain in ['quarter', 'all'] -%}
    select
        '{{ grain }}' as grain,
        {{ period_start(grain, 'week_starts_on') }} as period_start,
        dimension,
        member,
        count(*) as n,
        sum(reviews) as total,
        sum(reviews * reviews) as squares
    from dense
    group by
        {{ period_start(grain, 'week_starts_on') }},
        dimension,
        member
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    grain,
    period_start,
    dimension,
    member,
    cast(n as bigint) as n,
    cast(null as double) as variance,
    sqrt(greatest(squares - total * total / n, 0) / nullif(n - 1, 0)) / nullif(total / n, 0) as variation
from summed
