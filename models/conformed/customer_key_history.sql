-- An identifier that once was the oldest of its person, and later turned out to belong to an older one.
with older as (

    select
        identifier,
        first_batch,
        min(since_batch) as merged_in_batch
    from {{ ref('int_connected_identifiers') }}
    where root < node
    group by
        identifier,
        first_batch

)

select
    {{ customer_key('older.identifier') }} as old_customer_key,
    keys.customer_key,
    older.merged_in_batch
from older
inner join {{ ref('int_customer_keys') }} as keys on older.identifier = keys.identifier
where older.merged_in_batch > older.first_batch
