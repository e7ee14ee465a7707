-- What failed up to the run before the one that published this; of a run that was not published nothing else is seen.
select
    raised_at,
    run_id,
    severity,
    subject,
    message,
    cast(sum(affected_rows) as bigint) as affected_rows
from {{ source('raw', 'alerts') }}
group by
    raised_at,
    run_id,
    severity,
    subject,
    message
