-- An export that never tells of a completed signup leaves them unknown, not broken off.
select
    _contract as contract,
    max(case when {{ known('completed_at') }} is not null then 1 else 0 end) = 1 as does_tell_completions
from {{ ref('stg_signups') }}
group by _contract
