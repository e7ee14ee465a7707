select
    {{ customer_key('identifier') }} as identifier_hash,
    {{ dbt.split_part('identifier', "':'", 1) }} as identifier_type,
    max(fanout) as others_seen_with
from {{ ref('int_identifier_pairs') }}
where fanout > {{ var('identity_max_fanout') }}
group by identifier
