{%- set reviews = ref('stg_reviews') -%}
{{ maintained(
    unique_key=['review_id'],
    invalidated_by={
        'stg_reviews': 'review_id',
        'int_record_customers': [
            records_of('reviews'),
            'select review_id from ' ~ reviews ~ ' where order_id in (' ~ records_of('orders') ~ ')',
        ],
        'dim_customers': rows_with_changed('review_id', 'customer_key'),
        'dim_products': rows_with_changed('review_id', 'product_id'),
        'int_loads': records_of_loads('review_id', reviews, 'reviews'),
    },
    invalidated_by_as_of=['select review_id from ' ~ reviews ~ ' where ' ~ passed('replied_at')]
) }}
with reviews as (

    select
        reviews.*,
        -- A review that names nobody is its order's customer's.
        coalesce(records.customer_key, order_records.customer_key, 'unknown') as customer_key,
        -- Stars out of another number than five: the same share of the way from the worst to the best.
        case
            when reviews.rating between 1 and coalesce(reviews.rating_scale, 5)
                then 1 + (reviews.rating - 1) * 4.0 / nullif(coalesce(reviews.rating_scale, 5) - 1, 0)
        end as stars
    from {{ ref('stg_reviews') }} as reviews
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'reviews'
            and reviews.review_id = records.record_id
    left join {{ ref('int_record_customers') }} as order_records
        on
            order_records.record_kind = 'orders'
            and reviews.order_id = order_records.record_id
    where {{ is_invalidated('reviews.review_id') }}

),

-- A file that has no column for our replies leaves them unknown, not missing.
loads as (

    {{ file_columns('reviews', ['replied_at']) }}

)

select
    reviews.review_id,
    reviews.customer_key,
    reviews.created_at,
    coalesce(reviews.source, 'unknown') as channel,
    coalesce(reviews.marketplace, 'unknown') as marketplace,
    coalesce(reviews.brand, 'unknown') as brand,
    coalesce(reviews.country, customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    coalesce(reviews.language, 'unknown') as language,
    coalesce(reviews.kind, 'unknown') as kind,
    coalesce(products.category, 'unknown') as category,
    reviews.order_id,
    reviews.product_id,
    cast(reviews.stars as double) as stars,
    reviews.stars <= 2 as is_negative,
    reviews.stars >= 4 as is_positive,
    coalesce(reviews.title, reviews.text) is not null as has_comment,
    coalesce(loads.file_has_replied_at, false) as is_reply_tracked,
    {{ known('reviews.replied_at') }} as replied_at,
    case
        when reviews.replied_at >= reviews.created_at and reviews.replied_at <= {{ as_of() }}
            then cast({{ seconds_between('reviews.created_at', 'reviews.replied_at') }} as bigint)
    end as reply_seconds,
    reviews.extra
from reviews
left join {{ ref('dim_customers') }} as customers on reviews.customer_key = customers.customer_key
left join {{ ref('dim_products') }} as products on reviews.product_id = products.product_id
left join loads
    on
        {{ is_load_of('reviews') }}
