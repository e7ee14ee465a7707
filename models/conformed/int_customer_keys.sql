with ranked as (

    select
        identifier,
        root_identifier,
        row_number() over (partition by node order by root) as root_rank
    from {{ ref('int_connected_identifiers') }}

)

select
    identifier,
    {{ customer_key('root_identifier') }} as customer_key
from ranked
where root_rank = 1
