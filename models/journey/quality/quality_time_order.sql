-- Records whose instants contradict each other by more than clock skew, with the file and row that say so. What would follow
-- from such instants is unknown in the marts.
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
