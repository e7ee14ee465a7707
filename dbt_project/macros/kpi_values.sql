{#- The values of KPIs with all that goes with them, from the sums of their measures: CTEs from `cells` and `definitions` to
    `available`, for the mart and for those who ask for a cut that it does not hold (kpi_queries).

    `final_on` is the first day on which a cell is final and `today` the reporting day, as expressions; `cuts` are further columns of
    the cells, each after a comma. -#}
{% macro valued_cells(student_t, targets, final_on, today, cuts='') -%}
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
        case
            when definitions.is_percentile then null
            when
                coalesce(cells.numerator_n, 0) = 0
                and (
                    definitions.numerator_needed in ('some', 'all')
                    or (definitions.numerator_needed = 'some_if_pending' and cells.pending_total > 0)
                )
                then null
            when definitions.numerator_needed = 'all' and cells.pending_total > 0 then null
            else coalesce(cells.numerator_total, 0)
        end as numerator,
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
    left join {{ student_t }} as student on valued.n - 1 = student.degrees_of_freedom

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
    left join {{ targets }} as own
        on
            bounded.kpi_id = own.kpi_id
            and bounded.dimension = own.dimension
            and bounded.member = own.member
    left join {{ targets }} as general
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
        member{{ cuts }},
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
                {{ final_on }}
                <= {{ today }}
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

)
{%- endmacro %}
