{{ maintained(
    unique_key=['named_id'],
    invalidated_by={'int_call_legs': ['leg_id', 'interaction']}
) }}
-- The ids that others (a survey, say) name a call by: those of its legs, and that of the interaction, unless two contracts count
-- alike, so that it may be one of two calls.
with by_interaction as (

    select
        interaction as named_id,
        min(call_id) as call_id
    from {{ ref('int_call_legs') }}
    where {{ is_invalidated('interaction') }}
    group by interaction
    having count(distinct call_id) = 1

)

select
    leg_id as named_id,
    call_id
from {{ ref('int_call_legs') }}
where {{ is_invalidated('leg_id') }}
union all
select
    by_interaction.named_id,
    by_interaction.call_id
from by_interaction
left join {{ ref('int_call_legs') }} as legs on by_interaction.named_id = legs.leg_id
where legs.leg_id is null
