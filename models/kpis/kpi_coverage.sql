-- Of which records a KPI is known: for each KPI, and each contract that brings records of it, how many are left out because
-- their export lacks what the KPI needs.
with needs as (

    {% for kpi_id, kind, position, entry, need, how in needs_of_records() -%}
    select
        '{{ kpi_id }}' as kpi_id,
        '{{ kind }}' as kind,
        {{ position }} as position,
        '{{ need_in_words(entry) }}' as entry,
        '{{ need }}' as need,
        '{{ how }}' as how
    {{ "union all" if not loop.last }}
    {% else -%}
    select 1 as placeholder
    {%- endfor %}
),

cells as (

    select distinct
        kind,
        contract,
        available_columns,
        records
    from {{ ref('int_column_availability') }}

),

beside as (

    {% for kind, queries in needs_met_beside().items() -%}
    {%- set kind_loop = loop -%}
    {%- for need, query in queries.items() -%}
    select distinct
        '{{ kind }}' as kind,
        '{{ need }}' as need,
        contract
    from ({{ query }}) as contracts
    {{ "union all" if not (kind_loop.last and loop.last) }}
    {% endfor -%}
    {%- endfor %}
),

anywhere as (

    select distinct need
    from {{ ref('int_column_availability') }}
    where is_available

),

entries as (

    select
        needs.kpi_id,
        needs.kind,
        needs.position,
        needs.entry,
        cells.contract,
        cells.available_columns,
        cells.records,
        max(
            case
                when needs.how = 'own' and own.is_available then 1
                when needs.how = 'beside' and beside.need is not null then 1
                when needs.how = 'anywhere' and anywhere.need is not null then 1
                else 0
            end
        ) as is_met
    from needs
    inner join cells on needs.kind = cells.kind
    left join {{ ref('int_column_availability') }} as own
        on
            needs.need = own.need
            and cells.contract is not distinct from own.contract
            and cells.available_columns = own.available_columns
    left join beside
        on
            needs.need = beside.need
            and needs.kind = beside.kind
            and cells.contract is not distinct from beside.contract
    left join anywhere on needs.need = anywhere.need
    group by
        needs.kpi_id,
        needs.kind,
        needs.position,
        needs.entry,
        cells.contract,
        cells.available_columns,
        cells.records

),

-- What is lacking first is said; what lacks two things is left out once.
judged as (

    select
        kpi_id,
        kind,
        contract,
        available_columns,
        records,
        min(case when is_met = 0 then position end) as position
    from entries
    group by
        kpi_id,
        kind,
        contract,
        available_columns,
        records

),

counted as (

    select
        kpi_id,
        kind,
        contract,
        sum(records) as records,
        sum(case when position is not null then records else 0 end) as records_left_out,
        min(position) as position
    from judged
    group by
        kpi_id,
        kind,
        contract

)

select
    counted.kpi_id,
    counted.kind,
    counted.contract,
    cast(counted.records as bigint) as records,
    cast(counted.records_left_out as bigint) as records_left_out,
    lacking.entry as lacks
from counted
left join (select distinct kpi_id, position, entry from needs) as lacking
    on
        counted.kpi_id = lacking.kpi_id
        and counted.position = lacking.position
