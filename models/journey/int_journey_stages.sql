-- The stages that anything is known of, in their order, each with the next one.
with known as (

    select distinct stage
    from {{ ref('fct_touchpoints') }}

)

select
    stages.stage,
    cast(row_number() over (order by stages.position) as bigint) as stage_number,
    lead(stages.stage) over (order by stages.position) as next_stage,
    first_value(stages.stage) over (
        order by stages.position
        rows between unbounded preceding and unbounded following
    ) as first_stage,
    last_value(stages.stage) over (
        order by stages.position
        rows between unbounded preceding and unbounded following
    ) as last_stage,
    cast(count(*) over () as bigint) as stages
from {{ ref('journey_stages') }} as stages
inner join known on stages.stage = known.stage
