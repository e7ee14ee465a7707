{{ maintained(
    unique_key=['order_id'],
    invalidated_by={'fct_reviews': 'order_id'}
) }}
-- The reviews of an order: the first one, and whether one speaks ill of it. One that speaks of a product alone is no
-- feedback on the seller.
select
    order_id,
    min(created_at) as reviewed_at,
    max(case when kind <> 'product' then 1 else 0 end) = 1 as has_feedback,
    max(case when is_negative and kind <> 'product' then 1 else 0 end) = 1 as is_feedback_negative
from {{ ref('fct_reviews') }}
where
    order_id is not null
    and {{ is_invalidated('order_id') }}
group by order_id
