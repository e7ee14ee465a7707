-- Records whose instants contradict each other by more than clock skew, with the file and row that say so. What would follow
-- from such instants is unknown in the marts.
{%- macro contradiction(kind, record_id, later, earlier_kind, earlier, joined) -%}
    {%- set later_at = 'cast(records.' ~ later ~ ' as timestamp)' -%}
    {%- set earlier_at = 'cast(' ~ ('others' if joined else 'records') ~ '.' ~ earlier ~ ' as timestamp)' -%}
    select
        '{{ kind }}' as kind,
        cast(records.{{ record_id }} as {{ dbt.type_string() }}) as record_id,
        '{{ later }} before {{ earlier }}{{ " of " ~ earlier_kind if joined }}' as rule,
        {{ seconds_between(later_at, earlier_at) }} as difference_seconds,
        records._file,
        records._row
    from {{ ref('stg_' ~ kind) }} as records
    {%- if joined %}
    inner join {{ ref('stg_' ~ earlier_kind) }} as others on records.{{ joined }} = others.{{ joined }}
    {%- endif %}
    where {{ is_out_of_order(later_at, earlier_at) }}
{%- endmacro %}
with contradictions as (

    {% for kind, (record_id, pairs) in time_order_rules().items() -%}
    {%- for later, earlier in pairs -%}
    {{ contradiction(kind, record_id, later, kind, earlier, none) }}
    union all
    {% endfor -%}
    {%- endfor -%}
    {%- for kind, record_id, later, earlier_kind, earlier, joined in time_order_rules_between() -%}
    {{ contradiction(kind, record_id, later, earlier_kind, earlier, joined) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    kind,
    record_id,
    rule,
    cast(difference_seconds as bigint) as difference_seconds,
    _file,
    cast(_row as bigint) as _row
from contradictions
