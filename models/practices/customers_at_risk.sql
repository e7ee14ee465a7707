-- Customers whom it is worth to call: the risk to lose them is high, and something would be lost. The most first.
with subscribed as (

    select
        customer_key,
        cast(sum(cast(monthly_amount as decimal(18, 4))) as double) as monthly_amount
    from {{ ref('fct_subscriptions') }}
    where ended_at is null
    group by customer_key

),

valued as (

    select
        risks.*,
        case
            when customer_values.clv_predicted is not null or subscribed.monthly_amount is not null
                then
                    greatest(coalesce(customer_values.clv_predicted, 0), 0)
                    + 12 * {{ var('margin_rate') }} * coalesce(subscribed.monthly_amount, 0)
        end as expected_margin
    from {{ ref('customer_risks') }} as risks
    left join {{ ref('customer_values') }} as customer_values on risks.customer_key = customer_values.customer_key
    left join subscribed on risks.customer_key = subscribed.customer_key
    where risks.is_high_risk

)

select
    valued.customer_key,
    cast(row_number() over (
        order by valued.churn_risk * valued.expected_margin desc, valued.customer_key asc
    ) as bigint) as place,
    valued.valued_on,
    valued.country,
    valued.segment,
    valued.basis,
    valued.churn_risk,
    valued.expected_margin,
    valued.churn_risk * valued.expected_margin as margin_at_risk,
    valued.reason_1,
    valued.reason_2,
    valued.reason_3,
    customers.usual_channel,
    customers.tickets_open,
    customers.last_contact_at
from valued
inner join {{ ref('customer_360') }} as customers on valued.customer_key = customers.customer_key
where valued.expected_margin > 0
