-- The tidy mart: one row for each KPI, grain, period and member of a dimension.
{%- set facts = [
    'tickets', 'calls', 'contacts', 'csat_answers', 'survey_responses', 'orders', 'reviews', 'backlog_days', 'customer_base',
    'agent_days', 'headcount', 'staffing_half_hours', 'web_sessions', 'signups', 'survey_invitations', 'brand_answers',
    'competitor_periods', 'contact_conversions', 'stage_entries', 'order_windows', 'conversation_windows', 'review_bursts',
    'customer_months', 'customer_values', 'usage_periods', 'feature_adoption', 'cash_movements', 'rate_changes',
    'review_steadiness', 'sentiment', 'customer_risks', 'conversations', 'agent_half_hours',
    'queue_visits', 'sla_targets', 'agent_contact_half_hours',
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
        -- Of a ratio the people below the line: they are those who are counted; where nobody is, those who are pending.
        coalesce(
            max(case when roles.side = 'denominator' then parts.people_bits end),
            max(case when roles.side = 'numerator' then parts.people_bits end),
            max(case when roles.side = 'pending' then parts.people_bits end)
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

{{ valued_cells(
    ref('student_t'),
    ref('kpi_targets'),
    final_on('grain', 'period_start', 'settles_after_days'),
    local_date(as_of())
) }},

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
        pending.people_bits
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
