select
    batch,
    source,
    file,
    contract,
    kind,
    status,
    reason,
    rows_read,
    rows_loaded,
    rows_quarantined,
    rows_merged,
    records,
    bytes,
    sha256,
    landed_at,
    loaded_at
from {{ source('raw', 'load_ledger') }}
