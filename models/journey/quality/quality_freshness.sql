-- How old the newest row of each export is at `as_of`, by what its rows became in the journey.
select
    source_system,
    max(occurred_at) as newest_at,
    {{ seconds_between('max(occurred_at)', as_of()) }} / 3600.0 as hours_behind
from {{ ref('fct_touchpoints') }}
group by source_system
