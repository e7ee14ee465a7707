select
    cast(degrees_of_freedom as bigint) as degrees_of_freedom,
    t_975
from {{ ref('student_t') }}
