-- The team that a queue belongs to, where all calls of it that name a team name the same one.
select
    queue,
    _contract as contract,
    min(team) as team
from {{ ref('stg_calls') }}
where
    queue is not null
    and team is not null
group by
    queue,
    _contract
having count(distinct team) = 1
