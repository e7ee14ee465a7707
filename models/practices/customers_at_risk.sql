-- Customers whom it is worth to call: the risk to lose them is high, and something would be lost. The most first; those of whom
-- nobody knows how much, after them.
with subscribed as (

    select
        customer_key,
        cast({{ sum_of_known('monthly_amount') }} as double) as monthly_amount
    from {{ ref('fct_subscriptions') }}
    where ended_at is null
    group by customer_key

),

parts as (

    select
        risks.*,
        customers.usual_channel,
        customers.tickets_open,
        customers.last_contact_at,
        -- Who never bought is expected to bring nothing by it; of who did, a prediction that there is not is unknown.
        case
            when customer_values.clv_predicted is not null then greatest(customer_values.clv_predicted, 0)
            when customers.purchases = 0 then 0
        end as margin_of_purchases,
        case
            when subscribed.customer_key is null then 0
            else 12 * {{ var('margin_rate') }} * subscribed.monthly_amount
        end as margin_of_subscriptions
    from {{ ref('customer_risks') }} as risks
    inner join {{ ref('customer_360') }} as customers on risks.customer_key = customers.customer_key
    left join {{ ref('customer_values') }} as customer_values on risks.customer_key = customer_values.customer_key
    left join subscribed on risks.customer_key = subscribed.customer_key
    where risks.is_high_risk

),

-- Unknown where a part is: the rest would look like all that there is to lose.
valued as (

    select
        *,
        margin_of_purchases + margin_of_subscriptions as expected_margin
    from parts

)

select
    customer_key,
    cast(row_number() over (
        order by churn_risk * expected_margin desc nulls last, churn_risk desc, customer_key asc
    ) as bigint) as place,
    valued_on,
    country,
    segment,
    basis,
    churn_risk,
    expected_margin,
    churn_risk * expected_margin as margin_at_risk,
    reason_1,
    reason_2,
    reason_3,
    usual_channel,
    tickets_open,
    last_contact_at
from valued
where coalesce(expected_margin > 0, true)
