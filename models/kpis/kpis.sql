-- The tidy mart: one row for each KPI, grain, period and member of a dimension.
{%- set facts = [
    'tickets', 'calls', 'contacts', 'csat_answers', 'survey_responses', 'orders', 'reviews', 'backlog_days', 'customer_base',
    'agent_days', 'headcount', 'staffing_half_hours', 'web_sessions', 'signups', 'survey_invitations', 'brand_answers',
    'competitor_periods', 'contact_conversions', 'stage_entries', 'order_windows', 'conversation_windows', 'review_bursts',
    'customer_months', 'customer_values', 'usage_periods', 'feature_adoption', 'cash_movements', 'rate_changes',
    'review_steadiness', 'sentiment', 'customer_risks',
] %}
{%- set cell = ['grain', 'period_start', 'dimension', 'member'] -%}
{%- set by_quarter = measures_of_quarters() -%}
{{ maintained(
    unit=cell,
    touched_by=cells_touched_by(facts, by_quarter, cell),
    on_clock=[
        'select kpis.' ~ cell | join(', kpis.') ~ ' from {this} as kpis inner join ' ~ ref('kpi_definitions')
        ~ ' as definitions on kpis.kpi_id = definitions.kpi_id where '
        ~ day_passed(final_on('kpis.grain', 'kpis.period_start', 'definitions.settles_after_days')),
    ]
) }}
with parts as (

    {% for fact in facts -%}
    select *
    from {{ ref('kpi_parts_' ~ fact) }}
    where {{ is_touched('grain', 'period_start', 'dimension', 'member') }}
    {{ "union all" if not loop.last }}
    {% endfor %}
    {%- if by_quarter %}
    union all
    {{ all_of_quarters(by_quarter) }}
    {%- endif %}
),

definitions as (

    select
        definitions.*,
        availability.missing_export
    from {{ ref('kpi_definitions') }} as definitions
    left join {{ ref('kpi_availability') }} as availability on definitions.kpi_id = availability.kpi_id

),

roles as (

    {% for side in ['numerator', 'denominator', 'pending'] -%}
    select
        kpi_id,
        '{{ side }}' as side,
        {{ side }}_measure as measure,
        ', ' || dimensions || ', ' as dimensions,
        ', ' || grains || ', ' as grains,
        ', ' || days_by || ', ' as days_by
    from definitions
    where missing_export is null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- A period in which only the numerator, the denominator or pending cases fell has a row too.
cells as (

    select
        roles.kpi_id,
        parts.grain,
        parts.period_start,
        parts.dimension,
        parts.member,
        max(case when roles.side = 'numerator' then parts.total end) as numerator_total,
        max(case when roles.side = 'numerator' then parts.sum_of_squares end) as sum_of_squares,
        max(case when roles.side = 'numerator' then parts.n end) as numerator_n,
        max(case when roles.side = 'denominator' then parts.total end) as denominator_total,
        max(case when roles.side = 'denominator' then parts.n end) as denominator_n,
        max(case when roles.side = 'pending' then parts.total end) as pending_total,
        -- Of a ratio the people below the line: they are those who are counted.
        coalesce(
            max(case when roles.side = 'denominator' then parts.people_bits end),
            max(case when roles.side = 'numerator' then parts.people_bits end)
        ) as people_bits
    from roles
    inner join parts
        on
            roles.measure = parts.measure
            and (parts.dimension = 'all' or roles.dimensions like '%, ' || parts.dimension || ', %')
            and (roles.grains is null or roles.grains like '%, ' || parts.grain || ', %')
            -- Another KPI of the same fact may have asked for the days.
            and (
                parts.grain <> 'day'
                or parts.dimension in ('{{ cuts_by_day() | join("', '") }}')
                or roles.days_by like '%, ' || parts.dimension || ', %'
            )
    group by
        roles.kpi_id,
        parts.grain,
        parts.period_start,
        parts.dimension,
        parts.member

),

joined as (

    select
        cells.*,
        definitions.unit,
        definitions.direction as own_direction,
        definitions.interval_kind,
        definitions.settles_after_days,
        definitions.is_percentile,
        definitions.counts_denominator,
        definitions.denominator_measure is not null as is_ratio,
        case when not definitions.is_percentile then coalesce(cells.numerator_total, 0) end as numerator,
        case when definitions.denominator_measure is not null then coalesce(cells.denominator_total, 0) end as denominator,
        case when definitions.pending_measure is not null then coalesce(cells.pending_total, 0) end as n_pending
    from cells
    inner join definitions on cells.kpi_id = definitions.kpi_id

),

valued as (

    select
        *,
        case
            when is_percentile then numerator_total
            when is_ratio then numerator / nullif(denominator, 0)
            else numerator
        end as value,
        -- Cases behind the value: those that the share or mean is of.
        cast(
            -- A mean headcount is no whole number, and engines cut it differently.
            round(case
                when interval_kind = 'wilson' or counts_denominator then denominator
                when interval_kind in ('t', 'multinomial') or is_percentile then coalesce(numerator_n, 0)
                when is_ratio then coalesce(denominator_n, 0)
                when unit = 'count' then numerator
                else coalesce(numerator_n, 0)
            end) as bigint
        ) as n
    from joined

),

-- 1.959964 is the 97.5 % quantile of the normal distribution.
spread as (

    select
        valued.*,
        1.959963984540054 as z,
        {{ t_quantile('valued.n', 'student.t_975') }} as t,
        sqrt(greatest(valued.sum_of_squares - valued.n * valued.value * valued.value, 0)) as root_of_squares
    from valued
    left join {{ ref('student_t') }} as student on valued.n - 1 = student.degrees_of_freedom

),

bounded as (

    select
        *,
        case
            when value is null or n = 0 then null
            when interval_kind = 'wilson'
                then greatest(
                    (value + z * z / (2 * n) - z * sqrt(value * (1 - value) / n + z * z / (4.0 * n * n)))
                    / (1 + z * z / n), 0
                )
            when interval_kind = 'normal' then value - z * sqrt(sum_of_squares)
            when interval_kind = 'multinomial' then value - z * root_of_squares / n
            when interval_kind = 't' and n > 1 then value - t * root_of_squares / sqrt(n * (n - 1.0))
        end as ci_low,
        case
            when value is null or n = 0 then null
            when interval_kind = 'wilson'
                then least(
                    (value + z * z / (2 * n) + z * sqrt(value * (1 - value) / n + z * z / (4.0 * n * n)))
                    / (1 + z * z / n), 1
                )
            when interval_kind = 'normal' then value + z * sqrt(sum_of_squares)
            when interval_kind = 'multinomial' then value + z * root_of_squares / n
            when interval_kind = 't' and n > 1 then value + t * root_of_squares / sqrt(n * (n - 1.0))
        end as ci_high
    from spread

),

targeted as (

    select
        bounded.*,
        case when own.kpi_id is not null then own.target else general.target end as target,
        -- A target of its own comes with its own warning and direction.
        case when own.kpi_id is not null then own.warn_at else general.warn_at end as warn_at,
        coalesce(
            case when own.kpi_id is not null then own.direction else general.direction end,
            bounded.own_direction
        ) as direction
    from bounded
    left join {{ ref('kpi_targets') }} as own
        on
            bounded.kpi_id = own.kpi_id
            and bounded.dimension = own.dimension
            and bounded.member = own.member
    left join {{ ref('kpi_targets') }} as general
        on
            bounded.kpi_id = general.kpi_id
            and general.dimension = 'all'

),

available as (

    select
        kpi_id,
        grain,
        period_start,
        dimension,
        member,
        numerator,
        denominator,
        value,
        n,
        cast(n_pending as bigint) as n_pending,
        ci_low,
        ci_high,
        target,
        case
            when value is null or n < {{ var('min_sample') }} then 'insufficient_data'
            when target is null then 'no_target'
            when direction = 'up' and value < target then 'breach'
            when direction = 'down' and value > target then 'breach'
            when direction = 'up' and value < warn_at then 'warning'
            when direction = 'down' and value > warn_at then 'warning'
            else 'on_target'
        end as status,
        cast(null as {{ dbt.type_string() }}) as missing_export,
        -- Final once the period is over and the KPI's own window has closed behind it.
        case
            when grain = 'all' then false
            else
                {{ final_on('grain', 'period_start', 'settles_after_days') }}
                <= {{ local_date(as_of()) }}
        end as is_final,
        people_bits
    from targeted
    -- Members get no row without a case; the whole has one, so that a gap in its line is seen.
    where
        dimension = 'all'
        or value is not null
        or n > 0
        or n_pending > 0
        or numerator <> 0
        or denominator <> 0

),

not_available as (

    select
        definitions.kpi_id,
        'all' as grain,
        cast(null as date) as period_start,
        'all' as dimension,
        'all' as member,
        cast(null as double) as numerator,
        cast(null as double) as denominator,
        cast(null as double) as value,
        cast(0 as bigint) as n,
        -- Cases that wait for what is missing are shown all the same.
        cast(round(pending.total, 0) as bigint) as n_pending,
        cast(null as double) as ci_low,
        cast(null as double) as ci_high,
        cast(null as double) as target,
        'not_available' as status,
        definitions.missing_export,
        false as is_final,
        cast(null as bigint) as people_bits
    from definitions
    left join parts as pending
        on
            definitions.pending_measure = pending.measure
            and pending.grain = 'all'
            and pending.dimension = 'all'
    where
        definitions.missing_export is not null
        and {{ is_touched("'all'", 'cast(null as date)', "'all'", "'all'") }}

),

united as (

    select * from available
    union all
    select * from not_available

)

select
    *,
    {{ computed_at() }} as computed_at
from united
