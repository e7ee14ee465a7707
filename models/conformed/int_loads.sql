-- Which columns of its kind each loaded file has a word for: an empty one says that there was none, a missing one says nothing.
select
    kind,
    batch,
    contract,
    available_columns
from {{ source('raw', 'load_ledger') }}
where
    -- Of a file that was read again and held back its earlier rows may stand.
    status in ('loaded', 'gated')
    and rows_loaded > 0
