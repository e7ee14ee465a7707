-- The targets that apply, for readers.
select
    kpi_id,
    dimension,
    member,
    target,
    warn_at,
    direction
from {{ ref('kpi_targets') }}
