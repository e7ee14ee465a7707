-- References whose other side never arrived (or is in quarantine). The rows are kept; the gap should be known.
{%- set references = [
    ('ticket events of a ticket', 'stg_ticket_events', 'ticket_id', 'stg_tickets'),
    ('order lines of an order', 'stg_order_items', 'order_id', 'stg_orders'),
    ('reviews of an order', 'stg_reviews', 'order_id', 'stg_orders'),
    ('tickets about an order', 'stg_tickets', 'order_id', 'stg_orders'),
    ('survey answers about a ticket', 'stg_surveys', 'ticket_id', 'stg_tickets'),
    ('survey answers about a call', 'stg_surveys', 'call_id', 'int_call_names'),
    ('shipments of an order', 'stg_shipments', 'order_id', 'stg_orders'),
    ('returns of an order', 'stg_returns', 'order_id', 'stg_orders'),
    ('invitations that were answered', 'stg_survey_invitations', 'response_id', 'stg_surveys'),
] %}
with counted as (

    {% for label, child, column, parent in references -%}
    {%- set parent_column = 'named_id' if parent == 'int_call_names' else column %}
    select
        '{{ label }}' as reference,
        count(*) as rows_found,
        sum(case when parents.{{ parent_column }} is null then 1 else 0 end) as rows_without
    from {{ ref(child) }} as children
    left join {{ ref(parent) }} as parents on children.{{ column }} = parents.{{ parent_column }}
    where children.{{ column }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    reference,
    cast(rows_found as bigint) as rows_found,
    cast(coalesce(rows_without, 0) as bigint) as rows_without,
    rows_without / nullif(cast(rows_found as double), 0) as share_without
from counted
