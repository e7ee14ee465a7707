-- What somebody who talks to a customer would want to know, on one row.
{%- set quarter_ago = dbt.dateadd('day', -90, as_of()) %}

with ordered as (

    select
        customer_key,
        min(case when is_purchase then ordered_at end) as first_purchase_at,
        max(case when is_purchase then ordered_at end) as last_purchase_at,
        sum(case when is_purchase then 1 else 0 end) as purchases,
        cast({{ sum_of_known('order_value', 'is_purchase') }} as double) as revenue,
        cast({{ sum_of_known('margin', 'is_purchase') }} as double) as clv_historic,
        sum(case when is_cancelled then 1 else 0 end) as orders_cancelled,
        -- What is not known of one order is not known of all.
        case when count(has_refund) = count(*) then sum(case when has_refund then 1 else 0 end) end as orders_refunded,
        case
            when count(case when is_delivery_due and is_delivered_on_time is null then 1 end) = 0
                then sum(case when is_delivery_due and not is_delivered_on_time then 1 else 0 end)
        end as orders_late,
        case when count(is_undelivered) = count(*) then sum(case when is_undelivered then 1 else 0 end) end as orders_open
    from {{ ref('fct_orders') }}
    group by customer_key

),

last_order as (

    select
        customer_key,
        order_id,
        status,
        category,
        row_number() over (partition by customer_key order by ordered_at desc, order_id desc) as newest
    from {{ ref('fct_orders') }}

),

ticketed as (

    select
        customer_key,
        sum(case when not is_solved then 1 else 0 end) as tickets_open,
        min(case when not is_solved then created_at end) as oldest_open_ticket_at
    from {{ ref('fct_tickets') }}
    where is_contact
    group by customer_key

),

contacted as (

    select
        customer_key,
        sum(case when contact_type = 'ticket' then 1 else 0 end) as tickets,
        sum(case when contact_type = 'call' then 1 else 0 end) as calls,
        sum(case when contact_at > {{ quarter_ago }} then 1 else 0 end) as contacts_last_90_days,
        sum(case when is_complaint then 1 else 0 end) as complaints,
        max(contact_at) as last_contact_at
    from {{ ref('fct_contacts') }}
    group by customer_key

),

last_contact as (

    select
        customer_key,
        channel,
        topic,
        agent_id,
        row_number() over (partition by customer_key order by contact_at desc, contact_type asc, contact_id asc) as newest
    from {{ ref('fct_contacts') }}

),

-- The channel used most; of several the one first in the alphabet.
channels as (

    select
        customer_key,
        channel,
        row_number() over (partition by customer_key order by count(*) desc, channel asc) as place
    from {{ ref('fct_contacts') }}
    where channel <> 'unknown'
    group by
        customer_key,
        channel

),

last_rating as (

    select
        customer_key,
        is_satisfied,
        rated_at,
        row_number() over (partition by customer_key order by rated_at desc, category asc, source_id asc) as newest
    from {{ ref('fct_csat_answers') }}
    where is_satisfied is not null

),

last_recommendation as (

    select
        customer_key,
        score,
        row_number() over (partition by customer_key order by responded_at desc, response_id asc) as newest
    from {{ ref('fct_survey_responses') }}
    where
        kind = 'nps'
        -- Of another scale it is no answer to this question.
        and recommendation is not null

),

reviewed as (

    select
        customer_key,
        count(*) as reviews,
        cast(sum(cast(stars as decimal(18, 6))) as double) / nullif(count(stars), 0) as mean_stars
    from {{ ref('fct_reviews') }}
    group by customer_key

),

subscribed as (

    select
        customer_key,
        sum(case when ended_at is null then 1 else 0 end) as subscriptions_running
    from {{ ref('fct_subscriptions') }}
    group by customer_key

),

used as (

    select
        customer_key,
        max(used_at) as last_used_at
    from {{ ref('fct_product_usage') }}
    group by customer_key

)

select
    customers.customer_key,
    customers.segment,
    coalesce(segments.behaviour, 'no purchase') as behaviour,
    customers.country,
    customers.language,
    customers.preferred_channel,
    coalesce(channels.channel, 'unknown') as usual_channel,
    customers.marketing_opt_in,
    customers.joined_at,
    ordered.first_purchase_at,
    ordered.last_purchase_at,
    cast(coalesce(ordered.purchases, 0) as bigint) as purchases,
    ordered.revenue,
    ordered.clv_historic,
    cast(case when ordered.customer_key is null then 0 else ordered.orders_open end as bigint) as orders_open,
    cast(case when ordered.customer_key is null then 0 else ordered.orders_late end as bigint) as orders_late,
    cast(case when ordered.customer_key is null then 0 else ordered.orders_refunded end as bigint) as orders_refunded,
    cast(coalesce(ordered.orders_cancelled, 0) as bigint) as orders_cancelled,
    last_order.order_id as last_order_id,
    last_order.status as last_order_status,
    last_order.category as last_order_category,
    cast(coalesce(contacted.tickets, 0) as bigint) as tickets,
    cast(coalesce(contacted.calls, 0) as bigint) as calls,
    cast(coalesce(contacted.contacts_last_90_days, 0) as bigint) as contacts_last_90_days,
    cast(coalesce(contacted.complaints, 0) as bigint) as complaints,
    cast(coalesce(ticketed.tickets_open, 0) as bigint) as tickets_open,
    ticketed.oldest_open_ticket_at,
    contacted.last_contact_at,
    last_contact.channel as last_contact_channel,
    last_contact.topic as last_contact_topic,
    last_contact.agent_id as last_contact_agent_id,
    last_rating.is_satisfied as is_satisfied_last,
    last_rating.rated_at as last_rated_at,
    last_recommendation.score as last_nps_score,
    cast(coalesce(reviewed.reviews, 0) as bigint) as reviews,
    reviewed.mean_stars,
    cast(coalesce(subscribed.subscriptions_running, 0) as bigint) as subscriptions_running,
    used.last_used_at,
    customer_values.p_alive,
    customer_values.clv_predicted,
    risks.churn_risk,
    risks.reason_1 as churn_reason,
    eligibility.is_eligible as is_eligible_for_survey,
    eligibility.reason as survey_reason
from {{ ref('dim_customers') }} as customers
left join {{ ref('segments') }} as segments on customers.customer_key = segments.customer_key
left join ordered on customers.customer_key = ordered.customer_key
left join last_order
    on
        customers.customer_key = last_order.customer_key
        and last_order.newest = 1
left join ticketed on customers.customer_key = ticketed.customer_key
left join contacted on customers.customer_key = contacted.customer_key
left join last_contact
    on
        customers.customer_key = last_contact.customer_key
        and last_contact.newest = 1
left join channels
    on
        customers.customer_key = channels.customer_key
        and channels.place = 1
left join last_rating
    on
        customers.customer_key = last_rating.customer_key
        and last_rating.newest = 1
left join last_recommendation
    on
        customers.customer_key = last_recommendation.customer_key
        and last_recommendation.newest = 1
left join reviewed on customers.customer_key = reviewed.customer_key
left join subscribed on customers.customer_key = subscribed.customer_key
left join used on customers.customer_key = used.customer_key
left join {{ ref('customer_values') }} as customer_values on customers.customer_key = customer_values.customer_key
left join {{ ref('customer_risks') }} as risks on customers.customer_key = risks.customer_key
left join {{ ref('survey_eligibility') }} as eligibility on customers.customer_key = eligibility.customer_key
where customers.customer_key <> 'unknown'
