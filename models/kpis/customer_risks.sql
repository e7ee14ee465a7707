-- The risk of each customer of this morning to be lost within the horizon. Null where there is none; `why_not` says why.
select
    risks.customer_key,
    {{ as_of_day() }} as valued_on,
    customers.country,
    customers.segment,
    risks.basis,
    risks.risk as churn_risk,
    risks.risk >= {{ var('high_risk') }} as is_high_risk,
    risks.reason_1,
    risks.reason_2,
    risks.reason_3,
    risks.why_not,
    risks.version
from {{ source('raw', 'risk_customers') }} as risks
inner join {{ ref('dim_customers') }} as customers on risks.customer_key = customers.customer_key
