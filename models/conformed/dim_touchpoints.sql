-- The journey as it is meant to be: every stage in its order, with the touchpoints that show somebody there.
select
    stages.position as stage_position,
    stages.stage,
    stages.description as stage_description,
    coalesce(touchpoints.touchpoint, 'none') as touchpoint,
    touchpoints.export,
    touchpoints.signal_kind,
    touchpoints.success_indicator,
    touchpoints.signals,
    touchpoints.fed_by
from {{ ref('journey_stages') }} as stages
left join {{ ref('journey_map') }} as touchpoints on stages.stage = touchpoints.stage
