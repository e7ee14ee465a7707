select
    source,
    asked_at,
    listed_at,
    problem,
    files,
    newest_landed_at
from {{ source('raw', 'load_sources') }}
