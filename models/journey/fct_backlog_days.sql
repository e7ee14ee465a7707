-- The desk at the end of each day. opening + created + reopened - solved = closing, over the age buckets of a day together.
{%- set age_buckets = [('0-1', 0, 1), ('1-3', 1, 3), ('3-7', 3, 7), ('7-30', 7, 30), ('>30', 30, 100000)] -%}
{%- set dimensions = ['channel', 'team', 'priority'] %}

with spans as (

    select
        tickets.channel,
        tickets.team,
        tickets.priority,
        spans.is_reopening,
        {{ local_date('tickets.created_at') }} as created_on,
        {{ local_date('spans.opened_at') }} as opened_on,
        coalesce({{ local_date('spans.solved_at') }}, cast('9999-12-31' as date)) as solved_on
    from {{ ref('int_ticket_open_spans') }} as spans
    inner join {{ ref('fct_tickets') }} as tickets on spans.ticket_id = tickets.ticket_id
    where
        not tickets.is_spam
        and not tickets.is_deleted

),

-- At the end of which days was a span open in each age bucket?
stays as (

    {% for bucket, from_days, to_days in age_buckets -%}
    select
        {{ dimensions | join(', ') }},
        '{{ bucket }}' as age_bucket,
        greatest(opened_on, {{ add_days('created_on', from_days) }}) as enters_on,
        least(solved_on, {{ add_days('created_on', to_days) }}) as leaves_on
    from spans
    {{ "union all" if not loop.last }}
    {% endfor %}
),

flows as (

    select
        {{ dimensions | join(', ') }},
        age_bucket,
        enters_on as date_day,
        1 as closing_change,
        0 as created,
        0 as reopened,
        0 as solved
    from stays
    where enters_on < leaves_on
    union all
    select
        {{ dimensions | join(', ') }},
        age_bucket,
        leaves_on as date_day,
        -1 as closing_change,
        0 as created,
        0 as reopened,
        0 as solved
    from stays
    where enters_on < leaves_on
    union all
    select
        {{ dimensions | join(', ') }},
        {{ age_bucket('created_on', 'opened_on', age_buckets) }} as age_bucket,
        opened_on as date_day,
        0 as closing_change,
        case when is_reopening then 0 else 1 end as created,
        case when is_reopening then 1 else 0 end as reopened,
        0 as solved
    from spans
    union all
    select
        {{ dimensions | join(', ') }},
        {{ age_bucket('created_on', 'solved_on', age_buckets) }} as age_bucket,
        solved_on as date_day,
        0 as closing_change,
        0 as created,
        0 as reopened,
        1 as solved
    from spans

),

daily as (

    select
        {{ dimensions | join(', ') }},
        age_bucket,
        date_day,
        sum(closing_change) as closing_change,
        sum(created) as created,
        sum(reopened) as reopened,
        sum(solved) as solved
    from flows
    where date_day <= {{ as_of_day() }}
    group by
        {{ dimensions | join(', ') }},
        age_bucket,
        date_day

),

-- Every day from the first ticket of a combination on: a quiet day has a backlog too.
combinations as (

    select
        {{ dimensions | join(', ') }},
        age_bucket,
        min(date_day) as first_day
    from daily
    group by
        {{ dimensions | join(', ') }},
        age_bucket

),

dense as (

    select
        {% for dimension in dimensions -%}
        combinations.{{ dimension }},
        {% endfor -%}
        combinations.age_bucket,
        dates.date_day,
        coalesce(daily.closing_change, 0) as closing_change,
        coalesce(daily.created, 0) as created,
        coalesce(daily.reopened, 0) as reopened,
        coalesce(daily.solved, 0) as solved
    from combinations
    inner join {{ ref('dim_dates') }} as dates
        on
            combinations.first_day <= dates.date_day
            and dates.date_day <= {{ as_of_day() }}
    left join daily
        on
            {% for dimension in dimensions -%}
            combinations.{{ dimension }} = daily.{{ dimension }}
            and {% endfor -%}
            combinations.age_bucket = daily.age_bucket
            and dates.date_day = daily.date_day

),

balanced as (

    select
        *,
        sum(closing_change) over (
            partition by {{ dimensions | join(', ') }}, age_bucket
            order by date_day
            rows unbounded preceding
        ) as closing
    from dense

)

select
    date_day,
    {{ dimensions | join(',\n    ') }},
    age_bucket,
    cast(closing - closing_change as bigint) as opening,
    cast(created as bigint) as created,
    cast(reopened as bigint) as reopened,
    cast(solved as bigint) as solved,
    cast(closing as bigint) as closing
from balanced
where closing <> 0 or closing_change <> 0 or created + reopened + solved > 0
