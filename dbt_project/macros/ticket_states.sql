{#- Is nobody at work on a ticket of this status? -#}
{% macro is_off_desk(status) -%}
  {{ status }} in ('solved', 'closed')
{%- endmacro %}
