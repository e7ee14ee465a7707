-- Not every export tells our replies. One that never does leaves them unknown, not missing.
select
    _contract as contract,
    max(case when {{ known('replied_at') }} is not null then 1 else 0 end) = 1 as does_tell_replies
from {{ ref('stg_reviews') }}
group by _contract
