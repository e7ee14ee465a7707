-- For each day on which tickets were opened, and each channel, priority and team: how responses and scores of before that day
-- went. An answer counts from the day on which it was known.
with tickets as (

    select
        ticket_id,
        channel,
        priority,
        team,
        {{ local_date('created_at') }} as opened_on,
        {{ local_date('first_response_at') }} as answered_on,
        case when is_response_in_time then 0 when not is_response_in_time then 1 end as is_missed
    from {{ ref('fct_tickets') }}
    where is_contact

),

scored as (

    select
        tickets.*,
        {{ local_date('answers.rated_at') }} as rated_on,
        case when answers.is_satisfied then 0 else 1 end as is_bad
    from tickets
    inner join {{ ref('int_ticket_scores') }} as answers on tickets.ticket_id = answers.ticket_id

),

members as (

    {% for dimension in ['all', 'channel', 'priority', 'team'] -%}
    {%- set member = "'all'" if dimension == 'all' else dimension -%}
    select
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        opened_on as on_date,
        1 as opened,
        0 as responses,
        0 as missed,
        0 as scores,
        0 as bad
    from tickets
    union all
    -- Answered late, or in time: either is known with the answer.
    select
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        answered_on as on_date,
        0 as opened,
        1 as responses,
        is_missed as missed,
        0 as scores,
        0 as bad
    from tickets
    where
        answered_on is not null
        and is_missed is not null
    union all
    select
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        rated_on as on_date,
        0 as opened,
        0 as responses,
        0 as missed,
        1 as scores,
        is_bad as bad
    from scored
    {{ "union all" if not loop.last }}
    {% endfor %}
),

by_day as (

    select
        dimension,
        member,
        on_date,
        sum(opened) as opened,
        sum(responses) as responses,
        sum(missed) as missed,
        sum(scores) as scores,
        sum(bad) as bad
    from members
    group by
        dimension,
        member,
        on_date

),

wanted as (

    select
        dimension,
        member,
        on_date
    from by_day
    where opened > 0

)

select
    wanted.dimension,
    wanted.member,
    wanted.on_date,
    {% for column, days in {'opened': 7, 'responses': 28, 'missed': 28, 'scores': 90, 'bad': 90}.items() -%}
    cast(coalesce(sum(
        case when earlier.on_date >= {{ add_days('wanted.on_date', -days) }} then earlier.{{ column }} end
    ), 0) as bigint) as {{ column }}_{{ days }},
    {% endfor -%}
    cast(coalesce(sum(
        case when earlier.on_date >= {{ add_days('wanted.on_date', -28) }} then earlier.opened end
    ), 0) as bigint) as opened_28
from wanted
left join by_day as earlier
    on
        wanted.dimension = earlier.dimension
        and wanted.member = earlier.member
        and wanted.on_date > earlier.on_date
        and {{ add_days('wanted.on_date', -90) }} <= earlier.on_date
group by
    wanted.dimension,
    wanted.member,
    wanted.on_date
