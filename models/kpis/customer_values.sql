-- What the lifetime models expect of each customer in the next twelve months. Null where they did not converge; see
-- clv_parameters.
select
    predictions.customer_key,
    {{ as_of_day() }} as valued_on,
    customers.country,
    customers.segment,
    predictions.purchase_days,
    predictions.p_alive,
    predictions.expected_purchases,
    predictions.expected_value,
    predictions.predicted_margin as clv_predicted
from {{ source('raw', 'lifetime_predictions') }} as predictions
inner join {{ ref('dim_customers') }} as customers on predictions.customer_key = customers.customer_key
