-- For each KPI the exports that it needs and that never arrived. An entry "a|b" of a KPI's exports means: any of them.
with arrived as (

    select distinct kind
    from {{ source('raw', 'load_ledger') }}
    where
        status = 'loaded'
        and rows_loaded > 0

),

needed as (

    {% for definition in kpi_list() -%}
    {%- set kpi_loop = loop -%}
    {%- for entry in definition.exports -%}
    {%- set entry_loop = loop -%}
    {%- for kind in entry.split('|') -%}
    select
        '{{ definition.kpi_id }}' as kpi_id,
        '{{ entry }}' as entry,
        '{{ kind }}' as kind
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
        needed.entry,
        max(case when arrived.kind is not null then 1 else 0 end) as is_met
    from needed
    left join arrived on needed.kind = arrived.kind
    group by
        needed.kpi_id,
        needed.entry

)

select
    kpi_id,
    min(case when is_met = 0 then replace(entry, '|', ' or ') end) as missing_export
from met
group by kpi_id
