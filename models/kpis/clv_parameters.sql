select
    model,
    parameter,
    estimate,
    standard_error,
    log_likelihood,
    customers,
    has_converged,
    problem
from {{ source('raw', 'lifetime_parameters') }}
