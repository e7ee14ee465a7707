{%- set window = var('journey_window_days') -%}
{{ maintained(
    unique_key=['traveller_key'],
    invalidated_by={'fct_touchpoints': 'traveller_key', 'dim_customers': rows_with_changed('traveller_key', 'customer_key')},
    invalidated_by_as_of=['select traveller_key from {this} where ' ~ passed('window_ends_at')]
) }}
-- How people travel: each entry into a stage, and what became of it within the window. A touchpoint enters its stage when
-- the traveller has not been seen there for as long as the window is.
with points as (

    select
        touchpoints.traveller_key,
        touchpoints.customer_key,
        touchpoints.touchpoint_id,
        touchpoints.occurred_at,
        touchpoints.touchpoint,
        touchpoints.channel,
        stages.stage,
        stages.stage_number,
        stages.next_stage,
        stages.first_stage,
        stages.last_stage,
        stages.stages
    from {{ ref('fct_touchpoints') }} as touchpoints
    inner join {{ ref('int_journey_stages') }} as stages on touchpoints.stage = stages.stage
    where
        touchpoints.traveller_key <> 'unknown'
        and {{ is_invalidated('touchpoints.traveller_key') }}

),

compared as (

    select
        *,
        lag(occurred_at) over (
            partition by traveller_key, stage
            order by occurred_at, touchpoint_id
        ) as seen_at
    from points

),

entered as (

    select *
    from compared
    where
        seen_at is null
        or occurred_at >= {{ dbt.dateadd('day', window, 'seen_at') }}

),

-- The step to the next stage; and, for those who enter the first one, the way to the last.
steps as (

    select
        *,
        false as is_whole_journey,
        next_stage as wanted_stage,
        {{ dbt.dateadd('day', window, 'occurred_at') }} as window_ends_at
    from entered
    where next_stage is not null
    union all
    select
        *,
        true as is_whole_journey,
        last_stage as wanted_stage,
        {{ dbt.dateadd('day', window ~ ' * (stages - 1)', 'occurred_at') }} as window_ends_at
    from entered
    where
        stage = first_stage
        and stages > 2

),

followed as (

    select
        steps.traveller_key,
        steps.stage,
        steps.occurred_at as entered_at,
        steps.is_whole_journey,
        min(case when points.stage = steps.wanted_stage then points.occurred_at end) as reached_at,
        max(case when points.stage_number > steps.stage_number then 1 else 0 end) = 1 as has_gone_on
    from steps
    inner join points
        on
            steps.traveller_key = points.traveller_key
            and steps.occurred_at <= points.occurred_at
            and steps.window_ends_at > points.occurred_at
    group by
        steps.traveller_key,
        steps.stage,
        steps.occurred_at,
        steps.is_whole_journey

),

last_seen as (

    select
        steps.traveller_key,
        steps.stage,
        steps.occurred_at as entered_at,
        steps.is_whole_journey,
        points.touchpoint as last_touchpoint,
        row_number() over (
            partition by steps.traveller_key, steps.stage, steps.occurred_at, steps.is_whole_journey
            order by points.occurred_at desc, points.touchpoint_id desc
        ) as recency
    from steps
    inner join points
        on
            steps.traveller_key = points.traveller_key
            and steps.occurred_at <= points.occurred_at
            and steps.window_ends_at > points.occurred_at

)

select
    steps.traveller_key,
    steps.customer_key,
    steps.stage,
    steps.occurred_at as entered_at,
    steps.is_whole_journey,
    steps.wanted_stage as next_stage,
    steps.touchpoint,
    steps.channel,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    steps.window_ends_at,
    followed.reached_at,
    cast({{ seconds_between('steps.occurred_at', 'followed.reached_at') }} as bigint) as seconds_to_next,
    -- Not known before the window has closed: those who are quick would stand for all.
    case when steps.window_ends_at <= {{ as_of() }} then followed.reached_at is not null end as has_converted,
    case when steps.window_ends_at <= {{ as_of() }} then followed.reached_at is null and followed.has_gone_on end as has_skipped,
    case when steps.window_ends_at <= {{ as_of() }} then followed.reached_at is null and not followed.has_gone_on end
        as has_dropped_out,
    last_seen.last_touchpoint
from steps
inner join followed
    on
        steps.traveller_key = followed.traveller_key
        and steps.stage = followed.stage
        and steps.occurred_at = followed.entered_at
        and steps.is_whole_journey = followed.is_whole_journey
inner join last_seen
    on
        steps.traveller_key = last_seen.traveller_key
        and steps.stage = last_seen.stage
        and steps.occurred_at = last_seen.entered_at
        and steps.is_whole_journey = last_seen.is_whole_journey
        and last_seen.recency = 1
left join {{ ref('dim_customers') }} as customers on steps.customer_key = customers.customer_key
