-- How long a team's callers wait before they hang up, on the mean, from the calls of a year.
--
-- Patience is taken as exponential, cut short by the answer: its maximum-likelihood mean is all time waited, that of answered
-- calls too, out of the calls that hung up (Brown et al. 2005, "Statistical Analysis of a Telephone Call Center", section 6).
with waits as (

    select
        team,
        wait_seconds,
        is_abandoned
    from {{ ref('fct_calls') }}
    where
        is_offered
        and wait_seconds is not null
        and is_abandoned is not null
        and {{ local_date('queued_at') }} <= {{ last_whole_day() }}
        and {{ local_date('queued_at') }} > {{ add_days(last_whole_day(), -364) }}

)

select
    team,
    count(*) as calls_waited,
    count(case when is_abandoned then 1 end) as calls_abandoned,
    case
        when count(case when is_abandoned then 1 end) >= {{ var('min_sample') }} and sum(wait_seconds) > 0
            then cast(sum(wait_seconds) as double) / count(case when is_abandoned then 1 end)
    end as patience_seconds
from waits
group by team
