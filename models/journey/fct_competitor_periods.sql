-- Each competitor's benchmark beside our own figures of the same time and category. A benchmark holds until the next one
-- of the same competitor, source and category; the last one for a month.
with ranked as (

    select
        competitor,
        coalesce(source, 'unknown') as source,
        coalesce(category, 'all') as category,
        period_start,
        rating,
        rating_scale,
        nps,
        row_number() over (
            partition by competitor, coalesce(source, 'unknown'), coalesce(category, 'all'), period_start
            order by _batch desc, _row desc
        ) as newest
    from {{ ref('stg_competitors') }}
    where period_start <= {{ as_of_day() }}

),

benchmarks as (

    select
        competitor,
        source,
        category,
        period_start as starts_on,
        coalesce(
            lead(period_start) over (partition by competitor, source, category order by period_start),
            cast({{ dbt.dateadd('month', 1, 'period_start') }} as date)
        ) as ends_on,
        case
            when rating between 1 and coalesce(rating_scale, 5)
                then 1 + (rating - 1) * 4.0 / nullif(coalesce(rating_scale, 5) - 1, 0)
        end as stars,
        case when nps between -100 and 100 then nps end as nps
    from ranked
    where newest = 1

),

reviewed as (

    select
        benchmarks.competitor,
        benchmarks.source,
        benchmarks.category,
        benchmarks.starts_on,
        sum(cast(reviews.stars as decimal(18, 6))) as own_stars_total,
        count(reviews.stars) as own_reviews
    from benchmarks
    inner join {{ ref('fct_reviews') }} as reviews
        on
            benchmarks.starts_on <= {{ local_date('reviews.created_at') }}
            and {{ local_date('reviews.created_at') }} < benchmarks.ends_on
            and (benchmarks.category = 'all' or lower(benchmarks.category) = lower(reviews.category))
    group by
        benchmarks.competitor,
        benchmarks.source,
        benchmarks.category,
        benchmarks.starts_on

),

recommended as (

    select
        benchmarks.competitor,
        benchmarks.source,
        benchmarks.category,
        benchmarks.starts_on,
        sum(answers.recommendation) as own_recommendations,
        count(answers.recommendation) as own_answers
    from benchmarks
    inner join {{ ref('fct_survey_responses') }} as answers
        on
            benchmarks.starts_on <= {{ local_date('answers.responded_at') }}
            and {{ local_date('answers.responded_at') }} < benchmarks.ends_on
    where
        answers.kind = 'nps'
        and answers.mode = 'relational'
        -- Nobody is asked about a category.
        and benchmarks.category = 'all'
    group by
        benchmarks.competitor,
        benchmarks.source,
        benchmarks.category,
        benchmarks.starts_on

)

select
    benchmarks.competitor,
    benchmarks.source,
    benchmarks.category,
    benchmarks.starts_on,
    benchmarks.ends_on,
    cast(benchmarks.stars as double) as stars,
    cast(reviewed.own_stars_total as double) / reviewed.own_reviews as own_stars,
    cast(coalesce(reviewed.own_reviews, 0) as bigint) as own_reviews,
    cast(reviewed.own_stars_total as double) / reviewed.own_reviews - benchmarks.stars as stars_gap,
    cast(benchmarks.nps as double) as nps,
    cast(100 * recommended.own_recommendations as double) / recommended.own_answers as own_nps,
    cast(coalesce(recommended.own_answers, 0) as bigint) as own_answers,
    cast(100 * recommended.own_recommendations as double) / recommended.own_answers - benchmarks.nps as nps_gap
from benchmarks
left join reviewed
    on
        benchmarks.competitor = reviewed.competitor
        and benchmarks.source = reviewed.source
        and benchmarks.category = reviewed.category
        and benchmarks.starts_on = reviewed.starts_on
left join recommended
    on
        benchmarks.competitor = recommended.competitor
        and benchmarks.source = recommended.source
        and benchmarks.category = recommended.category
        and benchmarks.starts_on = recommended.starts_on
