-- Days on which a product (or, of reviews of none, we as a seller on one site) got more reviews than its own history makes
-- plausible: at least so many come by chance on less than one day in a thousand (Poisson), at the mean of the days before. A
-- product is judged over all sites: on a new one it has a history elsewhere.
with reviews as (

    select
        coalesce(product_id, 'seller') as product_id,
        case when product_id is null then channel else 'all' end as judged_on,
        channel,
        {{ local_date('created_at') }} as reviewed_on,
        stars
    from {{ ref('fct_reviews') }}

),

daily as (

    select
        product_id,
        judged_on,
        case when min(channel) = max(channel) then min(channel) else 'several' end as channel,
        reviewed_on,
        min(min(reviewed_on)) over (partition by product_id, judged_on) as first_reviewed_on,
        count(*) as reviews,
        sum(cast(stars as decimal(18, 6))) as stars_total,
        count(stars) as stars_given
    from reviews
    group by
        product_id,
        judged_on,
        reviewed_on

),

-- The days of up to a year before; the days without a review count too.
histories as (

    select
        today.product_id,
        today.judged_on,
        today.channel,
        today.reviewed_on,
        today.reviews,
        today.stars_total,
        today.stars_given,
        -- One at least: of a product that nobody spoke of for a year, too, a few reviews a day are many.
        greatest(coalesce(sum(earlier.reviews), 0), 1) as reviews_before,
        least({{ days_between('today.first_reviewed_on', 'today.reviewed_on') }}, 365) as days_before
    from daily as today
    left join daily as earlier
        on
            today.product_id = earlier.product_id
            and today.judged_on = earlier.judged_on
            and today.reviewed_on > earlier.reviewed_on
            and {{ add_days('today.reviewed_on', -365) }} <= earlier.reviewed_on
    group by
        today.product_id,
        today.judged_on,
        today.channel,
        today.reviewed_on,
        today.first_reviewed_on,
        today.reviews,
        today.stars_total,
        today.stars_given

),

expected as (

    select
        *,
        reviews_before / cast(days_before as double) as expected_reviews
    from histories
    -- Four weeks are a history; and one review is no burst.
    where
        days_before >= 28
        and reviews > 1
        and reviews > reviews_before / cast(days_before as double)

),

-- P(X >= k) = 1 - sum of e^-m m^i / i! for i < k; logarithms keep large counts from overflowing.
terms as (

    select
        expected.product_id,
        expected.judged_on,
        expected.reviewed_on,
        numbers.number as i,
        sum(ln(greatest(numbers.number, 1))) over (
            partition by expected.product_id, expected.judged_on, expected.reviewed_on
            order by numbers.number
            rows unbounded preceding
        ) as log_factorial,
        expected.expected_reviews
    from expected
    cross join lateral (
        {{ numbers_from_to('0', 'expected.reviews - 1') }}
    ) as numbers

),

tails as (

    select
        product_id,
        judged_on,
        reviewed_on,
        greatest(
            1 - sum(exp(i * ln(expected_reviews) - expected_reviews - log_factorial)), 0
        ) as chance
    from terms
    group by
        product_id,
        judged_on,
        reviewed_on

)

select
    expected.product_id,
    expected.channel,
    expected.reviewed_on,
    cast(expected.reviews as bigint) as reviews,
    round(expected.expected_reviews, 9) as expected_reviews,
    round(tails.chance, 9) as chance,
    round(cast(expected.stars_total as double) / nullif(expected.stars_given, 0), 9) as mean_stars
from expected
inner join tails
    on
        expected.product_id = tails.product_id
        and expected.judged_on = tails.judged_on
        and expected.reviewed_on = tails.reviewed_on
where tails.chance < 0.001
