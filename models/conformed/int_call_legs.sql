{{ maintained(
    unique_key=['interaction', '_contract'],
    invalidated_by={'stg_calls': 'select coalesce(interaction_id, call_id), _contract from {changes}'}
) }}
-- The legs of each call, in the order in which they began; the call goes by the id of its first leg.
-- Two contracts may count their interactions alike: legs are of one contract.
with numbered as (

    select
        call_id as leg_id,
        coalesce(interaction_id, call_id) as interaction,
        _contract,
        row_number() over (
            partition by coalesce(interaction_id, call_id), _contract
            order by started_at, call_id
        ) as leg
    from {{ ref('stg_calls') }}
    where {{ is_invalidated('coalesce(interaction_id, call_id)', '_contract') }}

)

select
    leg_id,
    interaction,
    _contract,
    leg,
    first_value(leg_id) over (
        partition by interaction, _contract
        order by leg
    ) as call_id
from numbered
