-- For each KPI what it needs and never got: an export, a seed's rows, or else what none of its records' exports can tell
-- (kpi_coverage), with the contracts that lack it.
-- An entry "a|b" of a KPI's exports or columns means: any of them.
with arrived as (

    select distinct kind as need
    from {{ source('raw', 'load_ledger') }}
    where
        status = 'loaded'
        and rows_loaded > 0
    union
    select distinct need
    from {{ ref('int_column_availability') }}
    where is_available
    -- What nobody has promised is neither kept nor missed.
    union
    {% for seed, column in seeds_of_kpis().items() -%}
    select distinct 'seed {{ seed }}' as need
    from {{ ref(seed) }}
    union
    select distinct 'seed {{ seed }} for ' || {{ column }} as need
    from {{ ref(seed) }}
    {{ "union" if not loop.last }}
    {%- endfor %}

),

-- Exports come first: without one, its columns need not be named.
needed as (

    {% for definition in kpi_list() -%}
    {%- set kpi_loop = loop -%}
    {%- set entries = definition.exports + definition.needs -%}
    {%- for entry in entries -%}
    {%- set entry_loop = loop -%}
    {%- for need in entry.split('|') -%}
    select
        '{{ definition.kpi_id }}' as kpi_id,
        {{ entry_loop.index }} as position,
        '{{ entry | replace('|', ' or ') if '.' not in entry else need_in_words(entry) }}' as entry,
        '{{ need }}' as need
    {{ "union all" if not (kpi_loop.last and entry_loop.last and loop.last) }}
    {% endfor -%}
    {%- endfor -%}
    {%- else -%}
    select 1 as placeholder
    {%- endfor %}
),

met as (

    select
        needed.kpi_id,
        needed.position,
        needed.entry,
        max(case when arrived.need is not null then 1 else 0 end) as is_met
    from needed
    left join arrived on needed.need = arrived.need
    group by
        needed.kpi_id,
        needed.position,
        needed.entry

),

first_missing as (

    select
        kpi_id,
        min(case when is_met = 0 then position end) as position
    from met
    group by kpi_id

),

-- Each column may be filled, and no record have all of them.
covered as (

    select
        kpi_id,
        {{ listed('contract') }} as contracts
    from {{ ref('kpi_coverage') }}
    group by kpi_id
    having sum(records - records_left_out) = 0

),

lacking as (

    select
        coverage.kpi_id,
        coverage.lacks || ', which ' || {{ listed('coverage.contract') }} || ' cannot tell' as lack
    from {{ ref('kpi_coverage') }} as coverage
    inner join covered on coverage.kpi_id = covered.kpi_id
    group by
        coverage.kpi_id,
        coverage.lacks

),

lacking_by_kpi as (

    select
        kpi_id,
        {{ listed('lack') }} as lacks
    from lacking
    group by kpi_id

)

select
    first_missing.kpi_id,
    case
        when met.entry not like '%(%' then met.entry
        when met.entry is null then lacking_by_kpi.lacks
        else met.entry || coalesce(', which ' || covered.contracts || ' cannot tell', '')
    end as missing_export
from first_missing
left join met
    on
        first_missing.kpi_id = met.kpi_id
        and first_missing.position = met.position
left join covered on first_missing.kpi_id = covered.kpi_id
left join lacking_by_kpi on first_missing.kpi_id = lacking_by_kpi.kpi_id
