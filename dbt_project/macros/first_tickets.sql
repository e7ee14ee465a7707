{#- The first five tickets of a group that meet a condition, in one text; `place` numbers those that do and those that do not. -#}
{% macro first_tickets(condition) -%}
  concat_ws(
      ', ',
      {%- for place in range(1, 6) %}
      max(case when {{ condition }} and place = {{ place }} then ticket_id end){{ "," if not loop.last }}
      {%- endfor %}
  )
{%- endmacro %}
