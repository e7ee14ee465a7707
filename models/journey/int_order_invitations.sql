{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={'int_orders': 'customer_key', 'fct_survey_invitations': 'customer_key'}
) }}
-- The orders whose customer was asked how it was: invited to a survey after the delivery, while the window for a review ran.
select distinct
    orders.order_id,
    orders.customer_key
from {{ ref('int_orders') }} as orders
inner join {{ ref('fct_survey_invitations') }} as invitations
    on
        orders.customer_key = invitations.customer_key
        and orders.order_delivered_at <= invitations.sent_at
        and invitations.sent_at < {{ dbt.dateadd('day', var('review_window_days'), 'orders.order_delivered_at') }}
where
    orders.customer_key <> 'unknown'
    and invitations.kind <> 'enps'
    and {{ is_invalidated('orders.customer_key') }}
