-- What customers complain of, in their own words: each topic with its volume and share, whether the share of a month differs from
-- that of the twelve before, and satisfaction and sentiment beside the other texts.
{%- set dimensions = {
    'all': "'all'",
    'stage': 'stage',
    'segment': 'segment',
    'product': 'product_id',
    'channel': 'channel',
    'language': 'language',
} -%}
{%- set counted = [
    'texts',
    'csat_n',
    'csat_satisfied',
    'polarity_n',
    'polarity_total',
] %}

with said as (

    select
        *,
        cast({{ dbt.date_trunc('month', local_date('said_at')) }} as date) as month_start,
        case when is_satisfied is not null then 1 else 0 end as is_rated,
        case when is_satisfied then 1 else 0 end as is_happy,
        case when polarity is not null then 1 else 0 end as is_scored,
        -- Doubles added in another order differ in their last digits.
        cast(coalesce(polarity, 0) as decimal(18, 6)) as polarity_size
    from {{ ref('fct_text_topics') }}

),

texts as (

    select distinct
        record_kind,
        record_id,
        month_start,
        stage,
        segment,
        product_id,
        channel,
        language,
        is_rated,
        is_happy,
        is_scored,
        polarity_size
    from said

),

{% for name, table, by_topic in [('of_topics', 'said', true), ('of_all', 'texts', false)] -%}
{{ name }} as (

    {% for grain, cuts in [('all', dimensions), ('month', {'all': "'all'"})] -%}
    {%- set outer_loop = loop -%}
    {%- for dimension, member in cuts.items() -%}
    select
        {% if by_topic -%}
        topic_id,
        count(distinct customer_key) as people,
        {% endif -%}
        '{{ grain }}' as grain,
        {{ 'month_start' if grain == 'month' else 'cast(null as date)' }} as period_start,
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        count(*) as texts,
        sum(is_rated) as csat_n,
        sum(is_happy) as csat_satisfied,
        sum(is_scored) as polarity_n,
        sum(polarity_size) as polarity_total
    from {{ table }}
    {% if by_topic -%}
    where topic_id <> 'none'
    {% endif -%}
    group by
        {% if by_topic -%}
        topic_id,
        {% endif -%}
        {{ 'month_start,' if grain == 'month' else '' }}
        {{ member }}
    {{ "union all" if not (outer_loop.last and loop.last) }}
    {% endfor -%}
    {%- endfor %}
),

{% endfor -%}
topics as (

    select distinct topic_id
    from of_topics

),

-- Each topic in each month with texts, those in which nobody spoke of it too.
cells as (

    select
        topics.topic_id,
        of_all.grain,
        of_all.period_start,
        of_all.dimension,
        of_all.member,
        coalesce(of_topics.people, 0) as people,
        {% for name in counted -%}
        cast(coalesce(of_topics.{{ name }}, 0) as double) as {{ name }},
        cast(of_all.{{ name }} - coalesce(of_topics.{{ name }}, 0) as double) as rest_{{ name }},
        {% endfor -%}
        cast(of_all.texts as double) as all_texts
    from of_all
    cross join topics
    left join of_topics
        on
            topics.topic_id = of_topics.topic_id
            and of_all.grain = of_topics.grain
            and of_all.dimension = of_topics.dimension
            and of_all.member = of_topics.member
            and coalesce(of_all.period_start, date '1970-01-01') = coalesce(of_topics.period_start, date '1970-01-01')

),

{% set before -%}
over (
            partition by topic_id, grain, dimension, member
            order by period_start
            rows between 12 preceding and 1 preceding
        )
{%- endset -%}
histories as (

    select
        *,
        count(*) {{ before }} as months_before,
        sum(texts) {{ before }} as texts_before,
        sum(all_texts) {{ before }} as all_texts_before,
        sum(texts * texts / all_texts) {{ before }} as squares_before
    from cells
    where grain = 'month'

),

pooled as (

    select
        *,
        texts_before / all_texts_before as share_before,
        (texts + texts_before) / (all_texts + all_texts_before) as share_of_both
    from histories
    where all_texts_before > 0

),

-- How much more the months before differ from each other than chance would have it: a topic that comes and goes is not news each
-- time that it comes.
spread as (

    select
        *,
        greatest(
            1.0,
            coalesce(
                (squares_before - texts_before * share_before)
                / nullif(share_before * (1 - share_before), 0)
                / nullif(months_before - 1, 0),
                1.0
            )
        ) as dispersion
    from pooled

),

tested as (

    select
        topic_id,
        period_start,
        months_before,
        share_before,
        dispersion,
        (texts / all_texts - share_before)
        / sqrt(dispersion * share_of_both * (1 - share_of_both) * (1 / all_texts + 1 / all_texts_before)) as z
    from spread
    where
        months_before >= 3
        and least(all_texts, all_texts_before) >= {{ var('min_sample') }}
        and greatest(texts, share_of_both * all_texts) >= 5
        and share_of_both > 0
        and share_of_both < 1

),

-- A dispersion that was estimated from few months makes large deviations likelier: Student's t, brought to the normal deviate of
-- the same chance (Wallace's approximation).
deviates as (

    select
        *,
        case
            when dispersion = 1 then z
            else
                (8.0 * (months_before - 1) + 1) / (8.0 * (months_before - 1) + 3)
                * sqrt((months_before - 1) * ln(1 + z * z / (months_before - 1)))
        end as deviate
    from tested

),

chances as (

    select
        *,
        {{ two_sided_p('deviate') }} as p_value,
        count(*) over (partition by period_start) as compared,
        row_number() over (
            partition by period_start
            order by abs(deviate) desc, topic_id
        ) as place
    from deviates

),

-- Of all topics of a month that are called rising or falling, one in twenty is by chance (Benjamini and Hochberg).
corrected as (

    select
        *,
        least(1.0, min(p_value * compared / place) over (
            partition by period_start
            order by place desc
            rows between unbounded preceding and current row
        )) as p_adjusted
    from chances

),

examples as (

    select
        topic_id,
        max(case when place = 1 then example end) as example_1,
        max(case when place = 2 then example end) as example_2,
        max(case when place = 3 then example end) as example_3
    from {{ source('raw', 'topic_examples') }}
    group by topic_id

)

select
    cells.topic_id,
    found.topic as topic_name,
    found.words,
    found.languages,
    found.is_named,
    found.found_on,
    cells.grain,
    cells.period_start,
    cells.dimension,
    cells.member,
    cast(cells.texts as bigint) as texts,
    cast(cells.all_texts as bigint) as all_texts,
    cells.texts / cells.all_texts as share,
    cast(cells.people as bigint) as people,
    cast(cells.csat_n as bigint) as csat_n,
    cells.csat_satisfied / nullif(cells.csat_n, 0) as csat,
    cast(cells.rest_csat_n as bigint) as rest_csat_n,
    cells.rest_csat_satisfied / nullif(cells.rest_csat_n, 0) as rest_csat,
    cast(cells.polarity_n as bigint) as polarity_n,
    cells.polarity_total / nullif(cells.polarity_n, 0) as polarity,
    cast(cells.rest_polarity_n as bigint) as rest_polarity_n,
    cells.rest_polarity_total / nullif(cells.rest_polarity_n, 0) as rest_polarity,
    cast(corrected.months_before as bigint) as months_before,
    corrected.share_before,
    corrected.dispersion,
    corrected.z,
    corrected.p_value,
    corrected.p_adjusted,
    case
        when cells.grain <> 'month' then null
        when corrected.p_adjusted is null then 'insufficient_data'
        when corrected.p_adjusted >= 0.05 then 'steady'
        when corrected.z > 0 then 'rising'
        else 'falling'
    end as trend,
    case when cells.grain = 'all' and cells.dimension = 'all' then examples.example_1 end as example_1,
    case when cells.grain = 'all' and cells.dimension = 'all' then examples.example_2 end as example_2,
    case when cells.grain = 'all' and cells.dimension = 'all' then examples.example_3 end as example_3
from cells
inner join {{ source('raw', 'topics_found') }} as found on cells.topic_id = found.topic_id
left join corrected
    on
        cells.topic_id = corrected.topic_id
        and cells.grain = 'month'
        and cells.period_start = corrected.period_start
left join examples on cells.topic_id = examples.topic_id
where
    cells.texts > 0
    or cells.grain = 'month'
