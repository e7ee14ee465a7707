-- Not every export tells our replies. One that has no column for them leaves them unknown, not missing.
with telling as (

    {{ contracts_telling('reviews', 'replied_at') }}

)

select
    reviews._contract as contract,
    max(case when telling.contract is not null or {{ known('reviews.replied_at') }} is not null then 1 else 0 end) = 1
        as does_tell_replies
from {{ ref('stg_reviews') }} as reviews
left join telling on reviews._contract = telling.contract
group by reviews._contract
