-- An export that has no column for completed signups leaves them unknown, not broken off.
with telling as (

    {{ contracts_telling('signups', 'completed_at') }}

)

select
    signups._contract as contract,
    max(case when telling.contract is not null or {{ known('signups.completed_at') }} is not null then 1 else 0 end) = 1
        as does_tell_completions
from {{ ref('stg_signups') }} as signups
left join telling on signups._contract = telling.contract
group by signups._contract
