{#- What topics (and types) are compared by: two systems write one differently. Dimensions show the text. -#}
{% macro topic_key(topic) -%}
  lower(trim({{ topic }}))
{%- endmacro %}
