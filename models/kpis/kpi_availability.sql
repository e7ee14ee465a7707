-- For each KPI what it needs and never got: an export, or else a column that no record (or, where an empty one tells that there
-- was none, no file) ever told.
-- An entry "a|b" of a KPI's exports or columns means: any of them.
{%- set staged = [
    'agents', 'calls', 'competitors', 'costs', 'customers', 'order_items', 'orders', 'product_usage', 'reviews', 'shipments',
    'signups', 'subscriptions', 'survey_invitations', 'surveys', 'ticket_events', 'tickets', 'web_sessions',
] -%}
{%- set tables = {} -%}
{%- for kind in staged -%}{%- do tables.update({kind: ref('stg_' ~ kind)}) -%}{%- endfor %}
with arrived as (

    select distinct kind as need
    from {{ source('raw', 'load_ledger') }}
    where
        status = 'loaded'
        and rows_loaded > 0
    {% for need in needed_columns() -%}
    union
    {{ is_need_met(need, tables[need.partition('.')[0]]) }}
    {% endfor -%}

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

)

select
    first_missing.kpi_id,
    met.entry as missing_export
from first_missing
left join met
    on
        first_missing.kpi_id = met.kpi_id
        and first_missing.position = met.position
