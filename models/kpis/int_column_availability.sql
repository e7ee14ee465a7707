-- For each column that a KPI needs: which records come of exports that have it. Records of a contract whose files have the same
-- columns are one row.
-- depends_on: {{ ref('int_loads') }}
{%- set tables, needs_by_kind = {}, {} -%}
{%- for kind in export_kinds() -%}{%- do tables.update({kind: ref('stg_' ~ kind)}) -%}{%- endfor -%}
{%- for need in needed_columns() -%}{%- do needs_by_kind.setdefault(need.partition('.')[0], []).append(need) -%}{%- endfor %}
{% for kind, needs in needs_by_kind.items() -%}
{{ "with" if loop.first }} {{ kind }}_counted as (

    select
        records._contract as contract,
        loads.available_columns,
        count(*) as records
        {%- for need in needs %},
        count(case when records.{{ need_parts(need).is_met }} then 1 end) as met_{{ loop.index }}
        {%- endfor %}
    from {{ tables[kind] }} as records
    left join {{ ref('int_loads') }} as loads
        on
            {{ is_load_of('records') }}
    group by
        records._contract,
        loads.available_columns

),

{{ kind }}_of_contracts as (

    select
        counted.*
        {%- for need in needs %},
        sum(met_{{ loop.index }}) over (partition by contract) as met_of_contract_{{ loop.index }}
        {%- endfor %}
    from {{ kind }}_counted as counted

),

{% endfor -%}
answers as (

    {% for kind, needs in needs_by_kind.items() -%}
    {%- set kind_loop = loop -%}
    {%- for need in needs -%}
    {%- set parts = need_parts(need) -%}
    {%- set has_column = is_column_available("coalesce(available_columns, '')", parts.column) -%}
    {%- set met, met_of_contract = 'met_' ~ loop.index, 'met_of_contract_' ~ loop.index -%}
    select
        '{{ need }}' as need,
        '{{ kind }}' as kind,
        contract,
        coalesce(available_columns, '') as available_columns,
        records,
        {% if parts.is_forbidden -%}
        {{ met_of_contract }} = 0
        {%- if parts.is_of_value %}
        {#- That no record says a word means something only where the file could. #}
        and not {{ is_column_available("coalesce(available_columns, '')", parts.column ~ '!' ~ need.partition('!=')[2]) }}
        {%- endif %} as is_available
        {%- elif parts.is_of_value -%}
        {{ met_of_contract }} > 0 as is_available
        {%- elif parts.will_column_do -%}
        {{ met }} > 0 or {{ has_column }} as is_available
        {%- else -%}
        {#- A column that is never filled says nothing. -#}
        {{ met }} > 0 or ({{ met_of_contract }} > 0 and {{ has_column }}) as is_available
        {%- endif %}
    from {{ kind }}_of_contracts
    {{ "union all" if not (kind_loop.last and loop.last) }}
    {% endfor -%}
    {%- else -%}
    select 1 as placeholder
    {%- endfor %}
)

select *
from answers
