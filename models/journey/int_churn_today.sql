-- Each customer as known this morning, before the first event of the reporting day.
with days as (

    select {{ local_date(as_of()) }} as on_date

),

{{ churn_snapshots() }}

select *
from snapshots
