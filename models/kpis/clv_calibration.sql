select
    purchase_days_before,
    customers,
    predicted_per_customer,
    actual_per_customer,
    held_back_days,
    problem
from {{ source('raw', 'lifetime_calibration') }}
