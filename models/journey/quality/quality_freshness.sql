-- How old the newest row of each touchpoint is at `as_of`.
select
    touchpoint,
    max(occurred_at) as newest_at,
    {{ seconds_between('max(occurred_at)', as_of()) }} / 3600.0 as hours_behind
from {{ ref('fct_touchpoints') }}
group by touchpoint
